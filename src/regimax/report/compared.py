"""What was measured of each regime at each setting, for a figure whose axes and facets the page's reader chooses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from regimax.report.aggregate import GROUP, given, outcomes, wilson
from regimax.report.median import threshold_median


class Measure(NamedTuple):
    """A vertical axis.

    Attributes:
      column: of the table of cells; `solved` is the share of cells that got to the threshold.
      label: what it is called in a list, in the title of the figure and on its axis.
      unit: the symbol that follows a number, empty for a count.
      kind: the heading it stands under in a list.
      spent: of an effort to the threshold, the column of what a cell spent in all.
    """

    column: str
    label: str
    unit: str
    kind: str
    spent: str | None = None


OUTCOME, THRESHOLD, WHOLE = "Outcome", "Effort to the threshold", "Effort of a whole cell"
MEASURES = (
    Measure("success", "final success", "", OUTCOME),
    Measure("solved", "share of seeds that got to the threshold", "", OUTCOME),
    Measure("return", "final return", "", OUTCOME),
    Measure("solved_at_env_step", "environment steps to the threshold", "", THRESHOLD, "env_steps"),
    Measure("solved_at_flops", "compute to the threshold, pretraining included", "FLOP", THRESHOLD, "flops"),
    Measure("solved_at_reward", "rewards to the threshold", "", THRESHOLD, "rewards_delivered"),
    Measure("solved_at_reward_bits", "reward bits to the threshold", "bit", THRESHOLD, "reward_bits_bound"),
    Measure("solved_at_update", "updates to the threshold", "", THRESHOLD, "updates"),
    Measure("env_steps", "environment steps of a whole cell", "", WHOLE),
    Measure("passive_steps", "unlabelled observations of a whole cell", "", WHOLE),
    Measure("flops", "compute of a whole cell", "FLOP", WHOLE),
    Measure("flops_prediction", "compute spent on prediction", "FLOP", WHOLE),
    Measure("rewards_delivered", "rewards of a whole cell", "", WHOLE),
    Measure("bits_sensory", "sensory bits of a whole cell", "bit", WHOLE),
    Measure("bits_decision", "decision bits of a whole cell", "bit", WHOLE),
    Measure("bits_reward", "reward bits of a whole cell", "bit", WHOLE),
    Measure("bits_outcome", "outcome bits of a whole cell", "bit", WHOLE),
)
"""Every vertical axis that the page can offer."""


class Compared(NamedTuple):
    """What the page draws from.

    Attributes:
      axes: by name of an axis that was varied, its values in order: numbers by size, all else as they came.
      measures: on offer: those that tell any two groups apart.
      groups: one per regime and setting that has finished cells: `regime`, `setting`, `at` (its value on each axis,
        None where the regime has no such axis), `seeds` and `solved` (finished cells), and `of`, by column of a
        measure ``[value, low, high, more]``: the median over seeds, its quartiles (of `solved` the share and its 95 %
        interval; None where unknown), and whether the value is but a lower bound.
    """

    axes: dict[str, list[Any]]
    measures: list[Measure]
    groups: list[dict[str, Any]]


def compared(table: pl.DataFrame, axes: Sequence[str]) -> Compared:
    """Returns medians over seeds of all that can be drawn against a setting.

    Args:
      table: one row per cell, as for :func:`regimax.report.summary`.
      axes: names of what was varied.
    """
    values = {axis: _values(table[axis]) for axis in axes if axis in table.columns}
    values = {axis: found for axis, found in values.items() if len(found) > 1}
    known = [one for one in MEASURES if {one.column, one.spent or one.column} <= {*table.columns, "solved"}]
    done = outcomes(table).filter(pl.col("status") != "pending")
    # An axis may be called as any of these: names with a slash are no axis's.
    taken = done.group_by(GROUP, maintain_order=True).agg(
        pl.len().alias("/seeds"),
        pl.col("_solved").sum().alias("/solved"),
        *(pl.col(axis).first().alias(f"/at/{axis}") for axis in values),
        *itertools.chain.from_iterable(map(_taken, known)),
    )
    groups = [
        {
            "regime": row["regime"],
            "setting": row["setting"],
            "at": [row[f"/at/{axis}"] for axis in values],
            "seeds": row["/seeds"],
            "solved": row["/solved"],
            "of": {one.column: _measured(row, one) for one in known},
        }
        for row in taken.iter_rows(named=True)
    ]
    offered = [one for one in known if _differs([group["of"][one.column] for group in groups])]
    for group in groups:
        group["of"] = {one.column: group["of"][one.column] for one in offered}
    return Compared(values, offered, groups)


def first(found: Compared) -> dict[str, Any]:
    """Returns what the figure shows before anybody has chosen: `vertical`, `against`, `facets` and `at`.

    Steps to the threshold where any regime gets there in the median, against the first axis, with the second as facets
    (empty for none) where that leaves more than one point in every panel. `at` is by axis the place of the value that
    cells have where neither shows it: the one that most settings share, the middle one of several.
    """
    steps = "solved_at_env_step"
    columns = [one.column for one in found.measures]
    reached = steps in columns and any(group["of"][steps][3] is False for group in found.groups)
    names = list(found.axes)
    at = {name: _usual(found, place) for place, name in enumerate(names)}
    facets = ""
    if len(names) > 1 and len(found.axes[names[1]]) <= MAX_FACETS:
        fixed = [(names.index(name), found.axes[name][at[name]]) for name in names[2:]]
        there = [group["at"] for group in found.groups if all(group["at"][i] in (None, v) for i, v in fixed)]
        points = {(one[0], one[1]) for one in there if one[0] is not None}
        panels = [sum(b == value for _, b in points) for value in found.axes[names[1]]]
        facets = names[1] if min(panels) > 1 else ""
    return {
        "vertical": steps if reached else next(iter(columns), ""),
        "against": names[0] if names else REGIME,
        "facets": facets,
        "at": at,
    }


def _usual(found: Compared, place: int) -> int:
    values = list(found.axes.values())[place]
    of = {group["setting"]: group["at"][place] for group in found.groups}
    counts = [sum(at == value for at in of.values()) for value in values]
    most = [i for i, count in enumerate(counts) if count == max(counts)]
    return most[(len(most) - 1) // 2]


REGIME = "regime"
"""Horizontal axis of a figure without an axis."""
MAX_FACETS = 12
"""Panels that the page begins with at most, and that it draws at most of a chosen axis."""


def _values(column: pl.Series) -> list[Any]:
    found = column.drop_nulls().unique(maintain_order=True).to_list()
    return sorted(found) if column.dtype.is_numeric() else found


def _taken(measure: Measure) -> list[pl.Expr]:
    """What is needed of the cells of a group."""
    name = measure.column
    if name == "solved":
        return []
    column = pl.col(name).cast(pl.Float64).fill_nan(None)
    if measure.spent is None:
        return [column.median().alias(f"{name}/median"), *_quartiles(name, column)]
    # A cell that did not get there stands above all others, at no value.
    ends = _quartiles(name, column.fill_null(math.inf))
    return [*ends, column.alias(f"{name}/reached"), given(measure.spent).alias(f"{name}/given")]


def _quartiles(name: str, column: pl.Expr) -> list[pl.Expr]:
    ends = (("low", 0.25), ("high", 0.75))
    return [column.quantile(q, "linear").alias(f"{name}/{end}") for end, q in ends]


def _measured(row: dict[str, Any], measure: Measure) -> list[Any]:
    name, more = measure.column, False
    if name == "solved":
        solved, seeds = row["/solved"], row["/seeds"]
        return [*map(_short, (solved / seeds, *wilson(solved, seeds))), False]
    if measure.spent is None:
        value = row[f"{name}/median"]
    else:
        value, more = threshold_median(row[f"{name}/reached"], row[f"{name}/given"])
    return [*map(_short, (value, row[f"{name}/low"], row[f"{name}/high"])), more]


def _short(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _differs(found: Sequence[Sequence[Any]]) -> bool:
    """Whether there is anything to see: a number that is not the same everywhere, or one alone."""
    values = {(value, more) for value, _, _, more in found if value is not None}
    return len(values) > 1 or (len(values) == 1 and len(found) == 1)
