"""The median of numbers that are known to lie between two ends each, with an exact interval.

A time to threshold lies between two evaluations, or above a budget; a difference of two such times lies between what
its parts allow. Order statistics of the lower ends bound those of the numbers from below, and those of the upper ends
from above, whatever the numbers are. So nothing is assumed about what was censored: where it decides, an end is
infinite.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, norm

from regimax.report.aggregate import wilson
from regimax.report.statistics.estimate import Estimate


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
    lows, highs = np.sort(np.asarray(low, float)), np.sort(np.asarray(high, float))
    n = len(lows)
    if n == 0 or len(highs) != n or np.any(np.asarray(low, float) > np.asarray(high, float)):
        raise ValueError(
            f"median_interval: {n} lower and {len(highs)} upper ends, each lower one at most its upper one"
        )
    value_low, value_high = (middle(end) for end in (shown or (low, high)))
    rank = int(binom.ppf((1.0 - confidence) / 2, n, 0.5))
    ends = (float(lows[rank - 1]), float(highs[n - rank])) if rank else (-math.inf, math.inf)
    value = value_low if value_low == value_high and math.isfinite(value_low) else None

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
    ends = wilson(count, of, float(norm.ppf((1.0 + confidence) / 2)))

    def again(confidence: float) -> Estimate:
        return share(count, of, unit, confidence)

    return Estimate(count / of, *ends, unit, of, confidence, "Wilson", again)


def middle(values: ArrayLike) -> float:
    """Returns the median, also where numbers are infinite.

    The mean of the two in the middle; the infinite one where one of them is, and NaN between -inf and inf.

    Example:
      >>> middle([1.0, 2.0, float("inf"), float("inf")])
      inf
    """
    ordered = np.sort(np.asarray(values, float))
    a, b = float(ordered[(len(ordered) - 1) // 2]), float(ordered[len(ordered) // 2])
    return a if a == b else (a + b) / 2
