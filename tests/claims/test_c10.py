"""C10's rule finds what was planted: ends of context and of learning, learning that always wins, and a closed gate."""

import pytest

from regimax.claims import load_claim

from .scored import scored
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c10_continual.py")
RECALL = {
    "in_context_16": {0: 0.99, 32: 0.7, 128: 0.3, 256: 0.2},
    "in_context_76": {0: 1.0, 32: 0.98, 128: 0.65, 256: 0.4},
    "in_context_softmax": {0: 1.0, 32: 1.0, 128: 1.0, 256: 1.0},
    "continual_48": {0: 0.99, 32: 0.98, 128: 0.95, 256: 0.9},
    "continual_16": {0: 0.99, 32: 0.97, 128: 0.88, 256: 0.6},
    "continual_48-irrelevant": {0: 0.99, 32: 0.06, 128: 0.06, 256: 0.06},
}


def recall(changes=None, drifting=0.06):
    """Recall of each arm by N, with changes of some; `drifting` is what learning has where values change."""
    table = {arm: levels | (changes or {}).get(arm, {}) for arm, levels in RECALL.items()}

    def score(regime, labels):
        if labels["world.drift"] and regime.startswith("continual_"):
            return drifting
        return table[regime][labels["world.stable"]]

    return score


@pytest.mark.parametrize(
    ("score", "outcome", "why"),
    [
        (recall(), "supported", "A continual_48 − in_context_76, N = 128 > 0.1"),
        (recall({"continual_48": {128: 0.65}}), "refuted", "not so: A continual_48 − in_context_76, N = 128"),
        (recall({"in_context_16": {32: 0.95}}), "refuted", "not so: A in_context_16, N = 32 < 0.8"),
        (recall({"continual_16": {256: 0.9}}), "refuted", "not so: A continual_16, N = 256 < 0.8"),
        (recall({"continual_48-irrelevant": {128: 0.95}}), "invalid", "not so: A in another world"),
        (recall({"in_context_softmax": {128: 0.7}}), "invalid", "not so: A softmax"),
        (recall({"in_context_76": {0: 0.85}}), "invalid", "not so: -0.05 < A continual_48 − in_context_76, N = 0"),
        (recall(drifting=0.98), "invalid", "not so: A continual_48 − in_context_76, drift"),
        (recall({"continual_48": {256: 0.8}}), "inconclusive", "cannot be told: A continual_48, N = 256"),
        (lambda regime, labels: 0.95, "invalid", "not so: A in another world"),
    ],
)
def test_c10_finds_what_was_planted(score, outcome, why):
    run = scored(CLAIM.small, score)
    verdict = CLAIM.rule(run)
    assert verdict.outcome == outcome, verdict
    assert why in verdict.reason
    assert len(CLAIM.figure(run).data) == len(RECALL)


def test_c10_decides_nothing_where_learning_to_remember_failed():
    verdict = CLAIM.rule(scored(CLAIM.small, recall(), begun=0.9))
    assert verdict.outcome == "inconclusive"
    assert "could not have told: recall of in_context_16 with 8 pairs > 0.95" in verdict.reason
