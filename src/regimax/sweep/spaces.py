"""Values of an axis: evenly spaced, drawn, or of some regimes only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regimax.errors import UserError
from regimax.types import count, is_finite, number

DIGITS = 6
"""Significant digits of what is spaced or drawn: a label that can be read, and typed again."""
MOST = 1_000_000
"""Values of an axis, seeds, points of a grid, cells of a sweep: more would take hours to plan and hold no run."""
Draw = Callable[[np.random.Generator], float | int]
"""Draws one value."""


@dataclass(frozen=True)
class Only:
    """Values of an axis that some regimes have, and the others have not.

    Attributes:
      regimes: their names.
      values: those of the axis, in any of its forms.
    """

    regimes: tuple[str, ...]
    values: Any


def only(regimes: str | Sequence[str], values: Any) -> Only:
    """Returns an axis of some regimes: the others are run once, whatever its values, and have no label there.

    Without it, every regime has a row for each value, also those that do not read it.

    Args:
      regimes: the name of a regime, or names.
      values: what the axis is given without it: values, or labels with what each stands for.

    Example:
      >>> import regimax as rx
      >>> sweep = rx.Sweep(
      ...     world=rx.envs.Cipher(symbols=3, skills=2, length=2),
      ...     regimes=[rx.regimes.pure_rl(updates=20), rx.regimes.pretrain_rl(updates=(20, 20))],
      ...     axes={"pretrain.updates": rx.only("pretrain_rl", [20, 40])},
      ...     seeds=2,
      ... )
      >>> from regimax.sweep.axes import points
      >>> [(point.regimes, point.labels) for point in points(sweep)]
      [(('pure_rl',), {}), (('pretrain_rl',), {'pretrain.updates': 20}), (('pretrain_rl',), {'pretrain.updates': 40})]
    """
    return Only((regimes,) if isinstance(regimes, str) else tuple(regimes), values)


def log_space(low: float, high: float, n: int) -> list[float]:
    """Returns values with equal ratios, both ends included, in six significant digits.

    Args:
      low: the first, above 0.
      high: the last, above `low`.
      n: how many, at least 2.

    Raises:
      UserError: for anything else.

    Example:
      >>> log_space(1e-4, 1e-1, 4)
      [0.0001, 0.001, 0.01, 0.1]
    """
    low, high = _ends("log_space", low, high, positive=True)
    return [_rounded(value) for value in np.geomspace(low, high, _few(n, "log_space: n", 2))]


def lin_space(low: float, high: float, n: int) -> list[float]:
    """Returns values with equal differences, both ends included, in six significant digits.

    Args:
      low: the first.
      high: the last, above `low`.
      n: how many, at least 2.

    Raises:
      UserError: for anything else.

    Example:
      >>> lin_space(0, 0.9, 4)
      [0.0, 0.3, 0.6, 0.9]
    """
    low, high = _ends("lin_space", low, high)
    return [_rounded(value) for value in np.linspace(low, high, _few(n, "lin_space: n", 2))]


def log_uniform(low: float, high: float) -> Draw:
    """Returns what draws a number whose logarithm is uniform between those of `low`, above 0, and `high`."""
    low, high = _ends("log_uniform", low, high, positive=True)
    return lambda rng: _rounded(math.exp(rng.uniform(math.log(low), math.log(high))))


def uniform(low: float, high: float) -> Draw:
    """Returns what draws a number that is uniform between `low` and `high`."""
    low, high = _ends("uniform", low, high)
    return lambda rng: _rounded(rng.uniform(low, high))


def integers(low: int, high: int) -> Draw:
    """Returns what draws a whole number from `low` to `high`, both included."""
    ends = _ends("integers", low, high)
    if not all(isinstance(end, int) for end in ends):
        raise UserError(f"integers: {low!r} and {high!r} are not whole numbers")
    return lambda rng: int(rng.integers(ends[0], ends[1], endpoint=True))


def sample(n: int, seed: int, spaces: Mapping[str, Draw]) -> dict[Any, list[Any]]:
    """Draws settings that go together, for random search: an axis of a sweep.

    Args:
      n: how many points.
      seed: of the draws: the same seed, the same points, and with more points the first are the same.
      spaces: what draws each setting, by dotted name.

    Returns:
      one entry for `Sweep.axes`: the names, and a tuple of values for each point.

    Raises:
      UserError: if there is nothing to draw.

    Example:
      >>> axis = sample(2, 0, {"rl.learning_rate": log_uniform(1e-4, 1e-1), "world.looks": integers(1, 32)})
      >>> list(axis)
      [('rl.learning_rate', 'world.looks')]
      >>> len(axis["rl.learning_rate", "world.looks"])
      2
    """
    if not spaces:
        raise UserError("sample: no settings to draw")
    wrong = [name for name, draw in spaces.items() if not callable(draw)]
    if wrong:
        raise UserError(f"sample: {wrong[0]} = {spaces[wrong[0]]!r} draws nothing; give log_uniform(low, high)")
    rng = np.random.default_rng(count(seed, "sample: seed", 0))
    points = [tuple(draw(rng) for draw in spaces.values()) for _ in range(_few(n, "sample: n"))]
    return {tuple(spaces): points} if len(spaces) > 1 else {next(iter(spaces)): [point[0] for point in points]}


def check_number(found: int, what: str) -> None:
    """Refuses more than `MOST` of something."""
    if found > MOST:
        raise UserError(f"{found:,} {what}: more than {MOST:,} are not planned")


def _few(n: Any, where: str, least: int = 1) -> int:
    found = count(n, where, least)
    check_number(found, "values")
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _ends(what: str, low: Any, high: Any, positive: bool = False) -> tuple[Any, Any]:
    low, high = number(low), number(high)
    if not (is_finite(low) and is_finite(high)) or low >= high:
        raise UserError(f"{what}: {low!r} must be a number below {high!r}")
    if positive and low <= 0:
        raise UserError(f"{what}: {low!r} is not above 0, and has no logarithm")
    return low, high
