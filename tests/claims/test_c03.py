"""The rule of C3 finds what was planted, in runs of its four sweeps."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c03_flailing.py")
SLOPES = {
    "pure_rl-A2C": 1.1,
    "pure_rl-Q": 1.3,
    "pretrain_rl": 1.1,
    "imitation_rl": 0.0,
    "imitation_rl, other skills": 1.4,
    "oracle": 1.0,
    "pure_rl-A2C, each answer paid": 0.0,
}
OF = {"main": 5, "other_skills": 1, "each_paid": 1}


def unlearning(mean):
    """Who never learns, with the first success after a geometric number of episodes of `mean(length)`."""
    run = planted(CLAIM.small["uniform"], lambda regime, labels: 1, every=40, budget=8_000)
    steps, rng, curves = np.arange(0, 8_001, 40), np.random.default_rng(1), []
    for cell, length in run.cells.select("cell", "world.length").iter_rows():
        ended = steps // (4 * length) * 4
        found = np.where(ended >= rng.geometric(1 / mean(length)), 0.25, 0.0)
        curves.append(pl.DataFrame({"cell": cell, "env_steps": steps, "train_success": found, "flops": 1.0}))
    merged = pl.concat(curves).with_columns(phase=pl.lit("rl"), updates=pl.col("env_steps"), update=pl.col("env_steps"))
    return SimpleNamespace(cells=run.cells, curves=merged, facts=run.facts, tried=())


def labelled(run):
    """The run with its axes in its curves, as a run's curves have them."""
    axes = [name for name in ("world.length", "world.depth") if name in run.cells.columns]
    return SimpleNamespace(**vars(run) | {"curves": run.curves.join(run.cells.select("cell", *axes), on="cell")})


def learning(slopes, level, edge):
    """Who learns: T = 1,000 exp(β (L - 2)) episodes; `level` multiplies those of some arms."""

    def effort(regime, labels):
        length = labels["world.length"]
        return 1_000 * level.get(regime, 1.0) * length * np.exp(slopes[regime] * (length - 2))

    runs = {name: labelled(planted(CLAIM.small[name], effort, budget=300_000, every=400)) for name in OF}
    for run in runs.values():
        best = [trial._replace(score=0.5 if trial.regime == "pure_rl-Q" else 0.9) for trial in run.tried]
        run.tried = tuple(t._replace(edge=["rl.learning_rate"] if t.regime == edge else []) for t in best)
    return runs


@pytest.fixture(scope="module")
def law():
    return unlearning(lambda length: 4**length)


@pytest.mark.parametrize(
    ("changes", "outcome", "why"),
    [
        ({}, "supported", "β from scratch > 0.693"),
        ({"slopes": {"imitation_rl": 0.9}}, "refuted", "not so: β head kept < 0.346574"),
        ({"slopes": {"pure_rl-A2C": 0.2, "oracle": 0.9}, "level": {"pure_rl-A2C": 9}}, "refuted", "β from scratch"),
        ({"slopes": {"oracle": 0.5}}, "inconclusive", "β oracle"),
        ({"slopes": {"imitation_rl, other skills": 0.0}}, "invalid", "ln T scratch − head kept, other skills"),
        ({"slopes": {"pure_rl-A2C, each answer paid": 0.9}}, "invalid", "each answer paid"),
        ({"edge": "oracle"}, "inconclusive", "could not have told: arms at an end"),
        ({"edge": "pure_rl-Q"}, "supported", ""),
    ],
)
def test_c3_finds_what_was_planted(law, changes, outcome, why):
    slopes = SLOPES | changes.get("slopes", {})
    runs = learning(slopes, changes.get("level", {}), changes.get("edge")) | {"uniform": law}
    verdict = CLAIM.rule(runs)
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


def test_c3_decides_nothing_where_who_never_learns_keeps_another_law(law):
    runs = learning(SLOPES, {}, None)
    verdict = CLAIM.rule(runs | {"uniform": unlearning(lambda length: 3**length)})
    assert verdict.outcome == "inconclusive"
    assert "could not have told: D at length" in verdict.reason
    assert {trace.name for trace in CLAIM.figure(runs | {"uniform": law}).data} >= set(SLOPES)
