"""Final states that a child, or the user, will want: on the device while young, then on disk.

On a device they lie side by side in lots, each the size of a block; children begin from there. A lot is written as one
immutable file, ``RUN/states/parked-NNNNNN``, or two where some of its states were asked for, which make
``RUN/states/kept-NNNNNN``: the bytes of one state after the other, all of one program and so of one size. Where a state
lies, and its hash, is said by its :class:`Ticket`. A parked file goes when the last child of all its states has begun.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from regimax.sweep import disk, store
from regimax.sweep.disk import Damaged
from regimax.sweep.lanes import Engine, Lanes, State
from regimax.sweep.numbered import NONE, Numbered
from regimax.sweep.writer import Writer

FRACTION = 0.1
"""Of a device's memory that lots may take: lanes leave twice as much."""


class Ticket(NamedTuple):
    """Where a state lies.

    Attributes:
      file: its file's name in RUN/states; empty for a state that is on no disk.
      start: offset of its first byte.
      size: its length, bytes.
      digest: SHA-256 of its bytes.
    """

    file: str = ""
    start: int = 0
    size: int = 0
    digest: str = ""


class Tickets(NamedTuple):
    """Those of `n` states.

    Attributes:
      files: `n` names.
      start: `[n]`.
      size: `[n]`.
      digests: `n` hashes.
    """

    files: list[str]
    start: np.ndarray
    size: np.ndarray
    digests: list[str]


class Lot:
    """A block in which final states lie side by side.

    Attributes:
      lanes: the states, of all that is in the lanes; None before the first ones.
      bytes: that it takes.
      stages: `[B]`, the stage in every row; NONE where there is none.
      used: rows that are or were taken.
      asked: rows that children will still ask for.
      closed: whether no more are put: it is, or will be, written.
      written: whether it is on disk.
    """

    def __init__(self, size: int, block: int):
        self.lanes: Lanes | None = None
        self.bytes = size
        self.stages = np.full(block, NONE)
        self.used = self.asked = 0
        self.closed = self.written = False

    def filled(self) -> Lanes:
        """Returns its lanes, some states having been put."""
        assert self.lanes is not None
        return self.lanes


