"""The command line: run · plan · table · report · bench."""

from __future__ import annotations

import shlex
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console

from regimax.errors import UserError

if TYPE_CHECKING:
    from regimax.sweep.plan import Plan

SpecFile = Annotated[Path, tyro.conf.Positional]
RunDir = Annotated[Path, tyro.conf.Positional]
Assignments = Annotated[
    tuple[tuple[str, ...], ...], tyro.conf.arg(name="set", metavar="AXIS=V1,V2"), tyro.conf.UseAppendAction
]


@dataclass(frozen=True)
class Run:
    """Run a sweep, or go on where it was interrupted: the same command, typed again.

    A finished run says so and does nothing. A directory that holds another sweep is refused.
    """

    spec: SpecFile
    """The sweep file: Python that defines `sweep = regimax.Sweep(...)`."""
    out: Path | None = None
    """The run directory; runs/NAME of the sweep file when not given."""
    seeds: int | None = None
    """Number of seeds, instead of the file's."""
    assignments: Assignments = ()
    """Values of axes, instead of the file's; `regime=a,b` keeps those regimes."""
    width: int | None = None
    """Lanes side by side; results do not depend on it."""
    devices: int | None = None
    """Devices to use; a CPU is split into one per core when not given."""
    checkpoint_every: float = 60.0
    """Seconds between checkpoints."""
    extend: bool = False
    """Add the cells that a larger sweep has to a run directory; what is committed there is used again."""


@dataclass(frozen=True)
class PlanCommand:
    """Say what a sweep would run. Nothing is written."""

    spec: SpecFile
    """The sweep file."""
    seeds: int | None = None
    """Number of seeds, instead of the file's."""
    assignments: Assignments = ()
    """Values of axes, instead of the file's; `regime=a,b` keeps those regimes."""
    json: bool = False
    """Print JSON."""
    measure: bool = False
    """Compile every program and time a block of it, to say how long the run would take."""


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
class Bench:
    """Measure how fast regimax is here, and what of the machine it uses.

    Workloads: ppo-cartpole, ppo-breakout, cipher-pretrain, cipher-rl, exemplar-rl, sweep-flagship. Each is run at
    several widths, beside ceilings that are measured in the same run. One that needs a package that is not installed
    is left out.
    """

    workloads: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[WORKLOAD ...]")] = ()
    """What to run; all of them when none is named."""
    widths: tuple[int, ...] = ()
    """Numbers of lanes, instead of a ladder."""
    block: int | None = None
    """Lanes per vmapped product; 8 on a CPU, and all lanes of a device on an accelerator, when not given."""
    repetitions: int = 5
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
    | Annotated[Bench, tyro.conf.subcommand("bench")]
)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line. Returns the exit code: 0, 2 for errors of the user's making, 128 + n after signal n."""
    command = tyro.cli(
        Command,  # type: ignore[arg-type]
        prog="regimax",
        description="What it costs a learner to become competent, by how it learns.",
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    actions = {Run: _run, PlanCommand: _plan, Table: _table, Report: _report, Bench: _bench}
    try:
        return actions[type(command)](command)
    except UserError as error:
        print(f"regimax: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 128 + signal.SIGPIPE


def _planned(command: Run | PlanCommand) -> Plan:
    from regimax.sweep import spec
    from regimax.sweep.plan import make_plan

    if command.seeds is not None and command.seeds < 1:
        raise UserError(f"--seeds {command.seeds} is below 1")
    return make_plan(spec.override(spec.load(command.spec), _assigned(command), command.seeds))


def _assigned(command: Run | PlanCommand) -> list[str]:
    return [text for group in command.assignments for text in group]


def _run(command: Run) -> int:
    if command.width is not None and command.width < 1:
        raise UserError(f"--width {command.width} is below 1")
    if not command.spec.is_file():  # before anything slow
        from regimax.sweep import spec

        spec.load(command.spec)
    from regimax.backend import prepare_cpu, use_compilation_cache

    prepare_cpu(command.devices)
    use_compilation_cache()
    from regimax.sweep import table
    from regimax.sweep.account import shares_text
    from regimax.sweep.display import Progressing, duration, human
    from regimax.sweep.run import Interrupted, Options, execute

    plan = _planned(command)
    out = command.out or Path("runs") / command.spec.stem
    console = Console()
    options = Options(
        width=command.width,
        devices=command.devices,
        checkpoint_seconds=command.checkpoint_every,
        extend=command.extend,
        facts={"name": command.spec.stem, "command": _typed(), "set": _assigned(command), "seeds_given": command.seeds},
        source=command.spec.read_text(),
    )
    try:
        with Progressing(console) as display:
            outcome = execute(plan, out, options, display)
    except Interrupted as interruption:
        console.print(f"stopped; everything is saved in {out}. Type the same command to go on.", highlight=False)
        return 128 + interruption.number
    if outcome.already:
        console.print(f"finished: {out} holds all {len(plan.cells)} cells; nothing to do", highlight=False)
        return 0
    total = table.totals(out)
    console.print(
        f"finished: {len(plan.cells)} cells in {duration(outcome.shares.seconds)} · {outcome.programs} programs "
        f"compiled · {human(total['updates'])} updates, {human(total['env_steps'])} environment steps, "
        f"{human(total['samples'])} unlabelled steps, {human(total['flops_executed'], 'FLOP')} executed\n"
        f"{shares_text(outcome.shares)}\nresults in {out}; next: regimax report {out}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _typed() -> str:
    return "regimax " + shlex.join(sys.argv[1:])


def _plan(command: PlanCommand) -> int:
    from regimax.backend import prepare_cpu, use_compilation_cache

    prepare_cpu()
    use_compilation_cache()
    import json

    from regimax.sweep.summary import plan_summary, plan_text

    facts = plan_summary(_planned(command), command.measure)
    print(json.dumps(facts, indent=1) if command.json else plan_text(facts))
    return 0


def _table(command: Table) -> int:
    import polars as pl

    from regimax.sweep.table import cell_table

    frame = cell_table(command.run)
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


def _bench(command: Bench) -> int:
    from regimax.bench.workloads import chosen

    chosen(command.workloads)  # before anything slow
    from regimax.backend import prepare_cpu

    prepare_cpu(command.devices)
    from regimax.bench.command import Options, bench
    from regimax.bench.tables import WIDTH
    from regimax.sweep.run import Interrupted

    out = _console(WIDTH)
    progress = out if out.is_terminal else _console(WIDTH, stderr=True)  # two would write over each other
    options = Options(
        names=command.workloads,
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
