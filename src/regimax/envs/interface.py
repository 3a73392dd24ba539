"""gymnax's interface to a world: for training loops that know gymnax, PureJaxRL's and rejax's among them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from regimax.envs.base import action_range, default_settings
from regimax.envs.check import check_world
from regimax.errors import UserError
from regimax.ops.trees import select
from regimax.precision import single
from regimax.types import Array, PyTree, number

STEP_VALUES = (5, 6)


@partial(jax.tree_util.register_dataclass, data_fields=["world"], meta_fields=["max_steps_in_episode"])
@dataclass(frozen=True)
class GymnaxParams:
    """One world: what gymnax calls the params of an environment.

    Attributes:
      world: its hidden structure and its settings, as `init` of the world draws them: a tree of arrays. With a leading
        axis in all of them it is as many worlds, over which `jax.vmap` maps.
      max_steps_in_episode: steps after which an episode is cut short, static; the world's horizon by default, where
        all of its episodes are over anyway.
    """

    world: PyTree
    max_steps_in_episode: int

    def replace(self, **changes: Any) -> GymnaxParams:
        """Returns the params with some attributes replaced."""
        return replace(self, **changes)


class GymnaxState(NamedTuple):
    """An episode under way.

    Attributes:
      world: the world's own state.
      time: `[]` int32, steps taken.
      truncated: `[]` bool, whether the step that led here cut the episode short.
    """

    world: PyTree
    time: Array
    truncated: Array


class Discrete(NamedTuple):
    """What gymnax's space of the same name says, where gymnax is not installed: 0 … n − 1."""

    n: int
    shape: tuple[int, ...] = ()
    dtype: Any = jnp.int32

    def sample(self, key: Array) -> Array:
        """Returns `[]` int32, each value alike."""
        return jax.random.randint(key, self.shape, 0, self.n, self.dtype)

    def contains(self, x: Array) -> Array:
        """Returns whether `x` is one of its values."""
        return (x >= 0) & (x < self.n)


class Box(NamedTuple):
    """What gymnax's space of the same name says, where gymnax is not installed: numbers from `low` to `high`."""

    low: float | Array
    high: float | Array
    shape: tuple[int, ...]
    dtype: Any = jnp.float32

    def sample(self, key: Array) -> Array:
        """Returns numbers of the space's shape, uniform where it is bounded."""
        return jax.random.uniform(key, self.shape, self.dtype, self.low, self.high)

    def contains(self, x: Array) -> Array:
        """Returns whether all numbers of `x` are in its range."""
        return jnp.all(x >= self.low) & jnp.all(x <= self.high)


