"""How many worlds it takes to tell an effect, from the spread that a pilot showed.

With n worlds and a spread σ of a difference over worlds, a median or mean is known up to σ √(c/n): c is 1 for a mean,
π/3 for the Hodges-Lehmann estimate and π/2 for a median, each where differences are normal (their efficiency against
the mean). An effect δ beyond the border is found with power Φ(δ √(n/c) / σ − z), z the normal quantile of the coverage.

Reference: Lehmann (1975), Nonparametrics, sections 2.4 and 4.3.
"""

from __future__ import annotations

import math

from scipy.stats import norm

from regimax.report.statistics.estimate import Estimate

COST = {"mean": 1.0, "signed-rank": math.pi / 3, "sign": math.pi / 2}
"""c of each interval: worlds that it needs for one that a mean needs."""
MOST = 100_000
"""Worlds beyond which nothing is promised."""


def power(distance: float, spread: float, worlds: int, *, confidence: float = 0.95, interval: str = "sign") -> float:
    """Returns how often a whole interval lies beyond a border.

    Args:
      distance: of the true effect from the border, in the unit of the effect.
      spread: standard deviation of the difference over worlds, in the same.
      worlds: n.
      confidence: coverage of the interval, two-sided.
      interval: "sign", "signed-rank" or "mean".

    Accuracy: of the normal approximation; the exact sign interval gives up to a tenth less at 16 worlds, as its
      coverage goes in steps.

    Example:
      >>> round(power(0.69 - 0.41, 0.4, 16, interval="mean"), 2)
      0.8
    """
    return float(norm.cdf(abs(distance) / spread * math.sqrt(worlds / COST[interval]) - norm.ppf((1 + confidence) / 2)))


def worlds_needed(
    distance: float, spread: float, *, chance: float = 0.8, confidence: float = 0.95, interval: str = "sign"
) -> int | None:
    """Returns the fewest worlds with which an effect is found that often; None where no number up to 100,000 would do.

    Args:
      distance: of the true effect from the border.
      spread: standard deviation of the difference over worlds, as a pilot showed it.
      chance: the power asked for.
      confidence: coverage of the interval, two-sided.
      interval: "sign", "signed-rank" or "mean".

    Example:
      >>> worlds_needed(0.28, 0.7), worlds_needed(0.28, 0.7, interval="signed-rank"), worlds_needed(0.0, 0.7)
      (78, 52, None)
    """
    if not distance:
        return None
    z = float(norm.ppf((1 + confidence) / 2) + norm.ppf(chance))
    wanted = COST[interval] * (z * spread / distance) ** 2
    return max(6, math.ceil(wanted)) if wanted <= MOST else None


def worlds_to_decide(found: Estimate, borders: tuple[float, float], chance: float = 0.8) -> int | None:
    """Returns how many worlds would decide an open check, if the effect is as it was found.

    Its interval of n worlds has the half-width z σ √(c/n), which says σ √c without asking how it was made.

    Args:
      found: the estimate, with a value and a finite interval.
      borders: what it must lie between.
      chance: the power asked for.
    """
    if found.value is None:
        return None
    distance = min(abs(found.value - border) for border in borders)
    z = float(norm.ppf((1 + found.confidence) / 2))
    spread = found.half_width * math.sqrt(found.worlds) / z
    return worlds_needed(distance, spread, chance=chance, confidence=found.confidence, interval="mean")
