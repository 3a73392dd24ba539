"""Running a plan: waves of pools, commits now and then, results at the end."""

from __future__ import annotations

import contextlib
import platform
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from regimax import memory_maps
from regimax.backend import cores, usual_devices
from regimax.regimes.program import RUNNING
from regimax.sweep import block, disk, environment, optimization, rundir, store, width
from regimax.sweep.account import Account, Shares
from regimax.sweep.cost import Costs
from regimax.sweep.engines import Engines, engine, forget
from regimax.sweep.environment import Environment
from regimax.sweep.executables import Compiling, Workers
from regimax.sweep.interrupted import Interrupted
from regimax.sweep.lanes import Engine, State, bytes_per_lane
from regimax.sweep.ledger import Ledger
from regimax.sweep.plan import Plan, make_plan
from regimax.sweep.pool import Pool, Tick
from regimax.sweep.share import cut
from regimax.sweep.spec import Sweep
from regimax.sweep.waves import Work, order, parked_bytes, pools, waves
from regimax.sweep.writer import Writer

SAVING = 0.02
"""Of a run's time that commits may take."""


class Display(Protocol):
    """What shows a run to its user."""

    def start(
        self,
        plan: Plan,
        finished: int,
        updates: int,
        devices: Sequence[Any],
        compiling: Callable[[], Sequence[Compiling]],
    ) -> None: ...
    def pool(self, name: str, stages: int, width: int) -> None: ...
    def tick(self, tick: Tick, env_steps: int) -> None: ...
    def say(self, text: str) -> None: ...


@dataclass(frozen=True)
class Options:
    """How to run, without influence on the results.

    Attributes:
      width: lanes; measured when None.
      devices: number of local devices to use; all when None.
      checkpoint_seconds: wall-clock between commits; more where they would take more than 2 % of the run. 0 is for one
        after every tick.
      parked_bytes: of final states that wait for their children at once, bytes; bounds memory and disk. 2 GiB when
        None, or what the devices hold of them where that is more.
      extend: whether a run directory that holds a part of the plan is welcome.
      share: which share of the plan is run, of how many; all of it when None.
      accept_versions: whether one that was computed under another environment is.
      facts: plain data for sweep.json: the sweep's name, what the user typed.
      source: the text of the sweep file, to be kept with the run.
    """

    width: int | None = None
    devices: int | None = None
    checkpoint_seconds: float = 60.0
    parked_bytes: int | None = None
    extend: bool = False
    share: tuple[int, int] | None = None
    accept_versions: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None


class Outcome(NamedTuple):
    """What a run came to.

    Attributes:
      already: whether there was nothing left to do.
      programs: that there were, one per static signature.
      shares: where the time of this invocation went.
    """

    already: bool
    programs: int
    shares: Shares


def plan_for(sweep: Sweep, out: Path, options: Options) -> Plan:
    """Plans a sweep for a run directory, which keeps the stages that it has.

    One that was begun under other versions, if welcome, keeps its identities too.

    Args:
      sweep: the sweep.
      out: the run directory, there or not.
      options: how to run.

    Raises:
      UserError: for anything in the sweep that cannot be run.
    """
    plan = make_plan(sweep, rundir.programs(out, _environment, options.accept_versions), rundir.links(out))
    return plan if options.share is None else cut(plan, *options.share)


