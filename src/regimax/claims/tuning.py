"""Equal tuning: the sweep that tries every arm on the same grid, and what is chosen from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import polars as pl

from regimax.claims.claim import Tuning
from regimax.errors import UserError, unknown
from regimax.regimes import Regime
from regimax.sweep.axes import Point, columns, points
from regimax.sweep.spaces import Only
from regimax.sweep.spec import Axis, Choice, Sweep

EVALUATIONS = "evaluations"
"""What an area is taken over where that is no effort."""


class Shown(NamedTuple):
    """What an evaluation showed.

    Attributes:
      value: the metric.
      effort: spent until then along what the area is taken over: its number, or an effort.
    """

    value: float
    effort: float


class Trial(NamedTuple):
    """How an arm did at one point of the grid.

    Attributes:
      regime: the arm.
      where: the labels for which the choice is made, by column name; empty where one choice serves all points.
      grid: what of the grid was tried, by column name.
      score: the tuning's metric, the mean over worlds and points; None where no cell showed any.
      cells: how many cells it is the mean of.
      diverged: how many of them diverged.
      chosen: whether it is the choice.
      edge: names of those axes of the grid at whose ends the choice lies, which a larger grid might move on.
    """

    regime: str
    where: dict[str, Any]
    grid: dict[str, Any]
    score: float | None
    cells: int
    diverged: int
    chosen: bool
    edge: list[str]


def grid_of(tuning: Tuning) -> list[Point]:
    """Returns the points of the grid."""
    return points(Sweep(world=None, regimes=(), axes=tuning.axes))


def tuning_sweep(sweep: Sweep, tuning: Tuning) -> Sweep:
    """Returns the sweep that tries every arm of `sweep` at every point of the grid, without its probes.

    Raises:
      UserError: if an axis of the grid is set by the sweep already, or a column of `at` or `per` does not exist.
    """
    if any(isinstance(values, Only) for values in tuning.axes.values()):
        raise UserError("tuning: every arm is tried on the whole grid; regimax.only is for axes of a sweep")
    grid = grid_of(tuning)
    labels = [column for name, values in sweep.axes.items() if not isinstance(values, Only) for column in columns(name)]
    taken = {name for point in points(sweep) for name in (*point.labels, *point.settings)} | set(sweep.derived)
    for name in dict.fromkeys(name for point in grid for name in (*point.labels, *point.settings)):
        if name in taken:
            raise UserError(f"{name!r} is tuned, and set by the sweep as well: leave it to one of them")
    for column in (*tuning.at, *tuning.per):
        if column not in labels:
            raise unknown("axis of the tuning:", column, labels)
    both = set(tuning.at) & set(tuning.per)
    if both:
        raise UserError(f"tuning: {min(both)!r} stands in `at` and in `per`; what is not tried cannot be chosen for")
    return replace(
        sweep,
        regimes=[_without_probes(regime) for regime in sweep.regimes],
        axes={name: _kept(name, values, tuning.at) for name, values in sweep.axes.items()} | dict(tuning.axes),
        settings=dict(sweep.settings) | dict(tuning.settings),
        seeds=list(tuning.seeds),
        learners_per_world=1,
        keep_params=False,
    )


def _without_probes(regime: Regime) -> Regime:
    """A regime that only learns; the same object where it is one already."""
    if not any(phase.probes for phase in regime.phases):
        return regime
    return regime._replace(phases=tuple(phase._replace(probes=(), probe_every=None) for phase in regime.phases))


def _kept(name: str | tuple[str, ...], values: Axis, at: Mapping[str, Sequence[Any]]) -> Axis:
    """The values of an axis at which arms are tried."""
    if isinstance(values, Only):
        return replace(values, values=_kept(name, values.values, at))
    own = columns(name)

    def tried(value: Any) -> bool:
        parts = value if isinstance(name, tuple) else (value,)
        return all(part in at.get(column, (part,)) for column, part in zip(own, parts, strict=True))

    for column in own:
        there = [value[own.index(column)] if isinstance(name, tuple) else value for value in values]
        for label in at.get(column, ()):
            if label not in there:
                raise UserError(f"tuning: the axis {column!r} is never {label!r}, only one of {there}")
    if isinstance(values, Mapping):
        return {label: settings for label, settings in values.items() if tried(label)}
    return [value for value in values if tried(value)]


def trials(tuning: Tuning, cells: pl.DataFrame, curves: pl.DataFrame) -> list[Trial]:
    """Scores every arm at every point of the grid, and chooses.

    The best mean score wins; of equal ones the first in the grid. A diverged cell counts, from where it broke off, as
    the lowest value that any cell of its arm showed.

    Args:
      tuning: the tuning.
      cells: one row per cell of the tuning's run.
      curves: one row per cell and evaluation.

    Returns:
      arm by arm, in grid order.

    Raises:
      UserError: if the metric was not evaluated.
    """
    if tuning.metric not in curves.columns:
        raise unknown("metric of the tuning:", tuning.metric, _measures(curves))
    if tuning.over != EVALUATIONS and tuning.over not in curves.columns:
        raise unknown("effort of the tuning's area:", tuning.over, [EVALUATIONS, *curves.columns])
    grid = grid_of(tuning)
    shown = curves.filter(pl.col(tuning.metric).is_finite())
    value, effort = pl.col(tuning.metric).cast(pl.Float64), pl.int_range(1, pl.len() + 1).over("cell")
    shown = shown.select(
        "cell",
        value=value if tuning.cap is None else value.clip(upper_bound=tuning.cap),
        effort=(effort if tuning.over == EVALUATIONS else pl.col(tuning.over)).cast(pl.Float64),
    )
    by_cell: dict[str, list[Shown]] = {cell: [] for cell in cells["cell"]}
    for cell, *rest in shown.iter_rows():
        by_cell[cell].append(Shown(*rest))
    found = []
    # One length for all arms, so that their scores may be compared: an arm that is always there soon is not cut short.
    length = max((one.effort for values in by_cell.values() for one in values), default=0.0)
    for regime in cells["regime"].unique(maintain_order=True):
        rows = [row for row in cells.iter_rows(named=True) if row["regime"] == regime]
        values = [by_cell[row["cell"]] for row in rows]
        low = min((one.value for v in values for one in v), default=0.0)
        places = list(dict.fromkeys(tuple(row[column] for column in tuning.per) for row in rows))
        for place in places:
            where = dict(zip(tuning.per, place, strict=True))
            here = []
            for point in grid:
                wanted = point.labels | where
                chosen = [row for row in rows if all(row[name] == label for name, label in wanted.items())]
                scores = [_score(tuning, by_cell[row["cell"]], row["diverged"], length, low) for row in chosen]
                known = [score for score in scores if score is not None]
                mean = math.fsum(known) / len(known) if known else None
                diverged = sum(bool(row["diverged"]) for row in chosen)
                here.append(Trial(regime, where, dict(point.labels), mean, len(chosen), diverged, False, []))
            found += _choose(here)
    return found


def _measures(curves: pl.DataFrame) -> list[str]:
    floats = [name for name, dtype in curves.schema.items() if dtype == pl.Float64]
    return floats or list(curves.columns)


def _score(tuning: Tuning, values: list[Shown], diverged: bool, length: float, low: float) -> float | None:
    """One cell's score; what it did not live to see counts as said above.

    An evaluation counts for the stretch that led to it, up to `length` the last one, or the lowest of a diverged cell.
    """
    if not values:
        return low if diverged else None
    last = low if diverged else values[-1].value
    if tuning.summary == "final":
        return last
    ends = [0.0, *(one.effort for one in values)]
    area = math.fsum(one.value * (end - start) for one, start, end in zip(values, ends[:-1], ends[1:], strict=True))
    return (area + (length - ends[-1]) * last) / length if length else last


def chosen_again(tried: Sequence[Trial]) -> list[Trial]:
    """Returns trials that were kept; the choice and the ends of the grid that it lies at are found anew.

    Args:
      tried: of one sweep.
    """
    arms = dict.fromkeys((trial.regime, tuple(trial.where.items())) for trial in tried)
    return [
        trial
        for arm in arms
        for trial in _choose([trial for trial in tried if (trial.regime, tuple(trial.where.items())) == arm])
    ]


def _choose(here: list[Trial]) -> list[Trial]:
    """Marks the best of an arm's trials, and where it lies at an end of the grid that matters to the arm."""
    scored = [trial for trial in here if trial.score is not None]
    if not scored:
        return here
    best = max(scored, key=lambda trial: trial.score if trial.score is not None else -math.inf)  # the first of equals
    edge = []
    for name, value in best.grid.items():
        there = list(dict.fromkeys(trial.grid[name] for trial in here))
        others = [other for other in best.grid if other != name and not _tied(here, name, other)]
        line = [t for t in scored if all(t.grid[other] == best.grid[other] for other in others)]
        matters = len({trial.score for trial in line}) > 1
        if len(there) > 2 and matters and value in (there[0], there[-1]) and not isinstance(value, str):
            edge.append(name)
    return [trial._replace(chosen=trial is best, edge=edge if trial is best else []) for trial in here]


def _tied(here: list[Trial], one: str, other: str) -> bool:
    """Whether two columns of the grid are set together, each value of one with one of the other."""
    pairs = {(trial.grid[one], trial.grid[other]) for trial in here}
    return len(pairs) == len({first for first, _ in pairs}) == len({second for _, second in pairs})


def choices(tuning: Tuning, tried: Sequence[Trial]) -> list[Choice]:
    """Returns what was chosen, as a sweep takes it.

    Raises:
      UserError: if an arm showed nothing to choose by.
    """
    settings = [(point.labels, point.settings) for point in grid_of(tuning)]
    found = []
    for regime, place in dict.fromkeys((trial.regime, tuple(trial.where.items())) for trial in tried):
        best = [t for t in tried if t.regime == regime and tuple(t.where.items()) == place and t.chosen]
        if not best:
            raise UserError(f"tuning: {regime!r} was never evaluated, so nothing can be chosen for it")
        chosen = next(values for labels, values in settings if labels == best[0].grid)
        found.append(Choice(regime, chosen, dict(place)))
    return found
