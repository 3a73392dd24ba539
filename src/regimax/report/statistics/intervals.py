"""The median of numbers that are known to lie between two ends each, with an exact interval.

A time to threshold lies between two evaluations, or above a budget; a difference of two such times lies between what
its parts allow. Order statistics of the lower ends bound those of the numbers from below, and those of the upper ends
from above, whatever the numbers are. So nothing is assumed about what was censored: where it decides, an end is
infinite.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regimax.report.aggregate import wilson
from regimax.report.median import middle
from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.quantiles import normal_quantile, sign_rank

Interval = Literal["sign", "signed-rank"]
"""How an interval over worlds is made: by order statistics, or by signed ranks for differences that are symmetric."""


def median_interval(
    low: ArrayLike,
    high: ArrayLike,
    *,
    shown: tuple[ArrayLike, ArrayLike] | None = None,
    unit: str = "",
    confidence: float = 0.95,
) -> Estimate:
    """Returns the median of a population, from numbers known up to an interval each.

    [x_(r), x_(n+1-r)] with the largest r such that P(Binomial(n, ½) < r) ≤ (1 - confidence) / 2: the sign test turned
    round. Lower ends take the place of x in the first, upper ends in the second.

    Args:
      low: `[n]` lower ends, -inf where there is none.
      high: `[n]` upper ends, inf where there is none.
      shown: `[n]`, `[n]` the ends that the value is read from; the same when not given. The value is None where the
        two medians differ.
      unit: of the numbers.
      confidence: coverage, two-sided.

    Returns:
      the median; its interval covers that of the population with at least `confidence`, at any n and for any
      distribution. With fewer than six numbers nothing can be told at 95 %, and the ends are infinite.

    Raises:
      ValueError: if there are no numbers, or a lower end exceeds its upper end.

    Reference:
      Conover (1999), Practical Nonparametric Statistics, section 3.2.

    Example:
      >>> median_interval(range(16), range(16))[:3]
      (7.5, 3.0, 12.0)
      >>> median_interval([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, float("inf")])[:3]
      (4.0, 1.0, inf)
    """
    lows, highs = (np.sort(end) for end in check_ends("median_interval", low, high))
    n = len(lows)
    value = shown_value(*(middle(end) for end in (shown or (low, high))))
    rank = sign_rank(n, confidence)
    ends = (float(lows[rank - 1]), float(highs[n - rank])) if rank else (-math.inf, math.inf)

    def again(confidence: float) -> Estimate:
        return median_interval(low, high, shown=shown, unit=unit, confidence=confidence)

    return Estimate(value, *ends, unit, n, confidence, "order statistics of worlds", again)


def share(count: int, of: int, unit: str, confidence: float = 0.95) -> Estimate:
    """Returns a share of independent cases, with the Wilson interval.

    Args:
      count: cases in which it was so.
      of: all cases, at least one.
      unit: of the share, in words.
      confidence: coverage, two-sided.

    Reference:
      Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.

    Example:
      >>> share(0, 32, "share of worlds").text()
      '0 share of worlds (0 to 0.107)'
    """
    ends = wilson(count, of, normal_quantile((1.0 + confidence) / 2))

    def again(confidence: float) -> Estimate:
        return share(count, of, unit, confidence)

    return Estimate(count / of, *ends, unit, of, confidence, "Wilson", again)


def check_ends(name: str, low: ArrayLike, high: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns both ends as arrays.

    Raises:
      ValueError: if there are no numbers, or a lower end exceeds its upper end.
    """
    lows, highs = np.asarray(low, float), np.asarray(high, float)
    if len(lows) == 0 or len(highs) != len(lows) or np.any(lows > highs):
        raise ValueError(f"{name}: {len(lows)} lower and {len(highs)} upper ends, each lower one at most its upper one")
    return lows, highs


def shown_value(low: float, high: float) -> float | None:
    """Returns what both ends agree on; None where they differ, or lie at infinity."""
    return low if low == high and math.isfinite(low) else None
