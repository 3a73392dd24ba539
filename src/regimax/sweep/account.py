"""Where the time of a run went, by the engine's own account."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import NamedTuple


class Shares(NamedTuple):
    """How a run spent its time.

    Attributes:
      seconds: wall-clock since the account was opened, s.
      compiling: wall-clock spent on compiling or loading programs, s.
      saving: fraction of the wall-clock spent on commits.
      waiting: fraction of the devices' time in which they had work but stood still for the host, at most.
      idle: fraction of the devices' time in which there was no work for them, at most.
      occupancy: lanes that ran a stage, of all lanes that were run.
    """

    seconds: float
    compiling: float
    saving: float
    waiting: float
    idle: float
    occupancy: float


class Account:
    """Adds up what the devices wait for.

    When a device comes to rest is not seen, only when it was last known to be at work: the time from then until it is
    given work again counts as waiting, so what is told is an upper bound.

    Args:
      devices: number of devices.
    """

    def __init__(self, devices: int):
        self._begun = time.monotonic()
        self._last = [self._begun] * devices
        self._excused = [0.0] * devices
        self._waiting = self._idle = self._saving = self._compiling = 0.0
        self._lanes = self._busy = 0

    def working(self, device: int) -> None:
        """Tells that a device is at work now."""
        self._last[device] = time.monotonic()
        self._excused[device] = self._saving + self._compiling

    def resumes(self, device: int) -> None:
        """Tells that a device, at rest until now, is given work."""
        self._waiting += self._gap(device)
        self.working(device)

    def workless(self, device: int) -> None:
        """Tells that a device is at rest and there is no work for it."""
        self._idle += self._gap(device)
        self.working(device)

    def _gap(self, device: int) -> float:
        """Seconds since a device was last at work, without those that went into compiling and saving."""
        excused = self._saving + self._compiling - self._excused[device]
        return max(0.0, time.monotonic() - self._last[device] - excused)

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Counts a commit."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._saving += time.monotonic() - begun

    def compiled(self, seconds: float) -> None:
        """Counts time spent on compiling."""
        self._compiling += seconds

    def ticked(self, lanes: int, busy: int) -> None:
        """Counts one tick of a block."""
        self._lanes += lanes
        self._busy += busy

    def shares(self) -> Shares:
        """Returns the account so far."""
        seconds = max(time.monotonic() - self._begun, 1e-9)
        devices = len(self._last) * seconds
        return Shares(
            seconds,
            self._compiling,
            self._saving / seconds,
            self._waiting / devices,
            self._idle / devices,
            self._busy / max(self._lanes, 1),
        )


def shares_text(shares: Shares) -> str:
    """Returns the account in words."""
    return (
        f"compiling {shares.compiling:.0f} s, saving {shares.saving:.1%}, devices waiting for the host "
        f"{shares.waiting:.1%}, without work {shares.idle:.1%}; lanes {shares.occupancy:.0%} busy"
    )
