"""What every channel promises, and how several become one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from regimax.errors import UserError, unknown
from regimax.precision import single
from regimax.shapes import check_shapes, float32
from regimax.types import Array, HParams, PyTree, Setting, Spec, count, is_finite, number, traced_settings

EXACT = 24
"""Bits per number from which on nothing is rounded: float32 has no more."""


class Signal(NamedTuple):
    """One sample on one stream.

    Attributes:
      value: `[]` a reward or an action (int32), `[N]` a continuous action, `[D]` an observation,
        `[width]` features; what a learner gets where nothing is present is the channel's choice.
      present: `[]` in {0, 1}, whether anything new arrives.
      first: `[]` in {0, 1}, whether this step opens an episode.
      last: `[]` in {0, 1}, whether it closes one.
      legal: `[A]` bool, for decisions: the actions that exist.
      lost: `[]` in {0, 1}, for rewards: whether some of what was due now was lost, so that the value is not all of it.
        That is known to whoever receives it, and another thing than a step at which nothing was due. None is never.

    Example:
      >>> reward = Signal(0.5, present=True, first=False, last=True)
    """

    value: Array
    present: Array
    first: Array
    last: Array
    legal: Array | None = None
    lost: Array | None = None


class Channel(NamedTuple):
    """A pair of pure functions over one stream; the rollout vmaps.

    Attributes:
      place: where it is put: ``sensory`` (what is observed), ``abstraction`` (what the heads of a network see of its
        trunk; without a state and without chance), ``decision`` (what is done), ``outcome`` (the reward for whole
        episodes) or ``reward`` (all rewards).
      init: `(settings, value) -> state`; `value` is an array like those it will carry.
      apply: `(key, state, signal, settings) -> (state, signal)`.
      capacity: `(settings, known) -> bits per step`, nominal. `known` is what the world says of itself, see
        `Environment.describe`, ``dimensions``, the numbers in an observation, and ``features``, those in what the
        heads of the network read.
      settings: the traced settings, named ``<channel>.<setting>``, with their defaults.
      spec: what it is.
      delivered: `(settings, known, due) -> per step`, of so many payments that are due per step how many arrive on
        average; None where all do.
      numbers: of decisions, whether it carries continuous actions `[N]`, and not one of several.

    Example:
      >>> from regimax.channels import sensory
      >>> eyes = sensory()
      >>> settings = eyes.default_settings({"sensory.bits": 1})
      >>> signal = Signal(jnp.array([0.2, 0.9]), present=True, first=True, last=False)
      >>> _, seen = eyes.apply(jax.random.key(0), eyes.init(settings, signal.value), signal, settings)
      >>> print(seen.value)
      [0. 1.]
    """

    place: str
    init: Callable[[HParams, Array], PyTree]
    apply: Callable[[Array, PyTree, Signal, HParams], tuple[PyTree, Signal]]
    capacity: Callable[[Mapping[str, float], Mapping[str, float]], float]
    settings: tuple[Setting, ...]
    spec: Spec
    delivered: Callable[[Mapping[str, float], Mapping[str, float], float], float] | None = None
    numbers: bool = False

    def default_settings(self, changes: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """Returns what `init` and `apply` read: traced scalars by name, at their defaults where nothing is changed.

        Args:
          changes: numbers by name.

        Raises:
          UserError: for a name that the channel does not have, or a number that is not allowed.

        Example:
          >>> from regimax.channels import outcome
          >>> {name: value.item() for name, value in outcome().default_settings({"outcome.erasure": 0.5}).items()}
          {'outcome.episodes': 1, 'outcome.erasure': 0.5, 'outcome.reads_zero': 0}
        """
        return traced_settings(self.settings, changes)


PLACES = ("sensory", "abstraction", "decision", "outcome", "reward")
CARRIED = {"sensory": "D", "abstraction": "... width", "decision": "", "outcome": "", "reward": ""}
"""Axes of what is carried, by place."""


def at_the_door(channel: Channel) -> Channel:
    """Returns the channel with functions that look at what they are given, and take plain numbers for scalars.

    Settings and signals may then be numbers or bools of Python or NumPy, and NumPy's arrays; what is an array of JAX
    already goes through as it is, and nothing is computed otherwise.

    Raises:
      AssertionError: chex's, from the functions, for a signal that is not one sample on one stream.
    """
    axes, where = "N" if channel.numbers else CARRIED[channel.place], f"a channel of the place {channel.place!r}"
    kind = jnp.int32 if channel.place == "decision" and not channel.numbers else jnp.float32

    def read(settings: HParams) -> HParams:
        own = {setting.name: setting for setting in channel.settings if setting.name in settings}
        check_shapes(where, **{name: (settings[name], "") for name in own})
        return {**settings, **{name: own[name].traced(settings[name]) for name in own if _is_plain(settings[name])}}

    def carried(value: Any) -> Array:
        return jnp.asarray(value, kind) if _is_plain(value) else value

    @single
    def init(settings: HParams, value: Array) -> PyTree:
        if channel.place != "abstraction":  # which has no state to make of it
            check_shapes(where, value=(value, axes))
        return channel.init(read(settings), carried(value))

    @single
    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        flags = {name: getattr(signal, name) for name in ("present", "first", "last", "lost")}
        check_shapes(where, value=(signal.value, axes), legal=(signal.legal, "A"))
        check_shapes(where, **{name: (flag, "") for name, flag in flags.items()})
        told = {name: float32(flag) for name, flag in flags.items() if flag is not None}
        legal = None if signal.legal is None else jnp.asarray(signal.legal)
        signal = signal._replace(value=carried(signal.value), legal=legal, **told)
        return channel.apply(key, state, signal, read(settings))

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        return float(channel.capacity(settings, known))

    return channel._replace(init=init, apply=apply, capacity=capacity)


def _is_plain(x: Any) -> bool:
    """Whether something is no array of JAX yet, or one of a session with double precision."""
    return not isinstance(x, jax.Array) or x.dtype.itemsize == 8


def chain(*channels: Channel) -> Channel:
    """Puts channels of one place behind each other.

    Its capacity is that of the narrowest.

    Args:
      *channels: in the order of the signal; their settings need different names.

    Raises:
      UserError: for no channel, channels of different places or kinds of actions, or a setting of the same name in two
        of them.

    Example:
      >>> from regimax.channels import reward
      >>> chain(reward(), reward(name="praise")).spec[0]
      'chain'
    """
    if not channels:
        raise UserError("chain: at least one channel is needed")
    places = sorted({channel.place for channel in channels})
    if len(places) > 1:
        raise UserError(f"chain: channels of different places: {', '.join(places)}")
    if places[0] not in PLACES:
        raise unknown("place of a channel", places[0], PLACES)
    if len({channel.numbers for channel in channels}) > 1:
        raise UserError("chain: channels of one of several actions and of continuous ones")
    settings = tuple(setting for channel in channels for setting in channel.settings)
    names = [setting.name for setting in settings]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"chain: two channels have a setting {name!r}; give one of them another name=…")

    def init(settings: HParams, value: Array) -> PyTree:
        return [channel.init(settings, value) for channel in channels]

    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        state = list(state)
        for i, channel in enumerate(channels):
            state[i], signal = channel.apply(jax.random.fold_in(key, i), state[i], signal, settings)
        return state, signal

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        return min(channel.capacity(settings, known) for channel in channels)

    def delivered(settings: Mapping[str, float], known: Mapping[str, float], due: float) -> float:
        return arriving(channels, settings, known, due)

    spec = ("chain", *(channel.spec for channel in channels))
    return at_the_door(Channel(places[0], init, apply, capacity, settings, spec, delivered, channels[0].numbers))


def arriving(
    channels: Sequence[Channel], settings: Mapping[str, float], known: Mapping[str, float], due: float
) -> float:
    """Returns how many payments per step arrive behind channels, on average, of so many that are due.

    Args:
      channels: in the order of the signal.
      settings: what they read.
      known: what the world says of itself.
      due: payments per step.

    Example:
      >>> from regimax.channels import reward
      >>> settings = {"reward.rate": 1.0, "reward.erasure": 0.75}
      >>> arriving([reward()], settings, {"episode_steps": 4.0}, due=0.25)
      0.0625
    """
    for channel in channels:
        if channel.delivered is not None:
            due = channel.delivered(settings, known, due)
    return due


def check_line(name: str, max_delay: Any) -> int:
    """Returns the length of a delay line as an int.

    Raises:
      UserError: if it is no whole number from 0 on.
    """
    return count(max_delay, f"channel {name!r}: max_delay", least=0)


def check_range(name: str, low: Any, high: Any) -> tuple[float, float]:
    """Returns a range as Python numbers.

    Raises:
      UserError: if it is none.
    """
    low, high = number(low), number(high)
    if not (is_finite(low) and is_finite(high) and low < high):
        raise UserError(f"channel {name!r}: {low!r} … {high!r} is not a range: low must be below high, both finite")
    return low, high


def lost_reads(name: str) -> Setting:
    """Returns the setting that says whether what a channel of reward loses is taken for 0."""
    doc = "whether what is lost reads as 0, so that nobody can tell; else it is known to be missing"
    return Setting(f"{name}.reads_zero", 0, 0, 1, doc, integer=True)


RATE = Setting("rate", 1.0, 0, 1, "samples per step", open_low=True)


def due(clock: Array, first: Array, rate: Array) -> tuple[Array, Array]:
    """Returns whether a sample is due on a clock that starts anew with each episode, whose first step has one.

    Args:
      clock: `[]`, what the last call returned; anything at an episode's first step.
      first: `[]` in {0, 1}, whether this step opens an episode.
      rate: `[]`, samples per step, in (0, 1].

    Returns:
      the clock, and `[]` bool.
    """
    clock = jnp.where(first > 0, 1.0, clock + rate)
    now = clock >= 1.0 - 1e-4  # rounding must not make it late
    return clock - now, now