def _environment() -> Environment:
    """Returns the environment of this process. Asking for it starts JAX's backend."""
    return environment.current(jax.local_devices()[0])


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
      UserError: if `out` cannot be written, holds another sweep, was computed under another environment, is in use, or
        the disk is full.
      Interrupted: after SIGINT or SIGTERM, once everything is committed; at once where the run waits for its compiler
        and nothing else.
    """
    _check_environment(plan, out, options)
    rundir.compare(plan, out, options.extend)
    with rundir.locked(out), _signals() as signals, disk.told(out):
        run = _Run(plan, out, options, display, signals)
        with contextlib.closing(run.account), contextlib.closing(run.workers), contextlib.closing(run.writer):
            return run.run()


def _check_environment(plan: Plan, out: Path, options: Options) -> None:
    """Refuses another environment before anything is written, where there is work to do for all that can be told."""
    with contextlib.suppress(disk.Damaged):
        manifest = store.newest_manifest(out)
        if manifest and not (manifest["complete"] and rundir.recorded(out, "resolved") == plan.resolved):
            rundir.check_environment(out, manifest["environments"], _environment(), options.accept_versions)


class _Run:
    """One invocation."""

    def __init__(self, plan: Plan, out: Path, options: Options, display: Display, signals: _Signals):
        self._plan, self._out, self._options, self._display, self._signals = plan, out, options, display, signals
        self._devices = _usable(jax.local_devices()[: options.devices])
        self.account = Account(len(self._devices))
        self.workers, self.writer = Workers(), Writer()
        self._blocks: dict[str, int] = {}
        self._engines = Engines(order(plan), self._blocks, self._make)
        self._clock = _Clock(options.checkpoint_seconds)
        self._begun, self._written = time.monotonic(), 0.0
        self._committed = True  # whether all that was done is

    def run(self) -> Outcome:
        plan, options = self._plan, self._options
        if memory_maps.crowded():
            forget()
        device = f"{len(self._devices)} × {_device_name(self._devices[0])}"
        with self._compiling():  # every program is traced to count what an update costs
            costs = Costs(plan)
            whole = plan.share.whole if plan.share else plan  # of one choice for all shares
            self._optimization = rundir.optimization(self._out) or optimization.of_plan(
                whole, Costs(whole), self._devices[0].platform
            )
            self._environment = _environment() | {"optimization": self._optimization}
            sizes = {name: bytes_per_lane(program) for name, program in plan.programs.items()}
            parked = options.parked_bytes
            if parked is None:
                parked = parked_bytes(self._devices[0].platform, width.free_memory_of(self._devices))
            self._waves = waves(plan, sizes.__getitem__, parked)
            stages = plan.share.at_once if plan.share else block.at_once(plan, self._waves)
            self._blocks |= block.of_run(plan, rundir.blocks(self._out), stages, self._devices, self._engines)
        facts = {"device": device, "optimization": self._optimization, "blocks": self._blocks, **options.facts}
        with self.account.compiling():
            rundir.write_plan(plan, self._out, costs, facts, options.source, self._display.say)
        complete = self._recover()
        if complete:
            rundir.write_results(self._out)  # unless they are there: a run may end between the last commit and them
            return Outcome(True, 0, self.account.shares())
        display = self._display
        done = self._ledger.num_finished(), self._ledger.updates_done()
        display.start(plan, *done, self._devices, self.workers.under_way)
        if self._devices[0].platform == "cpu" and len(self._devices) == usual_devices() < cores():
            display.say(
                f"{len(self._devices)} of {cores()} cores are used: the {memory_maps.granted():,} memory maps of a "
                "process suffice for no more; several processes (--backend processes) use all"
            )
        self._engines.prepare(self._stages_left())
        for wave in self._waves:
            self._run_wave(wave)
        with self.account.saving():
            self._commit(complete=True)
            self.writer.wait()
            rundir.write_results(self._out)
        return Outcome(False, len(self._engines.used), self.account.shares())

    def _stages_left(self) -> Counter[str]:
        """How many are not finished, by program."""
        left, programs = np.flatnonzero(self._ledger.status == RUNNING), list(self._plan.programs)
        return Counter(programs[i] for i in self._ledger.stages.program[left].tolist())

    def _recover(self) -> bool:
        """Takes up what is committed. Returns whether that is everything."""
        self._ledger = Ledger(self._plan, self._out, self._environment, self._blocks, self.writer)
        manifest = self._ledger.recover(self._display.say)
        missing = self._ledger.num_finished() < len(self._plan.stages)
        if missing:
            accepted = self._options.accept_versions
            rundir.check_environment(self._out, self._ledger.environments, self._environment, accepted)
        ledger = self._ledger
        return bool(manifest and manifest["complete"]) and not (missing or ledger.damaged or ledger.has_news())

    def _run_wave(self, wave: list[str]) -> None:
        """Runs the pools of a wave. One that does not fit a device's memory is run again from the last commit."""
        narrower = self._options.width
        while True:
            try:
                for work in pools(self._ledger, wave):
                    self._engines.prepare(self._stages_left(), work.program)
                    blocks = width.num_blocks(self._engines(work.program), work.stages, narrower)
                    self._run_pool(work, blocks)
                return
            except Exception as error:
                if not width.out_of_memory(error) or blocks == 1:
                    raise
                size = self._blocks[work.program]
                narrower = blocks // 2 * size
                self._display.say(
                    f"{blocks * size} lanes do not fit into the device's memory: going on from the last commit with "
                    f"{narrower}"
                )
            earlier = self._ledger.seconds
            self.writer.wait()
            self._recover()
            self._ledger.seconds = earlier  # what is committed has this invocation's in it, which go on

    def _run_pool(self, work: Work, blocks: int) -> None:
        its, phase = self._engines(work.program), self._plan.programs[work.program].phase.name
        source = self._plan.programs[work.program].learner.source
        lanes = blocks * its.block
        self._display.pool(phase, len(work.ready), lanes)

        def on_tick(tick: Tick) -> None:
            self._committed = False
            self._display.tick(tick, tick.updates * source.num_envs * source.num_steps)

        def commit(pool: Pool) -> None:
            lanes, slots = pool.snapshot()
            self._commit(lanes, **slots)
            if self._signals.caught:
                self.writer.wait()
                raise Interrupted(self._signals.caught[0])

        pool = Pool(its, self._engines, self._ledger, work.ready, blocks, self.account)
        pool.run(on_tick, lambda: bool(self._signals.caught) or self.writer.failed or self._clock.due(), commit)
        with self.account.saving():
            self._commit()

    def _commit(self, lanes: Sequence[State] = (), **facts: Any) -> None:
        """Commits, while the devices go on; waits where the commit before is not over."""
        begun = time.monotonic()
        self.writer.wait()
        seconds = self._ledger.seconds + time.monotonic() - self._begun
        nothing = {"program": None, "slots": [], "updates": [], "complete": False, "seconds": seconds}
        written, self._written = self.writer.seconds - self._written, self.writer.seconds
        self._ledger.commit(lanes, nothing | facts)
        self._committed = True
        # What it takes from the run: the devices' time while it waits, and a core's while it is written.
        self._clock.cost = time.monotonic() - begun + written / cores()
        self._clock.reset()

    def _make(self, program: str, lanes: int) -> Engine:
        """Makes an engine of a program with so many lanes in a block."""
        phase = self._plan.programs[program]
        return engine(program, phase, lanes, self._devices, self._compiling, self._optimization, self.workers)

    @contextlib.contextmanager
    def _compiling(self) -> Iterator[None]:
        """Waits for the compiler, which may take minutes: a signal need not wait for it where nothing would be lost."""
        with self.account.compiling(), self._signals.stop_at_once() if self._committed else contextlib.nullcontext():
            yield


