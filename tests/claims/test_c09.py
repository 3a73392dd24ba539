"""C9's rule finds what was planted: savings that fall and rise with the lag, or do not, or need nothing that lasts."""

from types import SimpleNamespace

import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c09_time_scales.py")
START = {"pure_rl-A2C": 900.0, "pure_rl-Q": 9_000.0, "pretrain_rl": 100.0, "sham_rl": 900.0}
MODELLED = {"model_rl": 900.0, "model_sham": 2_000.0}
SLOPES = {
    "pure_rl-A2C": 0.5,
    "pure_rl-Q": 0.5,
    "pretrain_rl": 0.8,
    "sham_rl": 0.5,
    "model_rl": 0.1,
    "model_sham": 0.5,
}
"""Of ln R on ln Δ."""


def runs(slopes=None, start=None, lasts_not=None, edge=()):
    slope, first = SLOPES | (slopes or {}), START | MODELLED | (start or {})
    medians = {
        **dict.fromkeys(
            ("scratch", "ladder", "shams"), lambda regime, labels: first[regime] * labels["lag"] ** slope[regime]
        ),
        "nothing_lasts": lambda regime, labels: {**START, "pretrain_rl": 900.0, **(lasts_not or {})}[regime],
    }
    found = {}
    for name, sweep in CLAIM.sweeps("small").items():
        found[name] = planted(sweep, medians[name], every=16.0, budget=100_000)
        tried = [
            trial._replace(where={"lag": lag}, score=0.5 if trial.regime == "pure_rl-Q" else 0.9)
            for trial in found[name].tried
            for lag in found[name].cells["lag"].unique()
        ]
        tried = [t._replace(edge=["rl.learning_rate"] if t.regime in edge else []) for t in tried]
        found[name] = SimpleNamespace(**vars(found[name]) | {"tried": tuple(tried)})
    return found


@pytest.mark.parametrize(
    ("given", "outcome", "why"),
    [
        ({}, "supported", "b saved by prediction"),
        ({"slopes": {"pretrain_rl": 0.2}}, "refuted", "not so: b saved by prediction"),
        ({"slopes": {"model_rl": 0.8, "model_sham": 1.2}}, "refuted", "not so: b saved by the model"),
        ({"slopes": {"pretrain_rl": 0.5}}, "refuted", "not so: b saved by prediction"),
        ({"slopes": {"pretrain_rl": 0.646}}, "inconclusive", "cannot be told: b saved by prediction"),
        ({"slopes": {"model_rl": 0.5, "model_sham": 0.9}}, "refuted", "not so: b saved by the model"),
        ({"slopes": {"model_sham": -0.3}, "start": {"model_sham": 9_000.0}}, "invalid", "not so: b sham − modelled"),
        ({"lasts_not": {"pretrain_rl": 100.0}}, "invalid", "not so: ln R saved where nothing lasts"),
        ({"start": {"model_sham": 300.0}}, "inconclusive", "could not have told: ln R sham − modelled"),
        ({"start": {"sham_rl": 100.0}}, "inconclusive", "could not have told: ln R sham − predicted"),
        ({"start": {"pure_rl-A2C": 40_000.0}}, "inconclusive", "could not have told: censored, scratch"),
        ({"edge": ("model_rl",)}, "inconclusive", "could not have told: arms at an end of their grid"),
        ({"edge": ("pure_rl-Q", "model_sham")}, "supported", ""),
    ],
)
def test_c9_finds_what_was_planted(given, outcome, why):
    verdict = CLAIM.rule(runs(**given))
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


def test_the_figure_has_a_line_for_every_arm():
    drawn = CLAIM.figure(runs())
    assert {trace.name for trace in drawn.data if trace.mode == "lines+markers"} == set(START | MODELLED)
