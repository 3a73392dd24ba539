"""Phase diagrams with a planted boundary."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from regimax import UserError
from regimax.report.statistics import PhaseDiagram, break_even, break_even_map, phase_diagram
from regimax.report.statistics.phases import crossing

ONES = np.ones(3)


@pytest.mark.parametrize(
    ("p", "weight", "expected"),
    [
        ([0.0, 0.25, 0.75], ONES, 1.5),
        ([1.0, 0.5, 0.0], ONES, 1.0),
        ([0.9, 0.8, 1.0], ONES, -math.inf),
        ([0.1, 0.2, 0.0], ONES, math.inf),
        ([0.5, 0.5, 0.5], ONES, math.inf),
        ([0.0, math.nan, 1.0], [1.0, 0.0, 1.0], 1.0),
        # 0.6 and 0.4 are pooled to ½ before it rises above.
        ([0.6, 0.4, 1.0], ONES, 1.0),
    ],
)
def test_crossing(p, weight, expected):
    assert crossing(np.arange(3.0), np.asarray(p), np.asarray(weight)) == pytest.approx(expected)


def test_a_crossing_needs_two_points():
    assert math.isnan(crossing(np.arange(3.0), np.array([math.nan, 0.2, math.nan]), np.array([0.0, 8.0, 0.0])))


def planted(arm_of, rng: np.random.Generator, widths: tuple[float, ...], resamples: int) -> PhaseDiagram:
    """From scratch ln T = 5.5 + ln skills - ln bits; pretraining saves (ln skills - ln 4) / 2 of it, at any bits."""
    world = rng.normal(0.0, 0.3, size=(24, 1))
    arms = {"a": [], "b": []}
    for skills in (1, 2, 4, 8, 16):
        for bits in widths:
            ln_time = 5.5 + world + math.log(skills) - math.log(bits)
            saved = 0.5 * math.log(skills / 4)
            for arm, gain in (("a", saved), ("b", 0.0)):
                noise = rng.normal(0.0, 0.2, size=(24, 1))
                arms[arm].append(arm_of(ln_time - gain + noise, arm, spacing=5.0, skills=skills, bits=bits))
    a, b = (pl.concat(parts) for parts in arms.values())
    return phase_diagram(a, b, pl.col("skills"), pl.col("bits"), resamples=resamples)


@pytest.fixture(scope="module")
def diagram(arm_of):
    return planted(arm_of, np.random.default_rng(0), (1.0, 0.01), 20)


def test_the_band_holds_the_boundary_that_was_planted(arm_of):
    rng = np.random.default_rng(1)
    found = [planted(arm_of, rng, (1.0,), 100).boundary.row(0, named=True) for _ in range(20)]
    assert np.mean([row["x"] for row in found]) == pytest.approx(math.log(4), abs=0.1)
    assert sum(row["low"] <= math.log(4) <= row["high"] for row in found) >= 17
    assert np.median([row["high"] - row["low"] for row in found]) < 0.8


def test_points_are_marked(diagram):
    marks = {(round(math.exp(row["x"])), row["y"] == 0.0): row for row in diagram.points.iter_rows(named=True)}
    assert len(marks) == 10
    assert marks[16, True]["mark"] == "both solve"
    assert marks[16, False]["mark"] == "both fail"
    assert marks[1, True]["hurts"]
    assert not marks[4, True]["hurts"]
    assert not marks[16, True]["hurts"]
    assert marks[16, True]["p"] > 0.9
    assert marks[1, True]["p"] < 0.1
    low, p, high = (marks[4, True][name] for name in ("low", "p", "high"))
    assert low < p < high


def test_where_both_fail_nothing_is_known(diagram):
    row = diagram.points.filter(pl.col("mark") == "both fail").sort("known").row(0, named=True)
    assert row["known"] < 12
    assert not row["hurts"]


def test_a_boundary_that_budgets_hide_is_not_drawn(arm_of):
    never = pl.concat([arm_of(np.full((8, 1), 15.0), skills=k, bits=1) for k in (1, 2, 4)])
    found = phase_diagram(never, never, pl.col("skills"), pl.col("bits"), resamples=20)
    assert found.boundary.row(0) == (0.0, None, -math.inf, math.inf)
    assert found.points["p"].null_count() == 3
    assert found.points["mark"].unique().to_list() == ["both fail"]


def test_break_even_tasks_at_every_point(arm_of):
    """Of 10,000 FLOPs of pretraining: 2,000 saved at two skills, nothing at one; at four scratch never gets there."""

    def arm(time, skills, flops=0.0):
        frame = arm_of(np.full((8, 1), math.log(time) - 1e-9), spacing=10.0, skills=skills, bits=1.0)
        cost = {"unit": pl.lit("flops_rl"), "flops_without_env_steps": pl.lit(flops)}
        return frame.with_columns(passive_steps=pl.lit(0), **cost)

    scratch = pl.concat([arm(time, skills) for skills, time in ((1, 3000.0), (2, 5000.0), (4, 1e6))])
    after = pl.concat([arm(3000.0, skills, 10_000.0) for skills in (1, 2, 4)])
    at = pl.col("skills"), pl.col("bits")
    found = break_even_map(scratch, after, *at)
    assert found["x"].to_list() == pytest.approx([0.0, math.log(2), math.log(4)])
    assert found["tasks"].to_list() == [None, pytest.approx(5.0), None]
    here = [side.filter(pl.col("skills") == 4) for side in (scratch, after)]  # alike in all worlds
    assert found["enough"].to_list() == [math.inf, pytest.approx(5.0), break_even(here[0], here[1]).high]
    assert 0 < found["enough"][2] < math.inf
    with pytest.raises(UserError, match="no point in common"):
        break_even_map(scratch.filter(pl.col("skills") == 1), after.filter(pl.col("skills") == 2), *at)
