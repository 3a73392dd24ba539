"""Which widths are measured."""

import itertools

import pytest

from regimax.bench.ladder import Rung, ladder, over_devices
from regimax.errors import UserError


def test_a_cpus_ladder_fills_the_devices_first():
    rungs = ladder("cpu", 6, (), None)
    assert [(rung.blocks, rung.devices) for rung in rungs] == [(1, 1), (2, 2), (4, 4), (6, 6), (12, 6)]
    assert {rung.block for rung in rungs} == {8}


def test_an_accelerators_ladder_has_a_block_per_device():
    rungs = ladder("gpu", 2, (), None)
    assert rungs[0] == Rung(128, 64, 2)
    assert all(b.lanes == 4 * a.lanes and b.block == b.lanes // 2 for a, b in itertools.pairwise(rungs))
    assert rungs[-1].block == 2**20


def test_widths_that_were_asked_for_are_rounded_up_to_blocks():
    assert ladder("cpu", 2, (64, 9, 16), None) == [Rung(16, 8, 2), Rung(64, 8, 2)]
    assert ladder("cpu", 2, (3,), 4) == [Rung(4, 4, 1)]
    assert ladder("gpu", 4, (1001,), None) == [Rung(1004, 251, 4)]
    assert ladder("gpu", 1, (1000,), 256) == [Rung(1024, 256, 1)]


def test_fewer_devices_with_as_many_lanes_on_each():
    assert over_devices(Rung(96, 8, 6)) == [Rung(16, 8, 1), Rung(32, 8, 2), Rung(64, 8, 4)]
    assert over_devices(Rung(512, 512, 1)) == []


@pytest.mark.parametrize(("widths", "block", "message"), [((8, 0), None, "--widths 0"), ((), 0, "--block 0")])
def test_what_is_below_1_is_refused(widths, block, message):
    with pytest.raises(UserError, match=f"{message} is below 1"):
        ladder("cpu", 2, widths, block)
