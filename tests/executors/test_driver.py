"""The driver, with an executor that runs in this process."""

import pytest

import regimax as rx
from regimax.executors import Ended, driver
from regimax.executors.driver import drive, folder_of
from regimax.sweep import files, store
from regimax.sweep.run import Options, execute, plan_for

from .conftest import Breaking, Inline, tasks_of

FACTS = {"name": "small", "command": "typed", "folder": "."}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The sweep as one run."""
    from .conftest import SWEEP

    root = tmp_path_factory.mktemp("whole")
    (root / "small.py").write_text(SWEEP)
    options = Options(checkpoint_seconds=1e9)
    sweep = files.load(root / "small.py")
    execute(plan_for(sweep, root / "run", options), root / "run", options, Breaking(0))
    return root / "run"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(driver, "PAUSE", 0.0)


def assert_same(out, whole):
    for name in (store.CELLS, store.STAGES):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize("of", [1, 3])
def test_shares_are_run_and_joined_to_what_one_run_leaves(file, tmp_path, whole, of):
    out, said = tmp_path / "run", []
    executor = Inline()
    assert drive(tasks_of(file, folder_of(out), of), out, executor, said.append, FACTS) == 16
    assert_same(out, whole)
    assert executor.closed
    assert executor.most <= executor.slots
    assert not folder_of(out).exists()
    assert said[-1] == f"share {of} is done: {of} of {of}"
    assert store.read_sweep(out)["command"] == "typed"


def test_workers_that_are_lost_cost_only_what_they_had_not_committed(file, tmp_path, whole):
    out, said = tmp_path / "run", []
    executor = Inline(breaks=[2, 3, 1, 4, 2, 1, 0, 3])
    drive(tasks_of(file, folder_of(out), 2), out, executor, said.append, FACTS)
    assert_same(out, whole)
    assert sum("lost its worker" in text for text in said) >= 5
    assert len(executor.submitted) > 5


def test_who_is_lost_time_and_again_without_a_commit_gets_fewer_lanes(file, tmp_path):
    out, said = tmp_path / "run", []

    class Never(Inline):
        def wait(self, seconds):
            if len(self.submitted) < 8:
                return [rx_ended(self._queue.pop(0))]
            self._code = None
            return super().wait(seconds)

    def rx_ended(task):
        return Ended(task, -9, "")

    executor = Never(slots=1)
    drive(tasks_of(file, folder_of(out), 1), out, executor, said.append, FACTS)
    widths = [task.arguments[-1] for task in executor.submitted if "--width" in task.arguments]
    assert widths[0] == "8"
    assert widths[-1] == "4"
    assert any("3 times without a commit: it goes on with 8 lanes" in text for text in said)


def test_an_error_of_the_users_ends_all_and_keeps_what_is_done(file, tmp_path, whole):
    out = tmp_path / "run"
    tasks = tasks_of(file, folder_of(out), 2)
    executor = Inline(code=(2, "noise\nregimax: there is no such thing\n"))
    with pytest.raises(rx.UserError, match=r"share 1: there is no such thing$"):
        drive(tasks, out, executor, lambda text: None, FACTS)
    assert executor.closed
    assert len(executor.submitted) == 2
    with pytest.raises(rx.UserError, match=r"share 1: ValueError: no$"):
        drive(tasks, out, Inline(code=(1, "Traceback\nValueError: no\n")), lambda text: None, FACTS)
    assert not out.exists()
    drive(tasks, out, Inline(), lambda text: None, FACTS)
    assert_same(out, whole)


def test_a_driver_that_is_begun_again_takes_up_what_is_done(file, tmp_path, whole):
    out, said = tmp_path / "run", []
    tasks = tasks_of(file, folder_of(out), 3)

    class Killed(Inline):
        def wait(self, seconds):
            if len(self.submitted) > 2:
                raise KeyboardInterrupt
            return super().wait(seconds)

    with pytest.raises(KeyboardInterrupt):
        drive(tasks, out, Killed(slots=1), lambda text: None, FACTS)
    again = Inline()
    drive(tasks, out, again, said.append, FACTS)
    assert said[0] == "going on: 2 of 3 shares were done before"
    assert [task.number for task in again.submitted] == [3]
    assert_same(out, whole)


def test_a_worker_that_hangs_is_begun_again(file, tmp_path, whole):
    out, said = tmp_path / "run", []

    class Hanging(Inline):
        cancelled = 0

        def wait(self, seconds):
            if not self.cancelled:
                return []
            return super().wait(seconds)

        def cancel(self, task):
            self.cancelled += 1
            self._queue.remove(task)
            ended, self.wait = self.wait, lambda seconds: self.back(ended, Ended(task, -9, ""))

        def back(self, wait, ended):
            self.wait = wait
            return [ended]

    drive(tasks_of(file, folder_of(out), 1), out, Hanging(), said.append, FACTS, hang_seconds=0.0)
    assert any("has committed nothing for 0 s: it is begun again" in text for text in said)
    assert_same(out, whole)


def test_two_drivers_do_not_run_the_same(file, tmp_path):
    from regimax.sweep import rundir

    out = tmp_path / "run"
    with rundir.locked(folder_of(out)), pytest.raises(rx.UserError, match="is in use by another process"):
        drive(tasks_of(file, folder_of(out), 1), out, Inline(), lambda text: None, FACTS)


class Silent(Inline):
    """Its workers hang the first times: each is cancelled before it does anything."""

    def __init__(self, times):
        super().__init__(slots=1)
        self.left, self.cancelled = times, []

    def wait(self, seconds):
        if self.cancelled and self.cancelled[-1] is not None:
            task, self.cancelled[-1] = self.cancelled[-1], None
            return [Ended(task, None, "")]
        return super().wait(seconds) if len(self.cancelled) == self.left else []

    def cancel(self, task):
        super().cancel(task)
        self.cancelled.append(task)


def test_one_that_hangs_has_twice_as_long_each_time_and_keeps_its_lanes(file, tmp_path, whole, monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            self.now += 0.5
            return self.now

        def sleep(self, seconds):
            self.now += seconds

    monkeypatch.setattr(driver, "time", Clock())
    out, said = tmp_path / "run", []
    executor = Silent(times=4)
    drive(tasks_of(file, folder_of(out), 1), out, executor, said.append, FACTS, hang_seconds=50.0)
    limits = [int(text.split(" for ")[1].split()[0]) for text in said if "has committed nothing" in text]
    assert limits == [50, 100, 200, 400]
    assert not any("--width" in task.arguments for task in executor.submitted)
    assert_same(out, whole)


def test_a_limit_is_above_the_time_between_commits():
    assert driver.hang_seconds_for(60.0) == driver.HANG
    assert driver.hang_seconds_for(3600.0) == 36_000.0


def test_what_the_driver_does_not_see_is_told(file, tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "VISIBLE", 0.0)
    out = tmp_path / "run"
    message = r"a worker has finished '.*1-of-1', and here it is not: give an --out on storage that all workers"
    with pytest.raises(rx.UserError, match=message):
        drive(tasks_of(file, folder_of(out), 1), out, Inline(code=(0, "")), lambda text: None, FACTS)
    assert not out.exists()
