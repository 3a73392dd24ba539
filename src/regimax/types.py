"""The ground floor: array aliases, settings, and the records that flow between rooms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from regimax.errors import UserError, unknown

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


FLOAT32 = float(np.finfo(np.float32).max)
INT32 = 2**31 - 1
"""The largest whole number that is traced; counters of updates among them."""


def number(value: Any) -> Any:
    """Returns the Python number that a scalar of NumPy or JAX stands for; everything else as it is.

    Example:
      >>> number(np.float64(0.5)), number(np.arange(3)[2]), number("half")
      (0.5, 2, 'half')
    """
    scalar = getattr(value, "ndim", None) == 0 and isinstance(
        getattr(value, "dtype", None), np.dtype
    )  # no key of JAX's
    return value.item() if scalar and hasattr(value, "item") and not isinstance(value, Tracer) else value


def count(value: Any, where: str, least: int = 1) -> int:
    """Returns a whole number from `least` on, of Python, NumPy or JAX, as an int.

    Args:
      value: the number.
      where: what it is, for the message, for example "gru: width".
      least: the smallest that is allowed.

    Raises:
      UserError: if it is anything else.
    """
    found = number(value)
    if not isinstance(found, int) or found < least:
        raise UserError(f"{where} = {found!r} is not a whole number {f'above {least - 1}' if least else 'from 0 on'}")
    return int(found)


def is_finite(value: Any) -> bool:
    """Returns whether a value is an int or a float that is neither infinite nor not a number, nor too large for a
    float.
    """
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def shown(value: float) -> str:
    """Returns a number in as few digits as name it, never as another one.

    Example:
      >>> shown(0.1), shown(1e-3), shown(1234567.0), shown(3)
      ('0.1', '0.001', '1234567.0', '3')
    """
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


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

    Example:
      >>> Setting("noisy.sigma", 0.0, 0, 100, "σ, reward units").bounds()
      'a number in [0, 100]'
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
        """Returns `value` as the int or float it stands for, of Python, NumPy or JAX.

        Raises:
          UserError: if it is not a number, not whole where it must be, out of range, or becomes another number once it
            is traced: one beyond int32, infinity, or a bound that is not allowed.
        """
        value = number(value)
        if not is_finite(value) or (self.integer and value != int(value)):
            raise UserError(f"{where} = {value!r} is not {self.bounds()}")
        if not self._inside(value):
            raise UserError(f"{where} = {shown(value)} is out of range: {self.bounds()}")
        if self.integer and abs(value) > INT32:
            raise UserError(f"{where} = {value!r} is out of range: it is traced as int32, up to {INT32}")
        if self.integer:
            return int(value)
        # A bound like 0.9 may itself be a little beyond in float32: only the ends that are open, and infinity, count.
        if self.open_low or self.open_high or abs(value) > FLOAT32:
            with np.errstate(over="ignore"):
                traced = float(np.float32(value))
            low_lost, high_lost = self.open_low and traced <= self.low, self.open_high and traced >= self.high
            if math.isinf(traced) or low_lost or high_lost:
                raise UserError(f"{where} = {value!r} is out of range: in float32 it is {traced:g}: {self.bounds()}")
        return float(value)

    def traced(self, value: Any) -> Array:
        """Returns `value` as it is read by what declares the setting: `[]` int32 for whole numbers, float32 for others.

        Args:
          value: a number of Python or NumPy, or `[]` of JAX, traced or not.

        Raises:
          UserError: for several numbers, a fraction where whole numbers are, or a number that is out of range, as far
            as that is known before anything runs.

        Example:
          >>> Setting("reward.erasure", 0.0, 0, 1, "e").traced(0.5).dtype
          dtype('float32')
        """
        value = number(value)
        if not isinstance(value, jax.Array):
            value = self.check(value, self.name)
        elif value.shape:
            raise UserError(f"{self.name} has the shape {list(value.shape)}, one number is needed: vmap over several")
        elif self.integer and not jnp.issubdtype(value.dtype, jnp.integer):
            raise UserError(f"{self.name} is {value.dtype}, it is {self.bounds()}")
        return jnp.asarray(value, jnp.int32 if self.integer else jnp.float32)

    def _inside(self, value: float) -> bool:
        low_ok = value > self.low if self.open_low else value >= self.low
        high_ok = value < self.high if self.open_high else value <= self.high
        # What was rounded to float32 may be a little beyond the bound that it stands for.
        low_ok = low_ok or (not self.open_low and value == float(np.float32(self.low)))
        high_ok = high_ok or (not self.open_high and value == float(np.float32(self.high)))
        return low_ok and high_ok


def traced_settings(settings: Iterable[Setting], changes: Mapping[str, Any] | None = None) -> dict[str, Array]:
    """Returns settings as those who declare them read them: traced scalars by name.

    Args:
      settings: what is declared.
      changes: numbers by name; the other settings are at their defaults.

    Returns:
      `[]` int32 or float32 each.

    Raises:
      UserError: for a name that nobody declares, several numbers where one is needed, a fraction where whole numbers
        are, or a number that is out of range, as far as that is known before anything runs.

    Example:
      >>> erasure = Setting("reward.erasure", 0.0, 0, 1, "e")
      >>> print(traced_settings([erasure])["reward.erasure"], traced_settings([erasure], {"reward.erasure": 0.5}))
      0.0 {'reward.erasure': Array(0.5, dtype=float32)}
    """
    declared, changes = {setting.name: setting for setting in settings}, {} if changes is None else changes
    if not isinstance(changes, Mapping):
        raise UserError(f"settings = {changes!r} is not a mapping from names to numbers")
    for name in changes:
        if name not in declared:
            raise unknown("setting", name, list(declared))
    return {name: setting.traced(changes.get(name, setting.default)) for name, setting in declared.items()}


class ActionRange(NamedTuple):
    """What continuous actions lie in: each of `N` numbers between two ends.

    Attributes:
      low: the least of each number, in the world's unit.
      high: the largest.

    Example:
      >>> ActionRange(low=(-2.0, 0.0), high=(2.0, 1.0)).clip(jnp.array([3.0, 0.5])).tolist()
      [2.0, 0.5]
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def clip(self, action: Array) -> Array:
        """Returns what of an action `[N]` is carried out: each of its numbers, or the end that it lies beyond."""
        return jnp.clip(action, jnp.asarray(self.low, jnp.float32), jnp.asarray(self.high, jnp.float32))


