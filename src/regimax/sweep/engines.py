"""The engines of this process: programs that were compiled for one run serve the next one that has them too."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from regimax.regimes import Program
from regimax.sweep.executables import Workers
from regimax.sweep.identity import digest, probes_identity
from regimax.sweep.lanes import Engine

KEPT = 16
"""Programs that are kept for another run."""

CROWDED = 1 / 3
"""Share of the memory maps that Linux grants a process from which on engines of earlier runs are let go.

A compiled program takes a thousand of them and more, of 65,530, and without one left XLA ends the process.
"""

_MAPS, _GRANTED = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")

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
    if found is None or not found.executables.settled():
        found = Engine(program, block, devices, compiling, optimization, workers)
    found.executables.serve(compiling, workers)
    _engines[key] = found
    while len(_engines) > KEPT:
        _engines.pop(next(iter(_engines)))
    return found


def forget() -> None:
    """Lets go of all engines, and of the memory that their code takes."""
    _engines.clear()
    gc.collect()  # engines are parts of cycles


def crowded() -> bool:
    """Returns whether code takes so much of what Linux grants this process that room must be made; elsewhere never."""
    try:
        return _MAPS.read_bytes().count(b"\n") > CROWDED * int(_GRANTED.read_text())
    except OSError:
        return False


def make_room() -> None:
    """Lets go of engines of earlier runs where there is little room for more."""
    if crowded():
        forget()
