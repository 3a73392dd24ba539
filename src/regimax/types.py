"""The ground floor: array aliases, settings, and the records that flow between rooms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import jax

from regimax.errors import UserError

Array = jax.Array
PyTree = Any
Params = dict[str, Any]
"""Network parameters: one named subtree per part (``trunk``, ``policy``, ``value``, …)."""
HParams = Mapping[str, Array]
"""Traced scalars by name: exactly those settings that a phase declared."""
Metrics = dict[str, Array]
"""Float scalars by name, reduced inside the scan."""
Spec = tuple[Any, ...]
"""What a part is: a nested tuple of primitives, comparable and the same in every process."""


PREDICTION, EXPERIENCE, REINFORCEMENT = KINDS = ("prediction", "experience", "reinforcement")
"""What FLOPs are spent on: fitting a predictor or model; acting, and the world's own steps; all else."""


def spent_on(kind: str) -> AbstractContextManager[Any]:
    """Marks what is traced inside as spent on a kind, for :func:`regimax.probes.split_flops`. It computes nothing."""
    return jax.named_scope(f"regimax.{kind}")


class Setting(NamedTuple):
    """A traced scalar that a part declares.

    Attributes:
      name: its name; a phase prefixes those of its learner with its own name.
      default: the value when nobody sets it.
      low: the smallest allowed value.
      high: the largest allowed value.
      doc: one line, with the unit.
      integer: whether only whole numbers are allowed (then traced as int32, else as float32).
      open_low: whether `low` itself is not allowed.
      open_high: whether `high` itself is not allowed.
    """

    name: str
    default: float
    low: float
    high: float
    doc: str
    integer: bool = False
    open_low: bool = False
    open_high: bool = False

    def bounds(self) -> str:
        """Returns the allowed values in words, for example "a number in [0, 1]"."""
        kind = "a whole number" if self.integer else "a number"
        left, right = "(" if self.open_low else "[", ")" if self.open_high or self.high == float("inf") else "]"
        return f"{kind} in {left}{self.low:g}, {self.high:g}{right}"

    def check(self, value: Any, where: str) -> float | int:
        """Returns `value` as the int or float it will be traced as.

        Raises:
          UserError: if it is not a number, not whole where it must be, or out of range.
        """
        value = value.item() if getattr(value, "ndim", None) == 0 else value
        if not isinstance(value, int | float) or not math.isfinite(value) or (self.integer and value != int(value)):
            raise UserError(f"{where} = {value!r} is not {self.bounds()}")
        low_ok = value > self.low if self.open_low else value >= self.low
        high_ok = value < self.high if self.open_high else value <= self.high
        if not (low_ok and high_ok):
            raise UserError(f"{where} = {value:g} is out of range: {self.bounds()}")
        return int(value) if self.integer else float(value)


class Field(NamedTuple):
    """A segment of a flat observation.

    Attributes:
      name: what it shows.
      size: its width in the observation, in numbers.
      categorical: whether it is a one-hot code (all zeros where nothing is shown) or real-valued.
    """

    name: str
    size: int
    categorical: bool = True


class Trajectory(NamedTuple):
    """`T` steps of `E` streams, time-major.

    Attributes:
      obs_tm1: `[T, E, D]` the observation before each action.
      first_tm1: `[T, E]` 1 where that observation opens an episode.
      a_tm1: `[T, E]` int32, the action taken (or seen taken by another).
      r_t: `[T, E]` what the learner was paid, reward units, after the channels.
      discount_t: `[T, E]` in {0, 1}, 0 where the episode terminated.
      truncated_t: `[T, E]` in {0, 1}, 1 where it was cut short instead.
      obs_t: `[T, E, D]` the observation after each action, before any reset.
      mask_tm1: `[T, E]` 1 where the step counts (0 for padding).
      carry: the network's memory before the first step, leaves `[E, ...]`.
      extras: what the policy recorded at each step, leaves `[T, E]`.
    """

    obs_tm1: Array
    first_tm1: Array
    a_tm1: Array
    r_t: Array
    discount_t: Array
    truncated_t: Array
    obs_t: Array
    mask_tm1: Array
    carry: PyTree
    extras: dict[str, Array]
