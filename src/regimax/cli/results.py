"""`regimax table`, `report`, `export` and `claims`: what is read of runs."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from regimax.cli import arguments
from regimax.cli.console import console
from regimax.errors import UserError

if TYPE_CHECKING:
    from polars import DataFrame
    from rich.table import Table


def table(command: arguments.Table) -> int:
    """Prints the results of a run."""
    from regimax.report import terminal
    from regimax.sweep import environment, store
    from regimax.sweep.table import cell_table

    if command.columns and command.all_columns:
        raise UserError("--columns and --all-columns exclude each other")
    frame = cell_table(command.run)
    if len(environments := store.environments(command.run)[0]) > 1:
        print(f"regimax: computed under several environments: {environment.mixed(environments)}", file=sys.stderr)
    if command.format != "text":
        terminal.check_columns(frame, command.columns)
        _write(frame.select(command.columns) if command.columns else frame, command.format)
    elif command.cells or command.all_columns:
        columns = frame.columns if command.all_columns else command.columns or terminal.CELL
        _whole(terminal.per_cell(frame, columns))
    else:
        threshold = store.read_sweep(command.run)["resolved"]["threshold"]
        _whole(terminal.per_setting(frame, threshold, command.columns))
    return 0


def _write(frame: DataFrame, form: str) -> None:
    if form == "csv":
        sys.stdout.write(frame.write_csv())
    elif form == "json":
        sys.stdout.write(frame.write_json() + "\n")
    else:
        frame.write_parquet(sys.stdout.buffer)


def _whole(table: Table) -> None:
    """Prints a table with lines as long as they need to be, where a terminal is too narrow, or there is none."""
    out = Console()
    needed = Console(width=10_000).measure(table)
    print_to = out if out.is_terminal and needed.minimum <= out.width else Console(width=needed.maximum)
    print_to.print(table)


def report(command: arguments.Report) -> int:
    """Writes the page of a run, and with --watch renews it until the run is complete."""
    from regimax.report.run import renewals, write_report

    if not command.watch:
        print(write_report(command.run))
        return 0
    try:
        for i, path in enumerate(renewals(command.run)):
            if i == 0:
                print(f"{path}, renewed while the run goes on; Ctrl-C ends that", flush=True)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    print("the run is complete")
    return 0


def export(command: arguments.Export) -> int:
    """Writes results for another program."""
    from regimax import export

    next_steps = {"tensorboard": "tensorboard --logdir {}", "wandb": "wandb sync {}/wandb/offline-run-*"}
    folder = export.export(command.run, command.to, command.out)
    print(f"{folder}{'; next: ' * (command.to in next_steps)}{next_steps.get(command.to, '').format(folder)}")
    return 0


def claims(command: arguments.Claims) -> int:
    """Judges claims, prints their verdicts and writes their page. Returns 2 where one is damaged."""
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
        terminal.show(console(terminal.WIDTH), judged)
        print(path)
    damaged = [one for one in judged if one.damage]
    for one in damaged:
        print(f"regimax: {one.name}: {one.damage}", file=sys.stderr)
    return 2 if damaged else 0