class States:
    """The states of a run.

    Args:
      run: the run directory.
      stages: of the plan.
      writer: writes what does not fit on the devices.
      resident_bytes: of lots that may stay on the devices; a tenth of their memory when None.
    """

    def __init__(self, run: Path, stages: Numbered, writer: Writer, resident_bytes: int | None = None):
        self._folder, self._stages, self._writer, self._limit = run / store.STATES, stages, writer, resident_bytes
        self._lots: dict[int, Lot] = {}
        self._open: dict[tuple[int, int], int] = {}  # by program and device
        self._numbers = self._bytes = 0
        # Of every stage: its lot and row, whether a child will ask for it; its file and place in that.
        n = len(stages)
        self._lot, self._row, self._asked = np.full(n, NONE), np.zeros(n, np.int64), np.zeros(n, bool)
        self._file, self._start, self._size = np.full(n, NONE), np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._digest = np.full(n, "", object)
        self._names: list[str] = []
        self._number: dict[str, int] = {}  # of a file, by its name
        self._wanted: list[int] = []  # states of every file
        there = [name for kind in (False, True) for name in disk.listed(self._folder, store.STATE, kind)]
        self._files = max((int(name.partition("-")[2]) for name in there), default=0)

    # On the devices.

    def put(
        self, engine: Engine, device: int, lanes: Lanes, stages: np.ndarray, slots: np.ndarray, asked: np.ndarray
    ) -> None:
        """Takes the states of stages of one program that have ended in slots of a block.

        Args:
          engine: of the program.
          device: index of the block's.
          lanes: the block's; they stay.
          stages: `[n]`.
          slots: `[n]`.
          asked: `[n]` bool, whether any child will ask for it; else it is wanted when the run is over.
        """
        if not len(stages):
            return
        self.forget(stages)
        key = int(self._stages.program[stages[0]]), device
        while len(stages):
            if key not in self._open:
                self._make_room(engine)
                self._numbers += 1
                size = engine.block * engine.bytes_per_lane()
                self._lots[self._numbers] = Lot(size, engine.block)
                self._bytes += size
                self._open[key] = self._numbers
            number = self._open[key]
            lot = self._lots[number]
            rows = np.arange(lot.used, min(engine.block, lot.used + len(stages)))
            some = slice(len(rows))
            lot.lanes = engine.place(device, lot.lanes, lanes, slots[some], rows)
            lot.stages[rows], lot.used = stages[some], int(rows[-1]) + 1
            lot.asked += int(asked[some].sum())
            self._lot[stages[some]], self._row[stages[some]], self._asked[stages[some]] = number, rows, asked[some]
            if lot.used == engine.block:
                del self._open[key]
            stages, slots, asked = stages[len(rows) :], slots[len(rows) :], asked[len(rows) :]

    def drop(self, stages: np.ndarray) -> None:
        """Says that no child will ask for these states any more."""
        here = stages[self._lot[stages] != NONE]
        of = self._lot[here]
        numbers = np.unique(of).tolist()
        for number in numbers:
            lot, there = self._lots[number], here[of == number]
            lot.asked -= int(self._asked[there].sum())
            lot.stages[self._row[there[~self._stages.keep[there]]]] = NONE
        self._asked[stages] = False
        parked = stages[~self._stages.keep[stages]]
        self._lot[parked] = NONE
        self.forget(parked)
        for number in numbers:
            self._let_go(number)

    def on_devices(self, stages: np.ndarray) -> Iterator[tuple[Lanes, np.ndarray, np.ndarray]]:
        """Yields lots with the positions in `stages` of what lies there, and its rows."""
        for number in np.unique(self._lot[stages]):
            if number != NONE:
                here = np.flatnonzero(self._lot[stages] == number)
                yield self._lots[number].filled(), here, self._row[stages[here]]

    def on_disk(self, stages: np.ndarray) -> np.ndarray:
        """Returns the positions in `stages` of those that lie on no device."""
        return np.flatnonzero(self._lot[stages] == NONE)

    def _let_go(self, number: int) -> None:
        """Lets go of a lot if nothing is wanted of it any more."""
        lot = self._lots[number]
        if not lot.asked and (lot.written or (lot.stages == NONE).all()):
            self._remove(number)

    def _remove(self, number: int) -> None:
        lot = self._lots.pop(number)
        self._bytes -= lot.bytes
        self._lot[lot.stages[lot.stages != NONE]] = NONE
        self._open = {key: at for key, at in self._open.items() if at != number}

    def _make_room(self, engine: Engine) -> None:
        """Has lots written and let go of, oldest first, where another one would be too much."""
        if self._limit is None:
            self._limit = _resident_bytes(engine.devices)

        while self._lots and self._bytes + engine.block * engine.bytes_per_lane() > self._limit:
            number = next(iter(self._lots))
            for write in self._written_out([number]):
                self._writer.submit(write)
            self._writer.wait()
            self._remove(number)

    # On disk.

    def spill(self) -> list[Callable[[], None]]:
        """Returns what writes the states that are on no disk yet; where they will lie is settled now."""
        for number in list(self._lots):
            self._let_go(number)
        return self._written_out(list(self._lots))

    def _written_out(self, numbers: Sequence[int]) -> list[Callable[[], None]]:
        tasks = []
        for number in numbers:
            lot = self._lots[number]
            if lot.closed:
                continue
            self._open = {key: at for key, at in self._open.items() if at != number}
            lot.closed = True
            there = np.flatnonzero(lot.stages != NONE)
            kept = self._stages.keep[lot.stages[there]]
            parts = [
                (self._ticketed(kind, lot.stages[rows], lot), rows)
                for kind, rows in (("kept", there[kept]), ("parked", there[~kept]))
                if len(rows)
            ]
            stages = lot.stages.copy()  # one may be dropped before it is written
            tasks.append(lambda lot=lot, parts=parts, stages=stages: self._write(lot, stages, parts))
        return tasks

    def _ticketed(self, kind: str, stages: np.ndarray, lot: Lot) -> str:
        """Settles in which file states will lie."""
        size = lot.bytes // len(lot.stages)
        self._files += 1
        name = f"{kind}-{self._files:06d}"
        self._file[stages], self._start[stages] = len(self._names), size * np.arange(len(stages))
        self._number[name] = len(self._names)
        self._size[stages] = size
        self._names.append(name)
        self._wanted.append(len(stages))
        return name

    def _write(self, lot: Lot, stages: np.ndarray, parts: Sequence[tuple[str, np.ndarray]]) -> None:
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(lot.filled().state)]
        for name, rows in parts:
            data = _side_by_side([leaf[rows] for leaf in leaves])
            self._digest[stages[rows]] = [hashlib.sha256(state).hexdigest() for state in data]
            disk.write(self._folder / name, data.tobytes())
        lot.written = True

    def has(self, stage: int) -> bool:
        """Returns whether a state is here and whole; what lies on disk is read for it."""
        return self._lot[stage] != NONE or _bytes(self._folder.parent, self.ticket(stage)) is not None

    def read(self, stages: np.ndarray, template: Sequence[Any]) -> list[np.ndarray]:
        """Returns states of one program, as leaves `[n, ...]` on the host; `template` has the shapes of one's.

        Raises:
          Damaged: if one is missing or not what was put.
        """
        found = [np.zeros((len(stages), *leaf.shape), leaf.dtype) for leaf in template]
        for lanes, here, rows in self.on_devices(stages):
            for into, leaf in zip(found, jax.tree.leaves(lanes.state), strict=True):
                into[here] = np.asarray(leaf)[rows]
        for i in self.on_disk(stages):
            state = read(self._folder.parent, self.ticket(int(stages[i])), template)
            for into, leaf in zip(found, state, strict=True):
                into[i] = leaf
        return found

    def forget(self, stages: np.ndarray) -> None:
        """Says that what lies on disk of these states is not wanted any more."""
        there = stages[self._file[stages] != NONE]
        for file, count in zip(*np.unique(self._file[there], return_counts=True), strict=True):
            self._wanted[file] -= int(count)
        self._file[there] = NONE

    def ticket(self, stage: int) -> Ticket:
        """Returns where a state lies, once it was written."""
        if self._file[stage] == NONE:
            return Ticket()
        name, digest = self._names[self._file[stage]], self._digest[stage]
        return Ticket(name, int(self._start[stage]), int(self._size[stage]), digest)

    def tickets(self, stages: np.ndarray) -> Callable[[], Tickets]:
        """Returns where states lie; the call that returns it is for after they are written, hashes being known then."""
        there = self._file[stages] != NONE
        files = [self._names[file] if file != NONE else "" for file in self._file[stages]]
        start, size = np.where(there, self._start[stages], 0), np.where(there, self._size[stages], 0)

        def known() -> Tickets:
            return Tickets(files, start, size, np.where(there, self._digest[stages], "").tolist())

        return known

    def remember(self, stage: int, ticket: Ticket) -> None:
        """Takes up a state that an earlier process wrote."""
        file = self._number.setdefault(ticket.file, len(self._names))
        if file == len(self._names):
            self._names.append(ticket.file)
            self._wanted.append(0)
        self.forget(np.asarray([stage]))
        self._wanted[file] += 1
        self._file[stage], self._start[stage], self._size[stage] = file, ticket.start, ticket.size
        self._digest[stage] = ticket.digest

    def files(self) -> list[str]:
        """Returns the names of the files that are still wanted."""
        return sorted(name for name, wanted in zip(self._names, self._wanted, strict=True) if wanted)

    def clear(self, named: set[str]) -> None:
        """Removes the files of states that are not `named`."""
        for name in disk.listed(self._folder, store.STATE):
            if name not in named:
                disk.remove(self._folder / name)

    def put_aside(self, named: set[str]) -> None:
        """Moves the files that are not `named`, and those of which no state is whole, into the quarantine."""
        there = np.flatnonzero(self._file != NONE).tolist()
        whole = {self.ticket(stage).file for stage in there if self.has(stage)}
        wanted = set(self.files())
        for kind in (False, True):
            for name in disk.listed(self._folder, store.STATE, kind):
                if name not in named or (name in wanted and name not in whole):
                    disk.put_aside(self._folder.parent, self._folder / name)


