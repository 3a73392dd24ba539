"""Planning in tests: a regime that is planned time and again is traced once."""

import pytest

from regimax.sweep.found import shared


@pytest.fixture(scope="module")
def traced_once():
    """Binds and traces a regime object in a world object once for all tests of a file."""
    with shared():
        yield
