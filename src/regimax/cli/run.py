"""`regimax run`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from regimax.cli import arguments, given
from regimax.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regimax.claims.claim import Claim
    from regimax.claims.every import Found
    from regimax.sweep.run import Options
    from regimax.sweep.spec import Sweep


def run(command: arguments.Run) -> int:
    """Runs a sweep, a claim or a folder of either. Returns the exit code."""
    for name in ("width", "workers", "shares"):
        if (number := getattr(command, name)) is not None and number < 1:
            raise UserError(f"--{name} {number} is below 1")
    given.check_backend(command)
    given.check_numbers(command)
    if command.spec is None:
        raise UserError("give one sweep file or claim file, or --all and a folder of them")
    file = None if command.all else given.file(command.spec)  # before anything slow
    from regimax.backend import forget_the_cluster, prepare_cpu, use_compilation_cache

    forget_the_cluster()
    prepare_cpu(command.devices)
    use_compilation_cache()
    from regimax.sweep.display import say
    from regimax.sweep.files import load_file
    from regimax.sweep.run import Interrupted, Options

    console = Console()
    options = Options(
        width=command.width,
        devices=command.devices,
        checkpoint_seconds=command.checkpoint_every,
        extend=command.extend,
        accept_versions=command.accept_versions,
        share=given.part(command),
    )
    out = command.out or Path("runs")
    try:
        if file is None:
            return _run_all(command, command.spec, out, options, console)
        module = load_file(file)
        claim, name = given.claimed(command, module, file), file.stem
        if claim is not None:
            from regimax.claims.every import directory

            out = command.out or out / directory(file, given.scale(command))
            return _run_claim(command, claim, file, out, options, console)
        apart = "" if options.share is None else ".{}-of-{}".format(*options.share)
        out = command.out or out / f"{name}{apart}"
        return _run_sweep(command, given.sweep(command, module, file), file, out, options, console)
    except Interrupted as interruption:
        say(console, f"stopped; everything is saved in {out}. Type the same command to go on.")
        return 128 + interruption.number


def _run_sweep(command: arguments.Run, sweep: Sweep, file: Path, out: Path, options: Options, console: Console) -> int:
    from regimax.sweep import table
    from regimax.sweep.account import shares_text
    from regimax.sweep.display import Progressing, duration, human, say
    from regimax.sweep.extension import agreed
    from regimax.sweep.run import execute, plan_for

    plan = plan_for(sweep, out, options)
    if command.extend and not agreed(plan, out, console, ask=not command.yes):
        return 1
    facts = {"name": file.stem, "command": _typed(), "set": given.assigned(command), "seeds_given": command.seeds}
    facts["folder"] = str(file.resolve().parent)  # where the modules lie that it may import
    if command.backend != "here" and not out.exists():
        from regimax.cli.apart import run_apart

        return run_apart(command, plan, file, out, facts, console)
    with Progressing(console) as display:
        outcome = execute(plan, out, replace(options, facts=facts, source=file.read_text()), display)
    if outcome.already:
        say(console, f"finished: {out} holds all {len(plan.cells)} cells; nothing to do")
        return 0
    total = table.totals(out)
    say(
        console,
        f"finished: {len(plan.cells)} cells in {duration(outcome.shares.seconds)} · {outcome.programs} programs "
        f"· {human(total['updates'])} updates, {human(total['env_steps'])} environment steps, "
        f"{human(total['passive_steps'])} unlabelled steps, {human(total['flops_executed'], 'FLOP')} executed\n"
        f"{shares_text(outcome.shares)}\nresults in {out}; next: regimax report {out}",
    )
    return 0


def _run_claim(command: arguments.Run, claim: Claim, file: Path, out: Path, options: Options, console: Console) -> int:
    from regimax.claims.execute import run_claim
    from regimax.sweep.display import say

    done = run_claim(claim, given.scale(command), file, out, options, _typed(), console)
    rest = "; nothing to do" if done.already else ""
    text = f"finished: {out} holds all {done.cells} cells of {claim.id}, tuning included{rest}"
    say(console, f"{text}\nnext: regimax claims {out}")
    return 0


def _run_all(command: arguments.Run, folder: Path, out: Path, options: Options, console: Console) -> int:
    from regimax.claims.every import find, run_all
    from regimax.sweep import shipped
    from regimax.sweep.display import say

    fixed = "claims or --all: what is run is fixed in the files"
    if command.assignments or command.seeds is not None:
        raise UserError(f"--set and --seeds do not go with {fixed}")
    if command.block is not None:
        raise UserError(f"--block does not go with {fixed}")
    given.check_fixed(command, fixed)
    if command.part is not None or command.backend != "here":
        raise UserError(f"--part and --backend do not go with {fixed}")
    found = find(shipped.resolve_folder(folder))
    kind = "claims" if any(one.claim for one in found) else "sweeps"
    if kind == "sweeps":
        errors = _run_sweeps(command, found, out, options, console)
    else:
        ran = run_all(found, given.scale(command), out, options, _typed(), console)
        errors = {one.name: one.error for one in ran}
    failed = {name: error for name, error in errors.items() if error is not None}
    console.rule(f"{len(errors) - len(failed)} of {len(errors)} {kind} are finished", align="left")
    for name, error in failed.items():
        print(f"regimax: {name}: {error}", file=sys.stderr)
    if kind == "claims":
        say(console, f"next: regimax claims {out}")
    return 1 if failed else 0


def _run_sweeps(
    command: arguments.Run, found: Sequence[Found], out: Path, options: Options, console: Console
) -> dict[str, str | None]:
    """Runs sweeps one after the other; one that fails does not stop the others. Returns what stopped each, by name."""
    from regimax.sweep import files
    from regimax.sweep.run import Interrupted

    if command.small or command.full:
        raise UserError("--small and --full are of claims, and the folder holds none")
    errors = {one.file.stem: one.error for one in found}
    for i, one in enumerate(found):
        name = one.file.stem
        console.rule(f"{i + 1} of {len(found)}: {name}", align="left")
        if one.error is not None:
            continue
        try:
            _run_sweep(command, files.load(one.file), one.file, out / name, options, console)
        except UserError as refused:
            errors[name] = str(refused)
        except Interrupted:
            raise
        except Exception as broken:  # of one sweep; the others are still run, and the exit code tells
            console.print_exception()
            errors[name] = f"{type(broken).__name__}: {broken}"
    return errors


def _typed() -> str:
    return "regimax " + shlex.join(sys.argv[1:])
