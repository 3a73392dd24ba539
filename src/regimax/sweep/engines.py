"""The engines of this process: programs that were compiled for one run serve the next one that has them too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from regimax.regimes import Program
from regimax.sweep.executables import Workers
from regimax.sweep.identity import digest, probes_identity
from regimax.sweep.lanes import Engine

KEPT = 16
"""Programs that are kept for another run."""

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
