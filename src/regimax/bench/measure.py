"""A workload at every width of a ladder."""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from regimax import memory_maps
from regimax.bench import verdict
from regimax.bench.ceilings import LARGE, MEMORY, SMALL, Ceiling
from regimax.bench.fleet import Fleet, evaluation_seconds
from regimax.bench.ladder import Rung, over_devices
from regimax.bench.workloads import Workload
from regimax.prng import Keys
from regimax.probes import count_flops
from regimax.regimes import Program, bind_regime
from regimax.sweep.account import Account
from regimax.sweep.engines import forget
from regimax.sweep.lanes import Engine
from regimax.sweep.width import FRACTION, out_of_memory
from regimax.train import update_flops

REPETITION_SECONDS = 0.2
"""How long a repetition takes at least."""
FEWER_AFTER, FEWER = 5.0, 3
"""Seconds at a width after which that many repetitions will do."""
FLAT = 2
"""Rungs of an accelerator's ladder that do not help before it ends."""

AS_ASKED, FULL = "as asked", "the next width does not fit into memory"

Ceilings = Mapping[tuple[str, int], Ceiling]
"""By kernel and number of devices."""


class Progress(Protocol):
    """What shows a benchmark to its user."""

    def doing(self, text: str) -> None: ...
    def done(self, text: str) -> None: ...


