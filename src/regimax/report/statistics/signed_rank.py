"""The Hodges-Lehmann estimate of numbers that are known to lie between two ends each, with its exact interval.

Where a difference is as likely to fall short of its middle as to exceed it by the same, the ranks of Wilcoxon's test
use more of it than its sign, and about half of the worlds do. The price: differences of skew are not covered, and few
worlds may be censored.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regimax.report.median import middle
from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.intervals import check_ends, shown_value

Floats = NDArray[np.float64]


def signed_rank_interval(
    low: ArrayLike,
    high: ArrayLike,
    *,
    shown: tuple[ArrayLike, ArrayLike] | None = None,
    unit: str = "",
    confidence: float = 0.95,
) -> Estimate:
    """Returns the middle of a symmetric population, from numbers known up to an interval each.

    The value is the median of the N = n (n + 1) / 2 means of two, (x_i + x_j) / 2 with i ≤ j; its interval is
    [w_(c+1), w_(N-c)] of these means in order, with the largest c such that P(W ≤ c) ≤ (1 - confidence) / 2, W being
    Wilcoxon's signed rank: the test turned round. A mean of two rises with both. So lower ends take the place of x in
    the lower end, upper ends in the upper, and the interval holds the one of the numbers themselves, whatever they are.

    Args:
      low: `[n]` lower ends, -inf where there is none.
      high: `[n]` upper ends, inf where there is none.
      shown: `[n]`, `[n]` the ends that the value is read from; the same when not given. The value is None where the
        two differ.
      unit: of the numbers.
      confidence: coverage, two-sided.

    Returns:
      the estimate. The interval covers the middle of the population with at least `confidence` at any n, ties included,
      **if the population is symmetric**; else it is about the median of a mean of two. With fewer than six numbers
      nothing can be told at 95 %, and the ends are infinite. A number without an end takes n means with it: of 16, one
      such leaves the other end known, two do not, where order statistics allow for three.

    Raises:
      ValueError: if there are no numbers, or a lower end exceeds its upper end.

    Reference:
      Hodges and Lehmann (1963), Estimates of location based on rank tests; Hollander, Wolfe and Chicken (2014),
      Nonparametric Statistical Methods, section 3.3.

    Example:
      >>> signed_rank_interval(range(16), range(16))[:3]
      (7.5, 4.5, 10.5)
      >>> signed_rank_interval([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, float("inf")])[:3]
      (3.5, 1.0, inf)
    """
    lows, highs = check_ends("signed_rank_interval", low, high)
    n = len(lows)
    value = shown_value(*(middle(walsh(end, nothing)) for end, nothing in zip(shown or (low, high), ENDS, strict=True)))
    cut = critical(n, (1.0 - confidence) / 2)
    if cut < 0:
        ends = -math.inf, math.inf
    else:
        ends = float(walsh(lows, -math.inf)[cut]), float(walsh(highs, math.inf)[-1 - cut])

    def again(confidence: float) -> Estimate:
        return signed_rank_interval(low, high, shown=shown, unit=unit, confidence=confidence)

    return Estimate(value, *ends, unit, n, confidence, "signed ranks of worlds", again)


ENDS = (-math.inf, math.inf)


def walsh(x: ArrayLike, nothing: float) -> Floats:
    """Returns the means of two, in order; `nothing` where one is the mean of -inf and inf."""
    x = np.asarray(x, float)
    i, j = np.triu_indices(len(x))
    # Halves first: equal infinities add up, and so does what is nearly too large.
    with np.errstate(invalid="ignore"):
        means = x[i] / 2 + x[j] / 2
    return np.sort(np.where(np.isnan(means), nothing, means))


@cache
def critical(n: int, tail: float) -> int:
    """Returns the largest c with P(W ≤ c) ≤ tail for the signed rank of n numbers around their middle; -1 if none.

    Each rank from 1 to n is in the sum or not, as a coin falls; the law of W is that of these coins, one by one.
    """
    law = np.ones(1)
    for rank in range(1, n + 1):
        law = (np.pad(law, (0, rank)) + np.pad(law, (rank, 0))) / 2
    # 1e-12: a sum of fractions that is the tail in the mind may lie a rounding above it.
    return int(np.searchsorted(law.cumsum(), tail + 1e-12, side="right")) - 1
