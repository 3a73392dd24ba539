"""Resampling of worlds and learners against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from regimax.report.statistics import bootstrap
from regimax.report.statistics._bootstrap import draws, percentiles


def test_a_drawn_world_brings_as_many_learners_as_it_has_and_only_its_own():
    worlds = np.array([3, 3, 5, 9, 9, 9])
    seen = set()
    for rows in draws(worlds, resamples=200):
        drawn = worlds[rows]
        for world, size in ((3, 2), (5, 1), (9, 3)):
            assert (drawn == world).sum() % size == 0
        assert sum((drawn == world).sum() // size for world, size in ((3, 2), (5, 1), (9, 3))) == 3
        seen |= set(rows.tolist())
    assert seen == set(range(6))


def test_variance_of_a_nested_mean_has_both_levels():
    """Davison and Hinkley (1997), section 3.8: worlds, and learners within them, both with replacement."""
    rng = np.random.default_rng(0)
    worlds, learners = 12, 4
    x = rng.normal(size=(worlds, 1)) + 0.5 * rng.normal(size=(worlds, learners))
    found = np.array([x.ravel()[rows].mean() for rows in draws(np.repeat(np.arange(worlds), learners), 20_000)])
    expected = x.mean(1).var() / worlds + x.var(1).mean() / (worlds * learners)
    # The relative error of a variance from n draws is √(2/n): 1 %.
    assert found.var() == pytest.approx(expected, rel=0.04)


def test_with_one_learner_per_world_it_is_the_ordinary_bootstrap():
    x = np.random.default_rng(2).exponential(size=40)
    ours = bootstrap(lambda rows: float(x[rows].mean()), np.arange(40), resamples=10_000)
    theirs = stats.bootstrap((x,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(3))
    spread = theirs.standard_error
    assert ours.value == pytest.approx(x.mean())
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.1 * spread)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.1 * spread)


def test_what_is_no_number_leaves_both_ends_open():
    found = np.r_[np.arange(90.0), np.full(10, np.nan)]
    assert percentiles(found, 0.9) == (-math.inf, math.inf)
    assert percentiles(np.arange(65.0), 0.875) == (4.0, 60.0)
