"""What the driver of a large cluster would do and cost: shares of 100,000 stages for 64 workers that are simulated.

The driver is the one that runs sweeps; its clock, the workers and the directories of shares are made up here. A tenth
of the workers is half as fast; every share loses its worker with some probability, at any moment, and what it had done
since its last commit with it; to begin costs 15 s. The bound is all work over all speed: nothing could end sooner.

Command: PYTHONPATH=src python benchmarks/driver.py [--workers 64] [--stages 100000] [--lost 0.05]
"""

from __future__ import annotations

import argparse
import heapq
import random
import tempfile
import time
from pathlib import Path

from regimax.executors import Ended, Task, driver

BEGIN = 15.0
"""Seconds that a worker takes to begin a share."""
COMMIT = 60.0
"""Seconds between commits."""


class Clock:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


class Simulated:
    """Workers that do nothing but take their time.

    Args:
      clock: the driver's.
      speeds: of the workers, in seconds of work per second.
      work: of every share, s.
      lost: probability that a worker is lost while it runs a share.
      rng: draws who is lost, and when.
    """

    def __init__(self, clock: Clock, speeds: list[float], work: dict[int, float], lost: float, rng: random.Random):
        self.worth, self._clock, self._rng, self._lost = 1.0, clock, rng, lost
        self._free = sorted(range(len(speeds)), key=lambda i: -speeds[i])
        self._speeds, self._left = speeds, dict(work)
        self._events: list[tuple[float, int, Task, int | None, int]] = []
        self.attempts = 0

    @property
    def slots(self) -> int:
        """How many run at once."""
        return len(self._speeds)

    def submit(self, task: Task) -> None:
        """Begins a share."""
        worker, left, now = self._free.pop(0), self._left[task.number], self._clock.now
        takes, code = BEGIN + left / self._speeds[worker], 0
        if self._rng.random() < self._lost:
            code, takes = None, self._rng.uniform(0, takes)
            committed = max(0.0, takes - BEGIN) // COMMIT * COMMIT * self._speeds[worker]
            self._left[task.number] -= min(left, committed)
        self.attempts += 1
        heapq.heappush(self._events, (now + takes, self.attempts, task, code, worker))

    def wait(self, seconds: float) -> list[Ended]:
        """Turns the clock to the next end, or by so many seconds."""
        if not self._events or self._events[0][0] > self._clock.now + seconds:
            self._clock.now += seconds
            return []
        at, _, task, code, worker = heapq.heappop(self._events)
        self._clock.now = max(self._clock.now, at)
        self._free.append(worker)
        return [Ended(task, code, "")]

    def cancel(self, task: Task) -> None:
        """Nobody hangs here."""
        raise AssertionError(task)

    def close(self) -> None:
        """Nothing is held."""


def simulate(workers: int, stages: int, per_worker: int, lost: float, seed: int = 0) -> dict[str, float]:
    """Runs the driver over simulated workers; returns how much longer than the bound it took, and what it cost."""
    rng, clock = random.Random(seed), Clock()
    speeds = [0.5 if i % 10 == 0 else 1.0 for i in range(workers)]
    shares = workers * per_worker
    loads = [(0.0, i) for i in range(1, shares + 1)]
    for seconds in sorted((rng.lognormvariate(1.5, 0.8) for _ in range(stages)), reverse=True):
        load, i = heapq.heappop(loads)
        heapq.heappush(loads, (load + seconds, i))
    work = {i: load for load, i in loads}
    executor = Simulated(clock, speeds, work, lost, rng)
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "run"
        tasks = [Task(i, Path("x.py"), (), driver.folder_of(out) / f"{i}-of-{shares}") for i in range(1, shares + 1)]
        driver.time, driver.merge = clock, lambda paths, out, facts: len(paths)  # type: ignore[assignment]
        driver._see = lambda run: None  # no share leaves anything
        begun = time.process_time()
        driver.drive(tasks, out, executor, lambda text: None, {}, hang_seconds=1e9)
    cpu = time.process_time() - begun
    return {
        "shares": shares,
        "of the bound": clock.now / (sum(work.values()) / sum(speeds)),
        "hours": clock.now / 3600,
        "attempts": executor.attempts,
        "driver's CPU ms a task": 1000 * cpu / executor.attempts,
        "driver's CPU ms an hour": 1000 * cpu / (clock.now / 3600),
    }


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--workers", type=int, default=64)
    flags.add_argument("--stages", type=int, default=100_000)
    flags.add_argument("--lost", type=float, default=0.05)
    given = flags.parse_args()
    for per_worker in (1, 4, 16, 64):
        found = simulate(given.workers, given.stages, per_worker, given.lost)
        print(", ".join(f"{name} {value:,.3g}" for name, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
