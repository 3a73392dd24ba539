"""Progress: a live display on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from regimax.sweep.executables import Compiling
    from regimax.sweep.plan import Plan
    from regimax.sweep.pool import Tick

LINE_SECONDS = 10.0
RATE_SECONDS = 20.0


def human(number: float, unit: str = "") -> str:
    """Returns a number in engineering notation, for example "48.2 k"."""
    for factor, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= factor:
            return f"{number / factor:.3g} {prefix}{unit}"
    return f"{number:.3g} {unit}".rstrip()


def duration(seconds: float) -> str:
    """Returns seconds as "1:02:03" or "2:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def say(console: Console, text: str, markup: bool = False) -> None:
    """Prints sentences: folded between words on a terminal, in whole lines where there is none."""
    console.print(text, highlight=False, markup=markup, soft_wrap=not console.is_terminal)


class Progressing:
    """Shows stages done, lane occupancy, environment steps per second, time left and device memory.

    Args:
      console: where to show it.
    """

    def __init__(self, console: Console):
        self._console = console
        self._live: Live | None = None
        self._updates = self._total = self._stages = self._finished = 0
        self._ticks: deque[tuple[float, int, Tick]] = deque()
        self._phase, self._width = "", 0
        self._devices: Sequence[Any] = ()
        self._compiling: Callable[[], Sequence[Compiling]] = lambda: ()
        self._over = threading.Event()
        self._lock = threading.Lock()  # what is shown is read in a thread of its own

    def __enter__(self) -> Progressing:
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        if self._live is not None:
            self._live.__exit__(None, None, None)
            self._live = None

    def say(self, text: str) -> None:
        """Prints a line above the display."""
        say(self._console, text)

    def start(
        self,
        plan: Plan,
        finished: int,
        updates: int,
        devices: Sequence[Any],
        compiling: Callable[[], Sequence[Compiling]],
    ) -> None:
        """Begins; `finished` stages and `updates` updates were committed before; `compiling` tells what is compiled."""
        self._stages, self._finished, self._devices = len(plan.stages), finished, devices
        self._compiling = compiling
        self._updates = updates
        self._total = plan.updates_planned()
        without = plan.updates_without_sharing()
        self.say(
            f"{len(plan.cells)} cells in {self._stages} stages: {self._total:,} updates "
            f"({without / self._total:.2g}× fewer than cell by cell), {len(plan.programs)} programs, "
            f"{len(devices)} {devices[0].platform} device{'s' if len(devices) > 1 else ''}"
        )
        if updates:
            self.say(f"going on: {updates:,} updates and {finished} of {self._stages} stages were done before")
        self._bar = Progress(
            TextColumn("[bold]{task.description}"), BarColumn(bar_width=40), TaskProgressColumn(), TimeElapsedColumn()
        )
        self._task = self._bar.add_task("updates", total=self._total, completed=updates)
        if self._console.is_terminal:
            self._live = Live(get_renderable=self._table, console=self._console, refresh_per_second=2, transient=True)
            self._live.__enter__()
        else:
            threading.Thread(target=self._keep_saying, daemon=True).start()

    def pool(self, name: str, stages: int, width: int) -> None:
        """Tells that the stages of a program begin."""
        with self._lock:
            self._phase, self._width = name, width
            self._ticks.clear()
        if self._live is None:
            self.say(f"phase {name}: {stages} stages ready, {width} lanes")

    def tick(self, tick: Tick, env_steps: int) -> None:
        """Counts a tick of a block."""
        now = time.monotonic()
        with self._lock:
            self._updates += tick.updates
            self._finished += tick.finished
            self._ticks.append((now, env_steps, tick))
            while now - self._ticks[0][0] > RATE_SECONDS:
                self._ticks.popleft()

    def _keep_saying(self) -> None:
        """Prints a line now and then, also while nothing ticks."""
        while not self._over.wait(LINE_SECONDS):
            if self._phase:
                self.say(self._line())

    def _rates(self) -> tuple[float, float]:
        """Steps and updates per second over the last seconds."""
        if len(self._ticks) < 2:
            return 0.0, 0.0
        seconds = max(self._ticks[-1][0] - self._ticks[0][0], 1e-6)
        after = [(steps, tick.updates) for _, steps, tick in self._ticks][1:]
        return sum(steps for steps, _ in after) / seconds, sum(updates for _, updates in after) / seconds

    def _occupancy(self) -> float:
        """Lanes that ran a stage, of all that were run over the last seconds."""
        lanes = sum(tick.lanes for _, _, tick in self._ticks)
        return sum(tick.busy for _, _, tick in self._ticks) / max(lanes, 1)

    def _memory(self) -> str:
        """Device memory in use; on a CPU the largest that the process ever held."""
        stats = [device.memory_stats() for device in self._devices]
        used = sum(s["bytes_in_use"] for s in stats if s and "bytes_in_use" in s)
        unit = 1 if sys.platform == "darwin" else 1024
        return human(used or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, "B")

    def _line(self) -> str:
        with self._lock:
            return self._text()

    def _text(self) -> str:
        steps, updates = self._rates()
        parts = [f"{self._finished}/{self._stages} stages", f"phase {self._phase}, {self._width} lanes"]
        if self._ticks:
            parts.append(f"{self._occupancy():.0%} busy")
            host = sum(tick.host for _, _, tick in self._ticks) / len(self._ticks)
            parts.append(f"host {1e3 * host:.2g} ms a tick")
        if updates:
            left = duration((self._total - self._updates) / updates)
            parts += [f"{human(steps)} steps/s", f"at most {left} left"]
        parts.append(f"{self._memory()} memory")
        now = time.monotonic()
        parts += [f"compiling {one.name} for {now - one.since:.0f} s" for one in self._compiling()]
        return " · ".join(parts)

    def _table(self) -> Table:
        self._bar.update(self._task, completed=self._updates)
        grid = Table.grid(padding=(0, 1))
        grid.add_row(self._bar)
        grid.add_row(self._line() if self._phase else "starting")
        return grid
