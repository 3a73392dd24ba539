"""Worlds of gymnax 1.x. Install them with ``pip install 'regimax[gymnax]'``."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax.numpy as jnp

from regimax.envs.behaviour import random_behaviour
from regimax.errors import UserError, unknown
from regimax.types import Array, Field, HParams, PyTree, Setting, Spec, Trajectory, number


class Known(NamedTuple):
    """What is known of a world that does not say so itself.

    Attributes:
      solved: return of an episode that counts as a success, reward units.
      reward_range: smallest and largest reward of a step, reward units.
    """

    solved: float
    reward_range: tuple[float, float]


KNOWN = {
    "CartPole-v1": Known(475.0, (0.0, 1.0)),
    "Acrobot-v1": Known(-100.0, (-1.0, 0.0)),
    "MountainCar-v0": Known(-110.0, (-1.0, 0.0)),
    "Breakout-MinAtar": Known(28.0, (0.0, 1.0)),
    "DeepSea-bsuite": Known(0.9, (-0.01, 1.0)),
    "MemoryChain-bsuite": Known(1.0, (-1.0, 1.0)),
    "Catch-bsuite": Known(1.0, (-1.0, 1.0)),
}


class State(NamedTuple):
    """An episode under way.

    Attributes:
      env: gymnax's state.
      total: `[]` the return so far, reward units.
    """

    env: PyTree
    total: Array


@dataclass(frozen=True)
class Gymnax:
    """A world of gymnax; made by :func:`make`."""

    id: str
    solved: float
    reward_range: tuple[float, float]
    options: tuple[tuple[str, Any], ...]
    stream_steps: int
    env: Any = field(repr=False, compare=False)
    params: Any = field(repr=False, compare=False)

    settings: tuple[Setting, ...] = ()
    task_reads: tuple[str, ...] = ()
    stream_reads: tuple[str, ...] = ()
    concept_sizes: tuple[int, ...] = ()
    stream_fields = ("observation",)
    stream_acts = False
    truncates = True

    @property
    def name(self) -> str:
        return self.id

    @property
    def spec(self) -> Spec:
        return ("gymnax", self.id, self.solved, self.reward_range, self.options, self.stream_steps)

    @property
    def fields(self) -> tuple[Field, ...]:
        size = math.prod(self.env.observation_space(self.params).shape)
        return (Field("observation", size, categorical=False),)

    @property
    def num_actions(self) -> int:
        return int(self.env.action_space(self.params).n)

    @property
    def horizon(self) -> int:
        return int(self.params.max_steps_in_episode)

    def init(self, key: Array, settings: HParams) -> PyTree:
        """Returns nothing: a world of gymnax hides nothing that differs between worlds."""
        del key, settings
        return ()

    stream_init = init

    def reset(self, key: Array, params: PyTree, previous: State | None = None) -> tuple[Array, State]:
        del params, previous
        obs, state = self.env.reset_env(key, self.params)
        return _flat(obs), State(state, jnp.zeros(()))

    def step(
        self, key: Array, state: State, action: Array, params: PyTree
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        del params
        obs, env, reward, ended, _ = self.env.step_env(key, state.env, action, self.params)  # never resets
        reward = jnp.asarray(reward, jnp.float32).reshape(())
        terminated, truncated = self._ends(env, jnp.asarray(ended, bool).reshape(()))
        new = State(env, state.total + reward)
        success = ((terminated | truncated) & (new.total >= self.solved)).astype(jnp.float32)
        return (
            _flat(obs),
            new,
            reward,
            terminated,
            truncated,
            {
                "outcome": jnp.zeros((), jnp.float32),
                "pays_outcome": jnp.zeros((), jnp.float32),  # every reward is that of its step
                "success": success,
            },
        )

    def _ends(self, env: PyTree, ended: Array) -> tuple[Array, Array]:
        """Whether an episode is terminated and whether it is truncated; gymnax says `ended` of its natural end only."""
        return ended, jnp.asarray(self.env.is_truncated(env, self.params), bool).reshape(()) & ~ended

    def transcript(self, key: Array, params: PyTree) -> Trajectory:
        """The first steps of an episode of random behaviour; its actions are not shown."""
        return random_behaviour(self, key, params)

    def concepts(self, state: State, params: PyTree) -> Array:
        """Returns `[0]`: gymnax says nothing of concepts."""
        del state, params
        return jnp.zeros((0,), jnp.int32)

    def legal(self, params: PyTree) -> Array:
        del params
        return jnp.ones((self.num_actions,), bool)

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        """What is not known is NaN; an episode's steps are at most the horizon."""
        del settings
        names = "concepts optimal_return random_success floor_scratch floor_stream observation_bits stream_bits"
        unknowns = dict.fromkeys(names.split(), math.nan)
        return unknowns | {"action_bits": math.log2(self.num_actions), "episode_steps": float(self.horizon)}

    def unpadded(self, settings: Mapping[str, float]) -> Gymnax:
        del settings
        return self


