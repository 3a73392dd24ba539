"""The account of a run, on a clock that the test turns."""

import threading

import pytest

from regimax.sweep import account as module
from regimax.sweep.account import Account, shares_text


class Clock:
    """Stands where the test has set it; for a thread that waits for a tick, at the tick's end."""

    def __init__(self):
        self.now = 0.0
        self.thread = threading.local()

    def monotonic(self):
        return getattr(self.thread, "now", self.now)

    def process_time(self):
        return 2 * self.now

    def thread_time(self):
        return self.now / 2


class Report:
    """A tick that is done at a time."""

    def __init__(self, clock, at):
        self.clock, self.at, self.seen = clock, at, threading.Event()

    def block_until_ready(self):
        self.clock.thread.now = self.at
        self.seen.set()
        return self


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def account(clock):
    made = Account(1)
    yield made
    made.close()


def test_seconds_are_split(account, clock):
    account.wanted(0)
    clock.now = 2.0  # waiting for its first tick
    report = Report(clock, 7.0)
    account.dispatched(0, report)
    with account.compiling():
        clock.now = 5.0
        with account.saving():  # the outer one counts
            clock.now = 6.0
    with account.saving():
        clock.now = 7.0
    account.ticked(8, 6)
    assert report.seen.wait(10)
    shares = account.shares()
    assert shares.seconds == 7.0
    assert shares.compiling == 4.0
    assert shares.saving == pytest.approx(1 / 7)
    assert shares.waiting == pytest.approx(2 / 7)
    assert shares.occupancy == 0.75


def test_waiting_is_from_the_end_of_a_tick_to_the_next(account, clock):
    account.wanted(0)
    reports = [Report(clock, at) for at in (4.0, 7.0, 9.0)]
    for report, given in zip(reports, (0.0, 5.0, 6.0), strict=True):  # the third one before the second is done
        clock.now = given
        account.dispatched(0, report)
    assert reports[-1].seen.wait(10)
    clock.now = 10.0
    assert account.shares().waiting == pytest.approx(1 / 10)


def test_a_device_without_work_is_idle_not_waiting(account, clock):
    clock.now = 3.0  # nothing was wanted of it yet
    assert account.shares().idle == 1.0
    account.wanted(0)
    clock.now = 4.0
    assert account.shares().idle == pytest.approx(3 / 4)
    account.workless(0)
    account.workless(0)
    clock.now = 6.0
    shares = account.shares()
    assert shares.idle == pytest.approx(5 / 6)
    assert shares.waiting == 0.0


def test_cpu_time_is_without_that_of_waiting_for_compiling(account, clock):
    clock.now = 1.0
    with account.compiling():
        clock.now = 4.0
    with account.saving():
        clock.now = 5.0
    assert account.shares().cpu == 2 * (5.0 - 3.0)


def test_what_the_host_works_for_a_tick_is_without_compiling_and_saving(account, clock):
    clock.now = 1.0
    account.begins()
    for pause, end in ((account.compiling, 3.0), (account.saving, 4.0)):
        with pause():
            clock.now = end
    clock.now = 6.0
    assert account.ticked(8, 8) == (6.0 - 4.0) / 2
    clock.now = 10.0
    account.begins()  # another pool
    clock.now = 12.0
    assert account.ticked(8, 8) == (12.0 - 10.0) / 2
    assert account.shares().host == 1.0


def test_it_is_said_in_words(account, clock):
    clock.now = 10.0
    account.ticked(8, 6)
    assert shares_text(account.shares()) == (
        "waiting for compiling 0 s, saving 0.0%, devices waiting for the host 0.0%, without work 100.0%; lanes 75% "
        "busy; host 5e+03 ms a tick"
    )
