"""Concept share and recovery where they are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from regimax.report.statistics import concept_share, recovery

WORLD = np.random.default_rng(0).normal(0.0, 0.3, size=(16, 1))


def at(arm_of, time: float, **given):
    return arm_of(WORLD + math.log(time), **{"spacing": 1.0} | given)


def test_concept_share(arm_of):
    found = concept_share(at(arm_of, 4000.0), at(arm_of, 400.0))
    assert found.value == pytest.approx(0.9, abs=0.001)
    assert found.low < 0.9 < found.high
    assert found.high - found.low < 0.01
    # The oracle is twice as slow: the share is negative, not hidden.
    assert concept_share(at(arm_of, 400.0), at(arm_of, 800.0)).value == pytest.approx(-1.0, abs=0.02)


def test_concept_share_is_bounded_where_scratch_fails(arm_of):
    found = concept_share(at(arm_of, 1e7), at(arm_of, 400.0, spacing=1.0))
    assert found.value is None
    assert found.high == 1.0
    assert 0.95 < found.low < 1 - 400.0 / 20_000.0 * math.exp(-0.3)


def test_recovery(arm_of):
    found = recovery(at(arm_of, 8000.0), at(arm_of, 2000.0), at(arm_of, 500.0), resamples=200)
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert found.low <= 0.5 <= found.high
    wider = found.at(0.99)
    assert wider is not None
    assert wider.low <= found.low < found.high <= wider.high
    assert (wider.value, wider.confidence) == (found.value, 0.99)
    assert recovery(at(arm_of, 8000.0), at(arm_of, 8000.0), at(arm_of, 500.0), resamples=50).value == 0.0
    assert recovery(at(arm_of, 8000.0), at(arm_of, 500.0), at(arm_of, 500.0), resamples=50).value == 1.0
    # Worse than scratch, and better than the oracle.
    assert recovery(at(arm_of, 4000.0), at(arm_of, 8000.0), at(arm_of, 1000.0), resamples=50).high < -0.4
    assert recovery(at(arm_of, 4000.0), at(arm_of, 500.0), at(arm_of, 1000.0), resamples=50).low > 1.4


def test_recovery_has_one_sided_bounds_where_scratch_fails(arm_of):
    found = recovery(at(arm_of, 1e7), at(arm_of, 2000.0), at(arm_of, 500.0), resamples=200)
    assert found.value is None
    assert found.high == 1.0
    # The budget of 20,000 in the place of scratch: ln 10 / ln 40.
    assert found.low == pytest.approx(math.log(10) / math.log(40), abs=0.1)


def test_recovery_where_the_pretrained_arm_fails_is_bounded_from_above(arm_of):
    found = recovery(at(arm_of, 8000.0), at(arm_of, 1e7), at(arm_of, 500.0), resamples=200)
    assert (found.value, found.low) == (None, -math.inf)
    assert found.high < 0


def test_no_recovery_where_scratch_and_oracle_do_not_differ(arm_of):
    rng = np.random.default_rng(1)
    noisy = [arm_of(WORLD + 7.0 + rng.normal(0.0, 0.3, size=(16, 1))) for _ in range(3)]
    found = recovery(*noisy, resamples=50)
    assert found[:3] == (None, -math.inf, math.inf)
    assert found.method == "none: scratch and oracle do not differ"
    both_fail = recovery(at(arm_of, 1e7), at(arm_of, 500.0), at(arm_of, 1e7), resamples=50)
    assert both_fail[:3] == (None, -math.inf, math.inf)


def test_the_interval_of_recovery_covers_it(arm_of):
    """95 % of the percentile bootstrap falls a little short with 16 worlds; 85 % would be a mistake."""
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(60):
        world = rng.normal(0.0, 0.5, size=(16, 1))
        arms = [arm_of(world + math.log(t) + rng.normal(0.0, 0.3, size=(16, 1))) for t in (8000.0, 2000.0, 500.0)]
        found = recovery(*arms, resamples=200)
        covered += found.low <= 0.5 <= found.high
    assert covered >= 52
