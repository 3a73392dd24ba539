"""Tasks as processes of this machine, each on cores of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from typing import IO, NamedTuple

from regimax.errors import UserError
from regimax.executors.base import Ended, Task
from regimax.executors.worker import command

TAIL = 4000
"""Characters of what a task says that are kept."""
GRACE = 60.0
"""Seconds in which a task that is asked to end commits what it has."""


class _Running(NamedTuple):
    task: Task
    process: subprocess.Popen[bytes]
    said: IO[bytes]
    slot: int


class Processes:
    """An executor of so many processes.

    Args:
      workers: how many at once; each gets an equal share of the cores that this process may use.

    Raises:
      UserError: if there are fewer cores than workers.
    """

    def __init__(self, workers: int):
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if cores and workers > len(cores):
            raise UserError(f"--workers {workers} is above the {len(cores)} cores that there are")
        each = len(cores) // workers
        self._cores = [cores[i * each : (i + 1) * each] for i in range(workers)]
        self._free = list(range(workers))
        self._running: list[_Running] = []

    @property
    def slots(self) -> int:
        """How many run at once."""
        return len(self._cores)

    def submit(self, task: Task) -> None:
        """Begins a task in a free slot."""
        slot, said = self._free.pop(0), tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the task runs
        first, *rest = task.arguments
        typed = command(self._cores[slot], [first, str(task.file), *rest])
        process = subprocess.Popen(
            typed, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        )
        self._running.append(_Running(task, process, said, slot))

    def wait(self, seconds: float) -> list[Ended]:
        """Returns the tasks that have ended."""
        until = time.monotonic() + seconds
        while not (ended := [one for one in self._running if one.process.poll() is not None]):
            if time.monotonic() >= until:
                return []
            time.sleep(0.1)
        return [self._ended(one) for one in ended]

    def cancel(self, task: Task) -> None:
        """Kills a task."""
        for one in self._running:
            if one.task == task:
                one.process.kill()

    def close(self) -> None:
        """Asks all tasks to end, and kills those that do not."""
        for one in self._running:
            one.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + GRACE
        for one in self._running:
            try:
                one.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()
            one.said.close()
        self._running = []

    def _ended(self, one: _Running) -> Ended:
        self._running.remove(one)
        self._free.append(one.slot)
        one.said.seek(0)
        text = one.said.read().decode(errors="replace")
        one.said.close()
        return Ended(one.task, one.process.returncode, text[-TAIL:])
