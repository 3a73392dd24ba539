"""`regimax bench`: from what was typed to what is printed and written."""

from __future__ import annotations

import contextlib
import importlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache
from rich.console import Console

from regimax.backend import use_compilation_cache
from regimax.bench import busy, ladder, machine, result, tables
from regimax.bench import ceilings as ceiling
from regimax.bench.measure import Ceilings, Measurement
from regimax.bench.workloads import SweepWorkload, Workload, chosen
from regimax.errors import UserError
from regimax.sweep.display import say

ACCELERATOR_BLOCK = 64
"""Lanes per product of whole sweeps on an accelerator."""


@dataclass(frozen=True)
class Options:
    """What was typed.

    Attributes:
      names: of workloads; the usual ones when empty.
      everything: whether all workloads are meant.
      widths: lanes; a ladder when empty.
      block: lanes per product; by the kind of device when None.
      repetitions: of every width.
      json: where the result goes, if anywhere.
      against: another result to compare with, if any.
      plot: where the page goes, if anywhere.
    """

    names: Sequence[str] = ()
    everything: bool = False
    widths: Sequence[int] = ()
    block: int | None = None
    repetitions: int = 3
    json: Path | None = None
    against: Path | None = None
    plot: Path | None = None


def bench(options: Options, out: Console, progress: Console) -> dict[str, Any]:
    """Measures workloads and prints, compares and writes what was found.

    All that can be refused is refused before anything is measured.

    Args:
      options: what was typed.
      out: where tables go.
      progress: where progress goes: a line that changes on a terminal, else a line per width.

    Returns:
      the result, as it is written: `machine`, `warnings` (sentences), `ceilings`, `workloads` by name.

    Raises:
      UserError: for an unknown workload, one that needs what is not installed, widths below 1, or files that cannot
        be read, written or compared.
    """
    workloads = chosen(options.names, options.everything)
    if options.repetitions < 1:
        raise UserError(f"--repetitions {options.repetitions} is below 1")
    ladder.ladder("cpu", 1, options.widths, options.block)  # refuses what is below 1
    for path in (options.json, options.plot):
        result.check_writable(path)
    if options.plot is not None:
        _needed("--plot", "plotly")
    before = None
    if options.against is not None:
        before = result.read(options.against)
        result.check_comparable(before, {w.name: w.version for w in workloads}, options.against)
    workloads = _installed(workloads, bool(options.names), progress)
    with _Shown(progress) as shown, _nothing_compiled_before():
        found = _measured(workloads, options, out, shown)
    tables.warnings(out, found["warnings"])
    out.print()
    for paragraph in tables.LEGEND:
        out.print(paragraph, style="dim", highlight=False)
    if before is not None:
        tables.comparison(out, str(options.against), before, found)
    if options.json is not None:
        result.write(options.json, found)
        out.print(f"written: {options.json}", highlight=False)
    if options.plot is not None:
        from regimax.bench import plot

        plot.write(options.plot, found)
        out.print(f"written: {options.plot}", highlight=False)
    return found


def _installed(
    workloads: Sequence[Workload | SweepWorkload], named: bool, progress: Console
) -> list[Workload | SweepWorkload]:
    """Returns the workloads that can be made here; one that was named and cannot is an error."""
    found = []
    for workload in workloads:
        try:
            if isinstance(workload, SweepWorkload):
                _needed(workload.name, "polars")
                workload.make(ladder.CPU_BLOCK)
            else:
                workload.make()
        except UserError as error:
            if named:
                raise
            say(progress, f"{workload.name} is left out: {error}")
        else:
            found.append(workload)
    return found


def _needed(what: str, package: str) -> None:
    """Refuses what needs a package that is not there; all else does without."""
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise UserError(f"{what} needs {package}, which is not installed here: pip install {package}") from error


def _measured(
    workloads: Sequence[Workload | SweepWorkload], options: Options, out: Console, shown: _Shown
) -> dict[str, Any]:
    devices = jax.local_devices()
    platform = devices[0].platform
    warnings = busy.load()
    facts = machine.facts()
    tables.machine(out, facts)
    rungs = ladder.ladder(platform, len(devices), options.widths, options.block)
    block = options.block or (ladder.CPU_BLOCK if platform == "cpu" else ACCELERATOR_BLOCK)
    ceilings: Ceilings = {}
    if any(isinstance(workload, Workload) for workload in workloads):
        counts = {*ladder.up_to(len(devices)), *(rung.devices for rung in rungs)}
        ceilings = _ceilings(sorted(counts), block, options.repetitions, shown)
        tables.ceilings(out, list(ceilings.values()))
        warnings += busy.by_ceilings(list(ceilings.values()), facts)
    tables.warnings(out, warnings)
    found: dict[str, Any] = {}
    for workload in workloads:
        shown.doing(f"{workload.name}: tracing")
        if isinstance(workload, SweepWorkload):
            from regimax.bench import flagship

            sizes = len(devices), block, options.widths, options.repetitions
            found[workload.name] = flagship.run(workload, *sizes, shown)
            tables.sweep(out, workload.name, found[workload.name])
        else:
            measurement = Measurement(workload, devices, ceilings, options.repetitions, shown)
            open_ended = platform != "cpu" and not options.widths
            found[workload.name] = measurement.run(rungs, open_ended)
            tables.workload(out, workload.name, found[workload.name])
    measured = [c._asdict() for c in ceilings.values()]
    return {"machine": facts, "warnings": warnings, "ceilings": measured, "workloads": found}


def _ceilings(counts: Sequence[int], block: int, repetitions: int, shown: _Shown) -> Ceilings:
    devices = jax.local_devices()
    found = {}
    for count in counts:
        for kernel in ceiling.kernels(devices[0].platform, block, count):
            shown.doing(f"ceilings: {kernel.name}, {count} of {len(devices)} devices")
            found[kernel.name, count] = ceiling.measure(kernel, devices[:count], repetitions)
    return found


@contextlib.contextmanager
def _nothing_compiled_before() -> Iterator[None]:
    """Keeps what is compiled in a folder of its own, so that compiling is timed and yet done for one device only."""
    name = "jax_compilation_cache_dir"
    usual = jax.config.values[name]
    with tempfile.TemporaryDirectory(prefix="regimax-bench-") as folder:
        compilation_cache.reset_cache()
        jax.config.update(name, folder)
        use_compilation_cache()
        try:
            yield
        finally:
            compilation_cache.reset_cache()
            jax.config.update(name, usual)


class _Shown:
    """Shows progress.

    Args:
      console: where.
    """

    def __init__(self, console: Console):
        self._console = console
        self._status = console.status("starting") if console.is_terminal else None

    def __enter__(self) -> _Shown:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._status is not None:
            self._status.stop()

    def doing(self, text: str) -> None:
        """Tells what is being done: on a terminal only."""
        if self._status is not None:
            self._status.update(text)

    def done(self, text: str) -> None:
        """Tells what was done: a line where there is no terminal, whose table comes later."""
        if self._status is None:
            say(self._console, text)
