"""How many get to the threshold, and when: Kaplan-Meier, its median and restricted mean, and the success rate.

Failures are never dropped, nor set to the budget: they are at risk until their last evaluation below the threshold.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from regimax.errors import UserError
from regimax.report.median import threshold_median
from regimax.report.statistics._bootstrap import bootstrap
from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.intervals import share
from regimax.report.statistics.quantiles import normal_quantile

Floats = NDArray[np.float64]


def kaplan_meier(frame: pl.DataFrame, confidence: float = 0.95) -> pl.DataFrame:
    """Returns the share of cells that have not reached the threshold, against effort.

    S(t) = Π_{t_i ≤ t} (1 - d_i / n_i), with d_i cells that got there at t_i out of n_i that were still on their way.

    Args:
      frame: of :func:`times`, one arm at one setting; T counts as the evaluation that showed it.
      confidence: of the pointwise interval.

    Returns:
      one row per time: `time`, `survival`, `low`, `high` (log-log interval with Greenwood's variance; null where the
      formula has no value, which is where S is 0 or 1), `at_risk`, `events`.

    Reference:
      Kaplan and Meier (1958); Kalbfleisch and Prentice (1980) for the interval. Both by `scipy.stats.ecdf`.
    """
    time, event = _observed(frame)
    curve, interval = _curve(time, event, confidence)
    at_risk, events = _risk(time, event, np.asarray(curve.quantiles))
    table = pl.DataFrame(
        {
            "time": curve.quantiles,
            "survival": curve.probabilities,
            "low": interval.low.probabilities,
            "high": interval.high.probabilities,
            "at_risk": at_risk,
            "events": events,
        }
    )
    return table.with_columns(pl.col("low", "high").fill_nan(None))


def median_time(frame: pl.DataFrame, confidence: float = 0.95) -> Estimate:
    """Returns the Kaplan-Meier median of effort to the threshold: the first time at which S ≤ ½, or the midpoint of the
    stretch on which S is ½, as :func:`regimax.report.threshold_median` has it.

    Args:
      frame: of :func:`times`, one arm at one setting.
      confidence: coverage, two-sided.

    Returns:
      the estimate, None where S does not fall below ½. Its interval is made of the times whose interval of S holds ½:
      the log-log one, and the binomial one (Clopper and Pearson) as long as no cell, and once every cell, has got
      there. Where several learners share a world, it is bootstrapped over worlds.

    Reference:
      Brookmeyer and Crowley (1982), A confidence interval for the median survival time, Biometrics 38.
    """
    time, event = _observed(frame)
    reached = np.where(event, time, np.nan)

    def median(rows: NDArray[np.intp]) -> float:
        value, censored = threshold_median(reached[rows], time[rows])
        return math.inf if value is None or censored else value

    if _nested(frame):
        return _over_worlds(frame, median, confidence)
    curve, interval = _curve(time, event, confidence)
    tail = (1.0 - confidence) / 2
    at_risk, _ = _risk(time, event, curve.quantiles)
    # The formula has no value where S is 1 or 0; what n cells of n say has a binomial bound of its own.
    none, all_ = curve.probabilities == 1, curve.probabilities == 0
    lower = np.where(none, tail ** (1.0 / at_risk), np.nan_to_num(interval.low.probabilities))
    upper = np.where(all_, 1.0 - tail ** (1.0 / len(time)), np.where(none, 1.0, interval.high.probabilities))
    start, value = _first(curve.quantiles, lower <= 0.5), median(np.arange(len(time)))
    return Estimate(
        value=value if math.isfinite(value) else None,
        low=min(start, float(time.max())),
        high=_first(curve.quantiles, upper <= 0.5),
        unit=_unit(frame),
        worlds=len(time),
        confidence=confidence,
        method="Kaplan-Meier, log-log interval",
    )


def restricted_mean(frame: pl.DataFrame, horizon: float, confidence: float = 0.95) -> Estimate:
    """Returns the mean effort to the threshold, spent up to a horizon: E min(T, τ) = ∫_0^τ S(t) dt.

    Var = Σ_{t_i ≤ τ} (∫_{t_i}^τ S)² d_i / (n_i (n_i - d_i)).

    Args:
      frame: of :func:`times`, one arm at one setting.
      horizon: τ, one for all arms that are to be compared, and no larger than the smallest budget.
      confidence: coverage, two-sided, by the normal quantile; where learners share worlds, a bootstrap over worlds.

    Returns:
      the estimate, in the unit of effort. A lower bound of the mean effort, which a run with failures does not know.

    Raises:
      UserError: if cells were censored before `horizon`, and none is left that tells S there.

    Reference:
      Klein and Moeschberger (2003), Survival Analysis, section 4.5.
    """
    time, event = _observed(frame)
    if horizon > time.max() and not event[time == time.max()].all():
        raise UserError(f"restricted_mean: nothing is known at {horizon:g}; at most {time.max():g}")
    if _nested(frame):
        return _over_worlds(frame, lambda rows: _mean(time[rows], event[rows], horizon)[0], confidence)
    value, variance = _mean(time, event, horizon)
    half = normal_quantile((1.0 + confidence) / 2) * math.sqrt(variance)
    if value == horizon:  # nobody got there: with n cells, at most 1 - (α/2)^(1/n) of all would have
        half = horizon * (1.0 - ((1.0 - confidence) / 2) ** (1.0 / len(time)))
    low, high = max(0.0, value - half), min(horizon, value + half)
    return Estimate(value, low, high, _unit(frame), len(time), confidence, "Greenwood's variance")


def success_rate(frame: pl.DataFrame, confidence: float = 0.95) -> Estimate:
    """Returns the share of cells that reach the threshold within their budget, with the Wilson interval.

    Args:
      frame: of :func:`times`, one arm at one setting.
      confidence: coverage, two-sided; where learners share worlds, a bootstrap over worlds.
    """
    _, event = _observed(frame)
    if _nested(frame):
        return _over_worlds(frame, lambda rows: float(event[rows].mean()), confidence)._replace(unit="share of cells")
    return share(int(event.sum()), len(event), "share of cells", confidence)


def _observed(frame: pl.DataFrame) -> tuple[Floats, NDArray[np.bool_]]:
    """`[n]` when each cell got there, or was last seen below, and whether it did."""
    if frame.select("world_seed", "seed").is_duplicated().any():
        raise UserError("a world and seed occur twice: choose one setting with where")
    return frame.select(pl.coalesce("reached", "low")).to_series().to_numpy(), (~frame["censored"]).to_numpy()


def _curve(time: Floats, event: NDArray[np.bool_], confidence: float):
    curve = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=time[event], right=time[~event])).sf
    with warnings.catch_warnings():
        # It says that the formula has no value where S is 0 or 1, and returns NaN there.
        warnings.simplefilter("ignore", RuntimeWarning)
        return curve, curve.confidence_interval(confidence, method="log-log")


def _risk(time: Floats, event: NDArray[np.bool_], at: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    same, later = time[None, :] == at[:, None], time[None, :] >= at[:, None]
    return later.sum(1), (same & event[None, :]).sum(1)


def _first(times: Floats, holds: NDArray[np.bool_]) -> float:
    """The first time at which it holds, or inf."""
    return float(times[holds][0]) if holds.any() else math.inf


def _mean(time: Floats, event: NDArray[np.bool_], horizon: float) -> tuple[float, float]:
    """The area under S up to the horizon, and its variance."""
    curve = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=time[event], right=time[~event])).sf
    kept = curve.quantiles < horizon
    steps = np.concatenate([[0.0], curve.quantiles[kept], [horizon]])
    survival = np.concatenate([[1.0], curve.probabilities[kept]])
    areas = survival * np.diff(steps)
    rest = areas[::-1].cumsum()[::-1][1:]  # the area from each time on
    at_risk, events = _risk(time, event, curve.quantiles[kept])
    left = at_risk - events
    terms = np.divide(rest**2 * events, at_risk * left, out=np.zeros_like(rest), where=left > 0)
    return float(areas.sum()), float(terms.sum())


def _nested(frame: pl.DataFrame) -> bool:
    return frame["world_seed"].n_unique() < frame.height


def _over_worlds(frame: pl.DataFrame, statistic: Callable[[NDArray[np.intp]], float], confidence: float) -> Estimate:
    return bootstrap(statistic, frame["world_seed"].to_numpy(), unit=_unit(frame), confidence=confidence)


def _unit(frame: pl.DataFrame) -> str:
    return str(frame["unit"][0])
