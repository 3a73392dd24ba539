"""How many tasks pay for a base model, added up and by the formula."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from regimax import UserError
from regimax.report.statistics import break_even, tasks_to_break_even

WORLDS, TASKS = 24, 10


def arm(arm_of, ln_time, cost=0.0) -> pl.DataFrame:
    """Times `[worlds, tasks]` of one learner in each world, a row for every task."""
    found = [
        arm_of(ln_time[:, t : t + 1], spacing=10.0).with_columns(pl.lit(t).alias("world.task"), unit=pl.lit("flops_rl"))
        for t in range(ln_time.shape[1])
    ]
    return pl.concat(found).with_columns(flops_without_env_steps=pl.lit(cost))


def first_task(frame):
    return frame.filter(pl.col("world.task") == 0)


def test_of_tasks_alike_it_is_what_the_formula_says(arm_of):
    same = np.full((WORLDS, TASKS), 1.0)
    scratch, pretrained = arm(arm_of, same * math.log(5000 - 1e-6)), arm(arm_of, same * math.log(3000 - 1e-6), 9000.0)
    measured, derived = tasks_to_break_even(scratch, pretrained), break_even(*map(first_task, (scratch, pretrained)))
    assert measured[:4] == pytest.approx(derived[:4])
    assert measured.value == pytest.approx(4.5)


def test_of_tasks_that_differ_it_is_steadier_than_that_of_a_single_one(arm_of):
    rng = np.random.default_rng(0)
    scratch = arm(arm_of, rng.normal(math.log(5000), 0.4, (WORLDS, TASKS)))
    pretrained = arm(arm_of, rng.normal(math.log(500), 0.4, (WORLDS, TASKS)), 20_000.0)
    measured, derived = tasks_to_break_even(scratch, pretrained), break_even(*map(first_task, (scratch, pretrained)))
    saved = math.exp(0.08) * (5000 - 500)  # the mean, which is what adds up
    assert measured.value == pytest.approx(20_000 / saved, rel=0.15)
    assert measured.high - measured.low < derived.high - derived.low


def test_what_is_not_paid_for_is_beyond_the_tasks_there_are(arm_of):
    same = np.full((WORLDS, 3), 1.0)
    found = tasks_to_break_even(arm(arm_of, same * math.log(500.0)), arm(arm_of, same * math.log(300.0), 9000.0))
    assert (found.value, found.low, found.high) == (None, 3.0, math.inf)
    # From scratch nobody gets there: each of them has saved the rest of the budget at least.
    bound = tasks_to_break_even(arm(arm_of, same * math.log(1e6)), arm(arm_of, same * math.log(3000.0), 34_000.0))
    assert (bound.value, bound.low) == (None, 0.0)
    assert bound.high == pytest.approx(2.0, abs=0.01)


def test_nonsense_is_refused(arm_of):
    a, b = arm(arm_of, np.ones((4, 2))), arm(arm_of, np.ones((4, 2)), 100.0)
    with pytest.raises(UserError, match=r"unknown column of the tasks 'world\.tsk'"):
        tasks_to_break_even(a, b, "world.tsk")
    with pytest.raises(UserError, match="needs times in the unit 'flops_rl', found 'env_steps'"):
        tasks_to_break_even(a.with_columns(unit=pl.lit("env_steps")), b)
    apart = b.with_columns(flops_without_env_steps=pl.col("world.task") + 100.0)
    with pytest.raises(UserError, match="the tasks of seed 0 have not one pretraining in common"):
        tasks_to_break_even(a, apart)
