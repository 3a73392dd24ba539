"""C6's rule finds what was planted: prediction beside that is enough at 64 updates, or is not, or needs no concepts."""

import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c06_always_on.py")
MANY = {
    "pure_rl": 9_000.0,
    "always_on": 8_000.0,
    "always_on-64": 1_500.0,
    "always_on_sham-64": 9_000.0,
    "pretrain_rl": 1_500.0,
    "oracle": 250.0,
}


def episodes(many, beside_at_one=500.0):
    """Median episodes of each arm with many looks; with one all need 500 but prediction beside, 64 to one."""

    def effort(regime, labels):
        if labels["world.looks"] == 1:
            return beside_at_one if regime == "always_on-64" else 500.0
        return many[regime]

    return effort


@pytest.mark.parametrize(
    ("effort", "outcome"),
    [
        (episodes(MANY), "supported"),
        (episodes(MANY | {"always_on-64": 4_000.0}), "refuted"),
        (episodes(MANY | {"always_on": 1_200.0}), "refuted"),
        (episodes(MANY | {"always_on_sham-64": 1_500.0}), "invalid"),
        (episodes(MANY, beside_at_one=150.0), "invalid"),
        (episodes(dict.fromkeys(MANY, 1e9)), "inconclusive"),
    ],
)
def test_c6_finds_what_was_planted(effort, outcome):
    run = planted(CLAIM.small, effort)
    verdict = CLAIM.rule(run)
    assert verdict.outcome == outcome, verdict
    assert len(CLAIM.figure(run).data) >= len(MANY)
