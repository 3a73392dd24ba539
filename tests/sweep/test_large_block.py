"""In large blocks too, results are the same bytes for any width, number of devices and interruption."""

from pathlib import Path

import pytest

import regimax as rx
from regimax.sweep import store, table
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute

from .conftest import Crash, Silent

BLOCK = 512


@pytest.fixture(scope="module")
def plan():
    """1,200 cells that compute next to nothing: 300 learners, each at two moments, are rewarded in two ways."""
    o = {"network": rx.networks.mlp((2,)), "num_envs": 1, "evaluate": rx.regimes.Evaluate(every=1, episodes=1)}
    axes = {"pretrain.updates": [1, 2], "reward.erasure": [0.0, 0.5]}
    regimes, world = [rx.regimes.pretrain_rl(updates=(2, 3), **o)], rx.envs.Cipher(symbols=2, skills=1, length=1)
    return make_plan(rx.Sweep(world, regimes, axes, seeds=300, block=BLOCK, optimization="none"))


def run(plan, out, display=None, **more):
    return execute(plan, Path(out), Options(**more), display or Silent())


def results(out):
    """The tables as other programs read them, byte for byte, and the curves."""
    return [Path(out, name).read_bytes() for name in (store.CELLS, store.STAGES)], table.cell_curves(Path(out))


def assert_same(one, other):
    (files, curves), (expected, its) = results(one), results(other)
    assert files == expected
    assert curves.equals(its, null_equal=True)
    assert curves["loss"].is_not_null().any()


def test_neither_width_nor_devices_nor_interruptions_change_a_byte(plan):
    run(plan, "whole")
    run(plan, "narrow", devices=1, width=BLOCK)
    assert_same("narrow", "whole")
    for ticks, first, then in ((2, {}, {"devices": 1}), (5, {"devices": 1, "width": BLOCK}, {"width": 2 * BLOCK})):
        with pytest.raises(ConnectionError):
            run(plan, f"broken-{ticks}", Crash(ticks), checkpoint_seconds=0, **first)
        run(plan, f"broken-{ticks}", **then)
        assert_same(f"broken-{ticks}", "whole")
