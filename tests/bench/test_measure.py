"""How far a ladder is climbed, on rates made by hand."""

import pytest

from regimax.bench.ladder import Rung
from regimax.bench.measure import AS_ASKED, FULL, climb

RUNGS = [Rung(lanes, lanes, 1) for lanes in (64, 256, 1024, 4096, 16384)]


def climbed(rates, open_ended=True, fitting=16384):
    def measure(rung):
        rate = rates[RUNGS.index(rung)]
        if rate is None:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate")
        return {"updates_per_second": rate}

    points, ended = climb(RUNGS, measure, lambda rung: rung.lanes <= fitting, open_ended)
    return len(points), ended


def test_a_ladder_ends_where_two_widths_in_a_row_do_not_help():
    flat = "2 widths in a row did not help"
    assert climbed([1.0, 2.0, 2.05, 2.1, 9.0]) == (4, flat)
    assert climbed([1.0, 2.0, 2.05, 4.0, 4.1]) == (5, AS_ASKED)  # the fourth did help
    assert climbed([1.0, 0.5, 0.6, 9.0, 9.0]) == (3, flat)
    assert climbed([1.0, 0.5, 0.6, 9.0, 9.0], open_ended=False) == (5, AS_ASKED)


def test_a_ladder_ends_where_memory_does():
    assert climbed([1.0, 2.0, 4.0, None, 16.0]) == (3, FULL)
    assert climbed([1.0, 2.0, 4.0, 8.0, 16.0], fitting=256) == (2, FULL)
    assert climbed([None]) == (0, FULL)


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    def measure(rung):
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        climb(RUNGS, measure, lambda rung: True, True)
