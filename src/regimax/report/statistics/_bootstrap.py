"""Uncertainty over worlds: resample worlds, and within each the learners that share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regimax.report.statistics.estimate import Estimate

RESAMPLES = 2000
"""Resamples behind an interval, unless said otherwise."""


def draws(worlds: ArrayLike, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[NDArray[np.intp]]:
    """Resamples rows by world, then by learner within the world.

    Worlds are drawn with replacement, as many as there are; for each of them its rows with replacement, as many as it
    has. `scipy.stats.bootstrap` knows no levels.

    Args:
      worlds: `[n]` the world of each row.
      resamples: how many.
      seed: of the generator; the same seed draws the same.

    Yields:
      `[m]` rows of one resample; m = n where every world has as many rows.

    Reference:
      Davison and Hinkley (1997), Bootstrap Methods and their Application, section 3.8.

    Example:
      >>> next(draws([7, 7, 9, 9], resamples=1)).shape
      (4,)
    """
    _, world, sizes = np.unique(np.asarray(worlds), return_inverse=True, return_counts=True)
    order, starts = np.argsort(world, kind="stable"), np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        chosen = rng.integers(len(sizes), size=len(sizes))
        size = np.repeat(sizes[chosen], sizes[chosen])
        yield order[np.repeat(starts[chosen], sizes[chosen]) + np.floor(rng.random(len(size)) * size).astype(np.intp)]


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    worlds: ArrayLike,
    *,
    unit: str = "",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Returns a statistic of rows with its percentile interval over worlds.

    Arms that are to be paired are columns of the same rows, so that a drawn world brings all of them.

    Args:
      statistic: takes `[m]` rows, returns a number; infinite numbers keep their place in the order.
      worlds: `[n]` the world of each row.
      unit: of the statistic.
      confidence: coverage, two-sided. It is approached as worlds grow; with 16 it falls short by a few percent.
      resamples: how many.
      seed: of the generator.

    Returns:
      the statistic of all rows, with its interval; None where it is not finite.

    Example:
      >>> import numpy as np
      >>> x = np.arange(20.0)
      >>> bootstrap(lambda rows: float(x[rows].mean()), np.arange(20))[0]
      9.5
    """
    found = np.asarray([statistic(rows) for rows in draws(worlds, resamples, seed)])
    value = statistic(np.arange(len(np.asarray(worlds))))
    count = len(np.unique(np.asarray(worlds)))
    method = f"bootstrap over worlds, {resamples:,} resamples"

    def at(confidence: float) -> Estimate:
        ends = percentiles(found, confidence)
        return Estimate(value if np.isfinite(value) else None, *ends, unit, count, confidence, method, at)

    return at(confidence)


def percentiles(found: NDArray[np.float64], confidence: float = 0.95) -> tuple[float, float]:
    """Returns the ends of the middle part of resampled numbers; what is not a number leaves both ends open.

    Args:
      found: `[R]` numbers, infinite where they are.
      confidence: the share between the ends.
    """
    tail = (1.0 - confidence) / 2
    low = np.quantile(np.where(np.isnan(found), -np.inf, found), tail, method="lower")
    high = np.quantile(np.where(np.isnan(found), np.inf, found), 1.0 - tail, method="higher")
    return float(low), float(high)
