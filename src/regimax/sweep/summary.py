"""A plan in numbers, before anything runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jax

from regimax.sweep import block, width
from regimax.sweep.estimate import seconds_estimated
from regimax.sweep.lanes import Engine, bytes_per_lane
from regimax.sweep.plan import Plan
from regimax.sweep.waves import parked_bytes, waves


def plan_summary(plan: Plan, measure: bool = False) -> dict[str, Any]:
    """Returns what a plan would run, in plain data.

    Args:
      plan: the plan.
      measure: whether to compile and time one block of every program, for `seconds_estimated`; else that is None.

    Keys: `cells`, `stages`, `programs`, `updates_planned`, `updates_without_sharing`, `env_steps_planned`,
    `passive_steps_planned` (unlabelled steps), `bytes_per_lane` (largest state of a lane, bytes), `block` (lanes of the
    largest block that a run begun on this machine would choose), `width` (lanes of its widest pool),
    `seconds_estimated` (wall-clock, s), and `phases`: for each kind of stage its `stages`, `updates` and `block`. On an
    accelerator the compiler may plan more memory than is counted here, and a block be smaller.
    """
    steps = {p: _steps(plan, p) for p in plan.programs}
    own = passive = 0
    stages, updates, blocks = Counter(), Counter(), {}
    sizes = {name: bytes_per_lane(program) for name, program in plan.programs.items()}
    devices = jax.local_devices()
    parked = parked_bytes(devices[0].platform, width.free_memory_of(devices))
    at_once = block.at_once(plan, waves(plan, sizes.__getitem__, parked))
    chosen = block.planned(plan, at_once, devices)
    for stage in plan.stages.values():
        length = stage.end - stage.start
        own += length * steps[stage.program][0]
        passive += length * steps[stage.program][1]
        name = kind(plan, stage.program)
        stages[name] += 1
        updates[name] += length
        blocks[name] = chosen[stage.program]
    widths = [width.planned(Engine(p, chosen[name]), at_once[name]) for name, p in plan.programs.items()]
    return {
        "cells": len(plan.cells),
        "stages": len(plan.stages),
        "programs": len(plan.programs),
        "updates_planned": plan.updates_planned(),
        "updates_without_sharing": plan.updates_without_sharing(),
        "env_steps_planned": own,
        "passive_steps_planned": passive,
        "bytes_per_lane": max(sizes.values()),
        "block": max(chosen.values()),
        "width": max(widths),
        "seconds_estimated": seconds_estimated(plan, chosen) if measure else None,
        "phases": {n: {"stages": stages[n], "updates": updates[n], "block": blocks[n]} for n in stages},
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
        f"{facts['bytes_per_lane']:,} bytes of state per lane, {facts['width']:,} lanes side by side",
    ]
    if facts["seconds_estimated"] is not None:
        lines.append(f"about {facts['seconds_estimated']:,.0f} s here, if no stop rule ends a stage early")
    lines += [
        f"  {name}: {p['stages']:,} stages, {p['updates']:,} updates, in blocks of {p['block']:,} lanes"
        for name, p in facts["phases"].items()
    ]
    return "\n".join(lines)
