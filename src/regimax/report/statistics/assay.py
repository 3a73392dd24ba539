"""Ready-made assay checks: that a design could have shown the effect, so that not to find it says something.

Four questions, after ICH E10: was found what is known to be there (`above` of `verdict`, with the smallest effect of
interest as the border); was there room; was every arm at its best; is the interval narrow enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import polars as pl

from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.verdict import Check, above


class Trial(Protocol):
    """What an arm's tuning tried at a point of its grid; `run.tried` has them."""

    @property
    def regime(self) -> str:
        """The arm."""
        ...

    @property
    def where(self) -> dict[str, Any]:
        """What the choice is made for."""
        ...

    @property
    def chosen(self) -> bool:
        """Whether it is the choice."""
        ...

    @property
    def edge(self) -> list[str]:
        """Axes of the grid at whose ends the choice lies."""
        ...


def room(name: str, largest: Estimate, border: float) -> Check:
    """Asks whether the largest effect that the design allows exceeds what the claim asks for.

    Args:
      name: of the largest effect, such as what the oracle saves of scratch.
      largest: the estimate of it.
      border: the claim's.
    """
    return above(f"room: {name}", largest, border)


def seen(name: str, frame: pl.DataFrame, most: float = 0.5) -> Check:
    """Asks whether a comparator gets to the threshold in half of its cells at least: else its effort is the budget's.

    Args:
      name: of the comparator.
      frame: of :func:`times`, the comparator at one setting.
      most: the largest share that may be censored.

    Returns:
      a check of what was seen, with no interval.
    """
    share, n = int(frame["censored"].sum()) / frame.height, frame["world_seed"].n_unique()
    counted = Estimate(share, share, share, "share of cells", n, method="counted")
    needs = f"{name}: a larger budget, until it gets there in half of its cells"
    return Check(f"censored, {name}", f"censored, {name} ≤ {most:g}", counted, share <= most, needs=needs)


def inside_grid(tried: Iterable[Trial], arms: Sequence[str]) -> Check:
    """Asks whether every arm was tuned, and chose no end of its grid.

    Where a choice lies at an end, a grid with one more point tells whether that is worse; then it is no end any more.

    Args:
      tried: what the tuning tried, `run.tried`.
      arms: of the checks of the claim.

    Returns:
      the check, open where an arm was not tuned.
    """
    chosen = [trial for trial in tried if trial.chosen and trial.regime in arms]
    ends = sorted({f"{trial.regime} ({', '.join(trial.edge)})" for trial in chosen if trial.edge})
    untuned = sorted(set(arms) - {trial.regime for trial in chosen})
    n = len({trial.split(" (")[0] for trial in ends})
    counted = Estimate(float(n), float(n), float(n), f"of {len(set(arms))} arms", 0, method="choices of the tuning")
    holds = False if ends else None if untuned else True
    needs = f"a wider grid for {'; '.join(ends)}" if ends else f"tuning of {', '.join(untuned)}"
    return Check("arms at an end of their grid", "arms at an end of their grid = 0", counted, holds, needs=needs)


def precise(name: str, estimate: Estimate, smallest: float) -> Check:
    """Asks whether an interval reaches no further than the smallest effect of interest to either side.

    Args:
      name: what is estimated.
      estimate: with its interval.
      smallest: the smallest effect of interest, in its unit.
    """
    half = estimate.half_width
    width = Estimate(
        half if math.isfinite(half) else None, half, half, estimate.unit, estimate.worlds, method="half-width"
    )
    if math.isfinite(half) and half > 0:
        wanted = math.ceil(estimate.worlds * (half / smallest) ** 2)
        needs = f"precision of {name}: about {wanted:,} worlds"
    else:
        needs = f"precision of {name}: a larger budget, until what is censored is seen"
    return Check(f"half-width of {name}", f"half-width of {name} ≤ {smallest:g}", width, half <= smallest, needs=needs)
