"""The command line: run · merge · plan · table · report · export · claims · bench · new · list."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from importlib import import_module
from typing import Annotated

import tyro

from regimax.cli.arguments import Bench, Claims, Export, List, Merge, New, Plan, Report, Run, Table
from regimax.cli.folded import whole_words
from regimax.cli.paths import check_paths
from regimax.errors import UserError
from regimax.frames import with_room

Command = (
    Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Plan, tyro.conf.subcommand("plan")]
    | Annotated[Merge, tyro.conf.subcommand("merge")]
    | Annotated[Table, tyro.conf.subcommand("table")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[Claims, tyro.conf.subcommand("claims")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
    | Annotated[New, tyro.conf.subcommand("new")]
    | Annotated[List, tyro.conf.subcommand("list")]
)
ACTIONS = {
    Run: "run.run",
    Plan: "plan.plan",
    Merge: "merge.merge",
    Table: "results.table",
    Report: "results.report",
    Export: "results.export",
    Claims: "results.claims",
    Bench: "bench.bench",
    New: "start.new",
    List: "start.listing",
}
"""Where the function of each command is: it is imported when it is needed."""
DESCRIPTION = """What it costs a learner to become competent, by how it learns.

To begin with: regimax run quickstart, then regimax report runs/quickstart. What there is tells `regimax list`, the
options of a command `regimax COMMAND --help`, the version `regimax --version`. Where your own code fails, the place is
told in a line; with any command, --traceback shows the rest."""


@with_room
def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Returns:
      the exit code: 0; 1 where one of several claims could not be run, or a program does not compile for the chip that
      it is planned for; 2 for errors of the user's making; 128 + n after signal n.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what is typed, such as a file's name, may be no text
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return _main(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _main(typed: list[str]) -> int:
    whole = "--traceback" in typed
    typed = [word for word in typed if word != "--traceback"]
    if typed == ["--version"]:
        from regimax import __version__

        print(f"regimax {__version__}")
        return 0
    with whole_words():
        command = tyro.cli(
            Command,  # type: ignore[arg-type]
            prog="regimax",
            description=DESCRIPTION,
            args=typed or ["--help"],
            config=(tyro.conf.OmitArgPrefixes,),
        )
    # Tracing leaves millions of objects, and to look among them for garbage time and again took a sixth of planning.
    gc.set_threshold(max(gc.get_threshold()[0], 50_000), 20, 10)
    # XLA tells of compiling that takes long, in a banner; the display tells of it in words.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    module, _, function = ACTIONS[type(command)].partition(".")
    try:
        check_paths(command)
        return getattr(import_module(f"regimax.cli.{module}"), function)(command)
    except UserError as error:
        print(f"regimax: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:  # while planning, or reading: a run that is under way commits what it has
        print("regimax: stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    except Exception as error:
        from regimax.sweep.files import told

        if whole or (place := told(error)) is None:
            raise
        print(f"regimax: {place} (--traceback shows how it came to that)", file=sys.stderr)
        return 2
