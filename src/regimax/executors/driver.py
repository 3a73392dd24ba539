"""The driver: gives shares to an executor, again where workers are lost, and joins them when all are done.

What is done is told by the shares' run directories alone, so a driver that was killed goes on when it is typed again.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regimax.errors import UserError
from regimax.executors.base import Ended, Executor, Task
from regimax.sweep import disk, rundir, store
from regimax.sweep.disk import Damaged
from regimax.sweep.interrupted import Interrupted
from regimax.sweep.merge import merge

SECONDS = 1.0
"""Between looks at what has ended."""
TOLD = 30.0
"""Seconds between lines on how far all is."""
LOST = 3
"""Times that a share may lose its worker without a commit in between, before it is given half of the lanes."""
PAUSE = 0.5
"""Seconds before a share that lost its worker is begun again, twice as many each time, up to a minute."""
HANG = 1800.0
"""Seconds without a commit after which a worker is taken for hung.

One that is well commits every minute, and does not for minutes at most, while it compiles. A longer limit would cost
the time of a worker that hangs, a shorter one the work of one that is slow.
"""
CHECKPOINTS = 10
"""At least so many times the seconds between commits, where the user wants these far apart."""
VISIBLE = 60.0
"""Seconds in which what another machine has committed is seen here: so long NFS may keep how a directory was."""


@dataclass
class _Share:
    """A share as the driver sees it."""

    task: Task
    seen: Any = None
    since: float = field(default_factory=time.monotonic)
    lost: int = 0
    hung: int = 0
    ended: bool = False
    width: int | None = None
    not_before: float = 0.0


def folder_of(out: Path) -> Path:
    """Returns where the shares of a run directory lie until they are joined."""
    return out.with_name(f"{out.name}.shares")


def hang_seconds_for(checkpoint_seconds: float) -> float:
    """Returns after how many seconds without a commit a worker is taken for hung that commits so often."""
    return max(HANG, CHECKPOINTS * checkpoint_seconds)


def drive(
    tasks: Sequence[Task],
    out: Path,
    executor: Executor,
    say: Callable[[str], None],
    facts: dict[str, Any],
    hang_seconds: float = HANG,
) -> int:
    """Runs all shares of a sweep and joins them.

    A worker that is lost costs what its share had not committed: it is begun again, as often as it takes, with half of
    the lanes where it was lost three times without a commit. So is one that has committed nothing for `hang_seconds`,
    twice as long each time in a row, so that one that is only slow gets there. A task that ends with an error of its
    own ends all.

    Args:
      tasks: one per share; their directories lie in `folder_of(out)`.
      out: the run directory that they are joined into.
      executor: runs them; it is closed in the end.
      say: tells the user.
      facts: of sweep.json that the shares cannot know: what was typed, and where the sweep's file lies.
      hang_seconds: without a commit after which a worker is taken for hung, see `hang_seconds_for`.

    Returns:
      the number of cells.

    Raises:
      UserError: what a task said that ended with an error, or where the driver does not see what a worker has written;
        the shares stay, and are taken up again.
      Interrupted: after SIGINT or SIGTERM.
    """
    place = folder_of(out)
    with rundir.locked(place), _caught() as signals, contextlib.closing(executor):
        waiting = [_Share(task) for task in tasks if not _complete(task.out)]
        before = len(tasks) - len(waiting)
        if before:
            say(f"going on: {before} of {len(tasks)} shares were done before")
        running: dict[int, _Share] = {}
        told = time.monotonic()
        while waiting or running:
            now = time.monotonic()
            ready = [share for share in waiting if share.not_before <= now]
            for share in ready[: max(0, executor.slots - len(running))]:
                waiting.remove(share)
                running[share.task.number] = share
                share.since = now
                executor.submit(_narrowed(share))
            for ended in executor.wait(SECONDS):
                share = running.pop(ended.task.number)
                _take(ended, share, waiting, say)
                if share not in waiting:
                    left = len(waiting) + len(running)
                    say(f"share {share.task.number} is done: {len(tasks) - left} of {len(tasks)}")
            if signals:
                raise Interrupted(signals[0])
            for share in running.values():
                limit = hang_seconds * 2**share.hung
                if _hangs(share, limit):
                    say(f"share {share.task.number} has committed nothing for {limit:.0f} s: it is begun again")
                    executor.cancel(_narrowed(share))
                    share.since, share.hung, share.ended = time.monotonic(), share.hung + 1, True
            if time.monotonic() - told >= TOLD and running:
                told = time.monotonic()
                done, planned = map(sum, zip(*(_stages(task.out) for task in tasks), strict=True))
                say(f"{done} of {planned} stages known so far are done; shares running: {len(running)}")
        cells = merge([task.out for task in tasks], out, facts=facts)
    disk.remove(place)
    return cells


def _narrowed(share: _Share) -> Task:
    if share.width is None:
        return share.task
    return share.task._replace(arguments=(*share.task.arguments, "--width", str(share.width)))


def _take(ended: Ended, share: _Share, waiting: list[_Share], say: Callable[[str], None]) -> None:
    """Looks at how a task ended: it is done, is to be begun again, or its error is everybody's."""
    if ended.code == 0:
        _see(share.task.out)
        return
    if ended.code is not None and ended.code > 0 and ended.code < 128:
        lines = ended.said.strip().splitlines() or ["it said nothing"]
        own = [line.removeprefix("regimax: ") for line in lines if line.startswith("regimax: ")]
        raise UserError(f"share {share.task.number}: {own[-1] if own else lines[-1]}")
    waiting.append(share)
    if share.ended:  # as it hung, which fewer lanes would not mend
        share.ended = False
        return
    seen = _newest(share.task.out)
    share.lost = share.lost + 1 if seen == share.seen else 1
    share.seen = seen
    if share.lost % LOST == 0:
        share.width = max(1, (share.width or _lanes(share.task.out)) // 2)
        times = f"{share.lost} times without a commit"
        say(f"share {share.task.number} was lost {times}: it goes on with {share.width} lanes")
    else:
        why = f" ({ended.said})" if ended.code is None and ended.said else ""
        say(f"share {share.task.number} lost its worker{why}: it is begun again")
    share.not_before = time.monotonic() + min(60.0, PAUSE * 2 ** (share.lost - 1))


def _hangs(share: _Share, seconds: float) -> bool:
    seen = _newest(share.task.out)
    if seen != share.seen:
        share.seen, share.since, share.lost, share.hung = seen, time.monotonic(), 0, 0
    return time.monotonic() - share.since > seconds


def _see(run: Path) -> None:
    """Waits until what a worker says it has finished is seen here.

    Raises:
      UserError: if it is not.
    """
    until = time.monotonic() + VISIBLE
    while not _complete(run):
        if time.monotonic() > until:
            raise UserError(
                f"a worker has finished {str(run)!r}, and here it is not: give an --out on storage that all workers "
                "and the driver see under the same path"
            )
        time.sleep(SECONDS)


def _newest(run: Path) -> int:
    return next(iter(store.checkpoint_steps(run)), 0)


def _complete(run: Path) -> bool:
    with contextlib.suppress(Damaged):
        manifest = store.newest_manifest(run)
        return bool(manifest and manifest["complete"])
    return False


def _stages(run: Path) -> tuple[int, int]:
    """Stages of a share that are done, and those that it has, as far as it has told."""
    with contextlib.suppress(UserError, KeyError):
        planned = len(rundir.links(run))
        return (len(store.finished_rows(run, store.newest_manifest(run))), planned) if planned else (0, 0)
    return 0, 0


def _lanes(run: Path) -> int:
    """Lanes with which a share was begun, at least."""
    return max((rundir.blocks(run) or {"": 8}).values()) * 2


@contextlib.contextmanager
def _caught() -> Iterator[list[int]]:
    """Collects the numbers of SIGINT and SIGTERM."""
    numbers: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda number, frame: numbers.append(number)) for kind in kinds}
    try:
        yield numbers
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
