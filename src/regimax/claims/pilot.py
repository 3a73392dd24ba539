"""What a pilot lets expect of a claim's checks, so that a plan can say whether its worlds are enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regimax.errors import UserError

if TYPE_CHECKING:
    from regimax.claims.claim import Claim, Scale

CHANCE = 0.8
"""The power for which worlds are counted."""


@dataclass(frozen=True)
class Pilot:
    """What is expected of a check of the claim, from tuning worlds, a small run, or an earlier version.

    Attributes:
      check: the check's name, as the rule gives it.
      expected: the effect, in the check's unit.
      spread: standard deviation over worlds of the difference that the check is about, in the same.
      above: the border that the effect must exceed, where there is one.
      below: the border that it must not exceed, where there is one.
      interval: how the rule makes its interval: "sign", "signed-rank" or "mean".
      sweep: whose worlds count, where a claim has several; the sweep with the fewest when not given.

    Raises:
      UserError: without a border, or where the spread is not positive.

    Example:
      >>> Pilot("ln saved", expected=1.4, spread=0.5, above=0.7).distance
      0.7
    """

    check: str
    expected: float
    spread: float
    above: float | None = None
    below: float | None = None
    interval: str = "sign"
    sweep: str | None = None

    def __post_init__(self) -> None:
        if self.above is None and self.below is None:
            raise UserError(f"the pilot of {self.check!r} needs a border: give above or below")
        if not 0 < self.spread < math.inf:
            raise UserError(f"the pilot of {self.check!r}: spread must be positive, found {self.spread:g}")

    @property
    def distance(self) -> float:
        """How far the expected effect lies from the nearest border."""
        return min(abs(self.expected - border) for border in (self.above, self.below) if border is not None)

    @property
    def holds(self) -> bool:
        """Whether the check would hold, were the effect as it is expected."""
        low = -math.inf if self.above is None else self.above
        return low < self.expected < (math.inf if self.below is None else self.below)


def powers(claim: Claim, scale: Scale) -> list[dict[str, Any]]:
    """Returns what the claim's worlds can tell of each check that it has a pilot of.

    Args:
      claim: the claim.
      scale: which of its sweeps.

    Returns:
      one row per pilot: `check`, `expected`, `above`, `below`, `spread`, `holds`; `worlds` of the sweep; `power`, how
      often the whole interval of 95 % lies on the expected side of the border; `needed`, the worlds for a power of
      0.8, or None where no number up to 100,000 would do.

    Raises:
      UserError: if a pilot names a sweep that the claim does not have.
    """
    from regimax.errors import unknown
    from regimax.report.statistics import power, worlds_needed
    from regimax.sweep.spec import seed_list

    worlds = {name: len({world for world, _ in seed_list(sweep)}) for name, sweep in claim.sweeps(scale).items()}
    rows = []
    for one in claim.pilot:
        if one.sweep is not None and one.sweep not in worlds:
            raise unknown("sweep of a pilot:", one.sweep, worlds)
        n = min(worlds.values()) if one.sweep is None else worlds[one.sweep]
        rows.append(
            {"check": one.check, "expected": one.expected, "above": one.above, "below": one.below}
            | {"spread": one.spread, "holds": one.holds, "worlds": n}
            | {"power": power(one.distance, one.spread, n, interval=one.interval)}
            | {"needed": worlds_needed(one.distance, one.spread, chance=CHANCE, interval=one.interval)}
        )
    return rows


def power_line(row: dict[str, Any]) -> str:
    """Returns a row of :func:`powers` as people read it.

    Example:
      >>> power_line(
      ...     {"check": "ln saved", "expected": 1.4, "above": 0.7, "below": None, "spread": 0.5, "holds": True}
      ...     | {"worlds": 16, "power": 0.998, "needed": 9}
      ... )
      'power: ln saved, 1.4 expected, > 0.7 asked, spread 0.5: shown to hold by 0.99 of runs of 16 worlds; 9 give 0.8'
    """
    asked = [f"{sign} {row[name]:g}" for sign, name in ((">", "above"), ("<", "below")) if row[name] is not None]
    side = "hold" if row["holds"] else "fail"
    # Floored: a power below 1 is not told as 1.
    share = f"{math.floor(row['power'] * 100) / 100:g}"
    enough = "no number gives 0.8" if row["needed"] is None else f"{row['needed']:,} give {CHANCE:g}"
    return (
        f"power: {row['check']}, {row['expected']:g} expected, {' and '.join(asked)} asked, spread {row['spread']:g}: "
        f"shown to {side} by {share} of runs of {row['worlds']:,} worlds; {enough}"
    )
