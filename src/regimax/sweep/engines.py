"""The engines of this process: programs that were compiled for one run serve the next one that has them too."""

from __future__ import annotations

import ctypes
import gc
import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from regimax import memory_maps
from regimax.regimes import Program
from regimax.sweep.executables import Workers
from regimax.sweep.identity import digest, probes_identity
from regimax.sweep.lanes import Engine

AHEAD = 8
"""Programs that are compiled while another one runs: enough to keep the compiler's threads at work."""

KEPT = 16
"""Programs that are kept at most, for another run or for what is left of this one: each takes 100 MB a device."""

_engines: dict[tuple[Any, ...], Engine] = {}


def engine(
    identity: str,
    program: Program,
    block: int,
    devices: Sequence[Any],
    compiling: Callable[[], AbstractContextManager[None]],
    optimization: str,
    workers: Workers,
) -> Engine:
    """Returns the engine of a program, the one of an earlier run where there is one.

    Args:
      identity: of the program; equal ones compile to the same.
      program: the phase.
      block: lanes per vmapped product.
      devices: what the blocks are spread over.
      compiling: entered while a function is waited for.
      optimization: what the compiler is asked for.
      workers: threads that compile.
    """
    # Probes are no part of a program's identity.
    key = (identity, digest(probes_identity(program)), block, tuple(device.id for device in devices), optimization)
    found = _engines.pop(key, None)
    if found is None or found.executables.awaited():
        found = Engine(program, block, devices, compiling, optimization, workers)
    found.executables.serve(compiling, workers)
    _engines[key] = found
    if len(_engines) > KEPT:
        forget(but=list(_engines.values())[-math.ceil(KEPT / 2) :])  # many at once: finding what is free takes long
    return found


def return_memory() -> None:
    """Gives back to the system what is free: of every program compiled glibc keeps 100 MB and more that were freed."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def forget(but: Collection[Engine] = ()) -> None:
    """Lets go of all engines but these, and of the memory and the maps that their code takes."""
    for key in [key for key, its in _engines.items() if its not in but]:
        del _engines[key]
    gc.collect()  # engines are parts of cycles
    return_memory()


class Engines:
    """The engines of one run, by program: each made when first asked for, and compiled in good time.

    On a CPU only so much is compiled ahead as there is room for. Where room is short, code is let go of programs that
    nothing is left to do for, and if that is not enough, of all but the one that runs.

    Attributes:
      used: programs of which there was one.

    Args:
      order: the programs, as they are to run.
      blocks: lanes per vmapped product, by program; may be settled later.
      make: makes the engine of a program for a block.
    """

    def __init__(self, order: Sequence[str], blocks: Mapping[str, int], make: Callable[[str, int], Engine]):
        self._order, self._blocks, self._make = order, blocks, make
        self._made: dict[str, Engine] = {}
        self.used: set[str] = set()
        self._freed = False  # whether compiling may have freed memory that was not given back

    def __call__(self, program: str, block: int | None = None) -> Engine:
        """Returns the engine of a program; for another block than is settled where one is given."""
        lanes = block or self._blocks[program]
        if program not in self._made or self._made[program].block != lanes:
            self._made[program] = self._make(program, lanes)
            self.used.add(program)
        return self._made[program]

    def prepare(self, stages: Mapping[str, int], running: str | None = None) -> None:
        """Begins to compile what is still to run, in that order.

        Args:
          stages: that are left, by program.
          running: the program that runs now, which comes first; none does when None.
        """
        if self._freed:
            return_memory()
            self._freed = False
        left = [program for program in self._order if stages.get(program)]
        self._made = {program: its for program, its in self._made.items() if program in left}
        for program in sorted(left, key=lambda name: name != running)[: AHEAD + 1]:
            its = self(program)
            wanted = min(len(its.devices), math.ceil(stages[program] / its.block))
            if wanted <= len(its.executables.devices("place")):
                continue
            if program == running and memory_maps.crowded():
                self._make_room(its, wanted)
            devices = wanted if program == running else min(wanted, self._room_for(its))
            if not devices:
                return
            self._freed = True
            its.prepare("init", "advance", "take", "place", *(["probe"] if its.program.probes else []), devices=devices)

    def _make_room(self, running: Engine, wanted: int) -> None:
        forget(but=self._made.values())
        if wanted > len(running.executables.devices("place")) + self._room_for(running):
            self._made = {program: its for program, its in self._made.items() if its is running}
            forget(but=[running])

    def _room_for(self, engine: Engine) -> int:
        """Devices on which there is room for the code of one more program, besides what is being compiled."""
        all_of_them = len(engine.devices)
        if engine.devices[0].platform != "cpu":
            return all_of_them
        coming = sum(len(its.executables.awaited()) for its in self._made.values())
        return int(max(0, min(all_of_them, memory_maps.left() / memory_maps.PER_PROGRAM - coming)))
