"""Hodges-Lehmann intervals against scipy's test turned round, tables, all sign patterns, and simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.stats import binomtest, wilcoxon

from regimax import UserError
from regimax.report.statistics import difference, median_interval, signed_rank_interval
from regimax.report.statistics.signed_rank import critical, walsh

INF = math.inf


# Wilcoxon (1945); Hollander, Wolfe and Chicken (2014), table A.4: two-sided 5 %.
@pytest.mark.parametrize(
    ("n", "cut"), [(5, -1), (6, 0), (7, 2), (8, 3), (10, 8), (12, 13), (16, 29), (20, 52), (25, 89)]
)
def test_critical_values_are_those_of_the_tables(n, cut):
    assert critical(n, 0.025) == cut


def test_the_law_of_the_signed_rank_is_that_of_all_patterns_of_signs():
    n = 8
    sums = np.array([np.dot(signs, range(1, n + 1)) for signs in itertools.product((0, 1), repeat=n)])
    for tail in (0.005, 0.025, 0.05, 0.2, 0.5):
        fits = [c for c in range(n * (n + 1) // 2) if (sums <= c).mean() <= tail]
        assert critical(n, tail) == max(fits)


numbers = some.lists(some.integers(-50, 50), min_size=6, max_size=14, unique=True)


@settings(max_examples=40, deadline=None)
@given(numbers, some.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_is_scipy_s_test_turned_round(x, confidence):
    """A middle lies inside as long as the exact test does not reject it; between two ends of means nothing changes."""
    x = np.asarray(x, float)
    found = signed_rank_interval(x, x, confidence=confidence)
    means = np.unique(walsh(x, 0.0))
    for middle in (means[:-1] + means[1:]) / 2:
        distances = np.abs(x - middle)
        if len(np.unique(distances)) < len(x):  # scipy's exact law knows no ties
            continue
        kept = wilcoxon(x - middle, method="exact").pvalue > 1 - confidence
        assert (found.low < middle < found.high) == kept
    by_hand = [(a + b) / 2 for a, b in itertools.combinations_with_replacement(x, 2)]
    assert found.value == pytest.approx(np.median(by_hand))


ends = some.lists(
    some.tuples(
        some.floats(-9, 9),
        some.one_of(some.just(INF), some.floats(0, 3)),
        some.one_of(some.just(INF), some.floats(0, 3)),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(ends)
def test_an_interval_from_ends_holds_that_of_any_numbers_between_them(cases):
    x, below, above = np.asarray(cases, float).T
    wide, exact = signed_rank_interval(x - below, x + above), signed_rank_interval(x, x)
    assert wide.low <= exact.low <= exact.high <= wide.high
    if wide.value is not None:
        assert wide.value == pytest.approx(exact.value)
    mirrored = signed_rank_interval(-x - above, -x + below)
    assert (mirrored.low, mirrored.high) == (-wide.high, -wide.low)


def test_what_is_censored_opens_an_end_sooner_than_with_order_statistics():
    low = np.arange(16.0)
    for censored, value, end in ((1, 7.5, 11.0), (2, 7.5, INF), (3, None, INF)):
        high = low.copy()
        high[16 - censored :] = INF
        found = signed_rank_interval(low, high)
        assert (found.value, found.low, found.high) == (value, 4.5, end)
    assert median_interval(low, high).high == 12.0
    nothing = signed_rank_interval([-INF] * 8, [INF] * 8)
    assert (nothing.value, nothing.low, nothing.high) == (None, -INF, INF)
    assert signed_rank_interval([INF] * 8, [INF] * 8)[:3] == (None, INF, INF)
    # -inf and inf have no mean: each end takes it for the less favourable one.
    assert signed_rank_interval([-INF] * 4 + [INF] * 4, [-INF] * 4 + [INF] * 4)[:3] == (None, -INF, INF)


def missed(draw, runs: int, n: int) -> tuple[int, int]:
    found = [signed_rank_interval(x, x) for x in (draw(n) for _ in range(runs))]
    return sum(e.low > 0 for e in found), sum(e.high < 0 for e in found)


def test_coverage_is_kept_for_symmetric_laws_with_heavy_tails_and_with_ties():
    rng = np.random.default_rng(1)
    laws = (rng.normal, rng.standard_cauchy, lambda size: np.round(rng.normal(size=size)))
    for law in laws:
        for misses in missed(lambda n, law=law: law(size=n), 1000, 16):
            assert binomtest(misses, 1000, 0.025, alternative="greater").pvalue > 1e-3


def test_coverage_is_not_kept_for_skew_where_that_of_order_statistics_is():
    """Stated in words, so that nobody is surprised: half of e^x - 1 lies on either side of 0, not equally far."""
    rng = np.random.default_rng(2)
    samples = [np.exp(2.0 * rng.normal(size=64)) - 1.0 for _ in range(300)]
    assert sum(signed_rank_interval(x, x).low > 0 for x in samples) > 100
    misses = sum(median_interval(x, x).low > 0 for x in samples)
    assert binomtest(misses, 300, 0.025, alternative="greater").pvalue > 1e-3


def test_fewer_worlds_do_than_with_the_sign_test():
    rng = np.random.default_rng(3)
    border, effect = math.log(1.5), math.log(2.0)
    samples = [rng.normal(effect, 0.4, size=16) for _ in range(500)]
    shares = [np.mean([of(x, x).low > border for x in samples]) for of in (signed_rank_interval, median_interval)]
    assert 0.68 < shares[0] < 0.82
    assert 0.38 < shares[1] < 0.54


def test_another_interval_is_refused(arm_of):
    a = arm_of(np.full((6, 1), 5.0))
    with pytest.raises(UserError, match=r"interval.*'signed'.*signed-rank"):
        difference(a, a, interval="signed")
    assert difference(a, a).method == "order statistics of worlds"
    found = difference(a, a, interval="signed-rank")
    assert found.method == "signed ranks of worlds"
    assert found.at(0.8).confidence == 0.8


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="signed_rank_interval: 0 lower"):
        signed_rank_interval([], [])
    with pytest.raises(ValueError, match="each lower one"):
        signed_rank_interval([1.0, 2.0], [1.0, 1.5])
