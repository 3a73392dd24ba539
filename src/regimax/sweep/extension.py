"""What a larger sweep takes over from a run directory, and what is left to run, before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import polars as pl
from rich.console import Console
from rich.prompt import Confirm

from regimax.regimes import program
from regimax.sweep import rundir, store
from regimax.sweep.display import say
from regimax.sweep.plan import Plan

SOLVED, DIVERGED = program.STATUS[program.SOLVED], program.STATUS[program.DIVERGED]


class Extension(NamedTuple):
    """What of a plan a run directory has, in stages and in updates.

    Attributes:
      reused: stages that are finished and count as they are.
      reused_updates: of theirs.
      again: finished stages from which new ones go on, and whose states were not kept: they are run again.
      again_updates: of theirs.
      new: stages that were never finished.
      new_updates: of theirs.
    """

    reused: int
    reused_updates: int
    again: int
    again_updates: int
    new: int
    new_updates: int

    def text(self) -> str:
        """Returns it in a sentence."""
        again = (
            f", {self.again} are run again ({self.again_updates:,} updates): others go on from them, and their states "
            "were not kept (keep_params=True keeps them)"
            if self.again
            else ""
        )
        return (
            f"{self.reused} stages are used as they are ({self.reused_updates:,} updates), {self.new} are new "
            f"({self.new_updates:,} updates){again}"
        )


def extension(plan: Plan, run: Path) -> Extension:
    """Returns what a run directory has of a plan; nothing is written.

    Args:
      plan: the plan, made for that directory.
      run: the run directory, there or not.

    Raises:
      Damaged: if what says so is not what was written.
    """
    manifest = store.newest_manifest(run) if run.is_dir() else None
    rows, files = store.finished_rows(run, manifest), list((manifest or {}).get(store.STATES, ()))
    ended = dict(rows.select("stage", "status").rows())
    parked = set(rows.filter(pl.col("state_file").is_in(files))["stage"]) if len(rows) else set()
    _go_on(plan, ended, parked)
    again: set[str] = set()
    for stage in reversed(plan.stages.values()):  # children before parents
        left = any(child not in ended or child in again for child in plan.children.get(stage.id, ()))
        wanted = (stage.keep or left) and ended.get(stage.id, DIVERGED) != DIVERGED
        if wanted and stage.id not in parked:
            again.add(stage.id)
    counts = {"reused": [0, 0], "again": [0, 0], "new": [0, 0]}
    for stage in plan.stages.values():
        kind = counts["again" if stage.id in again else "reused" if stage.id in ended else "new"]
        kind[0] += 1
        kind[1] += stage.end - stage.start
    return Extension(*counts["reused"], *counts["again"], *counts["new"])


def agreed(plan: Plan, run: Path, console: Console, ask: bool) -> bool:
    """Says what a larger sweep uses again, and asks a person at a terminal where stages must be run a second time.

    Args:
      plan: the plan, made for that directory.
      run: the run directory, there or not.
      console: where it is said.
      ask: whether to ask at all.

    Returns:
      whether to go on.

    Raises:
      UserError: if the directory cannot be extended to the plan.
    """
    rundir.compare(plan, run, extend=True)
    found = extension(plan, run)
    say(console, f"extending {run}: {found.text()}")
    if not (found.again and ask and sys.stdin.isatty() and console.is_terminal):
        return True
    return Confirm.ask("Go on?", console=console, default=True)


def _go_on(plan: Plan, ended: dict[str, str], parked: set[str]) -> None:
    """Adds the stages that will not begin, as what they would go on from diverged or was stopped."""
    for stage in plan.stages.values():  # parents before children
        if stage.parent is None or stage.id in ended:
            continue
        before, is_link = ended.get(stage.parent), stage.inherit is None
        if before == DIVERGED or (before == SOLVED and is_link):
            ended[stage.id] = before
            if is_link and stage.parent in parked:
                parked.add(stage.id)
