"""C8's rule finds what was planted: a model that saves outcomes beside prediction, or does not, or needs none."""

from types import SimpleNamespace

import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c08_human_bandwidths.py")
RULE = CLAIM.rule.__globals__
OUTCOMES = {
    "pure_rl": 1_500.0,
    "pure_rl-values": 1_800.0,
    "pure_rl-model": 900.0,
    "pretrain_rl": 900.0,
    "pretrain_rl-values": 500.0,
    "pretrain_rl-model": 100.0,
    "pretrain_rl-model_sham": 2_000.0,
}
BEST = ("pure_rl", "pure_rl-model", "pretrain_rl-values", "pretrain_rl-model")


def runs(outcomes=None, never=1e9, edge=()):
    """Runs with median outcomes, under both compressions alike, and where none arrives."""

    def medians(regime, labels):
        return {**OUTCOMES, **(outcomes or {})}[regime]

    found = {}
    for name, sweep in CLAIM.sweeps("small").items():
        found[name] = planted(sweep, (lambda *_: never) if name == "never" else medians, budget=3_000, every=2.0)
        tried = [trial._replace(score=0.9 if trial.regime in BEST else 0.5) for trial in found[name].tried]
        tried = [t._replace(edge=["rl.learning_rate"] if t.regime in edge else []) for t in tried]
        tried = [t._replace(where={"bandwidths": width}) for t in tried for width in RULE["COMPRESSED"]]
        found[name] = SimpleNamespace(**vars(found[name]) | {"tried": tuple(tried)})
    return found


@pytest.mark.parametrize(
    ("given", "outcome", "why"),
    [
        ({}, "supported", "ln R saved beside prediction"),
        ({"outcomes": {"pretrain_rl-model": 520.0}}, "refuted", "not so: ln R saved beside prediction"),
        ({"outcomes": {"pretrain_rl-model": 330.0}}, "inconclusive", "cannot be told: ln R saved beside prediction"),
        ({"outcomes": {"pure_rl-model": 100.0}}, "inconclusive", "beside prediction − from scratch"),
        ({"outcomes": {"pretrain_rl-model_sham": 250.0}}, "invalid", "not so: ln R saved by the sham"),
        ({"never": 100.0}, "invalid", "not so: solved where no outcome arrives"),
        (
            {"outcomes": {"pretrain_rl-model_sham": 480.0, "pretrain_rl-model": 420.0}},
            "inconclusive",
            "could not have told: ln R sham − modelled",
        ),
        (
            {"outcomes": {"pretrain_rl-values": 1e9, "pretrain_rl-model_sham": 1e9}},
            "inconclusive",
            "could not have told: censored",
        ),
        ({"outcomes": {"pure_rl": 1e9, "pure_rl-model": 200.0}}, "inconclusive", "beside prediction − from scratch"),
        ({"edge": ("pretrain_rl-model",)}, "inconclusive", "could not have told: arms at an end of their grid"),
        ({"edge": ("pretrain_rl", "pure_rl-values")}, "supported", ""),
    ],
)
def test_c8_finds_what_was_planted(given, outcome, why):
    verdict = CLAIM.rule(runs(**given))
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


def test_the_figure_has_a_line_for_every_arm():
    drawn = CLAIM.figure(runs())
    assert {trace.name for trace in drawn.data if trace.mode == "lines+markers"} == set(OUTCOMES)
