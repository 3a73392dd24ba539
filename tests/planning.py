"""Planning in tests: a regime that is planned time and again is traced once."""

import pytest

from regimax.sweep import bound


def remembered(function, size):
    """What a function gave for the very same objects; they are kept, so that no other can take their place."""
    known = {}

    def asked(*args):
        key = tuple(id(arg) for arg in args[:size])
        if key not in known:
            known[key] = args, function(*args)
        return known[key][1]

    return asked


@pytest.fixture(scope="module")
def traced_once():
    """Binds, counts and names the programs of a regime object in a world object once for all tests of a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bound, "bind_regime", remembered(bound.bind_regime, 2))
        patch.setattr(bound, "Flops", remembered(bound.Flops, 1))
        patch.setattr(bound, "program_identity", remembered(bound.program_identity, 1))
        yield
