"""Running a plan: pools in order, commits now and then, results at the end."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import platform
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import polars as pl

import regimax
from regimax.errors import UserError
from regimax.sweep import store, table
from regimax.sweep.cost import Costs
from regimax.sweep.lanes import Engine
from regimax.sweep.ledger import Ledger
from regimax.sweep.plan import Plan
from regimax.sweep.pool import Pool, Tick

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "polars")


class Display(Protocol):
    """What shows a run to its user."""

    def start(self, plan: Plan, finished: int, updates: int, devices: Sequence[Any]) -> None: ...
    def pool(self, name: str, stages: int, width: int, compiling: bool) -> None: ...
    def tick(self, tick: Tick, env_steps: int) -> None: ...
    def say(self, text: str) -> None: ...


@dataclass(frozen=True)
class Options:
    """How to run, without influence on the results.

    Attributes:
      width: lanes; measured when None.
      devices: number of local devices to use; all when None.
      checkpoint_seconds: wall-clock between commits.
      command: what the user typed, for the report.
      name: the sweep's name.
    """

    width: int | None = None
    devices: int | None = None
    checkpoint_seconds: float = 60.0
    command: str = ""
    name: str = "sweep"


class Outcome(NamedTuple):
    """What a run came to.

    Attributes:
      already: whether there was nothing left to do.
      programs: compiled programs (`advance`), one per static signature that was run.
      seconds: wall-clock of this invocation.
      occupancy: busy lane-ticks over all lane-ticks.
    """

    already: bool
    programs: int
    seconds: float
    occupancy: float


class Interrupted(Exception):
    """A signal asked the run to stop; everything is committed."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def execute(plan: Plan, out: Path, options: Options, display: Display) -> Outcome:
    """Runs what is left of a plan in the run directory `out`.

    Args:
      plan: the plan.
      out: the run directory, made when missing. One that exists is resumed.
      options: how to run.
      display: shows progress.

    Returns:
      the outcome.

    Raises:
      UserError: if `out` cannot be written, holds another sweep, or is in use.
      Interrupted: after SIGINT or SIGTERM, once everything is committed.
    """
    begun = time.monotonic()
    _compare(plan, out)
    with _locked(out), _signals() as caught:
        ledger = Ledger(plan, out)
        devices = jax.local_devices()[: options.devices]
        engines = _Engines(plan, devices)
        _write_plan(plan, out, options)
        manifest = ledger.recover(lambda program: engines(program).abstract_state(), display.say)
        if manifest and manifest["complete"]:
            return Outcome(True, 0, time.monotonic() - begun, 1.0)
        display.start(plan, len(ledger.finished), ledger.updates_done(), devices)
        clock = _Clock(options.checkpoint_seconds)
        busy = slots = 0

        def facts(**more: Any) -> dict[str, Any]:
            seconds = ledger.seconds + time.monotonic() - begun
            return {"program": None, "slots": [], "complete": False, "seconds": seconds} | more

        def commit(pool: Pool, program: str) -> None:
            ledger.commit(pool.arrays(), facts(program=program, slots=pool.slots(), block=plan.sweep.block))
            clock.reset()
            if caught:
                raise Interrupted(caught[0])

        for program, ready in _pools(plan, ledger):
            engine, own_steps = engines(program), plan.programs[program].learner.source
            num_blocks = _num_blocks(engine, len(ready), options.width)
            phase = plan.programs[program].phase.name
            display.pool(phase, len(ready), num_blocks * engine.block, "advance" not in engine.traces)
            per_update = own_steps.num_envs * own_steps.num_steps

            def on_tick(tick: Tick, per_update: int = per_update) -> None:
                nonlocal busy, slots
                busy, slots = busy + tick.busy, slots + tick.lanes
                display.tick(tick, tick.updates * per_update)

            pool = Pool(engine, engines, plan, ledger, ready, num_blocks)
            pool.run(on_tick, lambda: bool(caught) or clock.due(), lambda p, program=program: commit(p, program))
            ledger.commit({}, facts())
        ledger.commit({}, facts(complete=True))
        _write_results(out)
        ledger.clear_states()
        return Outcome(False, engines.compiled(), time.monotonic() - begun, busy / max(slots, 1))


class _Engines:
    """One engine per program, made when first asked for."""

    def __init__(self, plan: Plan, devices: Sequence[Any]):
        self._plan, self._devices, self._made = plan, devices, {}

    def __call__(self, program: str) -> Engine:
        if program not in self._made:
            self._made[program] = Engine(self._plan.programs[program], self._plan.sweep.block, self._devices)
        return self._made[program]

    def compiled(self) -> int:
        return sum(engine.traces.get("advance", 0) for engine in self._made.values())


