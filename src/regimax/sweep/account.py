"""Where the time of a run went, by the engine's own account."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax

SWITCH_SECONDS = 5e-4
"""How long Python may keep a thread waiting for another one; its own default is ten times as long."""


class Shares(NamedTuple):
    """How a run spent its time.

    Attributes:
      seconds: wall-clock since the account was opened, s.
      cpu: CPU time of the process since the account was opened, but for that in which it waited for compiling, s.
      compiling: wall-clock in which nothing ran because programs were traced, compiled or loaded, s.
      saving: fraction of the wall-clock spent on commits.
      waiting: fraction of the devices' time in which they had work but stood still for the host.
      idle: fraction of the devices' time in which there was no work for them.
      occupancy: lanes that ran a stage, of all lanes that were run.
      host: what the host worked for a tick of a block, s: CPU time of the thread that drives the pools.
    """

    seconds: float
    cpu: float
    compiling: float
    saving: float
    waiting: float
    idle: float
    occupancy: float
    host: float


class Account:
    """Adds up what the devices wait for.

    A thread per device waits for every tick and notes when it was done; the time from then until the device is given
    its next tick counts as waiting, or as idle where there was no work for it. What is spent on compiling and saving
    counts as neither. Commits are written in a thread of their own: what counts is how long the run waited for them.
    Close it when the run is over.

    Accuracy: a tick is seen to be done up to `SWITCH_SECONDS` late, while Python itself is busy.

    Args:
      devices: number of devices.
    """

    def __init__(self, devices: int):
        self._begun, self._cpu = time.monotonic(), time.process_time()
        self._spent = {"saving": 0.0, "compiling": 0.0}
        self._paused_since: float | None = None
        self._devices = [_Device(self._worked) for _ in range(devices)]
        self._lanes = self._busy = self._ticks = 0
        self._host, self._host_since = 0.0, time.thread_time()
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)

    def close(self) -> None:
        """Ends the threads."""
        for device in self._devices:
            device.ticks.put(None)
        sys.setswitchinterval(self._switch)

    def dispatched(self, device: int, report: Any) -> None:
        """Tells that a device was just given a tick, done when `report` is there."""
        self.wanted(device)
        self._devices[device].ticks.put((self._worked(), report))

    def workless(self, device: int) -> None:
        """Tells that a device is at rest and there is no work for it."""
        watched = self._devices[device]
        if watched.workless_since is None:
            watched.workless_since = self._worked()

    def wanted(self, device: int) -> None:
        """Tells that there is work for a device from now on."""
        watched = self._devices[device]
        if watched.workless_since is not None:
            watched.idle += self._worked() - watched.workless_since
            watched.workless_since = None

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Counts a commit."""
        with self._paused("saving"):
            yield

    @contextlib.contextmanager
    def compiling(self) -> Iterator[None]:
        """Counts tracing and compiling, or loading what was compiled before."""
        with self._paused("compiling"):
            yield

    @contextlib.contextmanager
    def _paused(self, what: str) -> Iterator[None]:
        if self._paused_since is not None:  # the outer one counts
            yield
            return
        begun, cpu, host = time.monotonic(), time.process_time(), time.thread_time()
        self._paused_since = begun
        try:
            yield
        finally:
            self._spent[what] += time.monotonic() - begun
            self._paused_since = None
            self._host_since += time.thread_time() - host
            if what == "compiling":
                self._cpu += time.process_time() - cpu

    def _worked(self) -> float:
        """A clock that stands still while the run compiles or saves, s."""
        since = self._paused_since
        return (time.monotonic() if since is None else since) - sum(self._spent.values())

    def begins(self) -> None:
        """Tells that what this thread does from now on is for ticks."""
        self._host_since = time.thread_time()

    def ticked(self, lanes: int, busy: int) -> float:
        """Counts one tick of a block, in the thread that drives the pools.

        Returns:
          what that thread has worked since the tick before, s.
        """
        self._lanes += lanes
        self._busy += busy
        self._ticks += 1
        since, self._host_since = self._host_since, time.thread_time()
        self._host += self._host_since - since
        return self._host_since - since

    def shares(self) -> Shares:
        """Returns the account so far."""
        seconds = max(time.monotonic() - self._begun, 1e-9)
        devices = len(self._devices) * seconds
        now = self._worked()
        workless = sum(now - since for device in self._devices if (since := device.workless_since) is not None)
        return Shares(
            seconds,
            time.process_time() - self._cpu,
            self._spent["compiling"],
            self._spent["saving"] / seconds,
            sum(max(0.0, device.rested - device.idle) for device in self._devices) / devices,
            (workless + sum(device.idle for device in self._devices)) / devices,
            self._busy / max(self._lanes, 1),
            self._host / max(self._ticks, 1),
        )


class _Device:
    """What is known of one device.

    Attributes:
      ticks: what it was given: the time, and what is there when it is done. None ends the thread.
      rested: how long it had nothing to do between two ticks, s.
      idle: how long there was no work for it, s.
      workless_since: since when there is none.
    """

    def __init__(self, clock: Callable[[], float]):
        self.ticks: queue.SimpleQueue[tuple[float, Any] | None] = queue.SimpleQueue()
        self.rested = self.idle = 0.0
        self.workless_since: float | None = clock()
        self._clock = clock
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        done = self._clock()
        while (tick := self.ticks.get()) is not None:
            dispatched, report = tick
            self.rested += max(0.0, dispatched - done)
            with contextlib.suppress(Exception):  # told where the report is read
                jax.block_until_ready(report)
            done = self._clock()


def shares_text(shares: Shares) -> str:
    """Returns the account in words."""
    return (
        f"waiting for compiling {shares.compiling:.0f} s, saving {shares.saving:.1%}, devices waiting for the host "
        f"{shares.waiting:.1%}, without work {shares.idle:.1%}; lanes {shares.occupancy:.0%} busy; "
        f"host {1e3 * shares.host:.2g} ms a tick"
    )
