"""Order statistics of intervals against tables, identities and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from regimax.report.statistics import median_interval
from regimax.report.statistics.intervals import middle


# Conover (1999), table A3: the ranks of the 95 % interval of a median.
@pytest.mark.parametrize(("n", "rank"), [(5, 0), (6, 1), (8, 1), (9, 2), (12, 3), (16, 4), (20, 6), (25, 8)])
def test_ranks_are_those_of_the_sign_test(n, rank):
    found = median_interval(range(1, n + 1), range(1, n + 1))
    expected = (rank, n + 1 - rank) if rank else (-math.inf, math.inf)
    assert (found.low, found.high) == expected
    assert found.value == (n + 1) / 2
    assert found.worlds == n


def test_what_is_censored_opens_an_end_only_where_it_decides():
    low = np.arange(16.0)
    high = low.copy()
    high[13:] = math.inf  # three of sixteen: the thirteenth is still known
    assert median_interval(low, high)[:3] == (7.5, 3.0, 12.0)
    high[12:] = math.inf
    assert median_interval(low, high)[:3] == (7.5, 3.0, math.inf)
    high[8:] = math.inf
    assert median_interval(low, high)[:3] == (None, 3.0, math.inf)


def test_an_interval_from_ends_holds_that_of_the_numbers_between_them():
    rng = np.random.default_rng(0)
    for _ in range(50):
        x = rng.normal(size=20)
        wide = median_interval(x - rng.exponential(size=20), x + rng.exponential(size=20))
        exact = median_interval(x, x)
        assert wide.low <= exact.low
        assert exact.high <= wide.high


def test_coverage_is_kept_for_a_law_without_a_mean():
    rng = np.random.default_rng(1)
    missed_low = missed_high = 0
    for _ in range(2000):
        x = rng.standard_cauchy(16)
        found = median_interval(x, x)
        missed_low += found.low > 0
        missed_high += found.high < 0
    for missed in (missed_low, missed_high):
        assert binomtest(missed, 2000, 0.025, alternative="greater").pvalue > 1e-3
    assert missed_low > 0  # 1.06 % by the binomial


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="0 lower"):
        median_interval([], [])
    with pytest.raises(ValueError, match="each lower one"):
        median_interval([1.0, 2.0], [1.0, 1.5])


def test_the_middle_of_infinities():
    assert middle([3.0, 1.0, 2.0, math.inf]) == 2.5
    assert middle([-math.inf, -math.inf, 2.0]) == -math.inf
    assert math.isnan(middle([-math.inf, math.inf]))
