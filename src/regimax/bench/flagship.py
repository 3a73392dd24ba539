"""A whole sweep, as `regimax run` runs it, in a folder that is thrown away."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from regimax.bench.measure import Progress
from regimax.bench.workloads import SweepWorkload
from regimax.sweep import table
from regimax.sweep.executables import Compiling
from regimax.sweep.plan import Plan, make_plan
from regimax.sweep.pool import Tick
from regimax.sweep.run import Options, execute

REPETITIONS = 2
"""At most: each runs the whole sweep."""


class _Watch:
    """A display that counts, and passes on how far the sweep is."""

    def __init__(self, name: str, progress: Progress):
        self._name, self._progress = name, progress
        self.lanes = self.finished = self.stages = 0

    def start(
        self,
        plan: Plan,
        finished: int,
        updates: int,
        devices: Sequence[Any],
        compiling: Callable[[], Sequence[Compiling]],
    ) -> None:
        self.stages = len(plan.stages)

    def pool(self, name: str, stages: int, width: int) -> None:
        self.lanes = max(self.lanes, width)
        self._progress.doing(f"{self._name}: phase {name}, {width} lanes")

    def tick(self, tick: Tick, env_steps: int) -> None:
        if tick.finished:
            self.finished += tick.finished
            self._progress.doing(f"{self._name}: {self.finished} of {self.stages} stages")

    def say(self, text: str) -> None:
        self._progress.done(f"{self._name}: {text}")


def run(
    workload: SweepWorkload, devices: int, block: int, widths: Sequence[int], repetitions: int, progress: Progress
) -> dict[str, Any]:
    """Runs a sweep several times, each in a fresh folder.

    Args:
      workload: the sweep.
      devices: how many local devices to use.
      block: lanes per product.
      widths: lanes; as many as the engine chooses when empty.
      repetitions: of each width, `REPETITIONS` at most.
      progress: told of what is done.

    Returns:
      plain data: `version`, `about`, `cells`, `stages`, `sharing` (updates of all cells one by one, of those planned),
      `points`. A point's rates leave compiling out and have all else in: planning of lanes, curves, checkpoints.
    """
    plan = make_plan(workload.make(block))
    points = []
    for width in widths or [None]:
        points.append(_point(workload, plan, devices, width, min(repetitions, REPETITIONS), progress))
    points = list({point["lanes"]: point for point in points}.values())  # the plan may not fill a wider pool
    return {
        "version": workload.version,
        "about": workload.about,
        "cells": len(plan.cells),
        "stages": len(plan.stages),
        "sharing": plan.updates_without_sharing() / plan.updates_planned(),
        "points": points,
    }


def _point(
    workload: SweepWorkload, plan: Plan, devices: int, width: int | None, repetitions: int, progress: Progress
) -> dict[str, Any]:
    seconds, shares, totals, lanes = [], [], {}, 0
    for _ in range(repetitions):
        watch = _Watch(workload.name, progress)
        with tempfile.TemporaryDirectory(prefix="regimax-bench-") as folder:
            out = Path(folder) / "run"
            outcome = execute(plan, out, Options(width=width, devices=devices), watch)
            totals, lanes = table.totals(out), watch.lanes
        shares.append(outcome.shares)
        seconds.append(outcome.shares.seconds - outcome.shares.compiling)
    median, worst = statistics.median(seconds), max(seconds)
    updates, steps = totals["updates"], totals["env_steps"] + totals["passive_steps"]
    point = {
        "lanes": lanes,
        "block": plan.sweep.block,
        "devices": devices,
        "seconds": seconds,
        "updates": updates,
        "updates_per_second": updates / median,
        "updates_per_second_worst": updates / worst,
        "steps_per_second": steps / median,
        "flops_per_second": totals["flops_executed"] / median,
        "compile_seconds": shares[0].compiling,
        **{
            name: statistics.median(getattr(share, name) for share in shares)
            for name in ("occupancy", "waiting", "idle", "saving")
        },
    }
    progress.done(f"{workload.name}: {lanes} lanes, {point['updates_per_second']:,.0f} updates/s")
    return point
