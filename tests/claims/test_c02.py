"""C2's rule finds what was planted: small changes that suffice, or do not, or a share that is large anyway."""

import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c02_highlights.py")


def episodes(many, oracle_at_one=450.0):
    """Median episodes of each arm with many looks; with one all need 500 but the oracle."""

    def effort(regime, labels):
        if labels["world.looks"] == 1:
            return oracle_at_one if regime == "oracle" else 500.0
        return many[regime]

    return effort


MANY = {
    "pure_rl": 9_000.0,
    "pretrain_rl": 1_500.0,
    "pretrain_rl-rank-1": 1_500.0,
    "pretrain_rl-frozen": 1_400.0,
    "sham_rl-frozen": 9_000.0,
    "oracle": 250.0,
}


@pytest.mark.parametrize(
    ("effort", "outcome"),
    [
        (episodes(MANY), "supported"),
        (episodes(MANY | {"pretrain_rl-frozen": 4_000.0}), "refuted"),
        (episodes(MANY | {"sham_rl-frozen": 1_400.0}), "invalid"),
        (episodes(MANY | {"oracle": 2_500.0}), "refuted"),
        (episodes(MANY | {"oracle": 8_000.0}), "inconclusive"),  # nothing to save
        (episodes(MANY | {"pure_rl": 1e9}), "inconclusive"),  # scratch never gets there
        (episodes(MANY, oracle_at_one=60.0), "invalid"),
    ],
)
def test_c2_finds_what_was_planted(effort, outcome):
    verdict = CLAIM.rule(planted(CLAIM.small, effort))
    assert verdict.outcome == outcome, verdict
