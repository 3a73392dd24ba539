"""The ledger: what of a plan is done, and how it is committed and recovered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import polars as pl

from regimax.regimes.program import STATUS
from regimax.sweep import checkpoint, store
from regimax.sweep.lanes import State
from regimax.sweep.plan import Plan
from regimax.sweep.states import States, Ticket


class Finished(NamedTuple):
    """How a stage ended.

    Attributes:
      status: "done", "solved" or "diverged".
      updates: the update of its phase at which it ended.
    """

    status: str
    updates: int


class Rows(NamedTuple):
    """Rows that are not yet committed: `n` stages at one evaluation, or one measurement, each.

    Attributes:
      stages: `n` ids.
      updates: `[n]`.
      names: `M` names of metrics.
      values: `[n, M]`.
    """

    stages: list[str]
    updates: np.ndarray
    names: tuple[str, ...]
    values: np.ndarray


class Ledger:
    """What is finished, what is parked, and the rows that are not yet committed.

    Attributes:
      plan: the plan.
      finished: by stage.
      placed: stages that are in the lanes.
      resumed: states of the stages that were in the lanes when the newest checkpoint was made.
      states: parked and kept states.
      step: number of the newest checkpoint.
      seconds: wall-clock of earlier invocations, in seconds.
    """

    def __init__(self, plan: Plan, run: Path):
        self.plan, self.run = plan, run
        self.finished: dict[str, Finished] = {}
        self.placed: set[str] = set()
        self.resumed: dict[str, State] = {}
        self.states = States(run)
        self.step, self.seconds = 0, 0.0
        self._waiting = {stage: len(children) for stage, children in plan.children.items()}
        self._parts: dict[str, dict[str, str]] = {kind: {} for kind in store.PARTS}
        self._state_files: set[str] = set()
        self._resumed_updates: dict[str, int] = {}
        self._rows: dict[str, list[Rows]] = {store.CURVES: [], store.PROBES: []}
        self._new: list[str] = []

    # What happened.

    def record(self, rows: Rows) -> None:
        """Adds rows to the curves."""
        if rows.stages:
            self._rows[store.CURVES].append(rows)

    def measured(self, rows: Rows) -> None:
        """Adds rows to what probes have measured."""
        if rows.stages:
            self._rows[store.PROBES].append(rows)

    def finish(self, stage: str, status: int, updates: int, state: State | None) -> None:
        """Marks a stage as ended; its state, if given, waits for its children or is kept."""
        if state is not None:
            self.states.put(stage, state, self.plan.stages[stage].keep)
        self.finished[stage] = Finished(STATUS[status], updates)
        self.placed.discard(stage)
        self._new.append(stage)

    def started(self, stage: str) -> None:
        """Notes that a stage has begun; its parent's state goes with the last child."""
        self.placed.add(stage)
        parent = self.plan.stages[stage].parent
        if parent is not None:
            self._waiting[parent] -= 1
            if not self._waiting[parent]:
                self.states.drop(parent)

    def begun(self, stage: str) -> bool:
        """Returns whether a stage need not be begun: it is finished, in the lanes, or was in them."""
        return stage in self.finished or stage in self.placed or stage in self.resumed

    def updates_done(self) -> int:
        """Returns the updates that need not be run any more, those in the lanes included."""
        stages = self.plan.stages
        done = sum(stages[s].end - stages[s].start for s in self.finished if s in stages)
        return done + sum(update - stages[s].start for s, update in self._resumed_updates.items())

    # Commit and recovery.

    def commit(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        """Commits everything so far: rows and states first, then the checkpoint that makes them count.

        Args:
          arrays: the stacked lanes.
          facts: what a resumed run needs to know of them.
        """
        self.step += 1
        name = f"part-{self.step:06d}.parquet"
        self.states.spill()
        for kind, rows in self._rows.items():
            if rows:
                self._parts[kind][name] = store.write_frame(self.run / kind / name, _frame(rows))
            self._rows[kind] = []
        if self._new:
            ends = [self.finished[stage] for stage in self._new]
            tickets = [self.states.ticket(stage) for stage in self._new]
            rows = pl.DataFrame(
                {
                    "stage": self._new,
                    "status": [end.status for end in ends],
                    "updates_done": [end.updates for end in ends],
                    "state_file": [ticket.file for ticket in tickets],
                    "state_start": [ticket.start for ticket in tickets],
                    "state_size": [ticket.size for ticket in tickets],
                    "state_digest": [ticket.digest for ticket in tickets],
                }
            )
            self._parts[store.FINISHED][name] = store.write_frame(self.run / store.FINISHED / name, rows)
        self._new = []
        files = self.states.files()
        checkpoint.save(self.run, self.step, arrays, facts | self._parts | {store.STATES: files})
        # The checkpoint before this one may still be wanted, should this one be damaged.
        self.states.clear({*files, *self._state_files})
        self._state_files = set(files)

    def recover(self, say: Callable[[str], None]) -> dict[str, Any] | None:
        """Takes up the newest checkpoint that is whole.

        Args:
          say: tells the user of damage.

        Returns:
          its manifest, or None where there is none.
        """
        arrays, manifest = checkpoint.load_newest(self.run, say)
        self.step = checkpoint.last_number(self.run)
        if manifest is None:
            self._clear_parts()
            self.states.clear(set())
            return None
        for kind, parts in self._parts.items():
            parts |= manifest.get(kind, {})  # an older run has no probes
        self._clear_parts()
        self._state_files = set(manifest[store.STATES])
        self.states.clear(self._state_files)
        rows = store.read_parts(self.run, store.FINISHED, self._parts[store.FINISHED])
        for row in rows.iter_rows(named=True) if rows is not None else ():
            stage = row["stage"]
            self.finished[stage] = Finished(row["status"], row["updates_done"])
            # Stages of an earlier, smaller sweep may lie within this one's: see --extend.
            if row["state_file"] in self._state_files and stage in self.plan.stages:
                ticket = Ticket(row["state_file"], row["state_start"], row["state_size"], row["state_digest"])
                self.states.remember(stage, ticket, self.plan.stages[stage].keep)
        leaves = [arrays[name] for name in sorted(arrays)]
        for slot, (stage, update) in enumerate(zip(manifest["slots"], manifest["updates"], strict=True)):
            if stage in self.plan.stages:
                self.resumed[stage] = [leaf[slot] for leaf in leaves]
                self._resumed_updates[stage] = update
        for stage in (*self.finished, *self.resumed):
            if stage in self.plan.stages:
                self.started(stage)
        self.placed.clear()
        self._take_back(say)
        self.seconds = manifest["seconds"]
        return manifest

    def _take_back(self, say: Callable[[str], None]) -> None:
        """Takes back finished stages whose state is wanted but not there: they are run again, to the same end."""
        damaged, gone = 0, 0
        for stage in reversed(self.plan.stages):  # children before parents
            end = self.finished.get(stage)
            if end is None or end.status == "diverged":
                continue
            wanted = self.plan.stages[stage].keep or self._waiting.get(stage)
            if wanted and not self.states.has(stage):
                damaged += bool(self.states.ticket(stage).file)
                gone += not self.states.ticket(stage).file
                del self.finished[stage]
                if (parent := self.plan.stages[stage].parent) is not None:
                    self._waiting[parent] += 1
        if damaged:
            say(f"{damaged} parked states are missing or damaged: their stages are run again")
        if gone:
            say(f"{gone} finished stages are run again: others begin from them, and their states were not kept")

    def _clear_parts(self) -> None:
        """Removes parts that no manifest names: they will be written again."""
        for kind, parts in self._parts.items():
            for path in (self.run / kind).glob("*"):
                if path.name not in parts:
                    path.unlink()


def _frame(recorded: list[Rows]) -> pl.DataFrame:
    """One frame of all rows, with nulls where a phase lacks a metric."""
    frames = []
    for names in dict.fromkeys(rows.names for rows in recorded):
        some = [rows for rows in recorded if rows.names == names]
        values = np.concatenate([rows.values for rows in some]).astype(np.float32)
        columns: dict[str, Any] = {"stage": [stage for rows in some for stage in rows.stages]}
        columns["update"] = np.concatenate([rows.updates for rows in some]).astype(np.int64)
        columns |= {name: np.ascontiguousarray(values[:, i]) for i, name in enumerate(names)}
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames, how="diagonal")


def pack(states: Sequence[Any]) -> dict[str, np.ndarray]:
    """Returns stacked host states as one set of named arrays `[lanes, ...]`, in the order of the tree's leaves."""
    leaves = zip(*(jax.tree.leaves(state) for state in states), strict=True)
    return {f"leaf_{i:03d}": np.concatenate(parts) for i, parts in enumerate(leaves)}
