"""The rule of C12 finds what was planted: that a partner's stream costs more, or does not, or teaches nothing."""

import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_c03 import labelled
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c12_agency.py")
MANY = {
    "yoked-nothing": 2_000.0,
    "yoked-reward": 8_000.0,
    "yoked-prediction": 8_000.0,
    "yoked-itself": 2_000.0,
    "yoked-reward-nobody": 8_000.0,
}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "supported"),
        ({"yoked-reward": 2_000.0}, "refuted"),
        ({"yoked-prediction": 2_000.0}, "refuted"),
        ({"yoked-itself": 8_000.0}, "invalid"),
        ({"yoked-reward-nobody": 1e9}, "invalid"),
        (dict.fromkeys(MANY, 1e9) | {"yoked-reward-nobody": 8_000.0}, "inconclusive"),
        ({"yoked-reward-nobody": 2_000.0}, "inconclusive"),  # whose choices teach makes no difference to anybody
        ({"yoked-prediction": 3_000.0}, "inconclusive"),
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