STREAM_STEPS = 128
"""Steps of a transcript where an episode may be longer and nothing else was asked for."""


def _flat(obs: Array) -> Array:
    return jnp.asarray(obs, jnp.float32).reshape(-1)


def make(
    id: str,
    solved: float | None = None,
    reward_range: tuple[float, float] | None = None,
    stream_steps: int | None = None,
    **options: Any,
) -> Gymnax:
    """Makes a world of gymnax.

    Episodes that are cut short count as truncated, not as terminated, so learners bootstrap from their final
    observation. The unlabelled stream is the world's own observations under random behaviour. Nothing is known of its
    concepts, so there is no `oracle`.

    Args:
      id: gymnax's name of it, for example ``CartPole-v1``; it must have discrete actions.
      solved: return of an episode that counts as a success, reward units; known for some.
      reward_range: smallest and largest reward of a step, which the reward channel quantises; known for some.
      stream_steps: steps of a transcript, the first of an episode; 128, or those of the longest episode if it is
        shorter, when not given.
      **options: fields of gymnax's `EnvParams`, for example ``max_steps_in_episode=200``, and what its class is made
        with, for example ``size=10`` of DeepSea.

    Returns:
      the world.

    Raises:
      UserError: if gymnax is not installed, there is no such world, it has continuous actions, an option does not
        exist, or `solved` or `reward_range` is not known and not given, or an episode or a transcript has no steps.

    Reference:
      Lange, gymnax: a JAX-based reinforcement learning environment library (2022).

    Example:
      >>> make("CartPole-v1").num_actions
      2
    """
    try:
        import gymnax
    except ImportError as error:
        raise UserError(
            f"{id}: gymnax cannot be imported ({error}). Install it with: pip install 'regimax[gymnax]'"
        ) from error

    if id not in gymnax.registered_envs:
        raise unknown("world of gymnax", id, gymnax.registered_envs)
    env, params = gymnax.make(id)
    options = {name: number(value) for name, value in options.items()}
    sizes = {name: value for name, value in options.items() if name in inspect.signature(type(env)).parameters}
    for name, value in sizes.items():
        if not isinstance(value, int | float | str):
            raise UserError(f"{id}: {name} is not a number or a text but of type {type(value).__name__}")
    if sizes:
        env, params = gymnax.make(id, **sizes)
        options = {name: value for name, value in options.items() if name not in sizes}
    if not hasattr(env.action_space(params), "n"):
        raise UserError(f"{id} has continuous actions; learners here need discrete ones")
    world = adapt(Gymnax, id, env, params, KNOWN.get(id), solved, reward_range, stream_steps, options)
    return replace(world, options=tuple(sorted((options | sizes).items())))


def adapt(
    kind: type[Gymnax],
    id: str,
    env: Any,
    params: Any,
    known: Known | None,
    solved: float | None,
    reward_range: tuple[float, float] | None,
    stream_steps: int | None,
    options: Mapping[str, Any],
) -> Gymnax:
    """Puts an environment into the adapter `kind`; the arguments are those of :func:`make`, which also says what it
    raises.
    """
    for name in options:
        if not hasattr(params, name):
            raise unknown(f"option of {id}:", name, list(vars(params)))
    params = params.replace(**options)
    if known is not None:
        solved = known.solved if solved is None else solved
        reward_range = reward_range or known.reward_range
    if solved is None or reward_range is None:
        raise UserError(f"{id}: say when it is solved and what a step pays: solved=…, reward_range=(…, …)")
    low, high = reward_range
    if not low < high:
        raise UserError(f"{id}: reward_range = {reward_range} is not a smaller and a larger number")
    settled = tuple(sorted(options.items()))
    world = kind(id, float(solved), (float(low), float(high)), settled, STREAM_STEPS, env, params)
    if world.horizon < 1:
        raise UserError(f"{id}: an episode of {world.horizon} steps is no episode")
    steps = min(world.horizon, STREAM_STEPS) if stream_steps is None else number(stream_steps)
    world = replace(world, stream_steps=steps)
    Setting("stream_steps", 1, 1, world.horizon, "", integer=True).check(world.stream_steps, f"{id}: stream_steps")
    return world
