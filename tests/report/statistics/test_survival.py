"""Kaplan-Meier and its summaries against the leukaemia trial of every textbook, and closed forms."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest

from regimax import UserError
from regimax.report.statistics import kaplan_meier, median_time, restricted_mean, success_rate


def table(time: list[float], event: list[bool] | None = None, worlds: list[int] | None = None) -> pl.DataFrame:
    event = [True] * len(time) if event is None else event
    return pl.DataFrame(
        {
            "world_seed": worlds or list(range(len(time))),
            "seed": list(range(len(time))),
            "reached": [float(t) if e else None for t, e in zip(time, event, strict=True)],
            "low": [float(t) for t in time],
            "high": [float(t) if e else math.inf for t, e in zip(time, event, strict=True)],
            "censored": [not e for e in event],
            "unit": "weeks",
        },
        schema_overrides={"reached": pl.Float64},
    )


# Freireich et al. (1963), weeks of remission under 6-MP and placebo; Kalbfleisch and Prentice (2002), table 1.1.
SIX_MP = table(
    [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
    [bool(int(c)) for c in "111010100110001100000"],
)
PLACEBO = table([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23])


def test_the_curve_of_the_leukaemia_trial():
    curve = kaplan_meier(SIX_MP).filter(pl.col("events") > 0)
    assert curve["time"].to_list() == [6, 7, 10, 13, 16, 22, 23]
    assert curve["at_risk"].to_list() == [21, 17, 15, 12, 11, 7, 6]
    assert curve["events"].to_list() == [3, 1, 1, 1, 1, 1, 1]
    expected = [0.857143, 0.806723, 0.752941, 0.690196, 0.627451, 0.537815, 0.448179]
    assert curve["survival"].to_numpy() == pytest.approx(expected, abs=1e-6)
    # Its log-log interval at 23 weeks, as R's survfit and lifelines give it.
    assert curve.row(-1, named=True)["low"] == pytest.approx(0.188052, abs=1e-6)
    assert curve.row(-1, named=True)["high"] == pytest.approx(0.680143, abs=1e-6)


def test_medians_of_the_leukaemia_trial():
    assert median_time(SIX_MP)[:4] == (23.0, 13.0, math.inf, "weeks")
    assert median_time(PLACEBO)[:4] == (8.0, 4.0, 11.0, "weeks")


def test_where_nobody_and_where_everybody_gets_there_at_once():
    nobody = median_time(table([100.0] * 8, [False] * 8))
    assert nobody[:3] == (None, 100.0, math.inf)
    everybody = median_time(table([100.0] * 8))
    assert everybody[:3] == (100.0, 100.0, 100.0)
    # Five cells tell nothing about a median at 95 %.
    assert median_time(table([100.0] * 5))[:3] == (100.0, 100.0, math.inf)


def test_the_median_s_interval_keeps_its_coverage_under_a_budget():
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(300):
        time = rng.exponential(size=16)
        found = median_time(table(list(np.minimum(time, 1.0)), list(time <= 1.0)))
        missed += not found.low <= math.log(2.0) <= found.high
    assert binomtest(missed, 300, 0.05, alternative="greater").pvalue > 1e-3


def test_restricted_mean_of_the_leukaemia_trial():
    assert restricted_mean(SIX_MP, 20.0).value == pytest.approx(16.116527, abs=1e-6)
    # Without censoring it is the mean of what is cut off at the horizon, and its variance that of a mean.
    cut = np.minimum(PLACEBO["reached"].to_numpy(), 20.0)
    found = restricted_mean(PLACEBO, 20.0)
    assert found.value == pytest.approx(cut.mean())
    assert found.high - found.low == pytest.approx(2 * 1.959964 * cut.std() / math.sqrt(21), abs=1e-5)


def test_restricted_mean_when_nobody_gets_there():
    found = restricted_mean(table([100.0] * 8, [False] * 8), 100.0)
    assert (found.value, found.high) == (100.0, 100.0)
    assert found.low == pytest.approx(100.0 * 0.025 ** (1 / 8))
    with pytest.raises(UserError, match="nothing is known at 200"):
        restricted_mean(table([100.0] * 8, [False] * 8), 200.0)


def test_success_rate_is_wilson_s():
    found = success_rate(table([1.0] * 10, [True] * 8 + [False] * 2))
    assert found[:3] == pytest.approx((0.8, 0.4901, 0.9433), abs=1e-4)


def test_learners_of_one_world_are_not_independent():
    time, event = [1.0] * 40 + [9.0] * 40, [True] * 40 + [False] * 40
    apart = table(time, event)
    nested = table(time, event, [i // 10 for i in range(80)])
    for summary in (success_rate, lambda t: restricted_mean(t, 9.0)):
        narrow, wide = summary(apart), summary(nested)
        assert wide.worlds == 8
        assert wide.value == pytest.approx(narrow.value)
        assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert median_time(nested).worlds == 8


def test_two_settings_at_once_are_refused():
    with pytest.raises(UserError, match="occur twice"):
        median_time(pl.concat([PLACEBO, PLACEBO]))
