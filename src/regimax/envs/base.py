"""What every world promises.

A world is gymnax-like, but it never resets itself: the rollout does that, in one place. A world object holds static
sizes and the defaults of its settings; everything numeric is traced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from regimax.errors import UserError
from regimax.types import (
    ActionRange,
    Array,
    Field,
    HParams,
    PyTree,
    Setting,
    Spec,
    Trajectory,
    action_range,
    traced_settings,
)


@runtime_checkable
class Environment(Protocol):
    """A world with known concepts.

    Attributes:
      name: its short name.
      spec: what it is, static sizes included, defaults of traced settings not.
      settings: the traced settings with their defaults; names start with ``world.``.
      task_reads: names of the settings that `init` may read.
      fields: the segments of an observation, in order; `D` is the sum of their sizes.
      num_actions: `A`, padded; where actions are numbers, how many are in one, see :class:`ContinuousActions`.
      horizon: the longest episode, in steps.
      truncates: whether `step` may ever return `truncated`, which it does at the horizon only.
      reward_range: smallest and largest reward of one step, reward units.
    """

    name: str
    spec: Spec
    settings: tuple[Setting, ...]
    task_reads: tuple[str, ...]
    fields: tuple[Field, ...]
    num_actions: int
    horizon: int
    truncates: bool
    reward_range: tuple[float, float]

    def init(self, key: Array, settings: HParams) -> PyTree:
        """Draws the hidden structure of one world. Returns its params.

        `settings` are traced scalars by name, those of `task_reads`; see :func:`default_settings`.
        """
        ...

    def reset(self, key: Array, params: PyTree, previous: PyTree = None) -> tuple[Array, PyTree]:
        """Opens an episode. Returns obs `[D]` and state; `previous` is the last episode's state."""
        ...

    def step(
        self, key: Array, state: PyTree, action: Array, params: PyTree
    ) -> tuple[Array, PyTree, Array, Array, Array, dict[str, Array]]:
        """Returns obs `[D]`, state, reward, terminated, truncated, info.

        `info` holds `outcome` (the part of the reward that is paid for the whole episode, at its end) and `success`
        (1 at the last step of an episode that counts as solved, else 0). A world that does not, or not always, pay for
        whole episodes adds `has_outcome`, 0 where it does not: there no outcome can be lost. A world with an attribute
        `augmented_views` that is true adds `augmented_view` `[D]`: another look at what was just answered, which no
        policy sees.
        """
        ...

    def concepts(self, state: PyTree, params: PyTree) -> Array:
        """Returns int32 `[C]`, the concepts at work in this state, −1 where there is none."""
        ...

    def legal(self, params: PyTree) -> Array:
        """Returns bool `[A]`, the actions that exist in this world."""
        ...

    def describe(self, settings: Mapping[str, float]) -> Mapping[str, Any]:
        """Returns the known numbers of the world at these settings.

        Keys: `concepts` (their number), `optimal_return` (reward units), `random_success` (probability),
        `min_reward_bits_scratch` and `min_reward_bits_stream` (bits that rewards must still tell without and with the
        stream), `observation_bits`, `stream_bits` and `action_bits` (nominal, per step), `episode_steps`. NaN stands
        for what is not known. A world that pays for steps, not for whole episodes, adds `paid_steps`, how many of an
        episode it pays for. Where it is known also `concept_bits` and `stream_concept_bits`: the entropy of the
        concepts at work in the learner's own episodes, the largest that any behaviour gives them, and in the stream,
        bits per step; no signal tells more about them.
        """
        ...

    def unpadded(self, settings: Mapping[str, float]) -> Environment:
        """Returns this world without padding, for counting what a cell needs by itself.

        A size that is not among `settings`, because the phase does not read it, stays padded.
        """
        ...


@runtime_checkable
class ContinuousActions(Protocol):
    """A world whose actions are numbers, not one of several.

    `step` is given float32 `[N]` within their range, `num_actions` is N, and `legal` is true for all of them. Nominally
    an action tells 24 bits for each number (`action_bits` of `describe`).

    Attributes:
      action_range: what they lie in; None, as if it were not there, where actions are one of several.
    """

    action_range: ActionRange | None


@runtime_checkable
class Halved(Protocol):
    """A world whose surface forms can be split, so that a probe is fitted on some and asked about others."""

    def halves(self, params: PyTree) -> tuple[PyTree, PyTree]:
        """Returns the params of the same world with half of its surface forms, and with the others."""
        ...


@runtime_checkable
class HeldOut(Protocol):
    """A world that keeps something back from learning, so that concepts must hold for what was never seen."""

    def unseen(self, params: PyTree) -> PyTree:
        """Returns the params of the same world, or of its stream, that show what learning is not shown.

        Evaluations are played there, see :func:`unseen`.
        """
        ...


@runtime_checkable
class HandMade(Protocol):
    """A world that people could make a model of, one that knows a part of its concepts.

    Attributes:
      model_settings: the traced settings of such a model with their defaults; names start with ``world.``.
    """

    model_settings: tuple[Setting, ...]

    def hand_made(self, key: Array, params: PyTree, settings: HParams) -> PyTree:
        """Returns params of the world with which `step` goes as the model says, and `reset` is not asked."""
        ...


