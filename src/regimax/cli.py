"""The command line: run · plan · table · report · claims · bench."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import shlex
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console

from regimax.errors import UserError

if TYPE_CHECKING:
    from types import ModuleType

    from regimax.claims.claim import Claim, Scale
    from regimax.sweep.run import Options
    from regimax.sweep.spec import Sweep
    from regimax.sweep.target import Ahead

SpecFile = Annotated[Path, tyro.conf.Positional]
RunDir = Annotated[Path, tyro.conf.Positional]
Assignments = Annotated[
    tuple[tuple[str, ...], ...], tyro.conf.arg(name="set", metavar="AXIS=V1,V2"), tyro.conf.UseAppendAction
]


@dataclass(frozen=True)
class Run:
    """Run a sweep or a claim, or go on where it was interrupted: the same command, typed again.

    A finished run says so and does nothing. A directory that holds another sweep is refused.
    """

    spec: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[SPEC]")] = None
    """The file: Python that defines `sweep = regimax.Sweep(...)` or `claim = regimax.Claim(...)`."""
    all: Path | None = None
    """Run every claim file of this folder instead, one after the other."""
    small: bool = False
    """Of claims: their small sweeps; they are run when not given."""
    full: bool = False
    """Of claims: their full sweeps."""
    out: Path | None = None
    """The run directory; runs/NAME of the file when not given. With --all, the folder for all of them; runs."""
    seeds: int | None = None
    """Number of seeds, instead of the file's."""
    assignments: Assignments = ()
    """Values of axes, instead of the file's; `regime=a,b` keeps those regimes."""
    block: int | None = None
    """Lanes per vmapped product, instead of the file's or of what suits the platform; last digits may depend on it."""
    width: int | None = None
    """Lanes side by side; results do not depend on it."""
    precision: str | None = None
    """Of products, instead of the file's: default, high or highest; a GPU's default may be TF32, with 10 bits."""
    deterministic: bool = False
    """On a GPU, leave out operations whose results differ from call to call."""
    autotune: bool = True
    """On a GPU, let the compiler time products to choose the fastest code; the choice may change last digits."""
    devices: int | None = None
    """Devices to use; a CPU is split into one per core, or per block of cells where those are fewer, when not given."""
    checkpoint_every: float = 60.0
    """Seconds between checkpoints, or more where they would take over 2 % of the run; 0 is for one after every tick."""
    extend: bool = False
    """Add the cells that a larger sweep has to a run directory; what is committed there is used again."""
    accept_versions: bool = False
    """Go on with a run of other versions of jax, jaxlib or regimax, another device or other options of the compiler;
    the table and the report then say which cells were computed under which."""


@dataclass(frozen=True)
class PlanCommand:
    """Say what a sweep or a claim would run. Nothing is written."""

    spec: SpecFile
    """The sweep file or claim file."""
    full: bool = False
    """Of a claim: its full sweeps."""
    seeds: int | None = None
    """Number of seeds, instead of the file's."""
    assignments: Assignments = ()
    """Values of axes, instead of the file's; `regime=a,b` keeps those regimes."""
    block: int | None = None
    """Lanes per vmapped product, instead of the file's or of what suits the platform; last digits may depend on it."""
    json: bool = False
    """Print JSON."""
    measure: bool = False
    """Compile every program and time a block of it, to say how long the run would take."""
    target: str | None = None
    """Compile for a chip that need not be there: h200, v5e, v5p, v6e or a file; needs the extra gpu or tpu."""


@dataclass(frozen=True)
class Table:
    """Print one row per cell."""

    run: RunDir
    """The run directory."""
    format: Literal["text", "csv", "json", "parquet"] = "text"
    """How to print it; parquet goes to standard output."""


@dataclass(frozen=True)
class Report:
    """Write RUN/report.html: learning curves and a table, self-contained."""

    run: RunDir
    """The run directory."""


