"""Rules of checks."""

from __future__ import annotations

import json
import math

import polars as pl
import pytest

from regimax.report.statistics import Estimate, above, below, decide, shared, within

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


GOOD, BAD, OPEN = (above("effect", estimate(*ends), 0.0) for ends in ((1, 2), (-2, -1), (-1, math.inf)))


@pytest.mark.parametrize(
    ("claim", "control", "outcome"),
    [
        ([GOOD], [GOOD], "supported"),
        ([GOOD], [BAD], "refuted"),
        ([BAD], [GOOD], "refuted"),
        ([GOOD], [OPEN], "undecided"),
        ([OPEN], [BAD], "refuted"),
        ([GOOD, OPEN], [], "undecided"),
    ],
)
def test_supported_needs_all_and_refuted_one(claim, control, outcome):
    assert decide(claim, control=control, cells=CELLS).outcome == outcome
    assert decide(claim, null=control, cells=CELLS).outcome == outcome


def test_nothing_is_decided_on_few_worlds_or_an_unfinished_run():
    few = above("effect", estimate(1, 2, worlds=8), 0.0)
    assert decide([few], cells=CELLS).outcome == "undecided"
    assert decide([few], cells=CELLS, worlds=8).outcome == "supported"
    unfinished = CELLS.with_columns(status=pl.Series(["done", "pending", "done"]))
    verdict = decide([GOOD], cells=unfinished)
    assert (verdict.outcome, verdict.reason) == ("undecided", "1 of 3 cells are pending")


def test_what_a_verdict_tells():
    verdict = decide([GOOD], control=[within("sham", estimate(-0.1, 0.1), -0.2, 0.2)], null=[OPEN], cells=CELLS)
    assert verdict.outcome == "undecided"
    assert verdict.reason == "cannot be told: effect > 0, found above −1 ln ratio"
    assert verdict.rule == "effect > 0 and -0.2 < sham < 0.2 and effect > 0"
    assert (verdict.effect, verdict.low, verdict.high, verdict.unit) == (1.5, 1, 2, "ln ratio")
    assert verdict.effort == {"flops": 6.0, "env_steps": 15.0, "passive_steps": 24.0}
    assert (verdict.cells, verdict.worlds) == (3, 16)
    # Three checks, one of which can fail on either side.
    assert verdict.errors == "supported in error at most 2.5 %, refuted in error at most 10 %"
    record = json.loads(json.dumps(verdict.record(), allow_nan=False))
    assert record["null"][0]["high"] is None
    assert record["control"][0]["holds"] is True


def test_a_rule_needs_a_claim():
    with pytest.raises(ValueError, match="at least one check"):
        decide([], cells=CELLS)


def test_comparisons_share_an_error_rate():
    assert shared(0.95, 1) == pytest.approx(0.95)
    assert 10 * (1 - shared(0.95, 10)) == pytest.approx(0.05)
