"""How many tasks pay for one base model, as it was measured: task by task until the cost is earned."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regimax.errors import UserError, unknown
from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.paired import KEY, effect, pairs


def tasks_to_break_even(
    scratch: pl.DataFrame, pretrained: pl.DataFrame, task: str = "world.task", confidence: float = 0.95
) -> Estimate:
    """Returns after how many tasks of one base model their savings have paid for it, in the order of the tasks.

    :func:`break_even` divides the cost by what one task saves; this adds up what each of many has saved. A part of the
    last task counts as a part of a task.

    Args:
      scratch: of :func:`times` in the unit "flops_rl", for all tasks.
      pretrained: the same of the arm whose pretraining they share.
      task: the column of the tasks.
      confidence: coverage, two-sided.

    Returns:
      the median over worlds, in tasks; beyond the number of tasks where they have not paid for it.

    Raises:
      UserError: if the times are in another unit, there is no such column, or tasks of one learner did not have one
        pretraining in common.

    Example:
      >>> def arm(steps, paid):  # as `times` returns it, three tasks in each of eight worlds
      ...     rows = [(w, w, t, steps, steps, steps, "flops_rl", paid) for w in range(8) for t in range(3)]
      ...     names = ["world_seed", "seed", "world.task", "low", "reached", "high", "unit", "flops_without_env_steps"]
      ...     return pl.DataFrame(rows, schema=names, orient="row")
      >>> tasks_to_break_even(arm(300.0, 0.0), arm(100.0, 500.0)).text()
      '2.5 tasks (2.5 to 2.5)'
    """
    for frame in (scratch, pretrained):
        if task not in frame.columns:
            raise unknown("column of the tasks", task, frame.columns)
        if (unit := frame["unit"][0]) != "flops_rl":
            raise UserError(f"tasks_to_break_even needs times in the unit 'flops_rl', found {unit!r}")
    key = [*KEY, task]
    cost = pl.col("flops_without_env_steps") - pl.col("flops_without_env_steps_b")
    paid = pretrained.join(scratch, on=key, suffix="_b").select(*key, _paid=cost)
    saved = pairs(scratch, pretrained, scale="linear", by=[task]).join(paid, on=key)
    rows: list[dict[str, Any]] = []
    for (world, seed), tasks in saved.sort(key).group_by(KEY, maintain_order=True):
        if tasks["_paid"].n_unique() > 1:
            raise UserError(f"tasks_to_break_even: the tasks of seed {seed} have not one pretraining in common")
        own, cost_of_it = {"world_seed": world, "seed": seed, "unit": "tasks"}, float(tasks["_paid"][0])
        for end, other in (("low", "high"), ("shown_low", "shown_high")):
            # The more they have saved, the fewer it takes.
            own[end] = _crossing(tasks[other].to_numpy(), cost_of_it, float(len(tasks)))
            own[other] = _crossing(tasks[end].to_numpy(), cost_of_it, math.inf)
        rows.append(own)
    return effect(pl.DataFrame(rows), confidence)


def _crossing(saved: NDArray[np.float64], cost: float, otherwise: float) -> float:
    """After how many tasks their savings `[N]` add up to a cost."""
    total = np.cumsum(saved)
    reached = np.nonzero(total >= cost)[0]
    if not len(reached):
        return otherwise
    i = int(reached[0])
    return i + 1 - float((total[i] - cost) / saved[i]) if math.isfinite(saved[i]) else float(i)