def read(run: Path, ticket: Ticket, template: Sequence[Any]) -> State:
    """Reads a state from disk and checks it.

    Args:
      run: the run directory.
      ticket: where it lies.
      template: the shapes and types of its leaves.

    Raises:
      Damaged: if it is missing or not what was written.
    """
    data = _bytes(run, ticket)
    if data is None:
        raise Damaged(run / store.STATES / (ticket.file or "(none)"), "is missing or damaged where a state lies")
    leaves, start = [], 0
    for shape in template:
        size = int(np.prod(shape.shape)) * shape.dtype.itemsize
        leaves.append(np.frombuffer(data[start : start + size], shape.dtype).reshape(shape.shape))
        start += size
    return leaves


def _bytes(run: Path, ticket: Ticket) -> bytes | None:
    """The bytes of a state on disk, or None where they are missing or not what was written."""
    if not ticket.file:
        return None
    try:
        with open(run / store.STATES / ticket.file, "rb") as file:
            file.seek(ticket.start)
            data = file.read(ticket.size)
    except OSError:
        return None
    return data if disk.digest(data) == ticket.digest else None


def _side_by_side(leaves: Sequence[np.ndarray]) -> np.ndarray:
    """The bytes of `n` states, `[n, size]`, of leaves `[n, ...]`."""
    n = len(leaves[0])
    parts = [np.ascontiguousarray(leaf).reshape(n, -1) for leaf in leaves]
    return np.concatenate([part.view(np.uint8) for part in parts if part.size], axis=1)


def _resident_bytes(devices: Sequence[Any]) -> int:
    """Of lots that may stay on devices, of a CPU in main memory."""
    known = [(device.memory_stats() or {}).get("bytes_limit", 0) for device in devices]
    memory = sum(known) or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(FRACTION * memory)
