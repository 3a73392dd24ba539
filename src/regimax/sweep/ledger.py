"""The ledger: what of a plan is done, and how it is committed and recovered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import polars as pl

from regimax.regimes.program import STATUS
from regimax.sweep import checkpoint, disk, expected, store
from regimax.sweep.disk import Damaged
from regimax.sweep.environment import Environment
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
      environment: under which this process computes.
      blocks: lanes of a block of every program.
      environments: under which the parts that count were computed, in the order in which they came.
      damaged: whether damage was found that no commit has got over yet.

    Args:
      plan: the plan.
      run: the run directory.
      environment: under which this process computes.
      blocks: lanes of a block of every program.
    """

    def __init__(self, plan: Plan, run: Path, environment: Environment, blocks: Mapping[str, int]):
        self.plan, self.run, self.environment, self.blocks = plan, run, environment, blocks
        self.environments: list[Environment] = []
        self.damaged = False
        self.finished: dict[str, Finished] = {}
        self.placed: set[str] = set()
        self.resumed: dict[str, State] = {}
        self.states = States(run)
        self.step, self.seconds = 0, 0.0
        self._waiting = {stage: len(children) for stage, children in plan.children.items()}
        self._parts: dict[str, dict[str, store.Part]] = {kind: {} for kind in store.PARTS}
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
        if state is not None and (self.plan.stages[stage].keep or self._waiting.get(stage)):
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
                self._write(kind, name, _frame(rows))
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
            self._write(store.FINISHED, name, rows)
        self._new = []
        files = self.states.files()
        known = {"sweep": disk.plain_digest(self.plan.resolved), "environments": self.environments}
        known["blocks"] = self.blocks
        checkpoint.save(self.run, self.step, arrays, facts | known | self._parts | {store.STATES: files})
        # The checkpoint before this one may still be wanted, should this one be damaged.
        self.states.clear({*files, *self._state_files})
        self._state_files = set(files)
        self.damaged = False

    def _write(self, kind: str, name: str, frame: pl.DataFrame) -> None:
        written = disk.write_frame(self.run / kind / name, frame)
        if self.environment not in self.environments:
            self.environments.append(self.environment)
        number = self.environments.index(self.environment)
        blocks = {self.blocks[self.plan.stages[stage].program] for stage in frame["stage"].unique()}
        self._parts[kind][name] = {"sha256": written, "environment": number, "blocks": sorted(blocks)}

    def recover(self, say: Callable[[str], None]) -> dict[str, Any] | None:
        """Takes up what is committed. Only what damaged files held is to be run again; they go into the quarantine.

        Args:
          say: tells the user of damage.

        Returns:
          the newest manifest, or None where there is none.
        """
        manifests = self._manifests(say)
        self.step = checkpoint.last_number(self.run)
        for kind in store.PARTS:
            disk.clean(self.run / kind, store.PART)
        disk.clean(self.run / store.STATES, store.STATE)
        if not manifests:
            if self.damaged:
                say(f"no checkpoint is whole: the run begins anew; what was there is in {self.run / disk.QUARANTINE}")
            self._leftovers()
            return None
        manifest = manifests[0]
        self.environments[:] = manifest["environments"]
        lost = self._take_parts(manifest, say)
        self._state_files = {name for kept in manifests[: checkpoint.KEEP] for name in kept[store.STATES]}
        for row in store.finished_rows(self.run, self._parts).iter_rows(named=True):
            stage = row["stage"]
            self.finished[stage] = Finished(row["status"], row["updates_done"])
            # Stages of an earlier, smaller sweep may lie within this one's: see --extend.
            if row["state_file"] in self._state_files and stage in self.plan.stages:
                ticket = Ticket(row["state_file"], row["state_start"], row["state_size"], row["state_digest"])
                self.states.remember(stage, ticket, self.plan.stages[stage].keep)
        self._take_lanes(manifests, say)
        if lost:
            self._forget_incomplete(say)
        for stage in (*self.finished, *self.resumed):
            if stage in self.plan.stages:
                self.started(stage)
        self.placed.clear()
        self._take_back(say)
        self._leftovers()
        self.seconds = manifest["seconds"]
        return manifest

    def _manifests(self, say: Callable[[str], None]) -> list[dict[str, Any]]:
        """The whole manifests, newest first. A checkpoint whose manifest is damaged goes into the quarantine."""
        found = []
        for step in store.checkpoint_steps(self.run):
            try:
                found.append(store.read_manifest(self.run, step))
            except Damaged:
                say(f"checkpoint {step} is damaged: its manifest is not what was written; going back to the one before")
                self._put_aside(store.checkpoint_folder(self.run, step))
        return found

    def _take_parts(self, manifest: dict[str, Any], say: Callable[[str], None]) -> bool:
        """Takes up the parts that are whole. Returns whether rows of curves or probes were lost."""
        lost = False
        for kind, parts in self._parts.items():
            for name, part in manifest[kind].items():
                try:
                    disk.check(self.run / kind / name, part["sha256"])
                except Damaged as error:
                    say(f"{kind}/{name} {error.how}; only what it held is run again")
                    self._put_aside(self.run / kind / name)
                    lost |= kind in self._rows
                else:
                    parts[name] = part
        return lost

    def _take_lanes(self, manifests: list[dict[str, Any]], say: Callable[[str], None]) -> None:
        """Takes up what was in the lanes, from the newest checkpoint whose arrays are whole."""
        for manifest in manifests:
            try:
                arrays = checkpoint.load_arrays(self.run, manifest)
            except Damaged as error:
                say(f"checkpoint {manifest['step']} is damaged: {error.path} {error.how}; its lanes go on from before")
                self._put_aside(error.path)
                continue
            leaves = [arrays[name] for name in sorted(arrays)]
            for slot, (stage, update) in enumerate(zip(manifest["slots"], manifest["updates"], strict=True)):
                if stage in self.plan.stages and stage not in self.finished:
                    self.resumed[stage] = [leaf[slot] for leaf in leaves]
                    self._resumed_updates[stage] = update
            return

    def _forget_incomplete(self, say: Callable[[str], None]) -> None:
        """Forgets stages of which rows are gone: they are run again."""
        ends = {stage: (end.status, end.updates) for stage, end in self.finished.items()}
        ends |= {stage: ("running", update) for stage, update in self._resumed_updates.items()}
        ends = {stage: end for stage, end in ends.items() if stage in self.plan.stages}
        rows = [store.read_parts(self.run, kind, self._parts[kind]) for kind in (store.CURVES, store.PROBES)]
        gone = expected.incomplete(self.plan, ends, *rows)
        for stage in gone:
            self.finished.pop(stage, None)
            self.resumed.pop(stage, None)
            self._resumed_updates.pop(stage, None)
        if gone:
            say(f"{len(gone)} of the {len(ends)} stages that had begun are run again: rows of theirs are gone")

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
                self.states.forget(stage)
                del self.finished[stage]
                if (parent := self.plan.stages[stage].parent) is not None:
                    self._waiting[parent] += 1
        if damaged:
            say(f"{damaged} parked states are missing or damaged: their stages are run again")
            self.damaged = True
        if gone:
            say(f"{gone} finished stages are run again: others begin from them, and their states were not kept")

    def _put_aside(self, path: Path) -> None:
        disk.put_aside(self.run, path)
        self.damaged = True

    def _leftovers(self) -> None:
        """Clears away parts and states that count for nothing: a commit was cut short, and they will be written again.

        Where anything was damaged they may have counted: they go into the quarantine.
        """
        for kind, parts in self._parts.items():
            folder = self.run / kind
            for name in disk.listed(folder, store.PART):
                if name not in parts:
                    disk.put_aside(self.run, folder / name) if self.damaged else disk.remove(folder / name)
        if self.damaged:
            self.states.put_aside(self._state_files)
        else:
            self.states.clear(self._state_files)
            checkpoint.clear(self.run)


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
