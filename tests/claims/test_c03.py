"""The rule of C3 finds what was planted, in runs of its three sweeps."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from regimax.claims import load_claim

from .conftest import planted

CLAIM = load_claim(Path(__file__).parents[2] / "sweeps" / "c03_flailing.py")


def unlearning(mean):
    """Who never learns, with the first success after a geometric number of episodes of `mean(depth)`."""
    run = planted(CLAIM.small["uniform"], lambda regime, labels: 1, every=40, budget=8_000)
    steps, rng, curves = np.arange(0, 8_001, 40), np.random.default_rng(1), []
    for cell, depth in run.cells.select("cell", "world.depth").iter_rows():
        ended = steps // (4 * depth) * 4
        found = np.where(ended >= rng.geometric(1 / mean(depth)), 0.25, 0.0)
        curves.append(pl.DataFrame({"cell": cell, "env_steps": steps, "train_success": found, "flops": 1.0}))
    merged = pl.concat(curves).with_columns(phase=pl.lit("rl"), updates=pl.col("env_steps"), update=pl.col("env_steps"))
    return SimpleNamespace(cells=run.cells, curves=merged, facts=run.facts, tried=())


def learning(undirected, bonus, alone):
    """Who learns: T = 3,000 exp(β (H - 4)) episodes; `alone` episodes more for each step of depth with one action."""

    def search(regime, labels):
        depth = labels["world.depth"]
        return 3_000 * depth * np.exp((bonus if regime == "pure_rl_bonus" else undirected) * (depth - 4))

    def no_choice(regime, labels):
        depth = labels["world.depth"]
        return (100 + alone * depth) * depth

    return {
        "search": labelled(planted(CLAIM.small["search"], search, budget=400_000, every=960)),
        "no_choice": labelled(planted(CLAIM.small["no_choice"], no_choice, budget=60_000)),
    }


def labelled(run):
    """The run with the depth in its curves, as a run's curves have it."""
    return SimpleNamespace(
        **vars(run) | {"curves": run.curves.join(run.cells.select("cell", "world.depth"), on="cell")}
    )


@pytest.mark.parametrize(
    ("mean", "effort", "outcome", "why"),
    [
        (lambda depth: 3**depth, (1.1, 0.7, 0), "supported", "β oracle > 0.549"),
        (lambda depth: 3**depth, (0.2, 0.0, 0), "refuted", "not so: β oracle > 0.549"),
        (lambda depth: 3**depth, (1.1, 1.4, 0), "refuted", "not so: β scratch − β bonus > 0"),
        (lambda depth: 2**depth, (1.1, 0.7, 0), "refuted", "not so: D at depth"),
        (lambda depth: 3**depth, (1.1, 0.7, 1000), "invalid", "T for depth, pure_rl, A = 1"),
    ],
)
def test_c3_finds_what_was_planted(mean, effort, outcome, why):
    runs = {"uniform": unlearning(mean), **learning(*effort)}
    verdict = CLAIM.rule(runs)
    assert verdict.outcome == outcome
    assert why in verdict.reason
    assert len(CLAIM.figure(runs).data) >= 5
