"""One median: whatever gives one gives the same number of the same cells."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st_

from regimax.report import statistics as st
from regimax.report import summary, threshold_median
from regimax.report.aggregate import learning_curves
from regimax.report.effort import effort_against
from regimax.report.heat_map import heat_map
from regimax.report.median import middle

from .conftest import run_with

BUDGET = 100


def cells(times: list[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A table as `regimax table` prints it and one of `st.times`, of cells that need so many steps of a budget."""
    there = [t if t <= BUDGET else None for t in times]
    n = len(times)
    names = {"regime": ["a"] * n, "setting": [""] * n, "seed": range(n), "world_seed": range(n)}
    spent = [BUDGET] * n
    table = pl.DataFrame(
        {"cell": map(str, range(n)), **names, "status": ["done" if t is None else "solved" for t in there]}
        | {"diverged": [False] * n, "success": [float(t) for t in times], "env_steps": spent, "flops": spent}
        | {"flops_without_env_steps": [0] * n, "passive_steps": [0] * n}
        | dict.fromkeys(("solved_at_update", "solved_at_env_step", "solved_at_flops"), there),
        schema_overrides={"solved_at_update": pl.Int64, "solved_at_env_step": pl.Int64, "solved_at_flops": pl.Int64},
    )
    ends = {
        "low": [BUDGET if t is None else t - 10 for t in there],
        "high": [math.inf if t is None else float(t) for t in there],
    }
    known = {"reached": there, "censored": [t is None for t in there], "unit": ["env_steps"] * n}
    frame = pl.DataFrame({**names, **ends, **known}, schema_overrides={"reached": pl.Float64, "low": pl.Float64})
    return table, frame


TIMES = st_.lists(st_.sampled_from(range(10, 160, 10)), min_size=1, max_size=17)


@settings(max_examples=60, deadline=None)
@given(TIMES)
def test_every_median_of_the_same_cells_is_the_same(times):
    table, frame = cells(times)
    ordered = sorted(t if t <= BUDGET else math.inf for t in times)
    by_hand = (ordered[(len(times) - 1) // 2] + ordered[len(times) // 2]) / 2
    known = None if math.isinf(by_hand) else by_hand
    value, censored = threshold_median(frame["reached"].to_list(), frame["low"].to_list())
    assert (None if censored else value) == known
    row = summary(table).row(0, named=True)
    assert (row["threshold_env_steps"], row["threshold_censored"]) == (value, censored)
    assert row["threshold_flops"] == value
    assert middle(ordered) == by_hand
    # Known up to the spacing of evaluations, and beyond the budget not at all.
    shown = pl.coalesce("reached", "low"), pl.coalesce("reached", "high")
    read = tuple(frame.select(end).to_series() for end in shown)
    over_worlds = [
        st.median_score(frame),
        st.median_interval(frame["low"], frame["high"], shown=read),
        st.difference(frame, frame.with_columns(reached=0.0, low=0.0, high=0.0)),
    ]
    assert [each.value for each in (st.median_time(frame), *over_worlds)] == [known] * 4
    assert all(each.low <= by_hand <= each.high for each in over_worlds)
    # Scores have the same one, in tables, curves and statistics.
    score = float(np.median(times))
    assert row["success_median"] == score
    assert st.median_score(st.scores(table, "a")).value == score
    curve = table.with_columns(phase=pl.lit("rl"), update=0)
    assert learning_curves(curve, "env_steps")["median"].to_list() == [score]


def test_what_failures_decide_is_a_bound():
    # 10, 20 and two that take more than 100: at least the mean of 20 and 100, whatever they take.
    assert threshold_median([10.0, 20.0, None, None], [100.0] * 4) == (60.0, True)
    assert threshold_median([10.0, None, None, None], [100.0] * 4) == (100.0, True)


def test_a_stretch_at_one_half_gives_its_midpoint_also_with_early_censoring():
    # Of R's survfit: S is 3/4 at 10, and 1/2 from 30, of three at risk of which one is lost at 40, until 50.
    assert threshold_median([10.0, 30.0, None, 50.0], [0.0, 0.0, 40.0, 0.0]) == (40.0, False)
    # Lost before anybody is there, a cell tells nothing of the median of the rest.
    assert threshold_median([10.0, 20.0, 30.0, None], [0.0, 0.0, 0.0, 5.0]) == (20.0, False)


@pytest.mark.parametrize("times", [[10, 30, 50, 70], [10, 30, 50], [10, 70, 10, 70]])
def test_figures_show_it(times):
    run = run_with({("a", 1, 1, i): t for i, t in enumerate(times)}, ["x", "y", "i"], worlds=1)
    run.cells = run.cells.with_columns(world_seed="i", seed="i", setting=pl.lit(""))
    expected = float(np.median(times))
    assert st.median_time(st.times(run, "a")).value == expected
    marks = [trace for trace in effort_against(run, "x", ["a"], unit="env_steps").data if trace.name == "a"]
    assert marks[0].y[0] == expected
    field = heat_map(run, ["a"], x=pl.col("x"), y=pl.col("y"), unit="env_steps").data[0]
    assert field.z[0][0] == pytest.approx(math.log10(expected))


def test_recovery_is_of_the_logarithms_of_medians_not_of_medians_of_logarithms():
    arms = [cells([a, b] * 4)[1] for a, b in ((80, 100), (20, 60), (10, 10))]
    found = st.recovery(*arms, resamples=2)
    assert found.value == pytest.approx(math.log(90 / 40) / math.log(90 / 10))
