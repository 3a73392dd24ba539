"""How many worlds it takes to tell an effect, from the spread that a pilot showed.

Differences over worlds are taken to be normal with spread σ. A mean is then known up to σ √(c/n) with c = 1, the
Hodges-Lehmann estimate with c = π/3 (its efficiency against the mean), and an effect δ beyond the border is found with
power Φ(δ √(n/c) / σ − z), z the normal quantile of the coverage. The sign interval's end is an order statistic, so that
its power is that of a binomial number: exact, and lower than any such formula says where worlds are few.

Reference: Lehmann (1975), Nonparametrics, sections 2.4 and 4.3.
"""

from __future__ import annotations

import math

import scipy

from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.quantiles import normal_quantile, sign_rank

COST = {"mean": 1.0, "signed-rank": math.pi / 3}
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

    Accuracy: exact for "sign"; of the normal approximation otherwise, which says up to 0.07 too much at 16 worlds.

    Example:
      >>> [round(power(0.69 - 0.41, 0.4, 16, interval=one), 2) for one in ("sign", "mean")]
      [0.43, 0.8]
    """
    far = abs(distance) / spread
    if interval == "sign":
        rank = sign_rank(worlds, confidence)
        return float(scipy.stats.binom.cdf(rank - 1, worlds, scipy.stats.norm.cdf(-far)))
    z = normal_quantile((1 + confidence) / 2)
    return float(scipy.stats.norm.cdf(far * math.sqrt(worlds / COST[interval]) - z))


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
      (81, 52, None)
    """
    if not distance:
        return None
    z = normal_quantile((1 + confidence) / 2) + normal_quantile(chance)
    wanted = COST.get(interval, 1.0) * (z * spread / distance) ** 2
    if wanted > MOST:
        return None
    fewest = max(6, math.ceil(wanted))
    if interval != "sign":
        return fewest
    return next((n for n in range(fewest, MOST) if power(distance, spread, n, confidence=confidence) >= chance), None)


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
    z = normal_quantile((1 + found.confidence) / 2)
    spread = found.half_width * math.sqrt(found.worlds) / z
    return worlds_needed(distance, spread, chance=chance, confidence=found.confidence, interval="mean")
