"""The rule of C12 finds what was planted: that one's own stream saves episodes, or does not, or nothing can be told."""

import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_c03 import labelled
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c12_agency.py")
MANY = {
    "yoked-nothing": 2_000.0,
    "yoked-nothing, sham": 9_000.0,
    "yoked-reward": 3_000.0,
    "yoked-prediction": 2_000.0,
    "yoked-reward-nobody": 8_000.0,
    "yoked-prediction-nobody": 6_000.0,
    "yoked-reward-expert": 1_000.0,
    "yoked-prediction-expert": 1_000.0,
    "yoked-itself": 2_000.0,
}
ALIKE = {"yoked-reward-nobody": 2_000.0, "yoked-prediction-nobody": 2_000.0}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "supported"),
        (ALIKE, "refuted"),
        ({"yoked-reward-nobody": 2_000.0}, "inconclusive"),  # for prediction it is so
        (ALIKE | {"yoked-reward-expert": 2_000.0}, "inconclusive"),  # streams make no difference to anybody
        ({"yoked-itself": 8_000.0}, "invalid"),
        ({"yoked-nothing, sham": 2_000.0}, "inconclusive"),
        ({"yoked-reward-nobody": 1e9}, "inconclusive"),
        ({"yoked-prediction-nobody": 3_000.0}, "inconclusive"),
    ],
)
def test_c12_finds_what_was_planted(changes, outcome):
    effort = MANY | changes

    def steps(regime, labels):
        """An episode is as long as the lock is deep."""
        return labels["world.depth"] * effort[regime]

    run = labelled(planted(CLAIM.small, steps, budget=125_000, every=320))
    verdict = CLAIM.rule(run)
    assert verdict.outcome == outcome, verdict
    assert len(CLAIM.figure(run).data) >= len(MANY)
