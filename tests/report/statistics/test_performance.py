"""Interquartile means, profiles and best settings on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from regimax import UserError
from regimax.report.statistics import best_setting, interquartile_mean, median_score, profile, scores


def table(success: list[float], share: float = 0.0, status: str = "done") -> pl.DataFrame:
    size = len(success)
    cells = pl.DataFrame(
        {
            "cell": [f"{share}/{i}" for i in range(size)],
            "regime": "a",
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
