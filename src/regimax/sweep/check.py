"""What a sweep says, checked against itself and against what its regimes read, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from regimax.errors import UserError, unknown
from regimax.regimes import Regime
from regimax.sweep import block, optimization, table
from regimax.sweep.axes import Point, columns, values_of, words, written
from regimax.sweep.cost import Cost
from regimax.sweep.spaces import Only
from regimax.sweep.spec import Choice, Sweep
from regimax.types import Setting, number


def check_form(sweep: Sweep) -> None:
    """Refuses choices that are none, numbers that no sweep can have, and regimes that are none or share a name.

    Raises:
      UserError: with the first of them.
    """
    for choice in sweep.choices:
        if not isinstance(choice, Choice) or not all(isinstance(of, Mapping) for of in (choice.settings, choice.where)):
            raise UserError(f"choices holds {choice!r}: give regimax.Choice(regime, settings, where)")
    block.check(sweep.block)
    optimization.check(sweep.optimization)
    optimization.check_numerics(sweep)
    threshold, consecutive = sweep.threshold, sweep.consecutive
    right = isinstance(threshold, int | float) and 0 < threshold <= 1 and isinstance(consecutive, int)
    if not right or consecutive < 1:
        raise UserError("threshold must be in (0, 1] and consecutive at least 1")
    for regime in (*sweep.regimes, *sweep.unused):
        if not isinstance(regime, Regime):
            raise UserError(f"regimes holds {regime!r}: give regimes, for example regimax.regimes.pure_rl()")
    names = [regime.name for regime in sweep.regimes]
    if not names:
        raise UserError("regimes is empty: give at least one")
    if len(set(names)) < len(names):
        raise UserError(f"regimes need different names, found {names}")


def check_names(sweep: Sweep, known: Iterable[str], more: Callable[[], set[str]]) -> None:
    """Refuses names of settings that no regime reads.

    Args:
      sweep: the sweep.
      known: settings and budgets of the regimes that are run.
      more: gives those of the regimes that are not; only asked where a name is not among `known`.

    Raises:
      UserError: with the nearest name.
    """
    flat = [name for axis, values in sweep.axes.items() for name, _ in written(axis, values)]
    chosen = [name for choice in sweep.choices for name in choice.settings]
    kinds = [("axis", flat), ("setting", list(sweep.settings)), ("chosen setting", chosen)]
    names = set(known)
    for kind, found in (*kinds, ("derived setting", list(sweep.derived))):
        for name in found:
            if name not in names:
                names |= more()
            if name not in names:
                raise unknown(kind, name, sorted(names))


def check_axes(sweep: Sweep) -> None:
    """Refuses an axis of some regimes that are not there.

    Raises:
      UserError: with the nearest name.
    """
    names = [regime.name for regime in (*sweep.regimes, *sweep.unused)]
    for axis, values in sweep.axes.items():
        for name in values.regimes if isinstance(values, Only) else ():
            if name not in names:
                raise unknown(f"regime of the axis {words(axis)!r}:", name, names)


def check_writers(sweep: Sweep) -> None:
    """Refuses a setting that two axes write, or an axis and something else that would hide it.

    Raises:
      UserError: that names both.
    """
    writers: dict[str, str] = {}
    shown: dict[str, str] = {}
    for axis, values in sweep.axes.items():
        this = f"the axis {words(axis)!r}"
        for column in columns(axis):
            if column in shown:
                raise UserError(f"two axes fill the column {column!r}: {shown[column]} and {this}")
            shown[column] = this
        for name, always in written(axis, values):
            if name in writers:
                raise UserError(f"{name!r} is set by {writers[name]} and by {this}: leave it to one of them")
            writers[name] = this
            if name in sweep.settings and always:
                raise UserError(f"{name!r} is set by {this} and in settings: leave it to one of them")
            if name in sweep.derived:
                raise UserError(f"{name!r} is set by {this} and derived: leave it to one of them")


def check_values(sweep: Sweep, settings: Mapping[str, Setting]) -> None:
    """Refuses two values of an axis that are one number once they are traced.

    Args:
      sweep: the sweep.
      settings: those of all regimes; what is not among them is a budget.

    Raises:
      UserError: that names both.
    """
    for axis, given in sweep.axes.items():
        values = values_of(given)
        if isinstance(values, Mapping):
            continue
        real = [name in settings and not settings[name].integer for name in columns(axis)]
        seen: dict[tuple[Any, ...], Any] = {}
        for value in values:
            row = tuple(number(part) for part in (value if isinstance(axis, tuple) else (value,)))
            if not all(isinstance(part, int | float) and abs(part) < 1e38 for part in row):
                continue  # told by the setting itself, with what it allows
            same = tuple(float(np.float32(part)) if r else part for part, r in zip(row, real, strict=True))
            if same in seen:
                raise UserError(
                    f"axis {words(axis)!r} repeats a value: {seen[same]!r} and {value!r} are the same in float32"
                )
            seen[same] = value


def check_columns(sweep: Sweep) -> None:
    """Refuses an axis that would fill a column of the results.

    Raises:
      UserError: that names the axis.
    """
    if not sweep.axes:
        return
    taken = table.columns(Cost._fields)
    for axis in sweep.axes:
        for column in columns(axis):
            if column in taken:
                raise UserError(f"axis {column!r}: the results have a column of that name; give the axis another")
            if "/" in column or "\n" in column or not column:
                raise UserError(f"axis {column!r}: a column's name is a word or two, without a slash")


def check_choices(sweep: Sweep, grid: list[Point]) -> None:
    """Refuses choices for regimes, columns or labels that the sweep does not have.

    Raises:
      UserError: with what there is.
    """
    names = [regime.name for regime in (*sweep.regimes, *sweep.unused)]
    columns = {column: None for point in grid for column in point.labels}
    labels: dict[str, dict[Any, None]] = {}
    for choice in sweep.choices:
        if choice.regime not in names:
            raise unknown("regime of a choice", choice.regime, names)
        for column, found in choice.where.items():
            if column not in columns:
                raise unknown("axis of a choice", column, columns)
            if column not in labels:
                labels[column] = dict.fromkeys(point.labels[column] for point in grid if column in point.labels)
            if number(found) not in labels[column]:
                raise UserError(
                    f"choice for {choice.regime!r}: {column!r} is never {found!r}, only one of {list(labels[column])}"
                )


def check_points(grid: list[Point]) -> None:
    """Refuses two points whose labels read the same, such as 1 and "1".

    Raises:
      UserError: that names them.
    """
    seen: set[tuple[str, Any]] = set()
    for point in grid:
        if (name := (point.name(), point.regimes)) in seen:
            raise UserError(f"two points of the axes are both called {name[0]!r}: give them other labels")
        seen.add(name)
