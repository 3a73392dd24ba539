"""Worlds of gymnax 1.x. Install them with ``pip install 'regimax[gymnax]'``: gymnax 1.0.1 asks for a jax below 0.12."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from regimax.channels.base import EXACT
from regimax.envs.base import default_settings
from regimax.envs.behaviour import random_behaviour
from regimax.envs.imported import imported
from regimax.envs.interface import GymnaxInterface
from regimax.errors import UserError, unknown
from regimax.types import ActionRange, Array, Field, HParams, PyTree, Setting, Spec, Trajectory, number


class Known(NamedTuple):
    """What is known of a world that does not say so itself.

    Attributes:
      solved: return of an episode that counts as a success, reward units.
      reward_range: smallest and largest reward of a step, reward units.
      measured: steps of an episode of random behaviour, the mean over thousands at the default options; None where it
        is known without measuring, or not at all.
    """

    solved: float
    reward_range: tuple[float, float]
    measured: float | None = None


KNOWN = {
    "CartPole-v1": Known(475.0, (0.0, 1.0), 22.2),
    "Acrobot-v1": Known(-100.0, (-1.0, 0.0), 499.3),
    "MountainCar-v0": Known(-110.0, (-1.0, 0.0), 200.0),
    "Breakout-MinAtar": Known(28.0, (0.0, 1.0), 10.3),
    "DeepSea-bsuite": Known(0.9, (-0.01, 1.0)),
    "MemoryChain-bsuite": Known(1.0, (-1.0, 1.0)),
    "Catch-bsuite": Known(1.0, (-1.0, 1.0)),
    "Pendulum-v1": Known(-200.0, (-(math.pi**2 + 6.404), 0.0)),  # about what is published of episodes on average
    "MountainCarContinuous-v0": Known(90.0, (-0.1, 100.0)),
    "PointRobot-misc": Known(10.0, (0.0, 1.0)),
}

OWN_LENGTH: Mapping[str, Callable[[Any, Any], int]] = {
    "Catch-bsuite": lambda env, params: env.rows - 1,
    "DeepSea-bsuite": lambda env, params: env.size,
    "MemoryChain-bsuite": lambda env, params: params.memory_length + 1,
    "UmbrellaChain-bsuite": lambda env, params: params.chain_length,
    "SimpleBandit-bsuite": lambda env, params: 1,
    "MNISTBandit-bsuite": lambda env, params: 1,
}
"""Steps after which every episode of a world ends by itself, whatever is done; the limit may come before."""

UNENDING = (
    "BernoulliBandit-misc",
    "DiscountingChain-bsuite",
    "Freeway-MinAtar",
    "GaussianBandit-misc",
    "Pendulum-v1",
    "PointRobot-misc",
    "Reacher-misc",
    "Swimmer-misc",
)
"""Worlds whose every episode lasts until the limit."""


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
    """A world of gymnax; made by :func:`make`.

    Attributes:
      id: gymnax's name of it.
      solved: return of an episode that counts as a success, reward units.
      reward_range: smallest and largest reward of a step, reward units.
      options: fields of gymnax's `EnvParams` and of its class that are not at their defaults.
      stream_steps: steps of a transcript.
      episode_steps: steps of an episode on average, which capacities per step are reckoned with.
      episode_steps_are: where that is from: ``known`` (every episode has so many), ``given``, ``measured`` (of random
        behaviour) or ``limit`` (it is not known, and no episode has more).
      env: gymnax's own.
      params: gymnax's `EnvParams`.
    """

    id: str
    solved: float
    reward_range: tuple[float, float]
    options: tuple[tuple[str, Any], ...]
    stream_steps: int
    episode_steps: float
    episode_steps_are: str
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
        numbers = self.solved, self.reward_range, self.options, self.stream_steps, self.episode_steps
        return ("gymnax", self.id, *numbers, self.episode_steps_are)

    def default_settings(self, changes: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """Returns what `init` takes: traced scalars by name, see `envs.default_settings`."""
        return default_settings(self, changes)

    @property
    def fields(self) -> tuple[Field, ...]:
        space = self.env.observation_space(self.params)
        if hasattr(space, "n"):
            return (Field("observation", int(space.n)),)
        return (Field("observation", math.prod(space.shape), categorical=False),)

    @cached_property
    def _actions(self) -> Any:
        with jax.ensure_compile_time_eval():  # the ends of some are arrays, and are asked for while a step is traced
            return self.env.action_space(self.params)

    @property
    def action_range(self) -> ActionRange | None:
        space = self._actions
        if hasattr(space, "n"):
            return None
        ends = (np.broadcast_to(np.asarray(end, np.float64), space.shape).ravel() for end in (space.low, space.high))
        return ActionRange(*(tuple(float(x) for x in end) for end in ends))

    @property
    def num_actions(self) -> int:
        space = self._actions
        return int(space.n) if hasattr(space, "n") else math.prod(space.shape)

    @property
    def limit(self) -> int:
        """Steps after which an episode is cut short."""
        return int(self.params.max_steps_in_episode)

    @property
    def horizon(self) -> int:
        own = OWN_LENGTH.get(self.id)
        return self.limit if own is None else min(int(own(self.env, self.params)), self.limit)

    def init(self, key: Array, settings: HParams) -> PyTree:
        """Returns nothing: a world of gymnax hides nothing that differs between worlds."""
        del key, settings
        return ()

    stream_init = init

    def reset(self, key: Array, params: PyTree, previous: State | None = None) -> tuple[Array, State]:
        del params, previous
        obs, state = self.env.reset_env(key, self.params)
        return self._flat(obs), State(state, jnp.zeros((), jnp.float32))

    def _flat(self, obs: Array) -> Array:
        (field,) = self.fields
        if field.categorical:
            return jax.nn.one_hot(jnp.asarray(obs).reshape(()), field.size, dtype=jnp.float32)
        return jnp.asarray(obs, jnp.float32).reshape(-1)

    def step(
        self, key: Array, state: State, action: Array, params: PyTree
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        del params
        if self.action_range is not None:
            action = action.reshape(self._actions.shape)
        obs, env, reward, ended, told = self.env.step_env(key, state.env, action, self.params)  # never resets
        reward = jnp.asarray(reward, jnp.float32).reshape(())
        terminated, truncated = self._ends(env, jnp.asarray(ended, bool).reshape(()))
        new = State(env, state.total + reward)
        success = ((terminated | truncated) & (new.total >= self.solved)).astype(jnp.float32)
        info = {
            "outcome": jnp.zeros((), jnp.float32),
            "has_outcome": jnp.zeros((), jnp.float32),  # every reward is that of its step
            "success": success,
        }
        info |= {name: told[name] for name in info if name in told}  # gymnax's own worlds tell nothing of these
        return self._flat(obs), new, reward, terminated, truncated, info

    def _ends(self, env: PyTree, ended: Array) -> tuple[Array, Array]:
        """Whether an episode is terminated and whether it is truncated; gymnax says `ended` of its natural end only."""
        return ended, jnp.asarray(self.env.is_truncated(env, self.params), bool).reshape(()) & ~ended

    def transcript(self, key: Array, params: PyTree) -> Trajectory:
        """Returns the first steps of an episode of random behaviour; its actions are not shown."""
        return random_behaviour(self, key, params)

    def concepts(self, state: State, params: PyTree) -> Array:
        """Returns `[0]`: gymnax says nothing of concepts."""
        del state, params
        return jnp.zeros((0,), jnp.int32)

    def legal(self, params: PyTree) -> Array:
        del params
        return jnp.ones((self.num_actions,), bool)

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        """What is not known is NaN; the attribute `episode_steps_are` says where those of an episode are from."""
        del settings
        bounds = "min_reward_bits_scratch min_reward_bits_stream"
        names = f"concepts optimal_return random_success {bounds} observation_bits stream_bits"
        unknowns = dict.fromkeys(names.split(), math.nan)
        steps = dict.fromkeys(("episode_steps", "paid_steps"), self.episode_steps)
        bits = math.log2(self.num_actions) if self.action_range is None else float(EXACT * self.num_actions)
        return unknowns | {"action_bits": bits, **steps}

    def unpadded(self, settings: Mapping[str, float]) -> Gymnax:
        del settings
        return self


STREAM_STEPS = 128
"""Steps of a transcript where an episode may be longer and nothing else was asked for."""


def make(
    id: str,
    solved: float | None = None,
    reward_range: tuple[float, float] | None = None,
    stream_steps: int | None = None,
    episode_steps: float | None = None,
    **options: Any,
) -> Gymnax:
    """Makes a world of gymnax.

    A discrete observation is shown as a one-hot code. Rollouts and evaluations are as long as the longest episode,
    which is the limit, or for worlds known to end every episode earlier their own length. Episodes that are cut short
    count as truncated, not as terminated, so learners bootstrap from their final observation. The unlabelled stream is
    the world's own observations under random behaviour. Where actions are numbers (gymnax's ``Pendulum-v1``,
    ``MountainCarContinuous-v0``, ``PointRobot-misc``, ``Reacher-misc`` and ``Swimmer-misc``) those beyond their range
    are carried out as its ends, and of learners from reward actor-critics alone learn there. Nothing is known of its
    concepts, so there is no `oracle`.

    Args:
      id: gymnax's name of it, for example ``CartPole-v1``.
      solved: return of an episode that counts as a success, reward units; known for some.
      reward_range: smallest and largest reward of a step, over which a reward channel with levels has them; known for
        some.
      stream_steps: steps of a transcript, the first of an episode; 128, or those of the longest episode if it is
        shorter, when not given.
      episode_steps: steps of an episode on average, which the capacities of channels per step are reckoned with; when
        not given they are known for some worlds, measured for others, and the limit for the rest, and
        `episode_steps_are` says which.
      **options: fields of gymnax's `EnvParams`, for example ``max_steps_in_episode=200``, and what its class is made
        with, for example ``size=10`` of DeepSea.

    Returns:
      the world.

    Raises:
      UserError: if gymnax is not installed or fails beside the jax that is, there is no such world, its data cannot be
        loaded, its actions are numbers without bounds, an option does not exist, or `solved` or `reward_range` is not
        known and not given, or an episode or a transcript has no steps or more than the longest.

    Reference:
      Lange, gymnax: a JAX-based reinforcement learning environment library (2022).

    Example:
      >>> make("CartPole-v1").num_actions
      2
    """
    gymnax = imported("gymnax", "gymnax", id, "'regimax[gymnax]' (gymnax 1.0.1 brings a jax below 0.12 along)")
    if id not in gymnax.registered_envs:
        raise unknown("world of gymnax", id, gymnax.registered_envs)
    env, params = _made(id)
    options = {name: number(value) for name, value in options.items()}
    sizes = {name: value for name, value in options.items() if name in inspect.signature(type(env)).parameters}
    for name, value in sizes.items():
        if not isinstance(value, int | float | str):
            raise UserError(f"{id}: {name} is not a number or a text but of type {type(value).__name__}")
    if sizes:
        env, params = _made(id, **sizes)
        options = {name: value for name, value in options.items() if name not in sizes}
    _check_spaces(id, env, params)
    world = adapt(Gymnax, id, env, params, KNOWN.get(id), solved, reward_range, stream_steps, episode_steps, options)
    return replace(world, options=tuple(sorted((options | sizes).items())))


def from_gymnax(
    env: Any,
    params: Any = None,
    solved: float | None = None,
    reward_range: tuple[float, float] | None = None,
    stream_steps: int | None = None,
    episode_steps: float | None = None,
) -> Any:
    """Makes a world of an environment with gymnax's interface: one of your own, or one behind gymnax's wrappers.

    It is asked by its `reset_env`, `step_env` (whose fourth value is the natural end alone, as in gymnax 1.x) and
    `is_truncated`. What it tells in `info` of ``success``, ``outcome`` and ``has_outcome`` is taken; without that a
    success is a return of at least `solved`, and every reward is that of its step. It is otherwise as a world of
    :func:`make`.

    Args:
      env: the environment, with discrete actions or bounded numbers, and the fields `name` and
        ``params.max_steps_in_episode``.
      params: its params; its `default_params` when None.
      solved: return of an episode that counts as a success, reward units.
      reward_range: smallest and largest reward of a step, reward units.
      stream_steps: as in :func:`make`.
      episode_steps: as in :func:`make`.

    Returns:
      the world. Of what :func:`regimax.as_gymnax` made, and no params, it is the world that it was made of: with its
      concepts, and a hidden structure for every seed.

    Raises:
      UserError: if its actions are numbers without bounds, or as :func:`make` does.

    Example:
      >>> import regimax as rx
      >>> world = rx.envs.Lock(depth=3)
      >>> from_gymnax(rx.as_gymnax(world)) is world
      True
    """
    if isinstance(env, GymnaxInterface):
        if params is None:
            return env.world
        env = replace(env, step_values=6)
    params = env.default_params if params is None else params
    _check_spaces(env.name, env, params)
    told = KNOWN.get(env.name)
    return adapt(Gymnax, env.name, env, params, told, solved, reward_range, stream_steps, episode_steps, {})


def _check_spaces(id: str, env: Any, params: Any) -> None:
    actions = env.action_space(params)
    if not hasattr(actions, "n"):
        ends = (getattr(actions, side, math.nan) for side in ("low", "high"))
        if not all(np.isfinite(np.asarray(end)).all() for end in ends):
            raise UserError(f"{id}: its actions are a {type(actions).__name__} without finite bounds")
    space = env.observation_space(params)
    if not hasattr(space, "n") and not hasattr(space, "shape"):
        raise UserError(f"{id} shows a {type(space).__name__}; learners here need numbers or one of several values")


def _made(id: str, **sizes: Any) -> tuple[Any, Any]:
    """Makes gymnax's environment, with its params; one of them downloads its images when it is made."""
    import gymnax

    try:
        return gymnax.make(id, **sizes)
    except (OSError, EOFError) as error:
        raise UserError(f"{id}: gymnax cannot load its data set: {error}") from error
    except Exception as error:  # a size that it does not take, or a jax that it does not know
        raise UserError(f"{id}: gymnax cannot make it beside jax {jax.__version__}: {error}") from error


