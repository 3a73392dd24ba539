"""Interquartile means, profiles and best settings on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from regimax import UserError
from regimax.report.statistics import (
    best_setting,
    interquartile_mean,
    median_score,
    optimality_gap,
    probability_of_improvement,
    profile,
    scores,
)


def table(success: list[float], share: float = 0.0, status: str = "done") -> pl.DataFrame:
    size = len(success)
    cells = pl.DataFrame(
        {
            "cell": [f"{share}/{i}" for i in range(size)],
            "regime": "a",
            "setting": "",
            "seed": range(size),
            "world_seed": range(size),
            "share": share,
            "status": status,
            "success": success,
        }
    )
    return scores(cells, "a")


def test_a_median_score_has_an_exact_interval_and_bounds_nothing_where_it_is_not_known():
    found = median_score(table([x / 16 for x in range(16)]))
    assert found[:3] == (7.5 / 16, 3 / 16, 12 / 16)
    assert (found.unit, found.worlds) == ("success", 16)
    pending = median_score(table([0.5] * 16, status="pending"))
    assert (pending.value, pending.low, pending.high) == (None, -np.inf, np.inf)


def test_interquartile_mean_cuts_a_quarter_off_each_side():
    found = interquartile_mean(table([0.0, 0.0, 0.4, 0.5, 0.6, 0.7, 1.0, 1.0]), resamples=200)
    assert found.value == pytest.approx((0.4 + 0.5 + 0.6 + 0.7) / 4)
    assert found.low < found.value < found.high
    assert found.unit == "success"


def test_the_optimality_gap_gives_nothing_for_what_is_above_the_target():
    found = optimality_gap(table([0.0, 0.5, 0.8, 1.0]), 0.8, resamples=200)
    assert found.value == pytest.approx((0.8 + 0.3 + 0.0 + 0.0) / 4)
    assert found.low < found.value < found.high
    assert (found.unit, found.worlds) == ("success", 4)


def two_settings(easy: list[float], hard: list[float]) -> pl.DataFrame:
    named = [table(success).with_columns(setting=pl.lit(name)) for name, success in {"e": easy, "h": hard}.items()]
    return pl.concat(named)


def test_who_improves_is_counted_over_all_pairs_and_ties_are_halves():
    one, other = table([0.1, 0.5, 0.9]), table([0.1, 0.2, 0.6])
    # 0.1 ties once; 0.5 beats two; 0.9 beats three: 5.5 of nine pairs.
    found = probability_of_improvement(one, other, resamples=200)
    assert found.value == pytest.approx(5.5 / 9)
    assert (found.unit, found.worlds) == ("probability", 3)
    assert probability_of_improvement(other, one, resamples=10).value == pytest.approx(1 - 5.5 / 9)
    assert probability_of_improvement(one, one, resamples=10).value == 0.5


def test_settings_count_alike_in_who_improves():
    one, other = two_settings([1.0, 1.0], [0.0, 0.0]), two_settings([0.0, 0.0], [0.5, 0.5])
    assert probability_of_improvement(one, other, resamples=10).value == 0.5
    with pytest.raises(UserError, match="other settings"):
        probability_of_improvement(one, table([0.5, 0.5]))


def test_metrics_are_those_of_rliable():
    metrics = pytest.importorskip("rliable.metrics")
    rng = np.random.default_rng(0)
    shape = (2, 7, 2)  # arm, run, task; in steps of a tenth, so that there are ties
    one, other = np.round(rng.uniform(0.0, 1.2, shape), 1)
    frames = [two_settings(list(arm[:, 0]), list(arm[:, 1])) for arm in (one, other)]
    assert interquartile_mean(frames[0], resamples=2).value == pytest.approx(metrics.aggregate_iqm(one))
    for target in (0.8, 1.0):
        gap = metrics.aggregate_optimality_gap(one, target)
        assert optimality_gap(frames[0], target, resamples=2).value == pytest.approx(gap)
    improved = metrics.probability_of_improvement(one, other)
    assert probability_of_improvement(*frames, resamples=2).value == pytest.approx(improved)


def test_profile_is_the_share_above():
    found = profile(table([0.0, 0.2, 0.4, 1.0]), [0.0, 0.2, 0.5, 1.0], resamples=500)
    assert found["share"].to_list() == [0.75, 0.5, 0.25, 0.0]
    assert (found["low"] <= found["share"]).all()
    assert (found["share"] <= found["high"]).all()
    assert found["high"][3] == 0.0


def test_the_best_share_with_its_uncertainty():
    rng = np.random.default_rng(0)
    world = rng.normal(0.0, 0.5, size=16)  # shared by the settings of a world, so it does not blur the best
    shares = [0.0, 0.25, 0.5, 0.75]
    means = [0.2, 0.3, 0.6, 0.4]
    frame = pl.concat(
        [table(list(m + world + rng.normal(0.0, 0.05, 16)), s) for s, m in zip(shares, means, strict=True)]
    )
    assert best_setting(frame, pl.col("share"), resamples=300)[:3] == (0.5, 0.5, 0.5)
    flat = pl.concat([table(list(world + rng.normal(0.0, 0.05, 16)), s) for s in shares])
    found = best_setting(flat, pl.col("share"), resamples=300)
    assert found.high - found.low >= 0.5
    assert best_setting(pl.concat([table([0.5] * 8, s) for s in shares]), pl.col("share"), resamples=20).value == 0.0


def test_a_null_effect_moves_the_best_share_no_more_often_than_stated():
    """At equal means the larger of two is the best, with its whole interval, in 2.5 % of cases and a little more."""
    rng = np.random.default_rng(1)
    found = [
        best_setting(
            pl.concat([table(list(rng.normal(size=16)), s) for s in (0.0, 1.0)]), pl.col("share"), resamples=200
        )
        for _ in range(100)
    ]
    wrong = sum(estimate.low > 0 for estimate in found)
    assert stats.binomtest(wrong, 100, 0.05, alternative="greater").pvalue > 1e-3


def test_what_is_not_known_is_refused():
    with pytest.raises(UserError, match="4 cells have no score"):
        interquartile_mean(table([0.5] * 4, status="pending"))
    with pytest.raises(UserError, match="two scores at one setting"):
        best_setting(pl.concat([table([0.5] * 4), table([0.5] * 4)]), pl.col("share"))
    with pytest.raises(UserError, match="no score at one of the settings"):
        best_setting(pl.concat([table([0.5] * 4), table([0.5] * 3, 0.5)]), pl.col("share"))
