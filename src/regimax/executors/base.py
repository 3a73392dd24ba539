"""What runs tasks: the one interface that the driver knows."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol


class Task(NamedTuple):
    """A share of a sweep as a command. Run again it goes on from what it has committed, so it may be run at any time.

    Attributes:
      number: of the share.
      file: the sweep's file; what lies beside it may be imported.
      arguments: of `regimax`, but for the file, which follows the first of them.
      out: the share's run directory, on storage that every worker and the driver see.
    """

    number: int
    file: Path
    arguments: tuple[str, ...]
    out: Path


class Ended(NamedTuple):
    """How a task ended.

    Attributes:
      task: the task.
      code: the exit code of its command; negative where a signal killed it, None where its worker was lost.
      said: the end of what it wrote to its standard error; of one that was lost a word or two on how, if any.
    """

    task: Task
    code: int | None
    said: str


ON_CORE, ON_ACCELERATOR = 1e12, 1e14
"""FLOPs that are worth a task of their own."""


class Executor(Protocol):
    """Something that runs tasks, as many at once as it has slots.

    Attributes:
      slots: how many it runs at once.
      worth: FLOPs that are worth a task of their own, some minutes' work of a worker: to begin one takes 10 to 20 s.
    """

    @property
    def slots(self) -> int: ...
    @property
    def worth(self) -> float: ...

    def submit(self, task: Task) -> None:
        """Begins a task."""
        ...

    def wait(self, seconds: float) -> list[Ended]:
        """Returns the tasks that have ended, after at most so many seconds without one."""
        ...

    def cancel(self, task: Task) -> None:
        """Ends a task at once; `wait` returns it as lost or killed."""
        ...

    def close(self) -> None:
        """Ends all tasks, so that they commit what they have, and lets go of everything."""
        ...
