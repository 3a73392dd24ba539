"""A sweep file that workers run, the executor that runs tasks in this process, and an eye on what workers commit."""

import contextlib
from pathlib import Path

import pytest
from tests.small import small_sweep

from regimax.errors import UserError
from regimax.executors import Ended
from regimax.executors.driver import folder_of
from regimax.sweep import files, store
from regimax.sweep.run import Options, execute, plan_for

SWEEP = small_sweep("Small.", before=4, updates=8, seeds=4)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(SWEEP)
    return path


class Lost(Exception):
    """A worker is gone."""


class Breaking:
    """A display that breaks a run after a number of ticks."""

    def __init__(self, ticks):
        self.left = ticks

    def start(self, *given):
        pass

    def pool(self, *given):
        pass

    def say(self, text):
        pass

    def tick(self, tick, env_steps):
        self.left -= 1
        if self.left == 0:
            raise Lost


class Inline:
    """An executor that runs a task when it is waited for, and loses it after as many ticks as `breaks` says next."""

    def __init__(self, slots=2, breaks=(), code=None):
        self.slots, self.worth, self._breaks, self._code = slots, 1.0, iter(breaks), code
        self.submitted, self._queue, self.closed, self.most = [], [], False, 0

    def submit(self, task):
        self.submitted.append(task)
        self._queue.append(task)
        self.most = max(self.most, len(self._queue))

    def wait(self, seconds):
        if not self._queue:
            return []
        task = self._queue.pop(0)
        if self._code is not None:
            return [Ended(task, *self._code)]
        words = list(task.arguments)
        number, of = words[words.index("--part") + 1].split("/")
        options = Options(share=(int(number), int(of)), checkpoint_seconds=0.0, facts={"name": "small", "command": ""})
        sweep = files.load(task.file)
        try:
            execute(plan_for(sweep, task.out, options), task.out, options, Breaking(next(self._breaks, 0)))
        except Lost:
            return [Ended(task, None, "")]
        return [Ended(task, 0, "")]

    def cancel(self, task):
        self._queue.remove(task)

    def close(self):
        self.closed = True


def tasks_of(file, place, of):
    """Shares of the file's sweep, in folders below `place`."""
    from regimax.executors import Task

    named = {i: place / f"{i}-of-{of}" for i in range(1, of + 1)}
    return [Task(i, Path(file), ("run", "--part", f"{i}/{of}", "--out", str(out)), out) for i, out in named.items()]


class Watch:
    """Looks at what the shares of a run directory have committed.

    Attributes:
      commits: of each share, the newest.
    """

    def __init__(self, out):
        self._out, self._place, self.commits, self._finished = out, folder_of(out), {}, {}

    def look(self):
        """Notes it; nothing that was committed may be gone, which would be run again."""
        for share in sorted(self._place.glob("*-of-*")):
            with contextlib.suppress(UserError, OSError):  # is renewed at this moment
                newest = next(iter(store.checkpoint_steps(share)), 0)
                finished = set(store.finished_rows(share, store.newest_manifest(share))["stage"])
                if self._out.exists():  # the shares are joined, and are being removed
                    return
                assert newest >= self.commits.get(share.name, 0)
                assert finished >= self._finished.get(share.name, set())
                self.commits[share.name], self._finished[share.name] = newest, finished


def workers_of(out):
    """Processes that run shares of a run directory, by share, whoever has begun them."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().decode().split("\0")
            if "--part" in words and str(folder_of(out)) in (into := words[words.index("--out") + 1]):
                found[Path(into).name] = int(process.name)
    return found
