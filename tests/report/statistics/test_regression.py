"""Censored regression against Tobin's own example, ordinary least squares, and planted coefficients."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.optimize import approx_fprime

from regimax import UserError
from regimax.report.statistics import censored_regression
from regimax.report.statistics.regression import ERRORS, _likelihood, maximum_likelihood

# Tobin (1958): durable goods bought, age, liquidity ratio of 20 households.
TOBIN = np.array(
    [
        [0, 57.7, 236], [0.7, 50.9, 283], [0, 48.5, 207], [0, 41.7, 220], [0, 47.7, 238],
        [0, 59.8, 216], [0, 44.3, 284], [3.7, 45.1, 221], [0, 51.7, 275], [3, 50, 269],
        [10.4, 46.8, 207], [0, 58, 249], [0, 58.9, 246], [0, 40, 277], [1.5, 34.1, 231],
        [0, 39.9, 219], [0, 33.4, 240], [3.5, 48.1, 266], [6.1, 46.6, 214], [0, 53.1, 251],
    ]
)  # fmt: skip


def test_tobin_s_example():
    """The numbers are those of R's survreg, in the documentation of its package survival."""
    bought, design = TOBIN[:, 0], np.column_stack([np.ones(20), TOBIN[:, 1:]])
    found = maximum_likelihood(np.where(bought > 0, bought, -np.inf), bought, design)
    assert found.coefficients == pytest.approx([15.14486636, -0.12905928, -0.04554166], rel=1e-5)
    assert found.scale == pytest.approx(5.572540, rel=1e-5)
    assert found.log_likelihood == pytest.approx(-28.94013320, abs=1e-6)


def test_without_censoring_it_is_least_squares():
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    y = design @ [1.0, 2.0, -3.0] + rng.normal(size=40)
    found = maximum_likelihood(y, y, design)
    beta, rss = np.linalg.lstsq(design, y, rcond=None)[:2]
    assert found.coefficients == pytest.approx(beta, abs=1e-5)
    assert found.scale == pytest.approx(math.sqrt(rss[0] / 40), rel=1e-5)


def test_smallest_extreme_values_are_weibull_s():
    time = stats.weibull_min.rvs(1.7, scale=3.0, size=60, random_state=np.random.default_rng(1))
    data = stats.CensoredData(uncensored=time[time < 4], right=np.full((time >= 4).sum(), 4.0))
    shape, _, scale = stats.weibull_min.fit(data, floc=0)
    low, high = np.log(np.minimum(time, 4.0)), np.where(time < 4, np.log(time), np.inf)
    found = maximum_likelihood(low, high, np.ones((60, 1)), "minimum")
    assert found.coefficients[0] == pytest.approx(math.log(scale), abs=1e-3)
    assert found.scale == pytest.approx(1 / shape, rel=1e-3)


@pytest.mark.parametrize("errors", list(ERRORS))
def test_derivatives(errors):
    low = np.array([0.3, -np.inf, 1.0, 0.2, -40.0, 30.0])
    high = np.array([0.9, 0.5, np.inf, 0.2, -39.0, 31.0])
    mean, log_scale = np.array([0.1, 0.4, -0.3, 0.5, 0.0, 0.0]), 0.2
    if errors == "minimum":
        low, high, mean = low[:5], high[:5], mean[:5]  # its upper tail is e^-e^z: 30 is beyond any number
    _, along, by_scale = _likelihood(low, high, mean, log_scale, errors)
    numeric = approx_fprime(
        np.append(mean, log_scale), lambda p: _likelihood(low, high, p[:-1], p[-1], errors)[0], 1e-6
    )
    assert np.append(along, by_scale) == pytest.approx(numeric, rel=1e-4, abs=1e-4)


def planted(arm_of, rng: np.random.Generator, slopes: dict[str, float], worlds: int = 16) -> pl.DataFrame:
    """Arms whose ln T rises by a slope of their own with ln looks; from 7 on the budget at ln T = 9.9 cuts them off."""
    world = rng.normal(0.0, 0.4, size=(worlds, 1))
    parts = []
    for arm, slope in slopes.items():
        for looks in (1, 4, 16):
            ln_time = 6.5 + world + slope * math.log(looks) + rng.normal(0.0, 0.3, size=(worlds, 1))
            parts.append(arm_of(ln_time, arm, looks=looks))
    return pl.concat(parts)


