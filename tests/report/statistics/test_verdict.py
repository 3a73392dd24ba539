"""Rules of checks."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest

from regimax.errors import UserError
from regimax.report.statistics import Estimate, above, below, decide, median_interval, shared, within

CELLS = pl.DataFrame(
    {"status": ["done"] * 3, "flops": [1.0, 2.0, 3.0], "env_steps": [4, 5, 6], "passive_steps": [7, 8, 9]}
)


def estimate(low: float, high: float, worlds: int = 16) -> Estimate:
    inside = math.isfinite(low) and math.isfinite(high)
    return Estimate((low + high) / 2 if inside else None, low, high, "ln ratio", worlds)


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (above("x", estimate(0.5, 1.0), 0.4), True),
        (above("x", estimate(0.5, 1.0), 0.5), None),
        (above("x", estimate(0.5, 1.0), 1.0), False),
        (above("x", estimate(0.5, math.inf), 0.4), True),
        (above("x", estimate(-math.inf, 1.0), 0.4), None),
        (below("x", estimate(0.5, 1.0), 1.1), True),
        (below("x", estimate(0.5, 1.0), 0.7), None),
        (below("x", estimate(0.5, 1.0), 0.5), False),
        (within("x", estimate(-0.1, 0.1), -0.2, 0.2), True),
        (within("x", estimate(-0.3, 0.1), -0.2, 0.2), None),
        (within("x", estimate(0.2, 0.3), -0.2, 0.2), False),
        (within("x", estimate(-math.inf, math.inf), -0.2, 0.2), None),
    ],
)
def test_a_check_looks_at_the_whole_interval(check, holds):
    assert check.holds is holds


@pytest.mark.parametrize(
    ("low", "high", "holds"),
    [(0.5, 0.6, True), (0.3, 0.6, None), (0.2, 0.35, None), (0.1, 0.3, None), (0.0, 0.2, False)],
)
def test_what_lies_between_two_borders_neither_holds_nor_fails(low, high, holds):
    for check in (
        above("x", estimate(low, high), 0.4, fails=0.2),
        below("x", estimate(-high, -low), -0.4, fails=-0.2),
    ):
        assert check.holds is holds
    never = below("x", estimate(1.0, 2.0), 0.4, fails=math.inf)
    assert (never.holds, never.sides) == (None, 0)
    assert never.lacking() == "x: nothing, it lies between what supports the claim and what refutes it"
    verdict = decide([never], assay=ROOM, cells=CELLS, worlds=1)
    assert (verdict.outcome, verdict.errors.split(", ")[-1]) == ("inconclusive", "refuted in error at most 0 %")


GOOD, BAD, OPEN = (above("effect", estimate(*ends), 0.0) for ends in ((1, 2), (-2, -1), (-1, math.inf)))
ROOM = [above("room", estimate(3, 4), 1.0)]
NONE, SHUT = above("room", estimate(0, 2), 1.0), above("room", estimate(0, 0.5), 1.0)


@pytest.mark.parametrize(
    ("claim", "assay", "test", "outcome"),
    [
        ([GOOD], ROOM, [GOOD], "supported"),
        ([GOOD], ROOM, [BAD], "invalid"),
        ([BAD], ROOM, [BAD], "invalid"),  # no word on the claim
        ([BAD], [SHUT], [BAD], "invalid"),
        ([BAD], ROOM, [GOOD], "refuted"),
        ([BAD], [SHUT], [GOOD], "inconclusive"),
        ([BAD], [NONE], [GOOD], "inconclusive"),
        ([BAD], ROOM, [OPEN], "inconclusive"),
        ([GOOD], ROOM, [OPEN], "inconclusive"),
        ([OPEN], ROOM, [GOOD], "inconclusive"),
        ([GOOD], [SHUT], [GOOD], "inconclusive"),
    ],
)
def test_four_outcomes(claim, assay, test, outcome):
    assert decide(claim, assay=assay, control=test, cells=CELLS).outcome == outcome
    assert decide(claim, assay=assay, null=test, cells=CELLS).outcome == outcome


def test_one_of_several_parts_must_fail_at_a_share_of_the_error_rate():
    """Of 16 worlds the interval of 95 % leaves out three at either end, that of 97.5 % two, that of 99.5 % one."""
    part = above("part", median_interval(*[[-1.0] * 14 + [1.0] * 2] * 2), 0.0)
    clear = above("clear", median_interval(*[[-1.0] * 16] * 2), 0.0)
    assert part.holds is False
    assert decide([part], assay=ROOM, cells=CELLS).outcome == "refuted"
    assert decide([part] + [GOOD] * 20, assay=ROOM, cells=CELLS).outcome == "inconclusive"
    assert decide([clear] + [GOOD] * 20, assay=ROOM, cells=CELLS).outcome == "refuted"
    assert decide([clear, OPEN], assay=ROOM, cells=CELLS).outcome == "refuted"  # a conjunction, and one part is false
    assert decide([BAD, GOOD], assay=ROOM, cells=CELLS).outcome == "inconclusive"  # its interval cannot be made wider


def test_nothing_is_decided_on_few_worlds_or_an_unfinished_run():
    few = above("effect", estimate(1, 2, worlds=8), 0.0)
    assert decide([few], assay=ROOM, cells=CELLS).outcome == "inconclusive"
    assert decide([few], assay=ROOM, cells=CELLS, worlds=8).outcome == "supported"
    unfinished = CELLS.with_columns(status=pl.Series(["done", "pending", "done"]))
    verdict = decide([GOOD], assay=ROOM, cells=unfinished)
    assert (verdict.outcome, verdict.reason) == ("inconclusive", "1 of 3 cells are pending")


SHAM = within("sham", estimate(-0.1, 0.1), -0.2, 0.2)


def test_what_a_verdict_tells():
    verdict = decide([GOOD], assay=ROOM, control=[SHAM], null=[OPEN], cells=CELLS)
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == "cannot be told: effect > 0, found above −1 ln ratio"
    assert verdict.rule == "effect > 0 and room > 1 and -0.2 < sham < 0.2 and effect > 0"
    assert (verdict.effect, verdict.low, verdict.high, verdict.unit) == (1.5, 1, 2, "ln ratio")
    assert verdict.effort == {"flops": 6.0, "env_steps": 15.0, "passive_steps": 24.0}
    assert (verdict.cells, verdict.worlds) == (3, 16)
    assert verdict.errors == (
        "supported in error at most 2.5 %, refuted in error at most 2.5 %, invalid in error at most 7.5 %"
    )
    assert verdict.needs == ("effect: a larger budget, until what is censored is seen",)
    record = json.loads(json.dumps(verdict.record(), allow_nan=False))
    assert record["null"][0]["high"] is None
    assert record["control"][0]["holds"] is True


def test_an_open_check_says_how_many_worlds_would_decide_it():
    close = above("saving", estimate(0.1, 1.1), 0.4)  # 0.6, and 0.5 to either side with 16 worlds
    verdict = decide([close], assay=ROOM, cells=CELLS)
    assert verdict.needs == ("saving: about 205 worlds",)  # 16 (0.5/0.2)² ((1.96 + 0.84)/1.96)²


def test_a_rule_needs_a_claim_and_an_assay():
    with pytest.raises(UserError, match="at least one check"):
        decide([], assay=ROOM, cells=CELLS)
    with pytest.raises(UserError, match="at least one assay check"):
        decide([GOOD], assay=[], cells=CELLS)


def test_comparisons_share_an_error_rate():
    assert shared(0.95, 1) == pytest.approx(0.95)
    assert 10 * (1 - shared(0.95, 10)) == pytest.approx(0.05)


def test_between_the_border_of_support_and_that_of_refutation_nothing_is_said():
    cells = pl.DataFrame({"status": ["done"] * 16, "flops": 1.0, "env_steps": 1, "passive_steps": 0})
    room = [above("room", median_interval([9.0] * 16, [9.0] * 16), 0.0)]
    rng = np.random.default_rng(0)

    def outcome(effect, **given):
        x = effect + rng.normal(0.0, 0.01, 16)
        check = above("rise", median_interval(x, x), 0.22, **given)
        return decide([check], assay=room, cells=cells)

    assert outcome(0.3, fails=0.05).outcome == "supported"
    assert outcome(0.02, fails=0.05).outcome == "refuted"
    assert outcome(-0.5, fails=0.05).outcome == "refuted"
    between = outcome(0.14, fails=0.05)
    assert (between.outcome, outcome(0.14).outcome) == ("inconclusive", "refuted")
    assert "lies between" in between.needs[0]
    # A part of a claim that cannot refute it takes no share of the errors of those that can.
    never = outcome(-9.0, fails=-math.inf)
    assert never.outcome == "inconclusive"
    assert "refuted in error at most 0 %" in never.errors
    with pytest.raises(UserError, match=r"fails must be at most the border 0\.22, found 0\.5"):
        outcome(0.3, fails=0.5)
