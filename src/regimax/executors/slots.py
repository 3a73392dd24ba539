"""Cores of a machine that workers share which do not know of each other."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def slot(cores: int) -> Iterator[list[int]]:
    """Holds so many cores of this machine as long as the process lives and the context is open.

    Args:
      cores: how many.

    Yields:
      numbers of cores that no other holder has; none where all are held, so that any may be used.
    """
    known = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    place = Path(tempfile.gettempdir()) / f"regimax-cores-{os.getuid()}"
    place.mkdir(exist_ok=True)
    with contextlib.ExitStack() as held:
        own: list[int] = []
        for core in known:
            file = held.enter_context(open(place / str(core), "w"))
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                own.append(core)
            if len(own) == cores:
                break
        yield own if len(own) == cores else []
