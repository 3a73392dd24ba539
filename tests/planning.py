"""Planning in tests: a regime that is planned time and again is traced once."""

import pytest

from regimax import envs
from regimax.regimes import program
from regimax.sweep.found import shared


@pytest.fixture(autouse=True, scope="module")
def traced_once():
    """Binds and traces a regime in a world once for all tests of a file, also where a sweep file is loaded again.

    What is loaded again has the same parts, as factories give the same object for the same arguments, but a new world:
    of Ciphers, which the files of tests have, the first of those that are equal stands for all.
    """
    first, compiled_from = {}, program._compiled_from

    def of_the_first(phase, world):
        return compiled_from(phase, first.setdefault(repr(world), world) if type(world) is envs.Cipher else world)

    with shared(), pytest.MonkeyPatch.context() as patched:
        patched.setattr(program, "_compiled_from", of_the_first)
        yield
