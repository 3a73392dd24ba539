"""Power and worlds needed, against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from regimax.report.statistics import Estimate, power, worlds_needed
from regimax.report.statistics._power import worlds_to_decide


@pytest.mark.parametrize(("n", "spread"), [(16, 0.4), (16, 0.8), (64, 0.8)])
def test_power_of_the_sign_interval_is_that_of_simulated_worlds(n, spread):
    distance = math.log(2) - math.log(1.5)
    drawn = np.sort(np.random.default_rng(0).normal(distance, spread, size=(4000, n)), axis=1)
    found = (drawn[:, int(binom.ppf(0.025, n, 0.5)) - 1] > 0).mean()
    assert power(distance, spread, n) == pytest.approx(found, abs=0.03)


def test_worlds_needed_have_the_power_asked_for():
    for interval in ("sign", "signed-rank", "mean"):
        n = worlds_needed(0.28, 0.7, interval=interval)
        assert n is not None
        assert power(0.28, 0.7, n, interval=interval) >= 0.8 > power(0.28, 0.7, n - 1, interval=interval)
    assert worlds_needed(0.0, 0.7) is None


def test_what_is_open_is_decided_by_the_worlds_that_its_interval_asks_for():
    found = Estimate(0.6, 0.1, 1.1, "ln ratio", 16)
    assert worlds_to_decide(found, (0.4, math.inf)) == 205
    assert worlds_to_decide(found._replace(value=0.4), (0.4, math.inf)) is None