TERMS = {"ln looks": pl.col("looks").log()}


def test_planted_slopes_of_two_arms_and_their_difference(arm_of):
    frame = planted(arm_of, np.random.default_rng(2), {"scratch": 1.2, "oracle": 0.1})
    assert frame["censored"].sum() >= 5
    fit = censored_regression(frame, TERMS, each="regime")
    assert fit.names == ("intercept [scratch]", "ln looks [scratch]", "intercept [oracle]", "ln looks [oracle]")
    scratch, oracle = fit.of("ln looks [scratch]"), fit.of("ln looks [oracle]")
    assert scratch.low < 1.2 < scratch.high
    assert oracle.low < 0.1 < oracle.high
    gap = fit.contrast({"ln looks [scratch]": 1.0, "ln looks [oracle]": -1.0})
    assert gap.value == pytest.approx(scratch.value - oracle.value)
    assert gap.low < 1.1 < gap.high
    assert gap.high - gap.low < 0.6


def test_failures_set_to_the_budget_would_have_flattened_the_slope(arm_of):
    frame = planted(arm_of, np.random.default_rng(6), {"scratch": 1.5}, worlds=200)
    assert frame["censored"].mean() > 0.2
    naive = np.polyfit(np.log(frame["looks"]), np.log(np.minimum(frame["high"], 20_000.0)), 1)[0]
    low, high = frame["low"].log(), frame["high"].log()
    found = maximum_likelihood(low, high, np.column_stack([np.ones(600), np.log(frame["looks"])]))
    assert naive < 1.35
    assert found.coefficients[1] == pytest.approx(1.5, abs=0.05)


def test_jackknife_of_a_mean_is_student_s_interval(arm_of):
    ln_time = np.random.default_rng(3).normal(8.0, 0.5, size=(16, 1))
    found = censored_regression(arm_of(ln_time, spacing=0.01), {}).of("intercept")
    expected = stats.t.interval(0.95, 15, ln_time.mean(), stats.sem(ln_time.ravel()))
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-4)


def test_the_interval_of_a_slope_covers_it(arm_of):
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(40):
        found = censored_regression(planted(arm_of, rng, {"scratch": 1.0}), TERMS).of("ln looks")
        covered += found.low < 1.0 < found.high
    assert stats.binomtest(covered, 40, 0.95, alternative="less").pvalue > 1e-3


def test_what_failures_alone_would_decide_is_not_given(arm_of):
    frame = pl.concat([arm_of(np.full((16, 1), 7.0), looks=1), arm_of(np.full((16, 1), 12.0), looks=4)])
    found = censored_regression(frame, TERMS).of("ln looks")
    assert found[:3] == (None, -math.inf, math.inf)
    assert found.method == "not determined by the cells that got there"
    with pytest.raises(UserError, match="16 cells that got there do not determine 2 coefficients"):
        maximum_likelihood(
            frame["low"].log(), frame["high"].log(), np.column_stack([np.ones(32), frame["looks"].to_numpy()])
        )


def test_unknown_names_are_refused(arm_of):
    frame = planted(arm_of, np.random.default_rng(5), {"scratch": 0.1})
    with pytest.raises(UserError, match="unknown errors 'gaussian'"):
        censored_regression(frame, TERMS, errors="gaussian")
    with pytest.raises(UserError, match="unknown coefficient 'looks'"):
        censored_regression(frame, TERMS).of("looks")


@pytest.mark.parametrize("errors", ERRORS)
def test_intervals_that_a_line_passes_through_leave_it_open(errors):
    """σ shrinks to nothing, and where the search ends is chance: other versions of SciPy end elsewhere."""
    x = np.arange(8.0)
    design = np.column_stack([np.ones(8), x])
    with pytest.raises(UserError, match="8 intervals that a line passes through do not determine 2 coefficients"):
        maximum_likelihood(x - 0.5, x + 0.5, design, errors)
    apart = np.where(x % 2, 2.0, -2.0)
    assert maximum_likelihood(x + apart - 0.5, x + apart + 0.5, design, errors).scale > 0.5
    assert maximum_likelihood(x, x + apart.clip(0.0), design, errors).scale > 0.0  # some are known exactly
