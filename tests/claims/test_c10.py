"""C10's rule finds what was planted: a window that ends, learning that does not, and memories that need no weights."""

import pytest

from regimax.claims import load_claim

from .scored import scored
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c10_continual.py")
SHOWN, TOLD, BOTH = "in_context-178, all shown", "in_context-178, told", "in_context-178, all shown, told"
FULL = {0: 0.99, 32: 0.99, 128: 0.99, 256: 0.99}
RECALL = {
    "continual": FULL | {256: 0.92},
    "continual, another world": {0: 0.99, 32: 0.06, 128: 0.06, 256: 0.06},
    SHOWN: FULL | {256: 0.65},
    TOLD: FULL | {32: 0.85, 128: 0.35, 256: 0.2},
    BOTH: FULL | {256: 0.62},
    "in_context, unbounded": FULL,
}
SCORES = {SHOWN: 0.65, TOLD: 0.2, BOTH: 0.62}


def recall(changes=None, drifting=0.06):
    """Recall of each arm by N, with changes of some; `drifting` is what learning has where values change."""
    table = {arm: levels | (changes or {}).get(arm, {}) for arm, levels in RECALL.items()}
    none = {0: 0.99, 32: 0.06, 128: 0.06, 256: 0.06}

    def score(regime, labels):
        if labels["world.drift"] and regime.startswith("continual"):
            return drifting
        return table.get(regime, none)[labels["world.stable"]]

    return score


def run_of(score, **how):
    run = scored(CLAIM.small, score, **how)
    run.tried = tuple(trial._replace(score=SCORES.get(trial.regime, 0.06)) for trial in run.tried)
    return run


@pytest.mark.parametrize(
    ("score", "outcome", "why"),
    [
        (recall(), "supported", f"A continual − {BOTH}, N = 256 > 0.1"),
        (recall({"continual": {256: 0.55}}), "refuted", f"not so: A continual − {BOTH}, N = 256"),
        (recall({BOTH: {256: 0.3}, SHOWN: {256: 0.97}}), "inconclusive", "A unbounded"),
        (recall({"continual": {256: 0.7}}), "inconclusive", "cannot be told: A continual"),
        (recall({"continual, another world": {256: 0.95}}), "invalid", "not so: A in another world"),
        (recall({"in_context, unbounded": {256: 0.8}}), "invalid", "not so: A unbounded"),
        (recall({SHOWN: {0: 0.85}}), "invalid", "not so: -0.05 < A continual − memory, N = 0"),
        (recall({SHOWN: {128: 0.7}}), "inconclusive", f"could not have told: A {SHOWN}, N = 128"),
        (recall(drifting=0.98), "invalid", "not so: A continual − memory, drift"),
    ],
)
def test_c10_finds_what_was_planted(score, outcome, why):
    verdict = CLAIM.rule(run_of(score))
    assert verdict.outcome == outcome, verdict
    assert why in verdict.reason


def test_c10_decides_nothing_where_learning_to_remember_failed():
    run = run_of(recall(), begun=0.9)
    verdict = CLAIM.rule(run)
    assert verdict.outcome == "inconclusive"
    assert "could not have told: recall of 8 pairs > 0.95" in verdict.reason
    assert len(CLAIM.figure(run).data) == 7


def test_a_window_of_equal_size_has_as_many_numbers_as_who_learns():
    names = [regime.name for regime in CLAIM.small.regimes]
    assert len(names) == 11
    weights = 64 * 16 + 16 * 16 + 1 + 65 * 48 + 49 * 16 + 17 * 16
    assert weights == 5_457
    assert 0 <= weights + 8 * 32 - 178 * 32 < 32
