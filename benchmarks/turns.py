"""What the programs that take turns share: a display that shows nothing, and the spread over turns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any


class Quiet:
    """A display that shows nothing."""

    def start(self, plan: Any, finished: int, updates: int, devices: Any) -> None: ...
    def pool(self, name: str, stages: int, width: int, compiling: bool) -> None: ...
    def tick(self, tick: Any, env_steps: int) -> None: ...
    def say(self, text: str) -> None: ...


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns median, smallest and largest."""
    return {"median": statistics.median(values), "smallest": min(values), "largest": max(values)}
