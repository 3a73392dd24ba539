"""A pool: the stages of one program, flowing through its lanes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import numpy as np

from regimax.regimes.program import DIVERGED, RUNNING, SOLVED
from regimax.sweep.account import Account
from regimax.sweep.lanes import Engine, Lanes, Report, State
from regimax.sweep.ledger import Ledger, Rows, pack
from regimax.sweep.plan import Plan, Stage

DTYPES = {True: np.int32, False: np.float32}
AHEAD = 2
"""Ticks that are dispatched to a device and not yet read: while the host reads one, the device runs the other."""


class Tick(NamedTuple):
    """What a pool tells its display after each tick of a block.

    Attributes:
      lanes: slots of the block.
      busy: slots that ran a stage.
      updates: updates that were run.
      finished: stages that ended.
    """

    lanes: int
    busy: int
    updates: int
    finished: int


class Block:
    """A block of lanes on one device.

    Attributes:
      device: index of its device.
      lanes: what is in it; None while it is empty.
      slots: the stage in every slot.
      dispatched: the update that every slot will have reached when all dispatched ticks are done.
      flying: dispatched ticks that are not yet read.
    """

    def __init__(self, device: int, size: int):
        self.device = device
        self.lanes: Lanes | None = None
        self.slots: list[Stage | None] = [None] * size
        self.dispatched = [0] * size
        self.flying = 0

    def busy(self) -> int:
        """Returns the number of slots that hold a stage."""
        return sum(stage is not None for stage in self.slots)

    def free(self) -> list[int]:
        """Returns the slots that hold none."""
        return [i for i, stage in enumerate(self.slots) if stage is None]

    def spent(self) -> bool:
        """Returns whether every budget will be spent, so that another tick would be idle."""
        return all(s is None or self.dispatched[i] >= s.end for i, s in enumerate(self.slots))


class Flight(NamedTuple):
    """A dispatched tick: its number, its block, the stages that were in it then, and its report."""

    number: int
    block: Block
    slots: list[Stage | None]
    report: Report


class Measurement(NamedTuple):
    """Dispatched probes: their report, and the stages by slot, with the status and update that each then has.

    A stage that turns out to have ended before is left out: it is measured where it ended.
    """

    report: Report
    stages: dict[int, tuple[Stage, int, int]]


class Begun(NamedTuple):
    """A stage that is ready to be placed: a row of a prepared block."""

    stage: Stage
    lanes: Lanes
    row: int
    update: int
    initial_evaluation: Report | None


class Pool:
    """Continuous batching of the stages of one program.

    Args:
      engine: its compiled functions.
      engines: the engine of another program, for the shapes of a parent's state.
      plan: the plan.
      ledger: what is done.
      ready: ids of the stages that can begin, at least one; more may become ready as the pool runs.
      num_blocks: blocks of lanes.
      account: told of what the devices do.
    """

    def __init__(
        self,
        engine: Engine,
        engines: Callable[[str], Engine],
        plan: Plan,
        ledger: Ledger,
        ready: Iterable[str],
        num_blocks: int,
        account: Account,
    ):
        self._engine, self._engines, self._plan, self._ledger = engine, engines, plan, ledger
        self._account = account
        self._ready = deque(ready)
        self._program = plan.stages[self._ready[0]].program
        self._begun: list[deque[Begun]] = [deque() for _ in engine.devices]
        self._initial_evaluations: list[tuple[list[str], list[int], Report]] = []
        self._measurements: deque[Measurement] = deque()
        self._blocks = [Block(i % len(engine.devices), engine.block) for i in range(num_blocks)]
        self._turns = [deque(b for b in self._blocks if b.device == d) for d in range(len(engine.devices))]
        self._dispatched = 0
        self._flights: list[deque[Flight]] = [deque() for _ in engine.devices]
        self._every = engine.program.phase.evaluate.every
        # A parent's parameters may come from any program; shapes are looked up once.
        self._template = jax.tree.leaves(engine.abstract_state)
        self._structure = jax.tree.structure(engine.abstract_state)

    def run(self, on_tick: Callable[[Tick], None], due: Callable[[], bool], commit: Callable[[Pool], None]) -> None:
        """Runs until no stage of this program is left that can run.

        Args:
          on_tick: told of every tick.
          due: whether a commit is wanted now.
          commit: makes one; the pool is at rest then. May raise to stop the run.
        """
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

    def snapshot(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Returns the lanes as host arrays `[lanes, ...]`, and what says which stage is in which."""
        used = [block for block in self._blocks if block.lanes is not None and block.busy()]
        slots = [stage.id if stage else None for block in used for stage in block.slots]
        updates = [update for block in used for update in block.dispatched]
        states = jax.device_get([block.lanes.state for block in used])  # type: ignore[union-attr]
        # What an earlier process had in its lanes, and for which there was no room yet.
        for stage, state in self._ledger.resumed.items():
            if self._plan.stages[stage].program == self._program:
                slots.append(stage)
                updates.append(self._update(state))
                states.append(jax.tree.unflatten(self._structure, [leaf[None] for leaf in state]))
        return pack(states), {"program": self._program, "slots": slots, "updates": updates}

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
        self._measure(block, self._due(block))
        block.lanes, report = self._engine.advance(block.device, block.lanes)
        self._account.dispatched(block.device, report)
        block.dispatched = [update + self._every for update in block.dispatched]
        block.flying += 1
        self._dispatched += 1
        self._flights[block.device].append(Flight(self._dispatched, block, list(block.slots), report))

    def _due(self, block: Block) -> dict[int, tuple[Stage, int, int]]:
        """The stages of a block that are to be measured before its next tick."""
        due: dict[int, tuple[Stage, int, int]] = {}
        for slot, stage in enumerate(block.slots):
            if stage is not None and self._engine.program.probe_due(block.dispatched[slot], stage.start, stage.end):
                due[slot] = (stage, RUNNING, block.dispatched[slot])
        return due

    def _measure(self, block: Block, stages: dict[int, tuple[Stage, int, int]]) -> None:
        """Dispatches the probes on a block, where any of its stages is to be measured."""
        if not stages or not self._engine.program.probes:
            return
        assert block.lanes is not None
        report = self._engine.probe(block.device, block.lanes)
        self._account.dispatched(block.device, report)
        self._measurements.append(Measurement(report, stages))

    def _wanting(self, device: int) -> Block | None:
        """The block of a device that has waited longest for its next tick."""
        turns = self._turns[device]
        for most in range(AHEAD):
            for _ in range(len(turns)):
                block = turns[0]
                turns.rotate(-1)
                if block.flying == most and block.busy() and not block.spent():
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
        (status, update), metrics = jax.device_get(flight.report)
        self._record_initial_evaluations()
        while self._measurements and self._measurements[0].report.is_ready():
            self._record_measurement(self._measurements.popleft())
        active = [i for i, s in enumerate(flight.slots) if s is not None and s.id not in self._ledger.finished]
        stages: list[Stage] = [flight.slots[i] for i in active]  # type: ignore[misc]
        # A lane that diverged reports where it began the tick.
        reached = update[active] + self._every * (status[active] == DIVERGED)
        self._ledger.record(Rows([s.id for s in stages], reached, self._engine.metrics, metrics[:, active].T))
        ended = [(i, stage) for i, stage in zip(active, stages, strict=True) if status[i] != RUNNING]
        if ended:
            self._end_all(block, ended, status, update)
        self._account.ticked(len(flight.slots), len(active))
        if ended:
            self._fill(block)
            self._merge(block)
        on_tick(Tick(len(flight.slots), len(active), self._every * len(active), len(ended)))

    def _record_initial_evaluations(self) -> None:
        """Records the evaluations before the first update of what was placed."""
        names = self._engine.evaluated
        which = [self._engine.metrics.index(name) for name in names]
        for stages, rows, report in self._initial_evaluations:
            values = np.asarray(report.metrics)[np.ix_(which, rows)]
            self._ledger.record(Rows(stages, np.zeros(len(stages), np.int64), names, values.T))
        self._initial_evaluations = []

    def _record_measurement(self, measurement: Measurement) -> None:
        (status, update), values = jax.device_get(measurement.report)
        there = [
            slot for slot, (_, *expected) in measurement.stages.items() if [status[slot], update[slot]] == expected
        ]
        stages = [measurement.stages[slot][0].id for slot in there]
        self._ledger.measured(Rows(stages, update[there], self._engine.measures, values[:, there].T))

    def _end_all(self, block: Block, ended: list[tuple[int, Stage]], status: np.ndarray, update: np.ndarray) -> None:
        assert block.lanes is not None
        whole = {i: (stage, int(status[i]), int(update[i])) for i, stage in ended if status[i] != DIVERGED}
        self._measure(block, whole)
        wanted = [i for i, stage in ended if status[i] != DIVERGED and self._wants_state(stage, int(status[i]))]
        states = dict(zip(wanted, self._engine.take(block.device, block.lanes, wanted), strict=True)) if wanted else {}
        extended: dict[int, int] = {}
        for i, stage in ended:
            link = self._end(stage, int(status[i]), int(update[i]), states.get(i))
            block.slots[i] = link
            if link is not None:
                self._ledger.started(link.id)
                extended[i] = link.end
                block.dispatched[i] = int(update[i])
        if extended:
            block.lanes = self._engine.extend(block.device, block.lanes, extended)

    def _wants_state(self, stage: Stage, status: int) -> bool:
        """Whether a final state is wanted by more than the link that goes on in the same lane."""
        children = [self._plan.stages[child] for child in self._plan.children.get(stage.id, ())]
        forks = any(child.inherit is not None or self._ledger.begun(child.id) for child in children)
        return stage.keep or forks or (status == SOLVED and bool(children))

    def _end(self, stage: Stage, status: int, update: int, state: State | None) -> Stage | None:
        """Ends a stage, and those of its children that cannot run any more.

        Returns:
          the next link of its chain, if it goes on; the other children become ready.
        """
        wanted = state is not None and self._wants_state(stage, status)
        self._ledger.finish(stage.id, status, update, state if wanted else None)
        goes_on = None
        for name in self._plan.children.get(stage.id, ()):
            child = self._plan.stages[name]
            if self._ledger.begun(name):
                continue
            if status == DIVERGED or (status == SOLVED and child.inherit is None):
                self._ledger.started(name)
                # A link of the same phase has no more updates than its phase; a phase that never ran has none.
                self._end(child, status, update if child.inherit is None else child.start, state)
            elif child.inherit is None:
                goes_on = child
            elif child.program == stage.program:
                self._ready.append(name)
        return goes_on

    # Filling.

    def _fill(self, block: Block) -> None:
        """Fills the free slots of a block from the queue."""
        free = block.free()
        while free and (begun := self._prepared(block.device)):
            # Stages that lie in one prepared block are placed at once.
            first = begun.popleft()
            same = [first]
            while begun and len(same) < len(free) and begun[0].lanes is first.lanes:
                same.append(begun.popleft())
            slots, free = free[: len(same)], free[len(same) :]
            self._place(block, [(b.stage, b.update) for b in same], slots, first.lanes, [b.row for b in same])
            for b in same:
                self._ledger.resumed.pop(b.stage.id, None)
                self._ledger.started(b.stage.id)
            if first.initial_evaluation is not None:
                self._initial_evaluations.append(
                    ([b.stage.id for b in same], [b.row for b in same], first.initial_evaluation)
                )

    def _prepared(self, device: int) -> deque[Begun]:
        """The queue of prepared stages for a device: its own, or when none are left to prepare another one's."""
        if not self._begun[device] and self._ready:
            self._begin_some(device)
        return self._begun[device] or next((begun for begun in self._begun if begun), self._begun[device])

    def _place(
        self, block: Block, stages: list[tuple[Stage, int]], slots: list[int], lanes: Lanes, rows: list[int]
    ) -> None:
        if block.lanes is None:
            block.lanes = self._engine.empty(block.device)
        block.lanes = self._engine.place(block.device, block.lanes, lanes, rows, slots)
        for (stage, update), slot in zip(stages, slots, strict=True):
            block.slots[slot], block.dispatched[slot] = stage, update

    def _merge(self, block: Block) -> None:
        """Moves what is left in a block into free slots of others, where fewer blocks than there are will do."""
        others = [b for b in self._blocks if b is not block and b.busy()]
        moving = [i for i, stage in enumerate(block.slots) if stage is not None]
        room = sum(len(b.free()) for b in others)
        if self._ready or any(self._begun) or block.flying or not others or room < len(moving):
            return
        load = [sum(b.busy() > 0 and b.device == d for b in self._blocks) for d in range(len(self._engine.devices))]
        if load[block.device] < max(load):
            return
        for other in sorted(others, key=lambda b: load[b.device]):
            slots = other.free()[: len(moving)]
            if not slots:
                continue
            rows, moving = moving[: len(slots)], moving[len(slots) :]
            stages = [(block.slots[i], block.dispatched[i]) for i in rows]
            assert block.lanes is not None
            self._place(other, stages, slots, block.lanes, rows)  # type: ignore[arg-type]
            for i in rows:
                block.slots[i] = None
            if not moving:
                break
        block.lanes = None

    def _begin_some(self, device: int) -> None:
        """Prepares the next stages of the queue on a device, a block of one kind."""
        restored = self._is_restored(self._ready[0])
        stages: list[Stage] = []
        while self._ready and len(stages) < self._engine.block and self._is_restored(self._ready[0]) == restored:
            stages.append(self._plan.stages[self._ready.popleft()])
        filled = stages + [stages[-1]] * (self._engine.block - len(stages))
        seeds = np.asarray([(s.world_seed, s.seed) for s in filled], np.uint32)
        end = np.asarray([s.end for s in filled], np.int32)
        hparams = {
            name: np.asarray([s.settings[name] for s in filled], DTYPES[setting.integer])
            for name, setting in self._engine.program.settings.items()
        }
        if restored:
            states = {s.id: self._state(s) for s in stages}
            lanes = self._engine.restore(device, seeds, hparams, end, [states[s.id] for s in filled])
            updates = [self._update(states[s.id]) for s in stages]
            self._begun[device].extend(
                Begun(s, lanes, i, u, None) for i, (s, u) in enumerate(zip(stages, updates, strict=True))
            )
        else:
            lanes = self._engine.init(device, seeds, hparams, end, *self._given(filled))
            lanes, report = self._engine.evaluate(device, lanes)
            self._begun[device].extend(Begun(stage, lanes, i, 0, report) for i, stage in enumerate(stages))

    def _is_restored(self, stage: str) -> bool:
        """Whether a stage goes on from a state on the host, rather than begins a phase."""
        return stage in self._ledger.resumed or self._plan.stages[stage].inherit is None

    def _state(self, stage: Stage) -> State:
        """The state that a stage goes on from: its own, or that of the link before."""
        if stage.id in self._ledger.resumed:
            return self._ledger.resumed[stage.id]
        assert stage.parent is not None
        return self._ledger.states.get(stage.parent, self._template)

    def _update(self, state: State) -> int:
        return int(jax.tree.unflatten(self._structure, state).update)

    def _given(self, stages: list[Stage]) -> tuple[Any, dict[str, np.ndarray]]:
        """The parameters that stages take from their parents, `[B, ...]`, and which of their parts."""
        shapes = jax.tree.unflatten(self._structure, self._template).learner.params
        given = jax.tree.map(lambda x: np.zeros((len(stages), *x.shape), x.dtype), shapes)
        taken = {part: np.asarray([part in (s.inherit or ()) for s in stages]) for part in shapes}
        for i, stage in enumerate(stages):
            if stage.inherit:
                assert stage.parent is not None
                parent = self._engines(self._plan.stages[stage.parent].program).abstract_state
                state = self._ledger.states.get(stage.parent, jax.tree.leaves(parent))
                params = jax.tree.unflatten(jax.tree.structure(parent), state).learner.params
                for part in stage.inherit:
                    for to, leaf in zip(jax.tree.leaves(given[part]), jax.tree.leaves(params[part]), strict=True):
                        to[i] = leaf
        return given, taken
