"""Running statistics of observations are state: whatever happens to a run, they are those of an uninterrupted one."""

from pathlib import Path

import jax
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import regimax as rx
from regimax.networks.base import STATISTICS
from regimax.sweep import table
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute

from .conftest import WORLD, Crash, Silent, make_tiny, options

REGIME = rx.regimes.pretrain_rl(
    updates=(4, 4), **options(network=rx.networks.normalize_observations(rx.networks.mlp((4,))))
)
AXES = {"pretrain.updates": [2, 4], "rl.normalize_observations": [0, 1]}


def run(out, display=None, axes=AXES, **more):
    sweep = make_tiny(regimes=[REGIME], axes=axes, seeds=2, keep_params=True, optimization="none")
    execute(make_plan(sweep), Path(out), Options(**more), display or Silent())
    return rx.load_run(out, sweep)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run(tmp_path_factory.mktemp("observing") / "run")


def statistics(run, cell, phase):
    return run.agent(cell, phase).params[STATISTICS]


def test_they_are_forked_with_the_learner_and_go_on_or_stay(whole):
    for cell in whole.cells.iter_rows(named=True):
        before, after = (statistics(whole, cell["cell"], phase) for phase in ("pretrain", "rl"))
        assert before["count"] == cell["pretrain.updates"] * 8 * WORLD.stream_steps
        same = [np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (before, after)), strict=True)]
        assert all(same) == (cell["rl.normalize_observations"] == 0)
        assert after["count"] >= before["count"]


@pytest.mark.parametrize("interrupted", [True, False])
def test_width_and_interruption_change_nothing(whole, interrupted):
    if interrupted:
        with pytest.raises(ConnectionError):
            run("run", Crash(3), checkpoint_seconds=0)
    again = run("run", width=16 if interrupted else 24, devices=2 - interrupted)
    assert_frame_equal(again.curves, whole.curves, check_exact=True)
    for cell in whole.cells["cell"]:
        one, other = statistics(whole, cell, "rl"), statistics(again, cell, "rl")
        jax.tree.map(np.testing.assert_array_equal, one, other)


def test_a_fork_is_what_the_cell_is_alone(whole):
    run("run", axes=AXES | {"pretrain.updates": [4]})
    shared = table.cell_curves(whole.path).filter(pl.col("pretrain.updates") == 4)
    assert_frame_equal(table.cell_curves(Path("run")), shared, check_exact=True)
