"""What the programs that take turns share: a display that shows nothing, the spread over turns, and where they ran."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from typing import Any

from regimax.bench.machine import cpu


class Quiet:
    """A display that shows nothing."""

    def start(self, plan: Any, finished: int, updates: int, devices: Any, compiling: Any) -> None: ...
    def pool(self, name: str, stages: int, width: int) -> None: ...
    def tick(self, tick: Any, env_steps: int) -> None: ...
    def say(self, text: str) -> None: ...


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns median, smallest and largest."""
    return {"median": statistics.median(values), "smallest": min(values), "largest": max(values)}


def machine() -> str:
    """Returns the processor and its cores, in words."""
    return f"{cpu()}, {os.cpu_count()} cores"