def action_range(world: Any) -> ActionRange | None:
    """Returns the range of a world's actions; None where they are one of several."""
    return getattr(world, "action_range", None)


class Field(NamedTuple):
    """A segment of a flat observation.

    Attributes:
      name: what it shows.
      size: its width in the observation, in numbers.
      categorical: whether it is a one-hot code (all zeros where nothing is shown) or real-valued.

    Example:
      >>> sum(field.size for field in (Field("symbol", 6), Field("position", 2, categorical=False)))
      8
    """

    name: str
    size: int
    categorical: bool = True


def segments_of(fields: Sequence[Field]) -> dict[str, tuple[bool, slice]]:
    """Returns whether a field is categorical, and where it lies in an observation, by its name.

    Example:
      >>> segments_of([Field("place", 3), Field("speed", 1, categorical=False)])["speed"]
      (False, slice(3, 4, None))
    """
    segments, start = {}, 0
    for field in fields:
        segments[field.name] = (field.categorical, slice(start, start + field.size))
        start += field.size
    return segments


class Trajectory(NamedTuple):
    """`T` steps of `E` streams, time-major.

    Attributes:
      obs_tm1: `[T, E, D]` the observation before each action.
      first_tm1: `[T, E]` 1 where that observation opens an episode.
      a_tm1: `[T, E]` int32, the action taken (or seen taken by another); `[T, E, N]` as it was drawn, be it beyond
        their range, where actions are numbers.
      r_t: `[T, E]` what the learner was paid, reward units, after the channels.
      known_t: `[T, E]` in {0, 1}, 0 where some of the reward that was due did not arrive, so that `r_t` is not all of
        it, or where no reward is shown at all. Whoever learns from rewards learns nothing from such a step's.
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
    known_t: Array
    discount_t: Array
    truncated_t: Array
    obs_t: Array
    mask_tm1: Array
    carry: PyTree
    extras: dict[str, Array]

    @property
    def credit(self) -> Array:
        """`[T, E]` in {0, 1}, 1 where the reward of a step says what its action is worth.

        That is where the step counts, its action was carried out, all of the reward that was due arrived, and the
        episode was not cut short, so that what follows is known.
        """
        carried_out = self.extras.get("decided", 1.0)
        return self.mask_tm1 * self.known_t * carried_out * (1.0 - self.truncated_t)
