"""The ledger: what of a plan is done, and how it is committed and recovered."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import polars as pl

from regimax.regimes.program import STATUS, LaneState
from regimax.sweep import checkpoint, store
from regimax.sweep.plan import Plan


class Finished(NamedTuple):
    """How a stage ended.

    Attributes:
      status: "done", "solved" or "diverged".
      updates: the update of its phase at which it ended.
      state: SHA-256 of its parked state, or an empty string where none was parked.
    """

    status: str
    updates: int
    state: str


class Ledger:
    """What is finished, what is parked, and the rows that are not yet committed.

    Attributes:
      plan: the plan.
      finished: by stage.
      step: number of the newest checkpoint.
      seconds: wall-clock of earlier invocations, in seconds.
      resumed: states of the stages that were in the lanes when the newest checkpoint was made.
    """

    def __init__(self, plan: Plan, run: Path):
        self.plan, self.run = plan, run
        self.finished: dict[str, Finished] = {}
        self.step, self.seconds = 0, 0.0
        self.resumed: dict[str, LaneState] = {}
        self._parked: dict[str, LaneState] = {}
        self._waiting = {stage: len(children) for stage, children in plan.children.items()}
        self._parts: dict[str, dict[str, str]] = {store.CURVES: {}, store.FINISHED: {}}
        self._curves: list[pl.DataFrame] = []
        self._new: list[str] = []

    # What happened.

    def record(self, stages: Sequence[str], updates: np.ndarray, metrics: dict[str, np.ndarray]) -> None:
        """Adds one row per stage to the curves."""
        if stages:
            columns = {"stage": list(stages), "update": updates.astype(np.int64)}
            columns |= {name: values.astype(np.float32) for name, values in sorted(metrics.items())}
            self._curves.append(pl.DataFrame(columns))

    def finish(self, stage: str, status: int, updates: int, state: LaneState | None) -> None:
        """Marks a stage as ended; its state is parked, if given, before it counts."""
        written = ""
        if state is not None:
            written = store.write_atomic(self._state_path(stage), _pack(state))
            if self._waiting.get(stage):
                self._parked[stage] = state
        self.finished[stage] = Finished(STATUS[status], updates, written)
        self._new.append(stage)

    def needs_state(self, stage: str) -> bool:
        """Returns whether a stage's final state is wanted by a child or for keeping."""
        return bool(self.plan.children.get(stage)) or self.plan.stages[stage].keep

    def parked(self, stage: str, template: LaneState) -> LaneState:
        """Returns a parked state, from memory or from disk.

        Raises:
          ValueError: if the file is missing or is not what was written.
        """
        if stage not in self._parked:
            self._parked[stage] = self.read_state(stage, template)
        return self._parked[stage]

    def started(self, child: str) -> None:
        """Notes that a child runs; its parent's state leaves memory with the last of them."""
        parent = self.plan.stages[child].parent
        if parent is not None:
            self._waiting[parent] -= 1
            if not self._waiting[parent]:
                self._parked.pop(parent, None)

    def read_state(self, stage: str, template: LaneState) -> LaneState:
        """Reads a parked state from disk and checks its hash."""
        path = self._state_path(stage)
        if not path.is_file() or store.file_digest(path) != self.finished[stage].state:
            raise ValueError(f"the parked state {path.name} is missing or damaged")
        return unpack(path.read_bytes(), template)

    def _state_path(self, stage: str) -> Path:
        return self.run / store.STATES / f"{stage}.npz"

    def updates_done(self) -> int:
        """Returns the updates that need not be run any more, those in the lanes included."""
        done = sum(self.plan.stages[s].end - self.plan.stages[s].start for s in self.finished)
        return done + sum(int(state.update) - self.plan.stages[s].start for s, state in self.resumed.items())

    # Commit and recovery.

    def commit(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        """Commits everything so far: the rows first, then the checkpoint that makes them count."""
        self.step += 1
        name = f"part-{self.step:06d}.parquet"
        if self._curves:
            rows = pl.concat(self._curves, how="diagonal")
            self._parts[store.CURVES][name] = store.write_frame(self.run / store.CURVES / name, rows)
        if self._new:
            ends = [self.finished[stage] for stage in self._new]
            rows = pl.DataFrame(
                {
                    "stage": self._new,
                    "status": [end.status for end in ends],
                    "updates_done": [end.updates for end in ends],
                    "state": [end.state for end in ends],
                }
            )
            self._parts[store.FINISHED][name] = store.write_frame(self.run / store.FINISHED / name, rows)
        self._curves, self._new = [], []
        checkpoint.save(self.run, self.step, arrays, facts | self._parts)

    def recover(self, templates: Callable[[str], LaneState], say: Callable[[str], None]) -> dict[str, Any] | None:
        """Takes up the newest checkpoint that is whole.

        Args:
          templates: the shapes of a program's lane state, by the program's identity.
          say: tells the user of a damaged checkpoint.

        Returns:
          its manifest, or None where there is none.
        """
        manifest = None
        steps = store.checkpoint_steps(self.run)
        for step in steps:
            try:
                arrays, manifest = checkpoint.load(self.run, step)
                break
            except ValueError as error:
                say(f"checkpoint {step} is damaged: {error}; going back to the one before")
        self.step = max((int(p.name) for p in (self.run / store.CHECKPOINTS).glob("[0-9]*")), default=0)
        if manifest is None:
            self._clear_parts()
            return None
        for kind, parts in self._parts.items():
            parts |= manifest[kind]
        self._clear_parts()
        rows = store.read_parts(self.run, store.FINISHED, self._parts[store.FINISHED])
        for row in rows.iter_rows(named=True) if rows is not None else ():
            self.finished[row["stage"]] = Finished(row["status"], row["updates_done"], row["state"])
        if manifest["arrays"]:
            leaves = [arrays[f"leaf_{i:03d}"] for i in range(len(arrays))]
            stacked = jax.tree.unflatten(jax.tree.structure(templates(manifest["program"])), leaves)
            for slot, stage in enumerate(manifest["slots"]):
                if stage is not None:
                    row, lane = divmod(slot, manifest["block"])
                    self.resumed[stage] = jax.tree.map(lambda x, row=row, lane=lane: x[row, lane], stacked)
        for stage in (*self.finished, *self.resumed):
            self.started(stage)
        self._forget_damaged(say)
        self.seconds = manifest["seconds"]
        return manifest

    def _forget_damaged(self, say: Callable[[str], None]) -> None:
        """Takes back stages whose parked state is wanted but damaged: they are run again, to the same end."""
        for stage in [s for s, waiting in self._waiting.items() if waiting and s in self.finished]:
            end = self.finished[stage]
            if end.state and (
                not self._state_path(stage).is_file() or store.file_digest(self._state_path(stage)) != end.state
            ):
                say(f"the parked state {self._state_path(stage).name} is damaged: its stage is run again")
                del self.finished[stage]
                if (parent := self.plan.stages[stage].parent) is not None:
                    self._waiting[parent] += 1

    def _clear_parts(self) -> None:
        """Removes parts that no manifest names: they will be written again."""
        for kind, parts in self._parts.items():
            for path in (self.run / kind).glob("*"):
                if path.name not in parts:
                    path.unlink()

    def clear_states(self) -> None:
        """Removes the parked states that nobody asked to keep."""
        for path in (self.run / store.STATES).glob("*"):
            stage = self.plan.stages.get(path.stem)
            if stage is None or not stage.keep:
                path.unlink()


def pack_lanes(state: LaneState) -> dict[str, np.ndarray]:
    """Returns stacked lanes as named host arrays, in the order of the tree's leaves."""
    return {f"leaf_{i:03d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}


def _pack(state: LaneState) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, *jax.tree.leaves(state))
    return buffer.getvalue()


def unpack(data: bytes, template: LaneState) -> LaneState:
    """Returns the state that was packed, in the structure of `template`."""
    with np.load(io.BytesIO(data)) as arrays:
        leaves = [arrays[f"arr_{i}"] for i in range(len(arrays.files))]
    return jax.tree.unflatten(jax.tree.structure(template), leaves)
