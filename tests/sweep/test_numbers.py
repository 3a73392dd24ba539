"""A sweep of a world whose actions are numbers."""

from pathlib import Path

import numpy as np
from tests.aim import Aim

import regimax as rx
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute

from .conftest import Silent


def test_a_sweep_runs_and_its_table_says_what_decisions_could_tell():
    channels = [rx.channels.quantized_decision((-1, 0), (3, 10)), rx.channels.reward(*Aim.reward_range)]
    options = {"network": rx.networks.mlp((4,)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(2, 4)}
    sweep = rx.Sweep(
        world=Aim(),
        regimes=[rx.regimes.pure_rl(2, channels=channels, **options)],
        axes={"decision.bits": [1, 8]},
        seeds=2,
        block=2,
        optimization="none",
    )
    execute(make_plan(sweep), Path("run"), Options(), Silent())
    cells = rx.load_run("run", sweep).cells
    np.testing.assert_array_equal(cells["bits_decision"], 2 * 4 * 2 * cells["decision.bits"])  # updates, steps, numbers
    assert cells["used_decision"].null_count() == 4  # what they did tell is not known
    assert cells["return"].is_finite().all()