def _usable(devices: list[Any]) -> list[Any]:
    """Those on which the code of a program can be at once."""
    return devices[: memory_maps.most_devices(len(devices))] if devices[0].platform == "cpu" else devices


def _device_name(device: Any) -> str:
    return platform.machine() + " CPU core" if device.platform == "cpu" else device.device_kind


class _Clock:
    """Says when a commit is due: after so many seconds, or more where commits are dear.

    Attributes:
      cost: what a commit takes from the run, s.

    Args:
      seconds: from one to the next; after every tick where it is 0.
    """

    def __init__(self, seconds: float):
        self._seconds, self.cost = seconds, 0.0
        self.reset()

    def reset(self) -> None:
        self._last = time.monotonic()

    def due(self) -> bool:
        wanted = max(self._seconds, self.cost / SAVING) if self._seconds else 0.0
        return time.monotonic() - self._last >= wanted


class _Signals:
    """SIGINT and SIGTERM, as they come.

    Attributes:
      caught: their numbers.
    """

    def __init__(self) -> None:
        self.caught: list[int] = []
        self._at_once = False

    def catch(self, number: int) -> None:
        """Notes one.

        Raises:
          Interrupted: inside of `stop_at_once`.
        """
        self.caught.append(number)
        self._check()

    @contextlib.contextmanager
    def stop_at_once(self) -> Iterator[None]:
        """Whoever waits inside is interrupted.

        Raises:
          Interrupted: where a signal came before, or comes.
        """
        before, self._at_once = self._at_once, True
        try:
            self._check()
            yield
        finally:
            self._at_once = before

    def _check(self) -> None:
        if self._at_once and self.caught:
            self._at_once = False  # once is enough
            raise Interrupted(self.caught[0])


@contextlib.contextmanager
def _signals() -> Iterator[_Signals]:
    """Collects SIGINT and SIGTERM; a second one of them gets through."""
    signals = _Signals()
    before: dict[int, Any] = {}

    def handle(number: int, frame: Any) -> None:
        del frame
        signal.signal(number, before[number])
        signals.catch(number)

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handle)
    except ValueError:  # not in the main thread: the caller handles signals
        pass
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
