"""The ledger: what of a plan is done, and how it is committed and recovered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from regimax.regimes.program import DIVERGED, RUNNING, SOLVED, STATUS
from regimax.sweep import checkpoint, disk, expected, store
from regimax.sweep.disk import Damaged
from regimax.sweep.environment import Environment
from regimax.sweep.lanes import State
from regimax.sweep.numbered import NONE, Numbered
from regimax.sweep.plan import Plan
from regimax.sweep.states import States, Ticket, Tickets
from regimax.sweep.writer import Writer


class Rows(NamedTuple):
    """Rows that are not yet committed: `n` stages at one evaluation, or one measurement, each.

    Attributes:
      stages: `[n]`, by number.
      updates: `[n]`.
      names: `M` names of metrics.
      values: `[M, n]`.
    """

    stages: np.ndarray
    updates: np.ndarray
    names: tuple[str, ...]
    values: np.ndarray


class Ledger:
    """What is finished, what is parked, and the rows that are not yet committed.

    Stages are told by their numbers, arrays `[N]` are of all stages of the plan.

    Attributes:
      plan: the plan.
      stages: its stages by number.
      status: `[N]`, how a stage ended, an index into `STATUS`; RUNNING where it has not.
      updates: `[N]`, the update of its phase at which it ended.
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
      writer: what writes.
    """

    def __init__(
        self, plan: Plan, run: Path, environment: Environment, blocks: Mapping[str, int], writer: Writer | None = None
    ):
        self.plan, self.run, self.environment, self.blocks = plan, run, environment, blocks
        self.environments: list[Environment] = []
        self.damaged = False
        self.stages = Numbered(plan)
        n = len(self.stages)
        self.status, self.updates = np.full(n, RUNNING, np.int8), np.zeros(n, np.int64)
        self._placed, self._waiting = np.zeros(n, bool), self.stages.children.copy()
        self._writer = writer or Writer()
        self.states = States(run, self.stages, self._writer)
        self.step, self.seconds = 0, 0.0
        self._parts: dict[str, dict[str, store.Part]] = {kind: {} for kind in store.PARTS}
        self._state_files: set[str] = set()
        # What was in the lanes when the newest checkpoint was made: states side by side, and the row of each stage.
        self._resumed, self._resumed_row = [], np.full(n, NONE)
        self._resumed_updates = np.zeros(n, np.int64)
        self._rows: dict[str, list[Rows]] = {store.CURVES: [], store.PROBES: []}
        self._new: list[np.ndarray] = []

    # What happened.

    def record(self, rows: Rows) -> None:
        """Adds rows to the curves."""
        if len(rows.stages):
            self._rows[store.CURVES].append(rows)

    def measured(self, rows: Rows) -> None:
        """Adds rows to what probes have measured."""
        if len(rows.stages):
            self._rows[store.PROBES].append(rows)

    def finish(self, stages: np.ndarray, status: np.ndarray, updates: np.ndarray) -> None:
        """Marks stages as ended."""
        self.status[stages], self.updates[stages] = status, updates
        self._placed[stages] = False
        self._new.append(stages)

    def started(self, stages: np.ndarray) -> None:
        """Notes that stages have begun; a parent's state goes with the last child."""
        self._placed[stages], self._resumed_row[stages] = True, NONE
        parents = self.stages.parent[stages]
        parents = parents[parents != NONE]
        np.subtract.at(self._waiting, parents, 1)
        self.states.drop(np.unique(parents[self._waiting[parents] == 0]))

    def waiting(self, stages: np.ndarray) -> np.ndarray:
        """Returns how many children of stages have not begun."""
        return self._waiting[stages]

    def ended(self, stages: np.ndarray) -> np.ndarray:
        """Returns which stages are finished."""
        return self.status[stages] != RUNNING

    def begun(self, stages: np.ndarray) -> np.ndarray:
        """Returns which stages need not be begun: they are finished, in the lanes, or were in them."""
        return self.ended(stages) | self._placed[stages] | self.was_in_lanes(stages)

    def was_in_lanes(self, stages: np.ndarray) -> np.ndarray:
        """Returns which stages were in the lanes when the newest checkpoint was made, and are not yet again."""
        return self._resumed_row[stages] != NONE

    def resumed(self, stages: np.ndarray) -> State:
        """Returns the states of stages that were in the lanes, leaves `[n, ...]`."""
        rows = self._resumed_row[stages]
        return [leaf[rows] for leaf in self._resumed]

    def resumed_updates(self, stages: np.ndarray) -> np.ndarray:
        """Returns the updates that such stages have reached."""
        return self._resumed_updates[stages]

    def num_finished(self) -> int:
        """Returns the number of stages that are finished."""
        return int((self.status != RUNNING).sum())

    def has_news(self) -> bool:
        """Returns whether stages have ended of which no commit tells."""
        return bool(self._new)

    def updates_done(self) -> int:
        """Returns the updates that need not be run any more, those in the lanes included."""
        done = self.status != RUNNING
        resumed = self._resumed_row != NONE
        lengths = self.stages.end[done] - self.stages.start[done]
        return int(lengths.sum() + (self._resumed_updates[resumed] - self.stages.start[resumed]).sum())

    # Commit and recovery.

    def commit(self, lanes: Sequence[State], facts: dict[str, Any]) -> None:
        """Commits everything so far: rows and states first, then the checkpoint that makes them count.

        It is written while the devices go on, once what was given to the writer before is done.

        Args:
          lanes: the states in the lanes, leaves `[n, ...]` on the host each.
          facts: what a resumed run needs to know of them.
        """
        self.step += 1
        step, name = self.step, f"part-{self.step:06d}.parquet"
        new = np.concatenate(self._new) if self._new else np.zeros(0, np.int64)
        spill = self.states.spill()
        ended = self.status[new], self.updates[new], self.states.tickets(new)
        files, rows = self.states.files(), self._rows
        self._rows, self._new = {kind: [] for kind in rows}, []

        def write() -> None:
            for state in spill:
                state()
            for kind, some in rows.items():
                if some:
                    stages = np.unique(np.concatenate([one.stages for one in some]))
                    self._write(kind, name, stages, _frame(some, self.stages.ids))
            if len(new):
                self._write(store.FINISHED, name, new, self._ends(new, *ended))
            known = {"sweep": disk.plain_digest(self.plan.resolved), "environments": self.environments}
            known["blocks"] = self.blocks
            checkpoint.save(self.run, step, pack(lanes), facts | known | self._parts | {store.STATES: files})
            # The checkpoint before this one may still be wanted, should this one be damaged.
            self.states.clear({*files, *self._state_files})
            self._state_files = set(files)
            self.damaged = False

        self._writer.submit(write)

    def _ends(
        self, stages: np.ndarray, status: np.ndarray, updates: np.ndarray, tickets: Callable[[], Tickets]
    ) -> pl.DataFrame:
        """The rows of stages that ended."""
        where = tickets()
        return pl.DataFrame(
            {
                "stage": self.stages.ids.gather(stages),
                "status": pl.Series(STATUS).gather(status.astype(np.int64)),
                "updates_done": updates,
                "state_file": where.files,
                "state_start": where.start,
                "state_size": where.size,
                "state_digest": where.digests,
            }
        )

    def _write(self, kind: str, name: str, stages: np.ndarray, frame: pl.DataFrame) -> None:
        written = disk.write_frame(self.run / kind / name, frame)
        if self.environment not in self.environments:
            self.environments.append(self.environment)
        number = self.environments.index(self.environment)
        programs = list(self.plan.programs)
        blocks = {self.blocks[programs[i]] for i in np.unique(self.stages.program[stages])}
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
        number = self.stages.number
        for row in store.finished_rows(self.run, self._parts).iter_rows(named=True):
            # Stages of an earlier, smaller sweep may lie within this one's, or not: see --extend.
            if (stage := number.get(row["stage"])) is not None:
                self.status[stage], self.updates[stage] = STATUS.index(row["status"]), row["updates_done"]
                if row["state_file"] in self._state_files:
                    ticket = Ticket(row["state_file"], row["state_start"], row["state_size"], row["state_digest"])
                    self.states.remember(stage, ticket)
        self._take_lanes(manifests, say)
        if lost:
            self._forget_incomplete(say)
        self._end_with_parents()
        begun = np.flatnonzero((self.status != RUNNING) | (self._resumed_row != NONE))
        resumed = self._resumed_row.copy()
        self.started(begun)
        self._placed[:], self._resumed_row = False, resumed
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
            self._resumed = [arrays[name] for name in sorted(arrays)]
            for row, (stage, update) in enumerate(zip(manifest["slots"], manifest["updates"], strict=True)):
                if (i := self.stages.number.get(stage)) is not None and self.status[i] == RUNNING:
                    self._resumed_row[i], self._resumed_updates[i] = row, update
            return

    def _forget_incomplete(self, say: Callable[[str], None]) -> None:
        """Forgets stages of which rows are gone: they are run again."""
        ids = list(self.stages.number)
        ends = {ids[i]: (STATUS[self.status[i]], int(self.updates[i])) for i in np.flatnonzero(self.status != RUNNING)}
        resumed = np.flatnonzero(self._resumed_row != NONE)
        ends |= {ids[i]: (STATUS[RUNNING], int(self._resumed_updates[i])) for i in resumed}
        rows = [store.read_parts(self.run, kind, self._parts[kind]) for kind in (store.CURVES, store.PROBES)]
        gone = self.stages.numbers(expected.incomplete(self.plan, ends, *rows))
        self.status[gone], self._resumed_row[gone] = RUNNING, NONE
        if len(gone):
            say(f"{len(gone)} of the {len(ends)} stages that had begun are run again: rows of theirs are gone")

    def _take_back(self, say: Callable[[str], None]) -> None:
        """Takes back finished stages whose state is wanted but not there: they are run again, to the same end."""
        damaged, gone = 0, 0
        there = np.flatnonzero((self.status != RUNNING) & (self.status != DIVERGED))
        for stage in there[::-1]:  # children before parents
            wanted = self.stages.keep[stage] or self._waiting[stage]
            if wanted and not self.states.has(stage):
                damaged += bool(self.states.ticket(stage).file)
                gone += not self.states.ticket(stage).file
                self.states.forget(np.asarray([stage]))
                self.status[stage] = RUNNING
                if (parent := self.stages.parent[stage]) != NONE:
                    self._waiting[parent] += 1
        if damaged:
            say(f"{damaged} parked states are missing or damaged: their stages are run again")
            self.damaged = True
        if gone:
            say(f"{gone} finished stages are run again: others begin from them, and their states were not kept")

    def _end_with_parents(self) -> None:
        """Ends stages that are new in a larger sweep, where what they would go on from has diverged or was stopped."""
        its = self.stages
        for stage in np.flatnonzero((self.status == RUNNING) & (its.parent != NONE)):  # parents before children
            parent = its.parent[stage]
            status, is_link = self.status[parent], its.inherit[stage] == NONE
            if status == DIVERGED or (is_link and status == SOLVED):
                update = self.updates[parent] if is_link else its.start[stage]
                self.finish(np.asarray([stage]), np.asarray(status), np.asarray(update))
                if is_link and (ticket := self.states.ticket(int(parent))).file:
                    self.states.remember(int(stage), ticket)  # it ends as it began

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


def _frame(recorded: list[Rows], ids: pl.Series) -> pl.DataFrame:
    """One frame of all rows, with nulls where a phase lacks a metric."""
    frames = []
    for names in dict.fromkeys(rows.names for rows in recorded):
        some = [rows for rows in recorded if rows.names == names]
        values = np.concatenate([rows.values for rows in some], axis=1).astype(np.float32)
        columns: dict[str, Any] = {"stage": ids.gather(np.concatenate([rows.stages for rows in some]))}
        columns["update"] = np.concatenate([rows.updates for rows in some]).astype(np.int64)
        columns |= {name: np.ascontiguousarray(values[i]) for i, name in enumerate(names)}
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames, how="diagonal")


def pack(states: Sequence[State]) -> dict[str, np.ndarray]:
    """Returns host states, leaves `[n, ...]` each, as one set of named arrays, in the order of the leaves."""
    return {f"leaf_{i:03d}": np.concatenate(parts) for i, parts in enumerate(zip(*states, strict=True))}
