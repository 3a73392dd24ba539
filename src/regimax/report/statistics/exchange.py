"""What prediction costs and what it saves: the exchange rate, and how many tasks pay for one base model."""

from __future__ import annotations

import math

import polars as pl

from regimax.errors import UserError
from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.paired import ENDS, KEY, effect, pairs


def exchange_rate(
    less: pl.DataFrame, more: pl.DataFrame, spent: str = "passive_steps", confidence: float = 0.95
) -> Estimate:
    """Effort saved per unit of pretraining: (T_less - T_more) / (spent_more - spent_less).

    With an arm from scratch as `less` it is the average rate; with two budgets of pretraining the marginal one.

    Args:
      less: of :func:`times`, of the arm with less pretraining, or none.
      more: the same of the arm with more.
      spent: what is paid: "passive_steps" (unlabelled observations) or "flops_without_env_steps" (FLOPs).
      confidence: coverage, two-sided.

    Returns:
      the median over worlds; below 0 where more pretraining costs effort. A lower bound where `less` is censored.

    Raises:
      UserError: if `more` has not spent more in every cell.
    """
    rates = pairs(less, more, scale="linear").join(_paid(more, less, spent), on=KEY, maintain_order="left")
    if rates["_paid"].min() <= 0:  # type: ignore[operator]
        raise UserError(f"exchange_rate: the second arm must have spent more {spent} than the first in every cell")
    rates = rates.with_columns(
        *(pl.col(end) / pl.col("_paid") for end in ENDS), unit=pl.format("{} per {}", "unit", pl.lit(_NAMES[spent]))
    )
    return effect(rates, confidence)


def break_even(scratch: pl.DataFrame, pretrained: pl.DataFrame, confidence: float = 0.95) -> Estimate:
    """Returns the number of tasks from which on one shared base model costs less than none.

    n* = C / (T_scratch - T_pretrained), with C the FLOPs of pretraining and T those of one task's reinforcement
    learning; infinite where a task saves nothing.

    Args:
      scratch: of :func:`times` in the unit "flops_rl".
      pretrained: the same of the pretrained arm.
      confidence: coverage, two-sided.

    Returns:
      the median over worlds, in tasks; the upper end is infinite where it may never pay.

    Raises:
      UserError: if the times are in another unit.
    """
    unit = scratch["unit"][0]
    if unit != "flops_rl":
        raise UserError(f"break_even needs times in the unit 'flops_rl', found {unit!r}")
    saved = pairs(scratch, pretrained, scale="linear").join(
        _paid(pretrained, scratch, "flops_without_env_steps"), on=KEY
    )
    mirrored = {"low": "high", "high": "low", "shown_low": "shown_high", "shown_high": "shown_low"}
    tasks = saved.with_columns(
        *(
            pl.when(pl.col(other) > 0).then(pl.col("_paid") / pl.col(other)).otherwise(math.inf).alias(end)
            for end, other in mirrored.items()
        ),
        unit=pl.lit("tasks"),
    )
    return effect(tasks, confidence)


_NAMES = {"passive_steps": "sample", "flops_without_env_steps": "FLOP"}


def _paid(more: pl.DataFrame, less: pl.DataFrame, spent: str) -> pl.DataFrame:
    if spent not in _NAMES:
        raise UserError(f"unknown cost {spent!r}. Allowed: {', '.join(_NAMES)}")
    both = more.select(*KEY, spent).join(less.select(*KEY, pl.col(spent).alias("_less")), on=KEY)
    return both.select(*KEY, _paid=pl.col(spent) - pl.col("_less"))
