"""Which rows a stage leaves, so that those that damage has taken can be told."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from regimax.sweep import store
from regimax.sweep.plan import Plan, Stage

End = tuple[str, int]
"""The status of a stage, "running" where it is not over, and the update that it has reached."""


def evaluations(plan: Plan, stage: Stage, status: str, updates: int) -> set[int]:
    """Returns the updates of the rows of a stage that ran: before its first update, and after every tick."""
    every = plan.programs[stage.program].phase.evaluate.every
    last = updates + every * (status == "diverged")  # such a lane stays where it began the tick
    return {*range(stage.start + every, last + 1, every), *([0] if stage.start == 0 else [])}


def measurements(plan: Plan, stage: Stage, status: str, updates: int) -> set[int]:
    """Returns the updates at which the probes of a stage that ran have measured: where due, and at its end."""
    program = plan.programs[stage.program]
    if not program.probes:
        return set()
    last = updates + (status == "diverged")
    due = range(stage.start, last, program.phase.evaluate.every)
    found = {update for update in due if program.probe_due(update, stage.start, stage.end)}
    return found | ({updates} if status in ("done", "solved") else set())


def incomplete(
    plan: Plan, ends: Mapping[str, End], curves: pl.DataFrame | None, probes: pl.DataFrame | None
) -> set[str]:
    """Returns the stages of which a row is missing.

    Args:
      plan: the plan.
      ends: by stage of the plan, all that have begun.
      curves: `stage` and `update` of the evaluations that are there, or None.
      probes: the same of the measurements.
    """
    ran = {name: end for name, end in ends.items() if not _ended_with_its_parent(plan, ends, name)}
    starts = pl.DataFrame(
        {"stage": list(ran), "start": [plan.stages[name].start for name in ran]},
        schema={"stage": pl.String, "start": pl.Int64},
    )
    gone: set[str] = set()
    for rows, wanted in ((curves, evaluations), (probes, measurements)):
        there: dict[str, list[int]] = {}
        if rows is not None:
            counted = store.counted(rows.select("stage", "update"), starts)
            there = dict(counted.group_by("stage").agg("update").iter_rows())
        gone |= {name for name, end in ran.items() if wanted(plan, plan.stages[name], *end) - {*there.get(name, ())}}
    return gone


def _ended_with_its_parent(plan: Plan, ends: Mapping[str, End], name: str) -> bool:
    """Whether a stage never ran: the one before diverged, or was solved before this link of the same phase."""
    stage = plan.stages[name]
    status = ends[stage.parent][0] if stage.parent is not None and stage.parent in ends else None
    return status == "diverged" or (status == "solved" and stage.inherit is None)
