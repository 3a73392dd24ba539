"""Two arms on the same worlds: what one saves against the other, world by world.

The same seed is the same world, and the same initial network, in every arm. So differences are taken learner by
learner, summed up by their median within a world, and it is worlds that are independent. Every difference is an
interval: what evaluations and budgets leave open stays open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regimax.errors import UserError, unknown
from regimax.report.median import middle
from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.intervals import Interval, median_interval
from regimax.report.statistics.signed_rank import signed_rank_interval

ENDS = ("low", "high", "shown_low", "shown_high")
"""Ends of what is known, and of what the value is read from: T as it was shown, or above the last failure."""

KEY = ("world_seed", "seed")

INTERVALS = {"sign": median_interval, "signed-rank": signed_rank_interval}


def pairs(a: pl.DataFrame, b: pl.DataFrame, *, scale: str = "log", by: Sequence[str] = ()) -> pl.DataFrame:
    """Takes the difference a - b of every learner that both arms have.

    With `scale="log"` it is ln T_a - ln T_b: the factor between their efforts, as a logarithm.

    Args:
      a: of :func:`times`, :func:`scores`, or of this function, which gives differences of differences.
      b: the same of the arm to subtract.
      scale: "log" or "linear"; differences are subtracted as they are.
      by: columns that also tell rows apart, for several settings at once.

    Returns:
      one row per `world_seed` and `seed` (and `by`): the ends `low` and `high` between which the difference lies, and
      `shown_low`, `shown_high`, from which its value is read; `unit`.

    Raises:
      UserError: if an arm has two rows for one learner, or the arms share none, or differ in their units.

    Example:
      >>> def arm(*steps):  # as `times` returns it, a learner in each of so many worlds
      ...     seeds = range(len(steps))
      ...     columns = {"low": steps, "reached": steps, "high": steps, "unit": "env_steps"}
      ...     return pl.DataFrame({"world_seed": seeds, "seed": seeds, **columns})
      >>> pairs(arm(200.0, 900.0), arm(100.0, 300.0), scale="linear").select("seed", "low", "high", "unit").rows()
      [(0, 100.0, 100.0, 'env_steps'), (1, 600.0, 600.0, 'env_steps')]
    """
    if scale not in ("log", "linear"):
        raise UserError(f"unknown scale {scale!r}. Allowed: log, linear")
    key = [*KEY, *by]
    sides = [_ends(frame, scale, by) for frame in (a, b)]
    units = [frame["unit"][0] for frame in (a, b)]
    if units[0] != units[1]:
        raise UserError(f"a difference of {units[0]} and {units[1]}: both must have one unit")
    both = sides[0].join(sides[1], on=key, suffix="_b", maintain_order="left")
    if both.is_empty():
        raise UserError("the arms have no world and seed in common")
    unknown = {"low": -np.inf, "high": np.inf, "shown_low": -np.inf, "shown_high": np.inf}
    other = {"low": "high_b", "high": "low_b", "shown_low": "shown_high_b", "shown_high": "shown_low_b"}
    return both.select(
        *key,
        # inf - inf: nothing is known on that side.
        *((pl.col(end) - pl.col(other[end])).fill_nan(unknown[end]).alias(end) for end in ENDS),
        unit=pl.lit(f"ln {units[0]}" if scale == "log" and "shown_low" not in a.columns else units[0]),
    )


def effect(differences: pl.DataFrame, confidence: float = 0.95, *, interval: Interval = "sign") -> Estimate:
    """Sums up what :func:`pairs` returns over worlds, with an exact interval.

    Args:
      differences: one row per world and learner, at one setting.
      confidence: coverage, two-sided; kept for any number of worlds.
      interval: "sign", the median, for any distribution; or "signed-rank", the Hodges-Lehmann estimate, which takes
        differences to be symmetric about their middle, as those of two arms are that differ by a shift. It needs about
        half as many worlds, and bears fewer that are censored.

    Returns:
      the estimate, in the unit of the differences; learners of one world count as one, by their median.

    Raises:
      UserError: if a learner has two rows, or for another interval.

    Example:
      >>> def arm(*steps):  # as `times` returns it, a learner in each of so many worlds
      ...     seeds = range(len(steps))
      ...     columns = {"low": steps, "reached": steps, "high": steps, "unit": "env_steps"}
      ...     return pl.DataFrame({"world_seed": seeds, "seed": seeds, **columns})
      >>> saved = pairs(arm(*[300.0] * 8), arm(*range(100, 180, 10)), scale="linear")
      >>> effect(saved).text()
      '165 env_steps (130 to 200)'
      >>> effect(saved, interval="signed-rank").text()
      '165 env_steps (140 to 190)'
    """
    ends = by_world(differences)
    shown = (ends["shown_low"], ends["shown_high"])
    unit = str(differences["unit"][0])
    if interval not in INTERVALS:
        raise unknown("interval", interval, INTERVALS)
    return INTERVALS[interval](ends["low"], ends["high"], shown=shown, unit=unit, confidence=confidence)


def ln_ratio(a: pl.DataFrame, b: pl.DataFrame, confidence: float = 0.95, *, interval: Interval = "sign") -> Estimate:
    """Compares two arms by the median over worlds of ln T_a - ln T_b: below 0 where a is the faster.

    Args:
      a: of :func:`times`.
      b: the same of the other arm.
      confidence: coverage, two-sided.
      interval: of :func:`effect`.

    Returns:
      the estimate, in ln of the unit. Where b never gets there its upper end stays known: T_a over b's budget.

    Raises:
      UserError: if an arm has two rows for one learner, or the arms share none, or differ in their units.

    Example:
      >>> def arm(*steps):  # as `times` returns it, a learner in each of so many worlds
      ...     seeds = range(len(steps))
      ...     columns = {"low": steps, "reached": steps, "high": steps, "unit": "env_steps"}
      ...     return pl.DataFrame({"world_seed": seeds, "seed": seeds, **columns})
      >>> found = ln_ratio(arm(*[200.0] * 8), arm(*[100.0] * 8))  # takes twice as long
      >>> found.through(np.exp, "times as long").text()
      '2 times as long (2 to 2)'
    """
    return effect(pairs(a, b), confidence, interval=interval)


def difference(a: pl.DataFrame, b: pl.DataFrame, confidence: float = 0.95, *, interval: Interval = "sign") -> Estimate:
    """Compares two arms by the median over worlds of a - b: of scores, or of efforts in their own unit.

    Args:
      a: of :func:`times` or :func:`scores`.
      b: the same of the other arm.
      confidence: coverage, two-sided.
      interval: of :func:`effect`.
    """
    return effect(pairs(a, b, scale="linear"), confidence, interval=interval)


def slopes(frame: pl.DataFrame, terms: Mapping[str, pl.Expr], of: str, *, scale: str = "log") -> pl.DataFrame:
    """Fits how ln T changes with a setting, learner by learner: the coefficient of least squares within each.

    ln T = a + Σ_k b_k x_k over the settings of one learner; b_of = Σ_i c_i ln T_i with c a row of the pseudoinverse,
    and each ln T_i between its ends. So the coefficient lies between ends, too: where T is censored at the far end of
    the axis it is bounded from one side, and no model says what lies beyond the budget.

    Args:
      frame: of :func:`times`, of one arm at several settings, every learner at all of them.
      terms: name and polars expression of each x, for example ``{"ln looks": pl.col("world.looks").log()}``.
      of: which coefficient.
      scale: "log" for ln T, "linear" for scores.

    Returns:
      as :func:`pairs`, so that :func:`effect` gives the slope, and `pairs` the difference between two arms' slopes.

    Raises:
      UserError: if a learner lacks a setting, or the settings do not tell the terms apart.

    Example:
      >>> def arm(*steps):  # as `times` returns it, a learner in each of so many worlds
      ...     seeds = range(len(steps))
      ...     columns = {"low": steps, "reached": steps, "high": steps, "unit": "env_steps"}
      ...     return pl.DataFrame({"world_seed": seeds, "seed": seeds, **columns})
      >>> both = [arm(100.0, 100.0).with_columns(forms=pl.lit(4)), arm(200.0, 400.0).with_columns(forms=pl.lit(8))]
      >>> rise = slopes(pl.concat(both), {"ln forms": pl.col("forms").log()}, "ln forms")
      >>> rise["low"].round(6).to_list()
      [1.0, 2.0]
    """
    named = frame.with_columns(*(expr.cast(pl.Float64).alias(f"_x{i}") for i, expr in enumerate(terms.values())))
    columns = [f"_x{i}" for i in range(len(terms))]
    points = named.select(columns).unique().sort(columns)
    design = np.column_stack([np.ones(points.height), points.to_numpy()])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise UserError(f"{points.height} settings do not tell apart: {', '.join(terms)}")
    weights = np.linalg.pinv(design)[1 + list(terms).index(of)]
    weights[np.abs(weights) < 1e-12 * np.abs(weights).max()] = 0.0  # a rounding times an infinite end would be infinite
    ends = _ends(named, scale, columns).join(points.with_columns(_c=pl.Series(weights)), on=columns)
    counts = ends.group_by(KEY).len()
    if counts.filter(pl.col("len") != points.height).height:
        raise UserError(f"a learner has not all of the {points.height} settings")
    rising = pl.col("_c") > 0
    mirrored = {"low": "high", "high": "low", "shown_low": "shown_high", "shown_high": "shown_low"}
    used = ends.filter(pl.col("_c") != 0)
    weighted = {end: pl.col("_c") * pl.when(rising).then(pl.col(end)).otherwise(pl.col(mirrored[end])) for end in ENDS}
    unit = f"{'ln ' if scale == 'log' else ''}{frame['unit'][0]} per {of}"
    return used.group_by(KEY, maintain_order=True).agg(
        **{end: value.sum() for end, value in weighted.items()}, unit=pl.lit(unit)
    )


def elasticity(
    frame: pl.DataFrame, capacity: pl.Expr, confidence: float = 0.95, *, interval: Interval = "sign"
) -> Estimate:
    """Estimates -∂ ln T / ∂ ln C: by what share the effort falls when a channel's capacity grows by a small one.

    Args:
      frame: of :func:`times`, of one arm, at several capacities.
      capacity: of the channel, any unit.
      confidence: coverage, two-sided.
      interval: of :func:`effect`.

    Returns:
      the median over worlds of the least-squares slope. At two capacities it is local to them.
    """
    found = effect(slopes(frame, {"ln capacity": capacity.log()}, "ln capacity"), confidence, interval=interval)
    return found.through(lambda slope: -slope, "elasticity")


def by_world(frame: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Returns the ends of every world: medians over its learners, `[W]` each, worlds in order."""
    if frame.select(KEY).is_duplicated().any():
        raise UserError("a world and seed occur twice: choose one setting with where")
    ordered = frame.sort(KEY)
    borders = np.unique(ordered["world_seed"].to_numpy(), return_index=True)[1][1:]
    return {
        end: np.asarray([middle(part) for part in np.split(ordered[end].to_numpy(), borders)], float) for end in ENDS
    }


def _ends(frame: pl.DataFrame, scale: str, by: Sequence[str]) -> pl.DataFrame:
    """The four ends on the scale asked for; of what is a difference already, as they are."""
    key = [*KEY, *by]
    if frame.select(key).is_duplicated().any():
        raise UserError("a world and seed occur twice in one arm: choose one setting with where")
    if "shown_low" in frame.columns:
        return frame.select(*key, *ENDS)
    shown = frame.select(
        *key, "low", "high", shown_low=pl.coalesce("reached", "low"), shown_high=pl.coalesce("reached", "high")
    )
    return shown.with_columns(pl.col(ENDS).log()) if scale == "log" else shown
