"""Planning in tests: a regime that is planned time and again is traced once."""

import pytest

from regimax.sweep.found import shared


@pytest.fixture(autouse=True, scope="module")
def traced_once():
    """Binds and traces a regime in a world once for all tests of a file, also where a sweep file is loaded again.

    What is loaded again has the same parts: factories give the same object for the same arguments, and worlds that hold
    plain data are one where they are equal.
    """
    with shared():
        yield