def adapt(
    kind: type[Gymnax],
    id: str,
    env: Any,
    params: Any,
    known: Known | None,
    solved: float | None,
    reward_range: tuple[float, float] | None,
    stream_steps: int | None,
    episode_steps: float | None,
    options: Mapping[str, Any],
) -> Gymnax:
    """Puts an environment into the adapter `kind`; the arguments are those of :func:`make`, which also says what it
    raises.
    """
    for name in options:
        if not hasattr(params, name):
            raise unknown(f"option of {id}:", name, list(vars(params)))
    # Some of their code takes numbers of the default's type only.
    floats = {name for name in options if isinstance(getattr(params, name), float)}
    params = params.replace(**{name: float(x) if name in floats else x for name, x in options.items()})
    if known is not None:
        solved = known.solved if solved is None else solved
        reward_range = reward_range or known.reward_range
    if solved is None or reward_range is None:
        raise UserError(f"{id}: say when it is solved and what a step pays: solved=…, reward_range=(…, …)")
    low, high = reward_range
    if not low < high:
        raise UserError(f"{id}: reward_range = {reward_range} is not a smaller and a larger number")
    settled = tuple(sorted(options.items()))
    world = kind(id, float(solved), (float(low), float(high)), settled, STREAM_STEPS, 1.0, "limit", env, params)
    longest = world.horizon
    if longest < 1:
        raise UserError(f"{id}: an episode of {longest} steps is no episode")
    steps = min(longest, STREAM_STEPS) if stream_steps is None else number(stream_steps)
    Setting("stream_steps", 1, 1, longest, "", integer=True).check(steps, f"{id}: stream_steps")
    if episode_steps is not None:
        mean, are = Setting("episode_steps", 1, 1, longest, "").check(episode_steps, f"{id}: episode_steps"), "given"
    elif id in OWN_LENGTH or id in UNENDING:
        mean, are = longest, "known"
    elif known is not None and known.measured is not None:
        mean, are = min(known.measured, longest), "measured"
    else:
        mean, are = longest, "limit"
    return replace(world, stream_steps=steps, episode_steps=float(mean), episode_steps_are=are)
