"""Exchange rates and break-even on round numbers."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from regimax import UserError
from regimax.report.statistics import break_even, exchange_rate


def arm(arm_of, time: float, samples: int = 0, flops: float = 0.0, unit: str = "env_steps") -> pl.DataFrame:
    frame = arm_of(np.full((16, 1), math.log(time) - 1e-9), spacing=10.0)
    return frame.with_columns(passive_steps=pl.lit(samples), flops_without_env_steps=pl.lit(flops), unit=pl.lit(unit))


def test_average_and_marginal_rate(arm_of):
    scratch, some, more = arm(arm_of, 5000.0), arm(arm_of, 3000.0, 1000, 1e6), arm(arm_of, 2500.0, 2000, 2e6)
    found = exchange_rate(scratch, some)
    assert found[:4] == pytest.approx((2.0, 1.99, 2.01, "env_steps per sample"))
    assert exchange_rate(some, more).value == pytest.approx(0.5)
    assert exchange_rate(scratch, more, "flops_without_env_steps")[:4] == pytest.approx(
        (0.00125, 0.001245, 0.001255, "env_steps per FLOP")
    )
    # What costs more than it saves has a negative rate.
    assert exchange_rate(some, arm(arm_of, 3500.0, 2000)).value == pytest.approx(-0.5)


def test_a_rate_against_failures_is_a_lower_bound(arm_of):
    found = exchange_rate(arm(arm_of, 1e6), arm(arm_of, 3000.0, 1000))
    assert found[:3] == (None, 17.0, math.inf)


def test_break_even(arm_of):
    scratch, pretrained = arm(arm_of, 5000.0, unit="flops_rl"), arm(arm_of, 3000.0, flops=10_000.0, unit="flops_rl")
    found = break_even(scratch, pretrained)
    assert found[:4] == pytest.approx((5.0, 10_000 / 2010, 10_000 / 1990, "tasks"))
    never = break_even(
        pretrained.with_columns(flops_without_env_steps=0.0), scratch.with_columns(flops_without_env_steps=10_000.0)
    )
    assert (never.value, never.low, never.high) == (None, math.inf, math.inf)
    assert never.text() == "beyond any number"
    bound = break_even(arm(arm_of, 1e6, unit="flops_rl"), pretrained)
    assert (bound.value, bound.low) == (None, 0.0)
    assert bound.high == pytest.approx(10_000 / 17_000)


def test_nonsense_is_refused(arm_of):
    a = arm(arm_of, 5000.0)
    with pytest.raises(UserError, match="must have spent more passive_steps"):
        exchange_rate(a, a)
    with pytest.raises(UserError, match="unknown cost 'flops'"):
        exchange_rate(a, a, "flops")
    with pytest.raises(UserError, match="'flops_rl', found 'env_steps'"):
        break_even(a, a)
