"""Running a claim: tuning, choice, result. The same command goes on wherever it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from regimax.claims import folder
from regimax.claims.claim import Claim, Scale, Tuning
from regimax.claims.tuning import Trial, choices, trials, tuning_sweep
from regimax.sweep import disk, rundir, table
from regimax.sweep.display import Progressing, say
from regimax.sweep.found import shared
from regimax.sweep.plan import Plan, make_plan
from regimax.sweep.run import Options, execute, plan_for
from regimax.sweep.spec import Sweep


class Plans(NamedTuple):
    """What a claim would run, by name of the sweep.

    Attributes:
      tuning: of the sweeps whose arms are tuned.
      result: with what was chosen, once it was.
    """

    tuning: dict[str, Plan]
    result: dict[str, Plan]


@dataclass(frozen=True)
class Done:
    """What running a claim came to.

    Attributes:
      already: whether there was nothing left to do.
      cells: cells of the result and of its tuning.
      changed: whether the claim's file says something else than when the run began.
    """

    already: bool
    cells: int
    changed: bool


def result_sweep(claim: Claim, scale: Scale, name: str, tried: list[Trial] | None = None) -> Sweep:
    """Returns a sweep of the result, with what was chosen from `tried`."""
    sweep, tuning = claim.sweeps(scale)[name], claim.tunings(scale).get(name)
    chosen = choices(tuning, tried) if tuning and tried is not None else []
    question = sweep.question or claim.question
    return replace(sweep, choices=[*sweep.choices, *chosen], question=question)


def plans(
    claim: Claim, scale: Scale, planned: Callable[[Sweep, str, str], Plan] = lambda sweep, kind, name: make_plan(sweep)
) -> Plans:
    """Plans a claim before anything is chosen. Nothing is written.

    Args:
      claim: the claim.
      scale: which of its sweeps.
      planned: plans a sweep, given its kind (TUNING or RESULT of `folder`) and its name.

    Raises:
      UserError: for anything in its sweeps or its tuning that cannot be run.
    """
    tunings = {name: _tuning(claim, scale, name, tuning) for name, tuning in claim.tunings(scale).items()}
    results = {name: result_sweep(claim, scale, name) for name in claim.sweeps(scale)}
    with shared():
        return Plans(
            {name: planned(sweep, folder.TUNING, name) for name, sweep in tunings.items()},
            {name: planned(sweep, folder.RESULT, name) for name, sweep in results.items()},
        )


def _tuning(claim: Claim, scale: Scale, name: str, tuning: Tuning) -> Sweep:
    return replace(tuning_sweep(claim.sweeps(scale)[name], tuning), question=f"Tuning: {claim.question}")


def run_claim(
    claim: Claim, scale: Scale, file: Path, out: Path, options: Options, command: str, console: Console
) -> Done:
    """Runs what is left of a claim in the directory `out`.

    Args:
      claim: the claim.
      scale: which of its sweeps.
      file: where it was loaded from; a copy is kept before anything runs.
      out: its directory, made when missing.
      options: how to run its sweeps.
      command: what was typed.
      console: where progress is shown.

    Raises:
      UserError: if it cannot be run, `out` holds something else, or a part of `out` is in use.
      Interrupted: after SIGINT or SIGTERM, once everything is committed.
    """
    dirs = {kind: folder.run_dirs(out, claim, scale, kind) for kind in (folder.TUNING, folder.RESULT)}
    tuning_dirs, result_dirs = dirs[folder.TUNING], dirs[folder.RESULT]
    planned = plans(claim, scale, lambda sweep, kind, name: plan_for(sweep, dirs[kind][name], options))
    folder.compare(claim, scale, out, file)
    for name, plan in planned.tuning.items():
        rundir.compare(plan, tuning_dirs[name], options.extend)
    with rundir.locked(out), disk.told(out):
        same = folder.begin(claim, scale, out, file, command)
        if not same:
            rule = out / folder.SOURCE
            say(console, f"{file} was changed after this run began: the rule that counts is that of {rule}")
        already, cells = True, 0

        def run(plan: Plan, where: Path, what: str) -> None:
            nonlocal already, cells
            console.print(f"{claim.id} {what}", highlight=False, style="bold")
            facts = {"name": f"{claim.id} {what}", "command": command, "set": [], "seeds_given": None}
            with Progressing(console) as display:
                outcome = execute(plan, where, replace(options, facts=facts, source=None), display)
            already, cells = already and outcome.already, cells + len(plan.cells)

        for name, plan in planned.tuning.items():
            run(plan, tuning_dirs[name], _named("tuning", name, tuning_dirs))
        tried = {
            name: trials(tuning, table.cell_table(tuning_dirs[name]), table.cell_curves(tuning_dirs[name]))
            for name, tuning in claim.tunings(scale).items()
        }
        folder.write_choices(out, tried)
        for name in planned.result:
            chosen = tried.get(name)
            plan = planned.result[name]
            if chosen is not None:
                plan = plan_for(result_sweep(claim, scale, name, chosen), result_dirs[name], options)
            run(plan, result_dirs[name], _named("result", name, result_dirs))
        return Done(already, cells, not same)


def _named(kind: str, name: str, there: dict[str, Path]) -> str:
    return kind if len(there) == 1 else f"{kind}: {name}"
