"""The one definition of a median: the mean of the two numbers in the middle, also of times that are censored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def middle(values: ArrayLike) -> float:
    """Returns the median, also where numbers are infinite.

    The mean of the two in the middle; the infinite one where one of them is, and NaN between -inf and inf.

    Args:
      values: `[n]` numbers, at least one.

    Example:
      >>> middle([1.0, 2.0, float("inf"), float("inf")])
      inf
    """
    ordered = np.sort(np.asarray(values, float))
    a, b = float(ordered[(len(ordered) - 1) // 2]), float(ordered[len(ordered) // 2])
    return a if a == b else (a + b) / 2


def threshold_median(
    reached: Sequence[float | None] | NDArray[np.float64], spent: Sequence[float | None] | NDArray[np.float64]
) -> tuple[float | None, bool]:
    """Returns the median effort to the threshold over cells, some of which may never have reached it.

    Kaplan-Meier: the first effort at which S(t) = Π_{t_i ≤ t} (1 - d_i / n_i) ≤ ½, with d_i cells that got there at t_i
    out of n_i still on their way; where S is ½ on a stretch, its midpoint. Where every failure ran to a common budget
    that is :func:`middle` of the efforts: the mean of the two in the middle, where their number is even.

    Args:
      reached: `[n]` effort at which each cell reached the threshold; None or NaN where it did not.
      spent: `[n]` effort up to which a cell that did not is known not to have, in the same unit.

    Returns:
      (effort, censored). Where a failure decides the median, censored is True and the effort is a lower bound: the
      middle of what the cells had shown by then, their threshold, or what they spent in vain. None where nothing is
      known.

    Reference:
      Kaplan and Meier (1958); the midpoint as in Kalbfleisch and Prentice (1980) and R's `survfit`.

    Example:
      >>> threshold_median([10.0, 30.0, None], [50.0, 50.0, 50.0])
      (30.0, False)
      >>> threshold_median([10.0, 20.0, 30.0, None], [50.0] * 4)
      (25.0, False)
      >>> threshold_median([10.0, 30.0, None, None], [50.0] * 4)
      (40.0, True)
    """
    if not len(reached):
        return None, False
    at, vain = np.asarray(reached, float), np.nan_to_num(np.asarray(spent, float))
    event = ~np.isnan(at)
    time = np.where(event, at, vain)
    steps = np.unique(time[event])
    left = (time[None, :] >= steps[:, None]).sum(1)
    gone = (time[None, :] == steps[:, None])[:, event].sum(1)
    survival = np.cumprod(1.0 - gone / left)
    # 1e-9: a product of fractions that is ½ in the mind may lie a rounding beside it.
    until, beyond = steps[survival <= 0.5 + 1e-9], steps[survival < 0.5 - 1e-9]
    if len(beyond):
        return float(until[0] + beyond[0]) / 2, False
    return middle(time) or None, True