class _Stopwatch:
    """Adds up what is spent on compiling, s."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - begun


class Measurement:
    """One workload, width by width.

    Every width runs the sweep engine's own compiled tick. What counts are the learner's updates: the evaluation that
    ends each tick takes time, and neither its steps nor its FLOPs are counted.

    Args:
      workload: what to run.
      devices: what to run it on.
      ceilings: of these devices.
      repetitions: of every width.
      progress: told of what is done.
    """

    def __init__(
        self, workload: Workload, devices: Sequence[Any], ceilings: Ceilings, repetitions: int, progress: Progress
    ):
        self._workload, self._devices, self._ceilings = workload, list(devices), ceilings
        self._repetitions, self._progress = repetitions, progress
        self._program: Program = bind_regime(*workload.make()).programs[workload.phase]
        self._flops = update_flops(self._program)
        self._engine: Engine | None = None
        self._engines: dict[int, Engine] = {}
        self._compiling = _Stopwatch()
        self._compiled = 0.0
        self._evaluation = 0.0

    def run(self, rungs: Sequence[Rung], open_ended: bool) -> dict[str, Any]:
        """Measures a ladder.

        Args:
          rungs: narrowest first.
          open_ended: whether to stop where more lanes do not help any more, and then to try fewer devices.

        Returns:
          plain data: `version`, `about`, `steps` (``own`` or ``unlabelled``), `flops_per_update`, `steps_per_update`,
          `updates_per_tick`, `evaluation_flops` (of a tick's), `bytes_per_lane` (state), `points`, `knee`, `limit`,
          `scaling`, `ended` (why the ladder did).
        """
        points, ended = climb(rungs, self.point, self._fits, open_ended)
        if not points:
            return self.facts() | {"points": [], "knee": None, "limit": None, "scaling": {}, "ended": ended}
        if open_ended and not verdict.scaling(seen(points)):
            at = verdict.knee(seen(points))
            points += [self.point(rung) for rung in over_devices(Rung(at.lanes, at.block, at.devices))]
            points.sort(key=lambda p: (p["lanes"], p["devices"]))
        return self.facts() | judged(points, ended)

    def ahead(self, blocks: Sequence[int]) -> float:
        """Compiles for these numbers of lanes side by side, and waits.

        What a point says of compiling is then what was left to do.

        Args:
          blocks: lanes per product, one at least.

        Returns:
          seconds that took.
        """
        begun = time.perf_counter()
        engines = [self._make(block) for block in blocks]
        names = [name for name in ("advance", "evaluate", "init") if name in engines[0].functions]
        for engine in engines:
            engine.prepare(*names)
        for engine in engines:
            for name in names:
                engine.executables.get(name)
        return time.perf_counter() - begun

    def _make(self, block: int) -> Engine:
        if block not in self._engines:
            if memory_maps.crowded():
                self._engines.clear()
                forget()
            self._engines[block] = Engine(self._program, block, self._devices, self._compiling)
        return self._engines[block]

    def facts(self) -> dict[str, Any]:
        """Returns what is known of the workload at any width, once one is measured: the first keys of a result."""
        source, engine = self._program.learner.source, self._engine
        assert engine is not None
        return {
            "version": self._workload.version,
            "about": self._workload.about,
            "steps": "own" if source.agentic else "unlabelled",
            "flops_per_update": self._flops,
            "steps_per_update": source.num_envs * source.num_steps,
            "updates_per_tick": self._program.phase.evaluate.every,
            "evaluation_flops": (evaluation := _evaluation_flops(engine))
            / (evaluation + self._program.phase.evaluate.every * self._flops),
            "bytes_per_lane": engine.bytes_per_lane(),
        }

    def _fits(self, rung: Rung) -> bool:
        """Whether a device's memory suffices for a rung, by what the block before needed."""
        assert self._engine is not None
        stats = self._devices[0].memory_stats() or {}
        if "bytes_limit" not in stats:
            return True
        need = sum(self._engine.memory()) / self._engine.block
        return need * rung.lanes / rung.devices < FRACTION * stats["bytes_limit"]

    def _prepare(self, rung: Rung) -> Engine:
        """Returns the engine of a rung's block, compiled for the first device."""
        if self._engine is None or self._engine.block != rung.block:
            self._progress.doing(f"{self._workload.name}: compiling for blocks of {rung.block}")
            self._engine = None  # so that it can be let go
            engine = self._engine = self._make(rung.block)
            before = self._compiling.seconds
            engine.memory()
            self._compiled = self._compiling.seconds - before
            evaluation_seconds(engine)  # the first one compiles
            self._evaluation = evaluation_seconds(engine)
        return self._engine

    def point(self, rung: Rung) -> dict[str, Any]:
        """Measures one width."""
        name = f"{self._workload.name}: {rung.lanes:,} lanes"
        engine = self._prepare(rung)
        self._progress.doing(name)
        fleet = Fleet(engine, rung)
        with contextlib.closing(Account(rung.devices)) as account:
            fleet.advance(1, account)  # compiles, or loads, for the other devices
            ticks = max(1, math.ceil(REPETITION_SECONDS / fleet.advance(1, account)))
        seconds: list[float] = []
        with contextlib.closing(Account(rung.devices)) as account:
            while len(seconds) < self._repetitions and not (len(seconds) >= FEWER and sum(seconds) > FEWER_AFTER):
                self._progress.doing(f"{name}, repetition {len(seconds) + 1}")
                seconds.append(fleet.advance(ticks, account))
            waiting = account.shares().waiting
        point = self._figures(rung, ticks, seconds) | {"waiting": waiting, "diverged": fleet.diverged}
        self._progress.done(
            f"{name}: {point['updates_per_second']:,.0f} updates/s, {point['steps_per_second']:,.0f} steps/s"
        )
        return point

    def _figures(self, rung: Rung, ticks: int, seconds: list[float]) -> dict[str, Any]:
        engine, source = self._engine, self._program.learner.source
        assert engine is not None
        updates = rung.lanes * ticks * self._program.phase.evaluate.every
        median, worst = statistics.median(seconds), max(seconds)
        steps = source.num_envs * source.num_steps
        flops = updates * self._flops / median
        traffic = 2.0 * engine.bytes_per_lane() * rung.lanes * ticks / median
        tick = median * rung.devices / (ticks * rung.blocks)
        memory = engine.memory()
        return {
            **rung._asdict(),
            "seconds": seconds,
            "ticks": ticks,
            "updates_per_second": updates / median,
            "updates_per_second_worst": updates / worst,
            "steps_per_second": updates * steps / median,
            "steps_per_second_worst": updates * steps / worst,
            "flops_per_second": flops,
            "of_large_product": flops / self._ceilings[LARGE, rung.devices].best,
            "of_small_products": flops / self._ceilings[SMALL, rung.devices].best,
            "state_bytes_per_second": traffic,
            "state_of_memory": traffic / self._ceilings[MEMORY, rung.devices].best,
            "tick_seconds": tick,
            "evaluation_at_most": min(1.0, self._evaluation / tick),
            "compile_seconds": self._compiled,
            "temporary_bytes_per_lane": memory.temporary // engine.block,
        }


def _evaluation_flops(engine: Engine) -> float:
    """FLOPs of a lane's tick without an update: its evaluation, as nothing is left out or put together there."""
    key, end = jax.eval_shape(lambda: (jax.random.key(0), jnp.zeros((), jnp.int32)))
    tick = lambda keys, hparams, end, state: engine.program.tick(keys, hparams, end, state, 0)
    return count_flops(tick, Keys(key, key), engine.abstract_hparams, end, engine.abstract_state)


def climb(
    rungs: Sequence[Rung],
    measure: Callable[[Rung], dict[str, Any]],
    fits: Callable[[Rung], bool],
    open_ended: bool,
) -> tuple[list[dict[str, Any]], str]:
    """Measures rung after rung until one does not fit into memory.

    Args:
      rungs: narrowest first.
      measure: returns a rung's point; may raise where memory does not suffice.
      fits: whether memory suffices for a rung, once another one was measured.
      open_ended: whether to stop where `FLAT` rungs in a row do not help.

    Returns:
      the points, and why there are no more.
    """
    points: list[dict[str, Any]] = []
    flat = 0
    for rung in rungs:
        if points and not fits(rung):
            return points, FULL
        try:
            point = measure(rung)
        except Exception as error:
            if not out_of_memory(error):
                raise
            return points, FULL
        best = max((p["updates_per_second"] for p in points), default=0.0)
        flat = flat + 1 if point["updates_per_second"] * verdict.NEAR < best else 0
        points.append(point)
        if open_ended and flat == FLAT:
            return points, f"{FLAT} widths in a row did not help"
    return points, AS_ASKED


def seen(points: Sequence[Mapping[str, Any]]) -> list[verdict.Seen]:
    """Returns what the rules look at of points in plain data."""
    return [
        verdict.Seen(
            lanes=p["lanes"],
            block=p["block"],
            devices=p["devices"],
            rate=p["updates_per_second"],
            tick_seconds=p["tick_seconds"],
            of_small=p["of_small_products"],
            of_memory=p["state_of_memory"],
            waiting=p["waiting"],
        )
        for p in points
    ]


def judged(points: Sequence[Mapping[str, Any]], ended: str) -> dict[str, Any]:
    """Returns points with their knee, what binds there, and their scaling.

    Args:
      points: one at least.
      ended: why the ladder ended.
    """
    looked_at = seen(points)
    at = verdict.knee(looked_at)
    return {
        "points": list(points),
        "knee": {"lanes": at.lanes, "block": at.block, "devices": at.devices},
        "limit": verdict.limit(looked_at, ended == FULL)._asdict(),
        "scaling": {str(count): times for count, times in verdict.scaling(looked_at).items()},
        "ended": ended,
    }