@dataclass(frozen=True)
class Claims:
    """Judge claims: a table of verdicts, and ROOT/claims.html with how each was come by.

    Each is judged by the rule that its run began with: the copy of its file that its directory keeps is executed, where
    it is still the file that was registered when the run began. What is not finished is inconclusive. A directory that
    is damaged is told in a sentence, the others are judged all the same, and the exit code is 2.
    """

    root: Annotated[Path, tyro.conf.Positional]
    """The folder that holds the claims' run directories, or one of them."""
    json: bool = False
    """Print JSON."""
    current: bool = False
    """Judge by the claim files as they are now; the page says so where they have changed."""
    trust: bool = False
    """Execute the copies of claim files even where they are not what was registered."""


@dataclass(frozen=True)
class Bench:
    """Measure how fast regimax is here, and what of the machine it uses.

    Workloads: ppo-cartpole, ppo-breakout, cipher-pretrain, cipher-rl, cipher-transformer, exemplar-rl, sweep-flagship.
    Each is run at several widths, beside ceilings that are measured in the same run. One that needs a package that is
    not installed is left out.
    """

    workloads: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[WORKLOAD ...]")] = ()
    """What to run; when none is named, all but ppo-breakout and sweep-flagship."""
    all: bool = False
    """Run every workload."""
    widths: tuple[int, ...] = ()
    """Numbers of lanes, instead of a ladder."""
    block: int | None = None
    """Lanes per vmapped product; 8 on a CPU, and all lanes of a device on an accelerator, when not given."""
    repetitions: int = 3
    """Repetitions of every width; three will do where they take long."""
    devices: int | None = None
    """Devices that a CPU is split into; one per core when not given."""
    json: Path | None = None
    """Write the result to this file."""
    against: Path | None = None
    """Compare with this file, which another `regimax bench --json` has written."""
    plot: Path | None = None
    """Draw the rates into this HTML file."""


