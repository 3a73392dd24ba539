"""The thread that writes a run directory, one thing after the other."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Writer:
    """Writes while the devices run.

    What is given is done in its order. Where it fails, nothing that was given later is done any more, and whoever gives
    or waits next is told.

    Attributes:
      seconds: wall-clock that what is done has taken, s.
      failed: whether anything has.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._given: deque[Future[None]] = deque()
        self.failed = False

    def submit(self, task: Callable[[], None]) -> None:
        """Has a task done as soon as those before it are.

        Raises:
          BaseException: what a task before it has raised.
        """
        while self._given and self._given[0].done():
            self._given.popleft().result()
        self._given.append(self._thread.submit(self._do, task))

    def wait(self) -> None:
        """Waits until all is done.

        Raises:
          BaseException: what a task has raised.
        """
        while self._given:
            self._given.popleft().result()

    def close(self) -> None:
        """Waits until all is done that will be, and ends the thread. What fails now is not told."""
        self._thread.shutdown()

    def _do(self, task: Callable[[], None]) -> None:
        if self.failed:
            return
        begun = time.monotonic()
        try:
            task()
        except BaseException:
            self.failed = True
            raise
        finally:
            self.seconds += time.monotonic() - begun
