"""C11's rule finds what was planted: room that is freed, or only harmless, or freed by anything; and blind measures."""

import pytest

from regimax.claims import load_claim

from .scored import scored
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c11_superposition.py")
BEFORE = {"dimensions_stable": 11.5, "crosstalk": 3.1, "dynamic_intact": 0.46}
BEFORE |= {"dynamic_ablated": 0.97, "stable_intact": 0.5, "stable_ablated": 0.06}
FREED = {"dimensions_stable": 0.1, "crosstalk": 0.02, "dynamic_intact": 0.96}
FREED |= {"dynamic_ablated": 0.96, "stable_intact": 0.98, "stable_ablated": 0.98}


def measured(learned=FREED, other=BEFORE, redrawn=BEFORE, surprise=FREED):
    """What probes measure after life, by arm; `redrawn` is the learned gate's where nothing can be known."""
    after = {"learned": learned, "learned-irrelevant": other, "surprise": surprise}

    def probed(regime, labels, at):
        drifting = {"learned": redrawn}.get(regime, BEFORE)
        found = BEFORE if at == 0 else drifting if labels["world.drift"] else after[regime]
        return {f"consolidation_{name}": value for name, value in found.items()}

    return probed


@pytest.mark.parametrize(
    ("probed", "outcome", "why"),
    [
        (measured(), "supported", "ln D, learned < -0.693147"),
        (measured(FREED | {"dimensions_stable": 10.5}), "refuted", "not so: ln D, learned"),  # harmless, not freed
        (measured(FREED | {"crosstalk": 3.0}), "refuted", "not so: ln χ, learned"),
        (measured(FREED | {"dynamic_intact": 0.5}), "refuted", "not so: rise of recall of what is new, learned"),
        (measured(FREED | {"stable_ablated": 0.8}), "refuted", "recall of what lasts without it, learned"),
        (measured(other=FREED), "invalid", "not so: ln D, another world"),
        (measured(redrawn=FREED | {"stable_ablated": 0.06}), "invalid", "not so: ln D, values redrawn"),
        (measured(redrawn=BEFORE | {"crosstalk": 1.0, "dynamic_intact": 0.8}), "supported", "ln D"),  # keys shut out
        (measured(FREED | {"dimensions_stable": 5.75}), "inconclusive", "cannot be told: ln D, learned"),
        (measured(BEFORE), "refuted", "not so: ln D, learned"),
        (measured(surprise=BEFORE), "inconclusive", "could not have told: ln D, surprise"),
    ],
)
def test_c11_finds_what_was_planted(probed, outcome, why):
    run = scored(CLAIM.small, lambda regime, labels: 0.9, probed=probed)
    verdict = CLAIM.rule(run)
    assert verdict.outcome == outcome, verdict
    assert why in verdict.reason
    assert [len(one.data) for one in CLAIM.figure(run)] == [3, 3, 3]