Command = (
    Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[PlanCommand, tyro.conf.subcommand("plan")]
    | Annotated[Table, tyro.conf.subcommand("table")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Claims, tyro.conf.subcommand("claims")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Returns:
      the exit code: 0; 1 where one of several claims could not be run, or a program does not compile for the chip that
      it is planned for; 2 for errors of the user's making; 128 + n after signal n.
    """
    command = tyro.cli(
        Command,  # type: ignore[arg-type]
        prog="regimax",
        description="What it costs a learner to become competent, by how it learns.",
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    # Tracing leaves millions of objects, and to look among them for garbage time and again took a sixth of planning.
    gc.set_threshold(50_000, 20, 10)
    # XLA tells of compiling that takes long, in a banner; the display tells of it in words.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    actions = {Run: _run, PlanCommand: _plan, Table: _table, Report: _report, Claims: _claims, Bench: _bench}
    try:
        return actions[type(command)](command)
    except UserError as error:
        print(f"regimax: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 128 + signal.SIGPIPE


def _sweep(command: Run | PlanCommand, module: ModuleType, file: Path) -> Sweep:
    from regimax.sweep import spec
    from regimax.sweep.files import sweep_of

    if command.full or (isinstance(command, Run) and command.small):
        raise UserError(f"{file} holds a sweep, not a claim: --small and --full are of claims")
    numerics = _numerics(command) if isinstance(command, Run) else {}
    sweep = spec.override(sweep_of(module, file), _assigned(command), command.seeds, command.block, numerics)
    if isinstance(command, Run) and command.devices is None:
        _leave_no_device_idle(sweep, command.width)
    return sweep


def _numerics(command: Run) -> dict[str, Any]:
    """What was typed of numbers; what was not is the file's."""
    usual = {"precision": None, "deterministic": False, "autotune": True}
    return {name: given for name, default in usual.items() if (given := getattr(command, name)) != default}


def _leave_no_device_idle(sweep: Sweep, width: int | None) -> None:
    """Splits a CPU into no more devices than all cells, or lanes, make blocks; one that idles slows the others.

    Where regimes run programs of their own, one after the other, a device may idle all the same. Nothing is changed
    where the file of the sweep has computed something.
    """
    from regimax.backend import cores, prepare_cpu
    from regimax.sweep import axes, spec
    from regimax.sweep.block import CPU_BLOCK

    block = sweep.block if isinstance(sweep.block, int) else CPU_BLOCK
    cells = len(axes.points(sweep)) * len(sweep.regimes) * len(spec.seed_list(sweep))
    with contextlib.suppress(UserError):
        prepare_cpu(min(cores(), math.ceil(min(cells, width or cells) / max(1, block))))


def _claimed(command: Run | PlanCommand, module: ModuleType, file: Path) -> Claim | None:
    """The claim of a file, or None where it holds a sweep."""
    if not hasattr(module, "claim"):
        return None
    from regimax.claims.claim import claim_of

    claim = claim_of(module, file)
    if isinstance(command, Run):
        _check_fixed(command, "a claim: what it runs is fixed in its file")
    if command.assignments or command.seeds is not None:
        raise UserError("--set and --seeds do not go with a claim: what it runs is fixed in its file")
    if command.block is not None and not (isinstance(command, PlanCommand) and command.target):
        raise UserError("--block does not go with a claim: what it runs is fixed in its file")
    return claim


def _scale(command: Run | PlanCommand) -> Scale:
    if isinstance(command, Run) and command.small and command.full:
        raise UserError("--small and --full exclude each other")
    return "full" if command.full else "small"


def _assigned(command: Run | PlanCommand) -> list[str]:
    return [text for group in command.assignments for text in group]


def _run(command: Run) -> int:
    if command.width is not None and command.width < 1:
        raise UserError(f"--width {command.width} is below 1")
    _check_numbers(command)
    if (command.spec is None) == (command.all is None):
        raise UserError("give one sweep file or claim file, or --all and a folder of claim files")
    if command.spec is not None and not command.spec.is_file():  # before anything slow
        from regimax.sweep.files import load_file

        load_file(command.spec)
    from regimax.backend import prepare_cpu, use_compilation_cache

    prepare_cpu(command.devices)
    use_compilation_cache()
    from regimax.sweep.files import load_file
    from regimax.sweep.run import Interrupted, Options

    console = Console()
    options = Options(
        width=command.width,
        devices=command.devices,
        checkpoint_seconds=command.checkpoint_every,
        extend=command.extend,
        accept_versions=command.accept_versions,
    )
    out = command.out or Path("runs")
    try:
        if command.spec is None:
            return _run_all(command, out, options, console)
        module = load_file(command.spec)
        claim, name = _claimed(command, module, command.spec), command.spec.stem
        if claim is not None:
            from regimax.claims.every import directory

            out = command.out or out / directory(command.spec, _scale(command))
            return _run_claim(command, claim, command.spec, out, options, console)
        out = command.out or out / name
        return _run_sweep(command, module, command.spec, out, options, console)
    except Interrupted as interruption:
        console.print(f"stopped; everything is saved in {out}. Type the same command to go on.", highlight=False)
        return 128 + interruption.number


def _run_sweep(command: Run, module: ModuleType, file: Path, out: Path, options: Options, console: Console) -> int:
    from regimax.sweep import table
    from regimax.sweep.account import shares_text
    from regimax.sweep.display import Progressing, duration, human
    from regimax.sweep.run import execute, plan_for

    plan = plan_for(_sweep(command, module, file), out, options)
    facts = {"name": file.stem, "command": _typed(), "set": _assigned(command), "seeds_given": command.seeds}
    facts["folder"] = str(file.resolve().parent)  # where the modules lie that it may import
    with Progressing(console) as display:
        outcome = execute(plan, out, replace(options, facts=facts, source=file.read_text()), display)
    if outcome.already:
        console.print(f"finished: {out} holds all {len(plan.cells)} cells; nothing to do", highlight=False)
        return 0
    total = table.totals(out)
    console.print(
        f"finished: {len(plan.cells)} cells in {duration(outcome.shares.seconds)} · {outcome.programs} programs "
        f"· {human(total['updates'])} updates, {human(total['env_steps'])} environment steps, "
        f"{human(total['passive_steps'])} unlabelled steps, {human(total['flops_executed'], 'FLOP')} executed\n"
        f"{shares_text(outcome.shares)}\nresults in {out}; next: regimax report {out}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _run_claim(command: Run, claim: Claim, file: Path, out: Path, options: Options, console: Console) -> int:
    from regimax.claims.execute import run_claim

    done = run_claim(claim, _scale(command), file, out, options, _typed(), console)
    rest = "; nothing to do" if done.already else ""
    text = f"finished: {out} holds all {done.cells} cells of {claim.id}, tuning included{rest}"
    console.print(f"{text}\nnext: regimax claims {out}", highlight=False, soft_wrap=True)
    return 0


def _run_all(command: Run, out: Path, options: Options, console: Console) -> int:
    from regimax.claims.every import find, run_all

    assert command.all is not None
    if command.assignments or command.seeds is not None:
        raise UserError("--set and --seeds do not go with claims: what they run is fixed in their files")
    if command.block is not None:
        raise UserError("--block does not go with claims: what they run is fixed in their files")
    _check_fixed(command, "claims: what they run is fixed in their files")
    scale = _scale(command)
    ran = run_all(find(command.all), scale, out, options, _typed(), console)
    failed = [one for one in ran if one.error is not None]
    console.rule(f"{len(ran) - len(failed)} of {len(ran)} claims are finished", align="left")
    for one in failed:
        print(f"regimax: {one.name}: {one.error}", file=sys.stderr)
    console.print(f"next: regimax claims {out}", highlight=False)
    return 1 if failed else 0


def _check_fixed(command: Run, what: str) -> None:
    for name in _numerics(command):
        raise UserError(f"--{'no-' if name == 'autotune' else ''}{name} does not go with {what}")


def _check_numbers(command: Run | PlanCommand) -> None:
    for name in ("seeds", "block"):
        if (given := getattr(command, name)) is not None and given < 1:
            raise UserError(f"--{name} {given} is below 1")


def _typed() -> str:
    return "regimax " + shlex.join(sys.argv[1:])


def _plan(command: PlanCommand) -> int:
    _check_numbers(command)
    ahead = _ahead(command)
    from regimax.backend import prepare_cpu, use_compilation_cache

    prepare_cpu()
    use_compilation_cache()
    import json

    from regimax.sweep.files import load_file
    from regimax.sweep.plan import Plan, make_plan
    from regimax.sweep.summary import plan_summary, plan_text
    from regimax.sweep.target import target_text

    def summary(plan: Plan) -> dict[str, Any]:
        facts = plan_summary(plan, command.measure)
        return facts | {"target": ahead.summary(plan)} if ahead else facts

    def text(facts: dict[str, Any]) -> str:
        return "\n\n".join([plan_text(facts), *([target_text(facts["target"])] if ahead else [])])

    module = load_file(command.spec)
    claim = _claimed(command, module, command.spec)
    if claim is None:
        facts = summary(make_plan(_sweep(command, module, command.spec)))
        print(json.dumps(facts, indent=1) if command.json else text(facts))
        return _compiled(facts)
    from regimax.claims.execute import plans
    from regimax.claims.pilot import power_line, powers

    power = powers(claim, _scale(command))
    kinds = plans(claim, _scale(command))._asdict()
    found = {kind: {n: summary(p) for n, p in of.items()} for kind, of in kinds.items()}
    if command.json:
        print(json.dumps(found | {"power": power}, indent=1))
    else:
        for kind, of in found.items():
            for name, facts in of.items():
                print(f"{claim.id} {kind}{'' if len(of) == 1 else f': {name}'}\n{text(facts)}")
        for row in power:
            print(power_line(row))
    return max(_compiled(facts) for of in found.values() for facts in of.values())


def _ahead(command: PlanCommand) -> Ahead | None:
    """What compiles for the chip that a plan is for, where one is named."""
    if command.target is None:
        return None
    from regimax.sweep.files import load_file
    from regimax.targets import chip

    if not command.spec.is_file():  # before anything slow
        load_file(command.spec)
    found = chip(command.target)
    from regimax.sweep.target import Ahead

    return Ahead(found, command.block, lambda text: print(text, file=sys.stderr, flush=True))


def _compiled(facts: dict[str, Any]) -> int:
    """The exit code of a plan: 1 where a program does not compile for the chip, or does not fit."""
    programs = facts["target"]["programs"] if "target" in facts else []
    return 1 if any(program["problem"] for program in programs) else 0


def _table(command: Table) -> int:
    import polars as pl

    from regimax.sweep import environment, store
    from regimax.sweep.table import cell_table

    frame = cell_table(command.run)
    if len(environments := store.environments(command.run)[0]) > 1:
        print(f"regimax: computed under several environments: {environment.mixed(environments)}", file=sys.stderr)
    if command.format == "csv":
        sys.stdout.write(frame.write_csv())
    elif command.format == "json":
        sys.stdout.write(frame.write_json() + "\n")
    elif command.format == "parquet":
        frame.write_parquet(sys.stdout.buffer)
    else:
        with pl.Config(
            tbl_rows=-1, tbl_cols=-1, tbl_width_chars=10_000, tbl_hide_dataframe_shape=True, fmt_str_lengths=100,
            tbl_hide_column_data_types=True, tbl_formatting="NOTHING",
        ):  # fmt: skip
            print(frame)
    return 0


def _report(command: Report) -> int:
    from regimax import report

    print(report.write_report(command.run))
    return 0


def _claims(command: Claims) -> int:
    import json

    from regimax.claims import page, terminal
    from regimax.claims.judge import judge_all

    judged = judge_all(command.root, command.current, trust=command.trust)
    try:
        path = page.write(command.root, judged)
    except OSError as error:
        raise UserError(f"cannot write to {str(command.root)!r}: {error.strerror}") from error
    if command.json:
        print(json.dumps([one.record() for one in judged], indent=1, allow_nan=False))
    else:
        terminal.show(_console(terminal.WIDTH), judged)
        print(path)
    damaged = [one for one in judged if one.damage]
    for one in damaged:
        print(f"regimax: {one.name}: {one.damage}", file=sys.stderr)
    return 2 if damaged else 0


def _bench(command: Bench) -> int:
    from regimax.bench.workloads import chosen

    chosen(command.workloads, command.all)  # before anything slow
    from regimax.backend import prepare_cpu

    prepare_cpu(command.devices)
    from regimax.bench.command import Options, bench
    from regimax.bench.tables import WIDTH
    from regimax.sweep.interrupted import Interrupted

    out = _console(WIDTH)
    progress = out if out.is_terminal else _console(WIDTH, stderr=True)  # two would write over each other
    options = Options(
        names=command.workloads,
        everything=command.all,
        widths=command.widths,
        block=command.block,
        repetitions=command.repetitions,
        json=command.json,
        against=command.against,
        plot=command.plot,
    )
    try:
        bench(options, out, progress)
    except (KeyboardInterrupt, Interrupted) as stop:
        progress.print("stopped; nothing is written")
        return 128 + (stop.number if isinstance(stop, Interrupted) else signal.SIGINT)
    return 0


def _console(width: int, stderr: bool = False) -> Console:
    """A console, of the terminal's width or where there is none of `width` columns."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=width)
