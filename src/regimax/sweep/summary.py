"""A plan in numbers, before anything runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from regimax.sweep import width
from regimax.sweep.estimate import seconds_estimated
from regimax.sweep.lanes import Engine
from regimax.sweep.plan import Plan


def plan_summary(plan: Plan, measure: bool = False) -> dict[str, Any]:
    """Returns what a plan would run, in plain data.

    Args:
      plan: the plan.
      measure: whether to compile and time one block of every program, for `seconds_estimated`; else that is None.

    Keys: `cells`, `stages`, `programs`, `updates_planned`, `updates_without_sharing`, `env_steps_planned`,
    `passive_steps_planned` (unlabelled steps), `bytes_per_lane` (largest state of a lane, bytes), `block`, `width`
    (lanes of the widest pool on this machine), `seconds_estimated` (wall-clock, s), and `phases`: for each kind of
    stage its `stages` and `updates`.
    """
    steps = {p: _steps(plan, p) for p in plan.programs}
    own = passive = 0
    stages, updates = Counter(), Counter()
    for stage in plan.stages.values():
        length = stage.end - stage.start
        own += length * steps[stage.program][0]
        passive += length * steps[stage.program][1]
        name = kind(plan, stage.program)
        stages[name] += 1
        updates[name] += length
    begun = Counter(stage.phase for stage in plan.stages.values() if stage.inherit is not None)
    engines = [Engine(program, plan.sweep.block) for program in plan.programs.values()]
    return {
        "cells": len(plan.cells),
        "stages": len(plan.stages),
        "programs": len(plan.programs),
        "updates_planned": plan.updates_planned(),
        "updates_without_sharing": plan.updates_without_sharing(),
        "env_steps_planned": own,
        "passive_steps_planned": passive,
        "bytes_per_lane": max(engine.bytes_per_lane() for engine in engines),
        "block": plan.sweep.block,
        "width": max(width.planned(engine, begun[engine.program.phase.name]) for engine in engines),
        "seconds_estimated": seconds_estimated(plan) if measure else None,
        "phases": {name: {"stages": stages[name], "updates": updates[name]} for name in stages},
    }


def _steps(plan: Plan, program: str) -> tuple[int, int]:
    """Own and others' steps per update."""
    return plan.programs[program].learner.source.steps


def kind(plan: Plan, program: str) -> str:
    """Returns the name of a program's phase, and what tells it from other programs of phases of that name."""
    name = plan.programs[program].phase.name
    same = [p for p in plan.programs if plan.programs[p].phase.name == name]
    return name if len(same) == 1 else f"{name} ({program[:6]})"


def plan_text(facts: dict[str, Any]) -> str:
    """Returns a summary in lines for people."""
    lines = [
        f"{facts['cells']:,} cells in {facts['stages']:,} stages, {facts['programs']} programs to compile",
        f"{facts['updates_planned']:,} updates; {facts['updates_without_sharing']:,} if no stage were shared",
        f"{facts['env_steps_planned']:,} environment steps, {facts['passive_steps_planned']:,} unlabelled steps",
        f"{facts['bytes_per_lane']:,} bytes of state per lane, in blocks of {facts['block']} lanes, "
        f"{facts['width']:,} lanes side by side",
    ]
    if facts["seconds_estimated"] is not None:
        lines.append(f"about {facts['seconds_estimated']:,.0f} s here, if no stop rule ends a stage early")
    lines += [f"  {name}: {p['stages']:,} stages, {p['updates']:,} updates" for name, p in facts["phases"].items()]
    return "\n".join(lines)
