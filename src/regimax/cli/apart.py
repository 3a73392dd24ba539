"""`regimax run --backend`: a sweep in shares, elsewhere."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from regimax.backend import cores
from regimax.cli import arguments
from regimax.executors import Executor, Task
from regimax.executors.driver import drive, folder_of, hang_seconds_for
from regimax.sweep import disk, rundir
from regimax.sweep.display import say
from regimax.sweep.share import cut, suiting

if TYPE_CHECKING:
    from regimax.sweep.plan import Plan


def run_apart(
    command: arguments.Run, plan: Plan, file: Path, out: Path, facts: dict[str, Any], console: Console
) -> int:
    """Runs the shares of a sweep with an executor, and joins them. Returns the exit code."""
    place = folder_of(out).absolute()
    of = command.shares or _begun(place)
    if of is not None:
        cut(plan, 1, of)  # refuses too many
    rundir.compare(plan, out, extend=False)
    if place.exists():
        with rundir.locked(place):  # is refused before a cluster is begun
            pass
    with contextlib.closing(_executor(command, file)) as executor:
        of = of or suiting(plan, executor.slots, executor.worth)
        tasks = []
        for i in range(1, of + 1):
            into = place / f"{i}-of-{of}"
            tasks.append(Task(i, file.absolute(), _typed(command, i, of, into), into))
        workers = f"{executor.slots} worker{'s' * (executor.slots > 1)}"
        say(console, f"{len(plan.cells)} cells in {len(plan.stages)} stages, in {of} shares, for {workers}")
        limit = command.hang_seconds or hang_seconds_for(command.checkpoint_every)
        with disk.told(out):
            cells = drive(tasks, out, executor, lambda text: say(console, text), facts, limit)
    say(console, f"finished: {cells} cells\nresults in {out}; next: regimax report {out}")
    return 0


def _executor(command: arguments.Run, file: Path) -> Executor:
    if command.backend == "ray":
        from regimax.executors.ray import Ray

        return Ray(command.workers, command.address, file.absolute().parent)
    from regimax.executors.processes import Processes

    return Processes(command.workers or cores())


def _begun(place: Path) -> int | None:
    """Of how many shares there are some already."""
    found = [re.fullmatch(r"[0-9]+-of-([0-9]+)", path.name) for path in place.glob("*-of-*")]
    return next((int(one[1]) for one in found if one), None)


def _typed(command: arguments.Run, number: int, of: int, out: Path) -> tuple[str, ...]:
    """What a worker is given to type, but for the file."""
    words = ["run", "--part", f"{number}/{of}", "--out", str(out), "--checkpoint-every", str(command.checkpoint_every)]
    for name in ("seeds", "block", "precision", "devices", "width"):
        if (value := getattr(command, name)) is not None:
            words += [f"--{name}", str(value)]
    for group in command.assignments:
        words += ["--set", *group]
    words += [f"--{flag.replace('_', '-')}" for flag in ("deterministic", "accept_versions") if getattr(command, flag)]
    return (*words, *(() if command.autotune else ("--no-autotune",)))
