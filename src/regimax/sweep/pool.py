"""A pool: the stages of one program, flowing through its lanes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import numpy as np

from regimax.prng import Keys
from regimax.regimes.program import DIVERGED, RUNNING, SOLVED, LaneState
from regimax.sweep.lanes import Engine, Lanes, Report, seeds_to_keys
from regimax.sweep.ledger import Ledger, pack_lanes
from regimax.sweep.plan import Plan, Stage

DTYPES = {True: np.int32, False: np.float32}


class Tick(NamedTuple):
    """What a pool tells its display after each tick.

    Attributes:
      lanes: slots of the pool.
      busy: slots that ran a stage.
      updates: updates of the stages that ran.
      finished: stages that ended.
    """

    lanes: int
    busy: int
    updates: int
    finished: int


class Pool:
    """Continuous batching of the stages of one program.

    Args:
      engine: its compiled functions.
      engines: the engine of another program, for the shapes of a parent's state.
      plan: the plan.
      ledger: what is done.
      ready: ids of the stages that can begin; more may become ready as the pool runs.
      num_blocks: blocks of lanes, a multiple of the number of devices.
    """

    def __init__(
        self,
        engine: Engine,
        engines: Callable[[str], Engine],
        plan: Plan,
        ledger: Ledger,
        ready: Iterable[str],
        num_blocks: int,
    ):
        self._engine, self._engines, self._plan, self._ledger = engine, engines, plan, ledger
        self._ready = deque(ready)
        self._slots: list[str | None] = [None] * (num_blocks * engine.block)
        self._dispatched = np.zeros(len(self._slots), np.int64)
        self._openings: list[tuple[list[str], Any]] = []
        self._lanes = engine.empty(num_blocks)

    def run(self, on_tick: Callable[[Tick], None], due: Callable[[], bool], commit: Callable[[Pool], None]) -> None:
        """Runs until no stage of this program is left that can run.

        Args:
          on_tick: told of every tick.
          due: whether a commit is wanted now.
          commit: makes one; the pool is at rest then. May raise to stop the run.
        """
        self._refill()
        waiting: tuple[list[str | None], list[Report]] | None = None
        while any(self._slots):
            self._lanes, report = self._engine.advance(self._lanes)
            snapshot = list(self._slots)
            self._dispatched += self._engine.program.phase.evaluate.every
            # The host reads tick k − 1 while tick k runs.
            if waiting is not None:
                self._read(*waiting, on_tick)
            waiting = (snapshot, report)
            if due() or self._all_spent():
                self._read(*waiting, on_tick)
                waiting = None
                if due():
                    commit(self)
        if waiting is not None:
            self._read(*waiting, on_tick)

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the stacked lanes as host arrays."""
        return pack_lanes(self._engine.fetch([part.state for part in self._lanes]))

    def slots(self) -> list[str | None]:
        """Returns the stage in every slot."""
        return list(self._slots)

    def _all_spent(self) -> bool:
        """Whether every budget will be spent when the dispatched ticks are done, so another tick would be idle."""
        ends = [self._plan.stages[stage].end if stage else 0 for stage in self._slots]
        return bool(np.all(self._dispatched >= np.asarray(ends)))

    def _read(self, slots: list[str | None], reports: list[Report], on_tick: Callable[[Tick], None]) -> None:
        """Reads one tick: records its rows, parks what ended, refills."""
        status, update, metrics = self._engine.fetch(reports)
        status, update = status.reshape(-1), update.reshape(-1)
        for stages, opening in self._openings:
            values = {name: np.asarray(x)[: len(stages)] for name, x in jax.device_get(opening).items()}
            self._ledger.record(stages, np.zeros(len(stages)), values)
        self._openings = []
        active = [i for i, s in enumerate(slots) if s is not None and s not in self._ledger.finished]
        every = self._engine.program.phase.evaluate.every
        diverged = status[active] == DIVERGED
        rows = {name: np.asarray(values).reshape(-1)[active] for name, values in metrics.items()}
        stages = [slots[i] for i in active]
        self._ledger.record(stages, update[active] + every * diverged, rows)  # type: ignore[arg-type]
        ended = [i for i in active if status[i] != RUNNING]
        wanted = [i for i in ended if status[i] != DIVERGED and self._ledger.needs_state(slots[i])]  # type: ignore[arg-type]
        states = dict(zip(wanted, self._engine.take(self._lanes, wanted), strict=True))
        for i in ended:
            self._end(slots[i], int(status[i]), int(update[i]), states.get(i))  # type: ignore[arg-type]
            self._slots[i] = None
        on_tick(Tick(len(slots), len(active), every * len(active), len(ended)))
        if ended:
            self._refill()

    def _end(self, stage: str, status: int, update: int, state: LaneState | None) -> None:
        """Ends a stage, and those of its children that cannot run any more; the others become ready."""
        self._ledger.finish(stage, status, update, state)
        for child in self._plan.children.get(stage, ()):
            link = self._plan.stages[child].inherit is None
            if status == DIVERGED or (status == SOLVED and link):
                self._ledger.started(child)
                self._end(child, status, update, state if self._ledger.needs_state(child) else None)
            elif self._plan.stages[child].program == self._plan.stages[stage].program:
                self._ready.append(child)

    def _refill(self) -> None:
        """Fills free slots from the queue, a block at a time."""
        free = [i for i, stage in enumerate(self._slots) if stage is None]
        while free and self._ready:
            count = min(len(free), len(self._ready), self._engine.block)
            stages = [self._plan.stages[self._ready.popleft()] for _ in range(count)]
            going_on = [s for s in stages if s.id in self._ledger.resumed or s.inherit is None]
            beginning = [s for s in stages if s not in going_on]
            for group, make in ((going_on, self._continue), (beginning, self._begin)):
                if not group:
                    continue
                slots, free = free[: len(group)], free[len(group) :]
                self._place(group, slots, make(group))

    def _place(self, stages: list[Stage], slots: list[int], state: LaneState) -> None:
        filled = _padded(stages, self._engine.block)
        end: Any = np.asarray([stage.end for stage in filled], np.int32)
        keys, hparams = self._inputs(filled)
        self._lanes = self._engine.place(self._lanes, slots, Lanes(keys, hparams, end, state))
        for stage, slot in zip(stages, slots, strict=True):
            self._slots[slot] = stage.id
            self._dispatched[slot] = stage.start
            if stage.id in self._ledger.resumed:
                self._dispatched[slot] = int(self._ledger.resumed.pop(stage.id).update)
            else:
                self._ledger.started(stage.id)

    def _inputs(self, stages: list[Stage]) -> tuple[Keys, dict[str, Any]]:
        keys = seeds_to_keys([s.world_seed for s in stages], [s.seed for s in stages])
        hparams = {
            name: np.asarray([s.settings[name] for s in stages], DTYPES[setting.integer])
            for name, setting in self._engine.program.settings.items()
        }
        return keys, hparams

    def _continue(self, stages: list[Stage]) -> LaneState:
        """States of stages that were under way, or that go on where a link of their chain ended."""
        template = self._engine.abstract_state()

        def state(stage: Stage) -> LaneState:
            if stage.id in self._ledger.resumed:
                return self._ledger.resumed[stage.id]
            assert stage.parent is not None
            parked = self._ledger.parked(stage.parent, template)
            return parked._replace(status=np.asarray(RUNNING, np.int32))

        states = [state(stage) for stage in _padded(stages, self._engine.block)]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *states)

    def _begin(self, stages: list[Stage]) -> LaneState:
        """States of stages that begin a phase."""
        filled = _padded(stages, self._engine.block)
        keys, hparams = self._inputs(filled)
        zeros = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), self._engine.abstract_state().learner.params)

        def given(stage: Stage) -> Any:
            if not stage.inherit:
                return zeros
            assert stage.parent is not None
            template = self._engines(self._plan.stages[stage.parent].program).abstract_state()
            parent = self._ledger.parked(stage.parent, template).learner.params
            return zeros | {part: parent[part] for part in stage.inherit}

        params = jax.tree.map(lambda *leaves: np.stack(leaves), *[given(stage) for stage in filled])
        taken = {part: np.asarray([part in (s.inherit or ()) for s in filled]) for part in zeros}
        state, metrics = self._engine.begin(keys, hparams, params, taken)
        self._openings.append(([stage.id for stage in stages], metrics))
        return state


def _padded(stages: list[Stage], size: int) -> list[Stage]:
    """Returns `size` stages, the last one repeated."""
    return stages + [stages[-1]] * (size - len(stages))
