"""Final states that a child, or the user, will want: in memory while young, then on disk.

On disk they lie in immutable files, ``RUN/states/parked-NNNNNN`` for those that a child begins from and
``RUN/states/kept-NNNNNN`` for those that were asked for: the bytes of one state after the other, all of one program
and so of one size. Where a state lies, and its hash, is said by its :class:`Ticket`. A parked file goes when the last
child of all its states has begun.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regimax.sweep import disk, store
from regimax.sweep.disk import Damaged
from regimax.sweep.lanes import State

SPILL_BYTES = 64 * 2**20


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


class States:
    """The states of a run.

    Args:
      run: the run directory.
      spill_bytes: what may lie in memory before it is written.
    """

    def __init__(self, run: Path, spill_bytes: int = SPILL_BYTES):
        self._folder, self._spill_bytes = run / store.STATES, spill_bytes
        self._young: dict[str, State] = {}
        self._kept: set[str] = set()
        self._bytes = 0
        self._tickets: dict[str, Ticket] = {}
        self._wanted: dict[str, int] = {}
        there = [name for kind in (False, True) for name in disk.listed(self._folder, store.STATE, kind)]
        self._files = max((int(name.partition("-")[2]) for name in there), default=0)

    def put(self, stage: str, state: State, keep: bool) -> None:
        """Takes a state; `keep` says that it is wanted when the run is over."""
        self.forget(stage)
        self._young[stage] = state
        if keep:
            self._kept.add(stage)
        self._bytes += _size(state)
        if self._bytes > self._spill_bytes:
            self.spill()

    def get(self, stage: str, template: Sequence[Any]) -> State:
        """Returns a state; `template` has the shapes of its leaves.

        Raises:
          Damaged: if it is missing or not what was put.
        """
        if stage in self._young:
            return self._young[stage]
        return read(self._folder.parent, self.ticket(stage), template)

    def has(self, stage: str) -> bool:
        """Returns whether a state is here and whole; what lies on disk is read for it."""
        return stage in self._young or _bytes(self._folder.parent, self.ticket(stage)) is not None

    def drop(self, stage: str) -> None:
        """Says that no child will ask for a state any more."""
        if stage in self._kept:
            return
        if (state := self._young.pop(stage, None)) is not None:
            self._bytes -= _size(state)
        self.forget(stage)

    def forget(self, stage: str) -> None:
        """Says that what lies on disk of a state is not wanted any more."""
        if (ticket := self._tickets.pop(stage, None)) is not None:
            self._wanted[ticket.file] -= 1

    def spill(self) -> None:
        """Writes what is in memory."""
        for kind, stages in (
            ("kept", [s for s in self._young if s in self._kept]),
            ("parked", [s for s in self._young if s not in self._kept]),
        ):
            if not stages:
                continue
            self._files += 1
            name, start, parts = f"{kind}-{self._files:06d}", 0, []
            for stage in stages:
                data = b"".join(leaf.tobytes() for leaf in self._young[stage])
                self._tickets[stage] = Ticket(name, start, len(data), hashlib.sha256(data).hexdigest())
                parts.append(data)
                start += len(data)
            self._wanted[name] = len(stages)
            disk.write(self._folder / name, b"".join(parts))
        self._young, self._bytes = {}, 0

    def ticket(self, stage: str) -> Ticket:
        """Returns where a state lies, once it was spilled."""
        return self._tickets.get(stage, Ticket())

    def remember(self, stage: str, ticket: Ticket, keep: bool) -> None:
        """Takes up a state that an earlier process wrote."""
        if not ticket.file:
            return
        self._tickets[stage] = ticket
        self._wanted[ticket.file] = self._wanted.get(ticket.file, 0) + 1
        if keep:
            self._kept.add(stage)

    def files(self) -> list[str]:
        """Returns the names of the files that are still wanted."""
        return sorted(name for name, wanted in self._wanted.items() if wanted)

    def clear(self, named: set[str]) -> None:
        """Removes the files of states that are not `named`."""
        for name in disk.listed(self._folder, store.STATE):
            if name not in named:
                disk.remove(self._folder / name)

    def put_aside(self, named: set[str]) -> None:
        """Moves the files that are not `named`, and those of which no state is whole, into the quarantine."""
        whole = {ticket.file for stage, ticket in self._tickets.items() if self.has(stage)}
        for kind in (False, True):
            for name in disk.listed(self._folder, store.STATE, kind):
                if name not in named or (self._wanted.get(name) and name not in whole):
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


def _size(state: State) -> int:
    return sum(leaf.nbytes for leaf in state)
