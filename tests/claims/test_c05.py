"""C5's rule finds what was planted: prediction that saves what looks cost, part of it, or what looks do not cost."""

import math

import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c05_concept_assembly.py")
RICH = {
    "pure_rl-A2C": 16_000.0,
    "pure_rl-Q": 2_400.0,
    "pretrain_rl-frozen": 250.0,
    "pretrain_rl-rank-1": 400.0,
    "pretrain_rl": 800.0,
    "sham_rl-frozen": 1e9,
    "oracle": 200.0,
}
BEST = ("pure_rl-Q", "pretrain_rl-frozen", "oracle")


def runs_of(edge=(), **given):
    """Both runs; worlds of the null have tunings of their own."""
    return {name: run_of(sweep, edge=edge, **given) for name, sweep in CLAIM.sweeps("small").items()}


def run_of(sweep, rich=RICH, one=250.0, predicted_at_one=250.0, edge=()):
    """A run in which effort is `rich` with 16 looks, `one` with one, and between them between."""

    def effort(regime, labels):
        poor = predicted_at_one if regime == "pretrain_rl-frozen" else one
        share = math.log(labels["world.looks"], 16)
        return poor ** (1 - share) * rich[regime] ** share

    run = planted(sweep, effort, every=16.0)
    tried = [
        trial._replace(where={"world.looks": m}, score=0.9 if trial.regime in BEST else 0.5)
        for trial in run.tried
        for m in run.cells["world.looks"].unique().sort()
    ]
    run.tried = tuple(
        t._replace(edge=["rl.learning_rate"] if (t.regime, t.where["world.looks"]) in edge else []) for t in tried
    )
    return run


@pytest.mark.parametrize(
    ("given", "outcome", "why"),
    [
        ({}, "supported", "recovery > 0.75"),
        ({"rich": RICH | {"pretrain_rl-frozen": 1_500.0}}, "refuted", "not so: recovery > 0.75"),
        ({"rich": RICH | {"pretrain_rl-frozen": 500.0}}, "inconclusive", "cannot be told: recovery > 0.75"),
        ({"rich": RICH | {"sham_rl-frozen": 700.0}}, "invalid", "not so: ln T scratch − sham"),
        ({"predicted_at_one": 70.0}, "invalid", "not so: -0.693147 < ln T saved with one look"),
        ({"rich": RICH | {"oracle": 1_500.0}}, "inconclusive", "could not have told: room: ln T scratch − oracle"),
        (
            {"rich": RICH | {"pure_rl-Q": 90_000.0}},
            "inconclusive",
            "could not have told: censored, scratch (pure_rl-Q)",
        ),
        ({"edge": [("pretrain_rl-frozen", 16)]}, "inconclusive", "could not have told: arms at an end"),
        ({"edge": [("pretrain_rl-frozen", 1), ("pretrain_rl", 16)]}, "supported", ""),
    ],
)
def test_c5_finds_what_was_planted(given, outcome, why):
    verdict = CLAIM.rule(runs_of(**given))
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


def test_the_figure_has_a_line_for_every_arm():
    drawn = CLAIM.figure(runs_of())
    assert {trace.name for trace in drawn.data} >= set(RICH)
