"""The points of a grid: what its axes set, and what they show."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from regimax.errors import UserError
from regimax.sweep.spaces import Only, check_number
from regimax.sweep.spec import Axis, Sweep
from regimax.types import number, shown


class Point(NamedTuple):
    """A point of the axes.

    Attributes:
      labels: what each axis shows in tables, by column name.
      settings: what it sets, by dotted name.
      regimes: the names of those that have it; all of them where no axis is of some only.
    """

    labels: dict[str, Any]
    settings: dict[str, Any]
    regimes: tuple[str, ...] | None = None

    def of(self, regime: str) -> bool:
        """Returns whether a regime has it."""
        return self.regimes is None or regime in self.regimes

    def name(self) -> str:
        """Returns its labels in words, such that no two points have the same unless their labels are."""
        return ", ".join(f"{name}={label(value)}" for name, value in self.labels.items())


def label(value: Any) -> str:
    """Returns what stands for a value of an axis: a number in as few digits as name it and no other."""
    return shown(value) if isinstance(value, float) else str(value)


def points(sweep: Sweep) -> list[Point]:
    """Returns the product of the axes, the last varying fastest; of each group of regimes that has axes of its own.

    Raises:
      UserError: for an empty axis, a repeated value, values of another form than the axis's key, or a million points.
    """
    choices = {name: _choices(name, values_of(values)) for name, values in sweep.axes.items()}
    groups = _groups(sweep)
    check_number(sum(math.prod(len(choices[name]) for name in axes) for axes in groups), "points of the axes")
    common = {name: number(value) for name, value in sweep.settings.items()}
    found = []
    for axes, regimes in groups.items():
        for combination in itertools.product(*(choices[name] for name in axes)):
            labels, settings = {}, dict(common)
            for point in combination:
                labels |= point.labels
                settings |= point.settings
            found.append(Point(labels, settings, regimes))
    return found


def values_of(axis: Axis) -> Sequence[Any] | Mapping[str, Mapping[str, float]]:
    """Returns the values of an axis, whichever regimes it is of."""
    return axis.values if isinstance(axis, Only) else axis


def _groups(sweep: Sweep) -> dict[tuple[str | tuple[str, ...], ...], tuple[str, ...] | None]:
    """The axes that regimes have, with those that have the same; None stands for all."""
    if not any(isinstance(values, Only) for values in sweep.axes.values()):
        return {tuple(sweep.axes): None}
    groups: dict[tuple[str | tuple[str, ...], ...], tuple[str, ...]] = {}
    for regime in sweep.regimes:
        axes = tuple(
            name for name, axis in sweep.axes.items() if not isinstance(axis, Only) or regime.name in axis.regimes
        )
        groups[axes] = (*groups.get(axes, ()), regime.name)
    return dict(groups)


def words(axis: str | tuple[str, ...]) -> str:
    """Returns an axis's key in words."""
    return ", ".join(axis) if isinstance(axis, tuple) else str(axis)


def columns(axis: str | tuple[str, ...]) -> tuple[str, ...]:
    """Returns the columns that an axis fills."""
    return axis if isinstance(axis, tuple) else (axis,)


def written(axis: str | tuple[str, ...], values: Axis) -> Iterator[tuple[str, bool]]:
    """Yields the settings that an axis writes, each with whether it does at every one of its values."""
    values = values_of(values)
    if not isinstance(values, Mapping):
        yield from ((name, True) for name in columns(axis))
        return
    for name in dict.fromkeys(name for settings in values.values() for name in settings):
        yield name, all(name in settings for settings in values.values())


def _choices(name: str | tuple[str, ...], values: Any) -> list[Point]:
    where = f"axis {words(name)!r}"
    array = getattr(values, "ndim", 0) > 0  # NumPy's or JAX's
    if isinstance(values, str) or not (array or isinstance(values, Sequence | Mapping)):
        raise UserError(f"{where}: {values!r} is not a list of values")
    if len(values) == 0:
        raise UserError(f"{where} is empty: give at least one value")
    if isinstance(values, Mapping):
        if not isinstance(name, str) or "." in name:
            raise UserError(f"{where}: labels need an axis name of your own, without a dot")
        for key, settings in values.items():
            if not isinstance(number(key), str | int | float) or not isinstance(settings, Mapping):
                raise UserError(f"{where}: {key!r}: {settings!r} is not a label with the settings it stands for")
        _different(where, map(number, values))
        return [
            Point({name: number(key)}, {one: number(value) for one, value in settings.items()})
            for key, settings in values.items()
        ]
    if not isinstance(name, tuple):
        numbers = [number(value) for value in values]
        _different(where, numbers)
        return [Point({name: value}, {name: value}) for value in numbers]
    rows = []
    for value in values:
        if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != len(name):
            raise UserError(f"{where}: {value!r} does not hold {len(name)} values")
        rows.append(tuple(number(part) for part in value))
    _different(where, rows)
    return [Point(dict(zip(name, row, strict=True)), dict(zip(name, row, strict=True))) for row in rows]


def _different(where: str, values: Iterable[Any]) -> None:
    """Refuses a value that stands twice, or that nothing can be told apart by."""
    seen: set[Any] = set()
    for value in values:
        try:
            twice = value in seen
        except TypeError:
            raise UserError(f"{where}: {value!r} is not a number") from None
        if twice:
            raise UserError(f"{where} repeats a value: {value!r}")
        seen.add(value)
