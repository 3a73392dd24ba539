"""The process that becomes one task: ``python worker.py PARENT CORES -- ARGUMENTS of regimax``.

It ends when its parent does, keeps to cores of its own, and waits until whoever ran the task before has let go of it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

PR_SET_PDEATHSIG = 1
"""Of Linux's prctl."""
PATIENCE = 60.0
"""Seconds to wait for an earlier worker's lock."""


def command(cores: Sequence[int], arguments: Sequence[str]) -> list[str]:
    """Returns what a parent types to begin a worker; it may use any core where none is named.

    This file by itself, so that nothing slow is imported twice.
    """
    where = ",".join(map(str, cores)) or "-"
    return [sys.executable, "-P", __file__, str(os.getpid()), where, "--", *arguments]


def main(typed: Sequence[str]) -> NoReturn:
    """Becomes the command of a task, or ends where its parent has gone."""
    parent, cores, _, *arguments = typed
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            sys.exit(128 + signal.SIGKILL)
    if cores != "-" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(map(int, cores.split(","))))
    if not _is_free(Path(arguments[arguments.index("--out") + 1]) / ".lock"):
        sys.exit(128 + signal.SIGKILL)  # no error of anybody's: it is begun again later
    os.execv(sys.executable, [sys.executable, "-m", "regimax", *arguments])  # what was settled here holds there


def _is_free(lock: Path) -> bool:
    """Waits while a worker that was killed, or is about to be, holds a run directory. Returns whether none does."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with open(lock) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
        except FileNotFoundError:
            return True
        except OSError:
            time.sleep(0.2)
    return False


if __name__ == "__main__":
    main(sys.argv[1:])