@dataclass(frozen=True)
class GymnaxInterface:
    """A world behind gymnax's interface; made by :func:`as_gymnax`.

    Attributes:
      world: the world.
      step_values: how many values `step` returns, see :func:`as_gymnax`.
    """

    world: Any = field(hash=False)  # an `Environment`; a user's own need not be hashable
    step_values: int = 5

    @property
    def name(self) -> str:
        """The world's short name."""
        return self.world.name

    @property
    def num_actions(self) -> int:
        """`A`, padded; or how many numbers are in an action."""
        return self.world.num_actions

    @single
    def params(self, key: Array, settings: Mapping[str, Any] | None = None) -> GymnaxParams:
        """Draws one world. Under `jax.vmap`, over keys or settings or both, it draws as many as there are.

        Args:
          key: for its hidden structure, the same as a sweep's from ``rx.cell_keys(…).world``.
          settings: numbers by name, for example ``{"world.skills": 2}``; the others are at the world's defaults.

        Raises:
          UserError: for a name that is no setting of the world, or a number that is not allowed.
        """
        values = default_settings(self.world, settings)
        read = {name: values[name] for name in self.world.task_reads}
        return GymnaxParams(self.world.init(key, read), int(number(self.world.horizon)))

    @cached_property
    def default_params(self) -> GymnaxParams:
        """The world of key 0 at the world's default settings."""
        with jax.ensure_compile_time_eval():
            return self.params(jax.random.key(0))

    @single
    @partial(jax.jit, static_argnames=("self",))
    def reset(self, key: Array, params: GymnaxParams | None = None) -> tuple[Array, GymnaxState]:
        """Opens an episode.

        Args:
          key: for what it draws.
          params: the world; `default_params` when None.

        Returns:
          `[D]` float32 the observation, and the state.
        """
        return self.reset_env(key, params)

    @single
    @partial(jax.jit, static_argnames=("self",))
    def step(
        self, key: Array, state: GymnaxState, action: Array | int, params: GymnaxParams | None = None
    ) -> tuple[Any, ...]:
        """Acts, and opens the next episode where this one is over.

        Args:
          key: for what the step and the next episode draw.
          state: where the episode is.
          action: `[]` int32, or `[N]` numbers.
          params: the world; `default_params` when None.

        Returns:
          `[D]` the observation, of the next episode where this one is over; the state; `[]` the reward; `[]` bool,
          done; and `info`, see :func:`as_gymnax`. With six `step_values`, terminated and truncated in the place of
          done.
        """
        params = self.default_params if params is None else params
        key_step, key_reset = jax.random.split(key)
        obs, ended, reward, _, info = self.step_env(key_step, state, action, params)
        terminated, truncated = info["terminated"], info["truncated"]
        done = terminated | truncated
        opening = self.reset_env(key_reset, params, ended)
        obs, state = select(done, opening, (obs, ended))
        ends = (done,) if self.step_values == 5 else (terminated, truncated)
        return obs, state, reward, *ends, info

    @single
    def reset_env(
        self, key: Array, params: GymnaxParams | None = None, previous: GymnaxState | None = None
    ) -> tuple[Array, GymnaxState]:
        """Opens an episode as `reset` does, after the state `previous` of another one: some worlds drift from one on.

        Args:
          key: for what it draws.
          params: the world; `default_params` when None.
          previous: the last state of the episode before; none when None.
        """
        params = self.default_params if params is None else params
        obs, world = self.world.reset(key, params.world, None if previous is None else previous.world)
        return jnp.asarray(obs, jnp.float32), GymnaxState(world, jnp.zeros((), jnp.int32), jnp.zeros((), bool))

    @single
    def step_env(
        self, key: Array, state: GymnaxState, action: Array | int, params: GymnaxParams | None = None
    ) -> tuple[Array, GymnaxState, Array, Array, dict[str, Array]]:
        """Acts without opening the next episode; the arguments are those of `step`.

        Returns:
          `[D]` the observation; the state; `[]` the reward; `[]` bool, done, or with six `step_values` terminated, as
          in gymnax of that version; and `info`.
        """
        params = self.default_params if params is None else params
        within = action_range(self.world)
        action = jnp.asarray(action, jnp.int32) if within is None else within.clip(jnp.asarray(action, jnp.float32))
        obs, world, reward, terminated, truncated, told = self.world.step(key, state.world, action, params.world)
        obs, reward = jnp.asarray(obs, jnp.float32), jnp.asarray(reward, jnp.float32)
        time = state.time + 1
        truncated = (truncated | (time >= params.max_steps_in_episode)) & ~terminated
        info = {
            "has_outcome": jnp.ones((), jnp.float32),
            **told,
            "dense_reward": reward - told["outcome"],
            "discount": 1.0 - terminated.astype(jnp.float32),
            "terminated": terminated,
            "truncated": truncated,
            "final_observation": obs,
        }
        ended = terminated | truncated if self.step_values == 5 else terminated
        return obs, GymnaxState(world, time, truncated), reward, ended, info

    def is_truncated(self, state: GymnaxState, params: GymnaxParams | None = None) -> Array:
        """Returns whether the step that led here cut the episode short, `[]` bool."""
        del params
        return state.truncated

    def action_space(self, params: GymnaxParams | None = None) -> Any:
        """Returns gymnax's `Discrete` over the `A` actions, or its `Box` of numbers, or one like it where gymnax is not
        installed.
        """
        del params
        if (within := action_range(self.world)) is not None:
            low, high = (jnp.asarray(end, jnp.float32) for end in within)
            return _spaces().Box(low, high, (self.num_actions,), jnp.float32)
        return _spaces().Discrete(self.num_actions)

    def observation_space(self, params: GymnaxParams | None = None) -> Any:
        """Returns gymnax's `Box` of `[D]`, in 0 … 1 for one-hot codes, or one like it where gymnax is not installed."""
        del params
        low, high = (0.0, 1.0) if all(part.categorical for part in self.world.fields) else (-math.inf, math.inf)
        return _spaces().Box(low, high, (sum(part.size for part in self.world.fields),), jnp.float32)


class _Spaces(NamedTuple):
    Discrete: Any = Discrete
    Box: Any = Box


def _spaces() -> Any:
    try:
        from gymnax.environments import spaces
    except Exception:  # not installed, or not for this jax
        return _Spaces()
    return spaces


def as_gymnax(world: Any, step_values: int = 5) -> GymnaxInterface:
    """Gives a world gymnax's interface, so that loops written for gymnax train in it.

    ``env.params(key)`` draws one world, ``jax.vmap(env.params)(keys)`` one for each agent; ``env.default_params`` is a
    world that stays the same. `step` opens the next episode by itself, `step_env` and `reset_env` leave that to the
    caller. All of it can be jitted and vmapped, over params too. gymnax need not be installed.

    `info` holds, all `[]` float32 if nothing else is said: ``success``, 1 at the last step of an episode that counts as
    solved; ``outcome``, the part of the reward that is for the whole episode, and ``dense_reward``, the rest;
    ``has_outcome``, 0 where an episode is not paid for as a whole; ``discount``, 0 where the episode terminated;
    ``terminated`` and ``truncated``, bool; ``final_observation`` `[D]`, what was seen before the next episode opened,
    from which the value of a truncated one is bootstrapped; and what else the world tells. Reduce it inside a scan:
    what a scan returns of every step fills memory.

    Args:
      world: from `regimax.envs`, or your own.
      step_values: what `step` returns: 5, observation, state, reward, done and info, as gymnax did before its version
        1, and as PureJaxRL and rejax expect; or 6, with terminated and truncated in the place of done, as gymnax 1.x
        and its wrappers expect.

    Returns:
      the interface, hashable where `jax.jit` needs it to be static.

    Raises:
      UserError: if the world does not keep the promises of `Environment`, or for another number of values.

    Reference:
      Lange, gymnax: a JAX-based reinforcement learning environment library (2022).

    Example:
      >>> import jax, regimax as rx
      >>> env = as_gymnax(rx.envs.Cipher(symbols=3, skills=2, length=2))
      >>> worlds = jax.vmap(env.params)(jax.random.split(jax.random.key(0), 4))
      >>> obs, state = jax.vmap(env.reset, in_axes=(None, 0))(jax.random.key(1), worlds)
      >>> obs.shape == (4, *env.observation_space(worlds).shape)
      True
    """
    if number(step_values) not in STEP_VALUES:
        raise UserError(f"as_gymnax: step_values = {step_values!r} is neither 5 nor 6")
    check_world(world)
    return GymnaxInterface(world, number(step_values))
