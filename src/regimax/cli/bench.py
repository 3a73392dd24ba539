"""`regimax bench`."""

from __future__ import annotations

import signal

from regimax.cli import arguments
from regimax.cli.console import console


def bench(command: arguments.Bench) -> int:
    """Measures how fast regimax is here."""
    from regimax.bench.workloads import chosen

    chosen(command.workloads, command.all)  # before anything slow
    from regimax.backend import prepare_cpu

    prepare_cpu(command.devices)
    from regimax.bench.command import Options, bench
    from regimax.bench.tables import WIDTH
    from regimax.sweep.interrupted import Interrupted

    out = console(WIDTH)
    progress = out if out.is_terminal else console(WIDTH, stderr=True)  # two would write over each other
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
