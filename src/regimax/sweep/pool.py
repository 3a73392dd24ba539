"""A pool: the stages of one program, flowing through its lanes.

Stages are told by their numbers, see :mod:`regimax.sweep.numbered`, and what is done to the lanes of a block is done to
all of them at once: the host's work for a tick hardly grows with the block.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from regimax.regimes.program import DIVERGED, RUNNING, SOLVED
from regimax.sweep.account import Account
from regimax.sweep.lanes import AHEAD, Engine, Lanes, Report, State
from regimax.sweep.ledger import Ledger, Rows
from regimax.sweep.numbered import NONE
from regimax.types import Params


class Tick(NamedTuple):
    """What a pool tells its display after each tick of a block.

    Attributes:
      lanes: slots of the block.
      busy: slots that ran a stage.
      updates: updates that were run.
      finished: stages that ended.
      host: what the host has worked since the tick before, s.
    """

    lanes: int
    busy: int
    updates: int
    finished: int
    host: float = 0.0


class Block:
    """A block of lanes on one device.

    Attributes:
      device: index of its device.
      lanes: what is in it; None while it is empty.
      stages: `[B]`, the stage in every slot, or NONE.
      end: `[B]`, the update at which it ends.
      dispatched: `[B]`, the update that it will have reached when all dispatched ticks are done.
      flying: dispatched ticks that are not yet read.
    """

    def __init__(self, device: int, size: int):
        self.device = device
        self.lanes: Lanes | None = None
        self.stages = np.full(size, NONE)
        self.end, self.dispatched = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self.flying = 0

    def busy(self) -> int:
        """Returns the number of slots that hold a stage."""
        return int((self.stages != NONE).sum())

    def free(self) -> np.ndarray:
        """Returns the slots that hold none."""
        return np.flatnonzero(self.stages == NONE)

    def spent(self) -> bool:
        """Returns whether every budget will be spent, so that another tick would be idle."""
        return bool(((self.stages == NONE) | (self.dispatched >= self.end)).all())

    def hold(self, slots: np.ndarray, stages: np.ndarray, end: np.ndarray, updates: np.ndarray) -> None:
        """Notes which stages are in slots now, and which updates they have reached."""
        self.stages[slots], self.end[slots], self.dispatched[slots] = stages, end, updates


class Flight(NamedTuple):
    """A dispatched tick: its number, its block, the stages that were in it then, and its report."""

    number: int
    block: Block
    stages: np.ndarray
    report: Report


class Measurement(NamedTuple):
    """Dispatched probes: their report, and slots with the stages, the status and the update that each then has.

    A stage that turns out to have ended before is left out: it is measured where it ended.
    """

    report: Report
    slots: np.ndarray
    stages: np.ndarray
    status: np.ndarray
    updates: np.ndarray


class InitialEvaluation(NamedTuple):
    """A dispatched evaluation before the first update: its report, and the rows in it of stages that were placed."""

    report: Report
    rows: np.ndarray
    stages: np.ndarray


class Prepared:
    """A block whose first rows are stages that are ready to be placed.

    Attributes:
      lanes: the block.
      stages: `[n]`, those that are left.
      updates: `[n]`, that they have reached.
      first: the row of the first of them.
      report: of their evaluation before the first update, if they begin.
    """

    def __init__(self, lanes: Lanes, stages: np.ndarray, updates: np.ndarray, report: Report | None):
        self.lanes, self.stages, self.updates, self.report = lanes, stages, updates, report
        self.first = 0


class Queue:
    """Stages in the order in which they are to begin."""

    def __init__(self) -> None:
        self._parts: deque[np.ndarray] = deque()

    def __bool__(self) -> bool:
        return bool(self._parts)

    def put(self, stages: np.ndarray) -> None:
        """Takes stages that go before all others."""
        if len(stages):
            self._parts.appendleft(stages)

    def take(self, number: int) -> np.ndarray:
        """Returns the next stages, so many at most."""
        taken = []
        while self._parts and number:
            part = self._parts.popleft()
            taken.append(part[:number])
            self.put(part[number:])
            number -= len(taken[-1])
        return np.concatenate(taken)


class Pool:
    """Continuous batching of the stages of one program.

    Args:
      engine: its compiled functions.
      engines: the engine of another program, for the shapes of a parent's state.
      ledger: what is done.
      ready: the stages that can begin, at least one; more may become ready as the pool runs.
      num_blocks: blocks of lanes.
      account: told of what the devices do.
    """

    def __init__(
        self,
        engine: Engine,
        engines: Callable[[str], Engine],
        ledger: Ledger,
        ready: np.ndarray,
        num_blocks: int,
        account: Account,
    ):
        self._engine, self._engines, self._ledger, self._stages = engine, engines, ledger, ledger.stages
        self._account = account
        self._programs = list(ledger.plan.programs)
        self._number = self._stages.program[ready[0]]
        self._settings = self._stages.columns(self._programs[self._number])
        # What goes on from a state on the host, and what begins a phase.
        restored = ledger.was_in_lanes(ready) | (self._stages.inherit[ready] == NONE)
        self._going_on, self._beginning = Queue(), Queue()
        self._going_on.put(ready[restored])
        self._beginning.put(ready[~restored])
        self._prepared: list[deque[Prepared]] = [deque() for _ in engine.devices]
        self._initial_evaluations: list[InitialEvaluation] = []
        self._measurements: deque[Measurement] = deque()
        self._blocks = [Block(i % len(engine.devices), engine.block) for i in range(num_blocks)]
        self._turns = [deque(b for b in self._blocks if b.device == d) for d in range(len(engine.devices))]
        self._dispatched = 0
        self._flights: list[deque[Flight]] = [deque() for _ in engine.devices]
        self._every = engine.program.phase.evaluate.every
        self._evaluated = [engine.metrics.index(name) for name in engine.evaluated]

    def run(self, on_tick: Callable[[Tick], None], due: Callable[[], bool], commit: Callable[[Pool], None]) -> None:
        """Runs until no stage of this program is left that can run.

        Args:
          on_tick: told of every tick.
          due: whether a commit is wanted now.
          commit: makes one; the pool is at rest then. May raise to stop the run.
        """
        self._account.begins()
        for block in self._blocks:
            self._account.wanted(block.device)
        for block in self._blocks:
            self._fill(block)
            if block.busy() and len(self._flights[block.device]) < AHEAD:
                self._advance(block)  # the device is at work while the others are filled
        while self._dispatch() or any(self._flights):
            self._read(self._next(), on_tick)
            if due():
                while any(self._flights):
                    self._read(self._next(), on_tick)
                self._settle()
                with self._account.saving():
                    commit(self)
        self._settle()

    def _settle(self) -> None:
        """Records what was dispatched and not yet read, so that a commit holds all that belongs to its states."""
        self._record_initial_evaluations()
        while self._measurements:
            self._record_measurement(self._measurements.popleft())

    def snapshot(self) -> tuple[list[State], dict[str, Any]]:
        """Returns what is in the lanes on the host, leaves `[n, ...]` of every block, and which stages that are."""
        states, stages, updates = [], [], []
        for block in self._blocks:
            if block.lanes is not None and block.busy():
                slots = np.flatnonzero(block.stages != NONE)
                states.append([np.asarray(leaf)[slots] for leaf in jax.tree.leaves(block.lanes.state)])
                stages.append(block.stages[slots])
                updates.append(block.dispatched[slots])
        # What an earlier process had in its lanes, and for which there was no room yet.
        left = np.flatnonzero(self._stages.program == self._number)
        left = left[self._ledger.was_in_lanes(left)]
        if len(left):
            states.append(self._ledger.resumed(left))
            stages.append(left)
            updates.append(self._ledger.resumed_updates(left))
        facts = {"program": self._programs[self._number], "slots": [], "updates": []}
        if states:
            facts["slots"] = self._stages.ids.gather(np.concatenate(stages)).to_list()
            facts["updates"] = np.concatenate(updates).tolist()
        return states, facts

    # Dispatching.

    def _dispatch(self) -> bool:
        """Gives every device its work. Returns whether there was any."""
        given = False
        for device, flights in enumerate(self._flights):
            while len(flights) < AHEAD and (block := self._wanting(device)) is not None:
                self._advance(block)
                given = True
            if not flights:
                self._account.workless(device)
        return given

    def _advance(self, block: Block) -> None:
        """Dispatches one tick of a block."""
        assert block.lanes is not None
        self._measure_what_is_due(block)
        block.lanes, report = self._engine.advance(block.device, block.lanes)
        self._account.dispatched(block.device, report)
        block.dispatched += self._every
        block.flying += 1
        self._dispatched += 1
        self._flights[block.device].append(Flight(self._dispatched, block, block.stages.copy(), report))

    def _measure_what_is_due(self, block: Block) -> None:
        """Dispatches the probes on a block of which any stage is to be measured before the next tick."""
        program = self._engine.program
        if program.probes:
            due = program.probes_due(block.dispatched, self._stages.start[block.stages], block.end)
            slots = np.flatnonzero(due & (block.stages != NONE))
            self._measure(block, slots, np.full(len(slots), RUNNING), block.dispatched[slots])

    def _measure(self, block: Block, slots: np.ndarray, status: np.ndarray, updates: np.ndarray) -> None:
        """Dispatches the probes on a block, where any of its stages is to be measured."""
        if not len(slots) or not self._engine.program.probes:
            return
        assert block.lanes is not None
        report = self._engine.probe(block.device, block.lanes)
        self._account.dispatched(block.device, report)
        self._measurements.append(Measurement(report, slots, block.stages[slots], status, updates))

    def _wanting(self, device: int) -> Block | None:
        """The block of a device that has waited longest for its next tick."""
        turns = self._turns[device]
        for most in range(AHEAD):
            for _ in range(len(turns)):
                block = turns[0]
                turns.rotate(-1)
                if block.flying == most and not block.spent():
                    return block
        return None

    def _next(self) -> Flight:
        """The next tick to read: one that is done, or else the one that was dispatched first."""
        oldest = sorted((flights[0] for flights in self._flights if flights), key=lambda flight: flight.number)
        flight = next((f for f in oldest if f.report.is_ready()), oldest[0])
        self._flights[flight.block.device].popleft()
        flight.block.flying -= 1
        return flight

    # Reading.

    def _read(self, flight: Flight, on_tick: Callable[[Tick], None]) -> None:
        """Reads one tick of a block: records its rows, parks what ended, refills."""
        block = flight.block
        (status, update), metrics = np.asarray(flight.report.flags), np.asarray(flight.report.metrics)
        self._record_initial_evaluations()
        while self._measurements and self._measurements[0].report.is_ready():
            self._record_measurement(self._measurements.popleft())
        active = np.flatnonzero((flight.stages != NONE) & ~self._ledger.ended(flight.stages))
        status, update, stages = status[active], update[active].astype(np.int64), flight.stages[active]
        # A lane that diverged reports where it began the tick.
        reached = update + self._every * (status == DIVERGED)
        self._ledger.record(Rows(stages, reached, self._engine.metrics, metrics[:, active]))
        ended = status != RUNNING
        finished = int(ended.sum())
        if finished:
            self._end(block, active[ended], status[ended], update[ended])
            self._fill(block)
            self._merge(block)
        lanes, busy = len(flight.stages), len(active)
        host = self._account.ticked(lanes, busy)
        on_tick(Tick(lanes, busy, self._every * busy, finished, host))

    def _record_initial_evaluations(self) -> None:
        """Records the evaluations before the first update of what was placed."""
        for report, rows, stages in self._initial_evaluations:
            values = np.asarray(report.metrics)[self._evaluated][:, rows]
            self._ledger.record(Rows(stages, np.zeros(len(stages), np.int64), self._engine.evaluated, values))
        self._initial_evaluations = []

    def _record_measurement(self, measurement: Measurement) -> None:
        report, slots, stages, status, updates = measurement
        values = np.asarray(report.metrics)[:, slots]
        flags = np.asarray(report.flags)[:, slots]
        there = (flags == [status, updates]).all(axis=0)
        self._ledger.measured(Rows(stages[there], updates[there], self._engine.measures, values[:, there]))

    def _end(self, block: Block, slots: np.ndarray, status: np.ndarray, update: np.ndarray) -> None:
        """Ends stages, and those of their children that cannot run any more; links go on in their slots.

        Args:
          block: the block.
          slots: `[n]`, the slots of the stages.
          status: `[n]`, how they ended.
          update: `[n]`, when.
        """
        assert block.lanes is not None
        ledger, its = self._ledger, self._stages
        whole = status != DIVERGED
        self._measure(block, slots[whole], status[whole], update[whole])
        stages = block.stages[slots]
        block.stages[slots] = NONE
        while len(stages):
            link = its.link[stages]
            has_link = (link != NONE) & ~ledger.begun(link)
            forks, of = its.forks(stages)
            unbegun = ~ledger.begun(forks)
            forks, of = forks[unbegun], of[unbegun]
            ledger.finish(stages, status, update)
            # A state is asked for by more than the link, which goes on in the same lane or ends with it.
            asked = ledger.waiting(stages) > has_link
            parked = (asked | its.keep[stages]) & (status != DIVERGED)
            ledger.states.put(
                self._engine, block.device, block.lanes, stages[parked], slots[parked], asked=asked[parked]
            )
            ready = forks[(status[of] != DIVERGED) & (its.program[forks] == self._number)]
            self._beginning.put(ready)
            on = has_link & (status != DIVERGED) & (status != SOLVED)
            self._extend(block, slots[on], link[on], update[on])
            # A link of the same phase has no more updates than its phase; a phase that never ran has none.
            over, lost = has_link & ~on, status[of] == DIVERGED
            forks, of = forks[lost], of[lost]
            stages = np.concatenate([link[over], forks])
            slots = np.concatenate([slots[over], slots[of]])
            update = np.concatenate([update[over], its.start[forks]])
            status = np.concatenate([status[over], status[of]])
            ledger.started(stages)

    def _extend(self, block: Block, slots: np.ndarray, links: np.ndarray, update: np.ndarray) -> None:
        """Lets the next links of chains go on in their slots."""
        if len(slots):
            assert block.lanes is not None
            end = self._stages.end[links]
            block.hold(slots, links, end, update)
            block.lanes = self._engine.extend(block.device, block.lanes, slots, end)
            self._ledger.started(links)

    # Filling.

    def _fill(self, block: Block) -> None:
        """Fills the free slots of a block from the queue."""
        free = block.free()
        while len(free) and (prepared := self._some_prepared(block.device)):
            # Stages that lie in one prepared block are placed at once.
            its = prepared[0]
            slots, free = free[: len(its.stages)], free[len(its.stages) :]
            number = len(slots)
            stages, rows = its.stages[:number], its.first + np.arange(number)
            self._place(block, stages, its.updates[:number], slots, its.lanes, rows)
            self._ledger.started(stages)
            if its.report is not None:
                self._initial_evaluations.append(InitialEvaluation(its.report, rows, stages))
            its.stages, its.updates, its.first = its.stages[number:], its.updates[number:], its.first + number
            if not len(its.stages):
                prepared.popleft()

    def _some_prepared(self, device: int) -> deque[Prepared]:
        """The queue of prepared stages for a device: its own, or when none are left to prepare another one's."""
        if not self._prepared[device] and (self._going_on or self._beginning):
            prepare = self._go_on if self._going_on else self._begin
            self._prepared[device].append(prepare(device))
        return self._prepared[device] or next((some for some in self._prepared if some), self._prepared[device])

    def _place(
        self,
        block: Block,
        stages: np.ndarray,
        updates: np.ndarray,
        slots: np.ndarray,
        lanes: Lanes,
        rows: np.ndarray,
    ) -> None:
        block.lanes = self._engine.place(block.device, block.lanes, lanes, rows, slots)
        block.hold(slots, stages, self._stages.end[stages], updates)

    def _merge(self, block: Block) -> None:
        """Moves what is left in a block into free slots of others, where fewer blocks than there are will do."""
        if self._going_on or self._beginning or any(self._prepared) or block.flying:
            return
        others = [b for b in self._blocks if b is not block and b.busy()]
        moving = np.flatnonzero(block.stages != NONE)
        room = sum(len(b.free()) for b in others)
        if not others or room < len(moving):
            return
        load = [sum(b.busy() > 0 and b.device == d for b in self._blocks) for d in range(len(self._engine.devices))]
        if load[block.device] < max(load):
            return
        for other in sorted(others, key=lambda b: load[b.device]):
            slots = other.free()[: len(moving)]
            rows, moving = moving[: len(slots)], moving[len(slots) :]
            if len(rows):
                assert block.lanes is not None
                self._place(other, block.stages[rows], block.dispatched[rows], slots, block.lanes, rows)
                block.stages[rows] = NONE
        block.lanes = None

    def _next_of(self, queue: Queue) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray]:
        """The next stages of a queue; and for a whole block, the last one as often as needed, what `init` wants."""
        stages = queue.take(self._engine.block)
        filled = np.concatenate([stages, np.full(self._engine.block - len(stages), stages[-1])])
        its = self._stages
        return stages, filled, its.seeds[filled], its.hparams(self._settings, filled), its.end[filled]

    def _go_on(self, device: int) -> Prepared:
        """Prepares the next stages that go on from a state on the host, on a device."""
        stages, filled, seeds, hparams, end = self._next_of(self._going_on)
        ledger = self._ledger
        template = jax.tree.leaves(self._engine.abstract_state)
        own = np.flatnonzero(ledger.was_in_lanes(filled))  # the others go on from the link before
        other = np.flatnonzero(~ledger.was_in_lanes(filled))
        states: State = [np.zeros((len(filled), *leaf.shape), leaf.dtype) for leaf in template]
        before = ledger.states.read(self._stages.parent[filled[other]], template)
        for into, its, theirs in zip(states, ledger.resumed(filled[own]) or before, before, strict=True):
            if len(own):
                into[own] = its
            into[other] = theirs
        updates = jax.tree.unflatten(jax.tree.structure(self._engine.abstract_state), states).update
        lanes = self._engine.restore(device, seeds, hparams, end, states)
        return Prepared(lanes, stages, updates[: len(stages)].astype(np.int64), None)

    def _begin(self, device: int) -> Prepared:
        """Prepares the next stages that begin a phase, on a device."""
        stages, filled, seeds, hparams, end = self._next_of(self._beginning)
        given, taken = self._inherited(device, filled)
        lanes, report = self._engine.evaluate(device, self._engine.init(device, seeds, hparams, end, given, taken))
        return Prepared(lanes, stages, np.zeros(len(stages), np.int64), report)

    def _inherited(self, device: int, stages: np.ndarray) -> tuple[Params, dict[str, np.ndarray]]:
        """The parameters that stages take from their parents, `[B, ...]`, and which of their parts."""
        engine, its, states = self._engine, self._stages, self._ledger.states
        given = engine.nothing(device)
        taken = {part: np.zeros(len(stages), bool) for part in given}
        for which in np.unique(its.inherit[stages]):
            parts = its.inherits[which]
            if not parts:
                continue
            heirs = np.flatnonzero(its.inherit[stages] == which)
            parents = its.parent[stages[heirs]]
            for part in parts:
                taken[part][heirs] = True

            def take(given: Params, params: Params, heirs: np.ndarray, rows: np.ndarray, parts: Any = parts) -> Params:
                row = np.full(len(stages), NONE)
                row[heirs] = rows
                return engine.inherit(device, given, {part: params[part] for part in parts}, row)

            for lanes, at, rows in states.on_devices(parents):
                given = take(given, lanes.state.learner.params, heirs[at], rows)
            there = states.on_disk(parents)
            for program in np.unique(its.program[parents[there]]):
                at = there[its.program[parents[there]] == program]
                these, rows = np.unique(parents[at], return_inverse=True)
                given = take(given, self._params_on_disk(program, these), heirs[at], rows)
        return given, taken

    def _params_on_disk(self, program: int, stages: np.ndarray) -> Params:
        """The parameters of parked stages of one program, `[B, ...]`, the first rows of which are theirs."""
        state = self._engines(self._programs[program]).abstract_state
        leaves = self._ledger.states.read(stages, jax.tree.leaves(state))
        more = self._engine.block - len(stages)
        padded = [np.pad(leaf, [(0, more), *[(0, 0)] * (leaf.ndim - 1)]) for leaf in leaves]
        return jax.tree.unflatten(jax.tree.structure(state), padded).learner.params