class _Clock:
    """Says when a commit is due."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self.reset()

    def reset(self) -> None:
        self._last = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() - self._last >= self._seconds


def _pools(plan: Plan, ledger: Ledger) -> Iterator[tuple[str, list[str]]]:
    """Yields programs with the stages that can begin, until everything is finished.

    A program of which no stage waits for another program goes first, so that most programs run in one pool.
    """
    while True:
        ready: dict[str, list[str]] = {}
        blocked: set[str] = set()
        for stage in plan.stages.values():
            if stage.id in ledger.finished:
                continue
            parent = stage.parent
            if parent is None or parent in ledger.finished:
                ready.setdefault(stage.program, []).append(stage.id)
            elif plan.stages[parent].program != stage.program:
                blocked.add(stage.program)
        if not ready:
            return
        under_way = [p for p, stages in ready.items() if any(s in ledger.resumed for s in stages)]
        program = min(ready, key=lambda p: (p not in under_way, p in blocked, list(plan.programs).index(p)))
        stages = ready[program]
        stages.sort(key=lambda s: s not in ledger.resumed)
        yield program, stages


def _num_blocks(engine: Engine, stages: int, width: int | None) -> int:
    """Returns the number of blocks: a multiple of the devices, no more than there are stages for."""
    devices, block = len(engine.devices), engine.block
    per_round = devices * block
    if width is None:
        width = 64 * devices if engine.devices[0].platform == "cpu" else _memory_lanes(engine)
    width = min(width, stages)
    return max(1, -(-width // per_round)) * devices


def _memory_lanes(engine: Engine) -> int:
    """Lanes that fill half of the devices' memory, at eight times the state for what an update needs."""
    stats = engine.devices[0].memory_stats() or {}
    limit = stats.get("bytes_limit", 2**33)
    return max(1, len(engine.devices) * limit // (2 * 8 * engine.bytes_per_lane()))


def _difference(before: Any, now: Any, where: str = "") -> str | None:
    """Returns the first place at which two pieces of plain data differ, in words."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            path = f"{where}.{key}" if where else str(key)
            if key not in before or key not in now:
                return f"{path} is {'new' if key not in before else 'gone'}"
            if found := _difference(before[key], now[key], path):
                return found
        return None
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return next(
            (d for i, (a, b) in enumerate(zip(before, now, strict=True)) if (d := _difference(a, b, f"{where}[{i}]"))),
            None,
        )
    return None if before == now else f"{where} was {_short(before)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = f"{len(value)} entries" if isinstance(value, list | dict) and len(str(value)) > 60 else str(value)
    return text[:60]


def _compare(plan: Plan, out: Path) -> None:
    """Refuses a directory that is something else, holds another sweep or cannot be written."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{str(out)!r} is a file, not a run directory")
    if (out / "sweep.json").is_file():
        before = store.read_sweep(out)["resolved"]
        if found := _difference(before, plan.resolved):
            raise UserError(f"{str(out)!r} holds another sweep: {found}. Give another --out.")
    elif out.is_dir() and any(p.name not in store.OWN and p.suffix != ".tmp" for p in out.iterdir()):
        raise UserError(f"{str(out)!r} is not empty and not a run directory. Give another --out.")
    parent = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"cannot write to {str(parent)!r}. Give another --out.")


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Holds the run directory, or refuses it when another process does."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = open(out / ".lock", "w")  # noqa: SIM115 - held until the run ends
    except OSError as error:
        raise UserError(f"cannot write to {str(out)!r}: {error.strerror}. Give another --out.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{str(out)!r} is in use by another process") from None
        yield


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM; a second one of them gets through."""
    caught: list[int] = []
    before: dict[int, Any] = {}

    def handle(number: int, frame: Any) -> None:
        del frame
        caught.append(number)
        signal.signal(number, before[number])

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handle)
    except ValueError:  # not in the main thread: the caller handles signals
        pass
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_plan(plan: Plan, out: Path, options: Options) -> None:
    """Writes sweep.json, stages.parquet and cells.parquet, unless they are there."""
    for folder in (store.CURVES, store.FINISHED, store.STATES, store.CHECKPOINTS):
        (out / folder).mkdir(exist_ok=True)
    if (out / "sweep.json").is_file():
        return
    costs = Costs(plan)
    stages = list(plan.stages.values())
    found = [costs(stage) for stage in stages]
    columns: dict[str, Any] = {
        "stage": [s.id for s in stages],
        "phase": [s.phase for s in stages],
        "program": [s.program for s in stages],
        "parent": [s.parent for s in stages],
        "inherit": [s.inherit for s in stages],
        "start": [s.start for s in stages],
        "end": [s.end for s in stages],
        "world_seed": [s.world_seed for s in stages],
        "seed": [s.seed for s in stages],
    }
    columns |= {f"{name}_per_update": [getattr(c, name) for c in found] for name in found[0]._fields}
    schema = {"parent": pl.String, "inherit": pl.List(pl.String)}
    store.write_frame(out / "stages.parquet", pl.DataFrame(columns, schema_overrides=schema))
    axes = list(plan.cells[0].labels)
    cells = {
        "cell": [c.id for c in plan.cells],
        "regime": [c.regime for c in plan.cells],
        "setting": [", ".join(f"{k}={v}" if "." in k else str(v) for k, v in c.labels.items()) for c in plan.cells],
        "seed": [c.seed for c in plan.cells],
        "world_seed": [c.world_seed for c in plan.cells],
        **{axis: [c.labels[axis] for c in plan.cells] for axis in axes},
        "stages": [list(c.path) for c in plan.cells],
    }
    store.write_frame(out / "cells.parquet", pl.DataFrame(cells, strict=False))
    device = jax.local_devices()[0]
    facts = {
        "name": options.name,
        "question": plan.sweep.question,
        "command": options.command,
        "axes": axes,
        "regimes": [regime.name for regime in plan.sweep.regimes],
        "seeds": len(plan.resolved["seeds"]),
        "device": f"{options.devices or len(jax.local_devices())} × {_device_name(device)}",
        "versions": {"regimax": regimax.__version__, "python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES},
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "resolved": plan.resolved,
    }
    store.write_json(out / "sweep.json", facts)


def _device_name(device: Any) -> str:
    return platform.machine() + " CPU core" if device.platform == "cpu" else device.device_kind


def _write_results(out: Path) -> None:
    """Puts the results into stages.parquet and cells.parquet."""
    cells, stages, _ = store.tables(out)
    results = table.cell_table(out)
    new = [name for name in results.columns if name not in cells.columns]
    store.write_frame(out / "stages.parquet", stages)
    store.write_frame(out / "cells.parquet", cells.join(results.select("cell", *new), on="cell", how="left"))