@runtime_checkable
class Streams(Protocol):
    """A world that also has a reward-free stream: transcripts of others, or whatever passes by.

    Attributes:
      stream_reads: names of the settings that `stream_init` may read; the task's are not among them.
      stream_fields: names of the fields that a predictor of the stream is asked for.
      stream_steps: `T`, steps of a transcript.
      stream_acts: whether it shows what others do, which a predictor is then asked for too.
    """

    stream_reads: tuple[str, ...]
    stream_fields: tuple[str, ...]
    stream_steps: int
    stream_acts: bool

    def stream_init(self, key: Array, settings: HParams) -> PyTree:
        """Draws the hidden structure, the same as `init` draws from the same key. Returns the stream's params."""
        ...

    def transcript(self, key: Array, params: PyTree) -> Trajectory:
        """Returns one transcript: fields without the `E` axis, `T` = stream_steps, masked."""
        ...


@runtime_checkable
class Lifetimes(Protocol):
    """A world of sequences that ask, part of which lasts from one to the next, drifting, for as long as a life.

    Attributes:
      max_stable: pairs, at most, that last.
      max_dynamic: pairs, at most, of one sequence alone.
      max_queries: Q, queries of a sequence, at most.
      life_reads: names of the settings that `born` may read.
      redraw_reads: names of the settings that `fresh_world` may read.
    """

    max_stable: int
    max_dynamic: int
    max_queries: int
    life_reads: tuple[str, ...]
    redraw_reads: tuple[str, ...]

    def init_lifetime(self, key: Array, settings: HParams) -> PyTree:
        """Draws the hidden structure that a life begins with, the same as `init` draws from the same key."""
        ...

    def drift_step(self, key: Array, params: PyTree) -> PyTree:
        """Returns the hidden structure of the sequence after the one with `params`."""
        ...

    def fresh_world(self, key: Array, settings: HParams, load: int) -> PyTree:
        """Draws the hidden structure of a world that lasts for one sequence, of at most `load` pairs."""
        ...

    def sequence(self, key: Array, params: PyTree, pairs: int, shown: Array, told: bool = False) -> Trajectory:
        """Returns one sequence, answered by somebody who knows, as a transcript: `T` = pairs + Q.

        What lasts is shown where `shown`, `[]` bool, says so; `pairs` is the most that the sequence then shows. With
        `told` what was asked for is shown after the questions, with what was right, in Q more steps. Its extras hold
        ``stable`` `[T]`: 1 at steps about what lasts.
        """
        ...


def action_shape(world: Any) -> tuple[int, ...]:
    """Returns the shape of an action: `[]` of one of several, `[N]` of numbers."""
    within = action_range(world)
    return () if within is None else (len(within.low),)


def abstract_action(world: Any) -> jax.ShapeDtypeStruct:
    """Returns the shape and type of an action: int32 `[]` of one of several, float32 `[N]` of numbers."""
    return jax.ShapeDtypeStruct(action_shape(world), jnp.int32 if action_range(world) is None else jnp.float32)


def discrete_actions(world: Any, name: str) -> int:
    """Returns the number of a world's actions, for those that choose among them.

    Args:
      world: the world.
      name: who chooses, for the message.

    Raises:
      UserError: where its actions are numbers.
    """
    if action_range(world) is not None:
        raise UserError(
            f"{name}: it chooses among several actions, those of {world.name} are numbers; an actor-critic learns there"
        )
    return world.num_actions


def members(promise: type) -> list[str]:
    """Returns the names of what a protocol asks for."""
    own = [name for name, value in vars(promise).items() if callable(value) and not name.startswith("_")]
    return [*promise.__annotations__, *own]


def keeps(world: Any, promise: type) -> bool:
    """Returns whether a world has every member of a protocol.

    One that passes them on by `__getattr__` has them too, which `isinstance` does not see from Python 3.12 on.

    Example:
      >>> from regimax.envs import Lock, Streams
      >>> keeps(Lock(depth=3), Streams)
      True
    """
    return all(hasattr(world, name) for name in members(promise))


def unseen(world: Any, params: PyTree) -> PyTree:
    """Returns the params with which a world is evaluated: those with what it keeps back from learning, if it does.

    Args:
      world: the world.
      params: its hidden structure, or that of its stream, as learning meets it.
    """
    show = getattr(world, "unseen", None)
    return params if show is None else show(params)


def default_settings(world: Any, changes: Mapping[str, Any] | None = None) -> dict[str, Array]:
    """Returns what `init` and `stream_init` of any world read, your own included: traced scalars by name.

    Worlds of regimax have it as a method too: `world.default_settings()`.

    Args:
      world: the world.
      changes: numbers by name, of Python, NumPy or JAX; the other settings are at the world's defaults.

    Returns:
      `[]` int32 or float32 each.

    Raises:
      UserError: for a name that is no setting of the world, or a number that is not allowed.

    Example:
      >>> import jax, regimax as rx
      >>> world = rx.envs.Lock(depth=3, actions=4)
      >>> settings = rx.envs.default_settings(world, {"world.actions": 2})
      >>> bool(world.init(jax.random.key(0), settings).keys.max() < 2)
      True
    """
    return traced_settings(world.settings, changes)
