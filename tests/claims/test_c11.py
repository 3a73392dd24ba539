"""C11's rule finds what was planted: room that is freed, hardly, or by anything; knowledge; and blind measures."""

import pytest

from regimax.claims import load_claim

from .scored import scored
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c11_superposition.py")
BEFORE = {"room_capacity": 33.0, "room_capacity_random": 33.0, "room_capacity_without": 60.0, "room_share_stable": 0.8}
BEFORE |= {"consolidation_dynamic_intact": 0.7, "consolidation_dynamic_ablated": 0.97}
BEFORE |= {"consolidation_stable_intact": 0.7, "consolidation_stable_ablated": 0.06}
FREED = BEFORE | {"room_capacity": 58.0, "room_share_stable": 0.05, "consolidation_dynamic_intact": 0.97}
FREED |= {"consolidation_stable_intact": 0.98, "consolidation_stable_ablated": 0.98}
KNOWN = {name: value for name, value in FREED.items() if name.startswith("consolidation")}
NONE = BEFORE | {"room_capacity": 0.0}
HELD = BEFORE | KNOWN
"""What lasts is known, and goes on taking its room."""


def measured(learned=FREED, other=BEFORE, redrawn=BEFORE, surprise=FREED, before=BEFORE):
    """What probes measure after life, by arm; `redrawn` is the learned gate's where nothing can be known."""
    after = {"learned": learned, "learned-irrelevant": other, "surprise": surprise}

    def probed(regime, labels, at):
        drifting = {"learned": redrawn}.get(regime, BEFORE)
        return before if at == 0 else drifting if labels["world.drift"] else after[regime]

    return probed


@pytest.mark.parametrize(
    ("probed", "outcome", "why"),
    [
        (measured(), "supported", "rise of ln C, learned > 0.223144"),
        (measured(HELD), "refuted", "not so: rise of ln C, learned"),
        (measured(HELD | {"room_capacity": 25.0}), "refuted", "not so: rise of ln C, learned"),
        (measured(HELD | {"room_capacity": 38.0}), "inconclusive", "cannot be told: rise of ln C, learned"),
        (measured(HELD | {"room_capacity": 41.25}), "inconclusive", "cannot be told: rise of ln C, learned"),
        (
            measured(FREED | {"consolidation_stable_ablated": 0.85}),
            "inconclusive",
            "cannot be told: recall of what lasts",
        ),
        (
            measured(FREED | {"consolidation_dynamic_ablated": 0.8}),
            "inconclusive",
            "cannot be told: recall of what is new",
        ),
        (measured(BEFORE), "inconclusive", "could not have told: known without context, learned"),
        (measured(other=FREED), "invalid", "not so: rise of ln C, another world"),
        (measured(redrawn=FREED), "invalid", "not so: known without context, values redrawn"),
        (measured(redrawn=FREED | {"consolidation_stable_ablated": 0.06}), "supported", "rise"),  # keys are shut out
        (measured(surprise=BEFORE), "inconclusive", "could not have told: rise of ln C, surprise"),
        # A measure that says the same of random keys sees nothing.
        (measured(surprise=FREED | {"room_capacity_random": 58.0}), "inconclusive", "at random keys, surprise"),
        # What lasts takes too little for a quarter more to fit.
        (measured(before=BEFORE | {"room_capacity_without": 36.0}), "inconclusive", "could not have told: room: ln C"),
        # Nothing fitted before: the rise is beyond any number, but with nothing in another world it says nothing.
        (measured(other=NONE, before=NONE), "inconclusive", "cannot be told: rise of ln C, another world"),
    ],
)
def test_c11_finds_what_was_planted(probed, outcome, why):
    run = scored(CLAIM.small, lambda regime, labels: 0.9, probed=probed)
    verdict = CLAIM.rule(run)
    assert verdict.outcome == outcome, verdict
    assert why in verdict.reason
    assert [len(one.data) for one in CLAIM.figure(run)] == [3, 3, 3]
