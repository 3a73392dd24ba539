"""The world as a model has it that was learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.envs.base import default_settings, discrete_actions
from regimax.networks import Network, NetworkFactory
from regimax.networks.dynamics import dynamics, next_segments
from regimax.shapes import check_shapes
from regimax.types import Array, Field, HParams, Params, PyTree, Setting, Spec


class InitialObservations(NamedTuple):
    """How episodes were seen to begin: a bank of initial observations.

    Attributes:
      obs: `[N, D]`, zeros where none was seen yet.
      seen: `[]` their number, at most N.
      place: `[]` where the next one goes.
    """

    obs: Array
    seen: Array
    place: Array


def no_observations(size: int, num_inputs: int) -> InitialObservations:
    """Returns an empty bank of `size` initial observations `[num_inputs]`."""
    return InitialObservations(jnp.zeros((size, num_inputs)), jnp.zeros(()), jnp.zeros(()))


def remember(bank: InitialObservations, obs: Array, first: Array) -> InitialObservations:
    """Puts into a bank those observations that opened an episode, in the place of the oldest.

    Args:
      bank: of `N`.
      obs: `[M, D]`.
      first: `[M]` 1 where an episode opened; of more than N the first N are taken.
    """
    check_shapes("remember", obs=(obs, "M D"), first=(first, "M"))
    size = bank.obs.shape[0]
    rank = jnp.cumsum(first) - first
    taken = (first > 0) & (rank < size)
    number = jnp.sum(taken)
    place = jnp.where(taken, (bank.place + rank).astype(jnp.int32) % size, size)  # beyond the end: dropped
    return InitialObservations(
        bank.obs.at[place].set(obs, mode="drop"),
        jnp.minimum(bank.seen + number, size),
        (bank.place + number) % size,
    )


class LearnedModelParams(NamedTuple):
    """What a learned model runs on.

    Attributes:
      real: the params of the world itself, for its legal actions and for measurements.
      model: the parameters of the model's network.
      initial: how episodes were seen to begin.
    """

    real: PyTree
    model: PyTree
    initial: InitialObservations


class LearnedModelState(NamedTuple):
    """An episode under way.

    Attributes:
      t: `[]` int32, actions taken.
      obs: `[D]`.
      memory: the network's, leaves `[1, ...]`.
    """

    t: Array
    obs: Array
    memory: PyTree


@dataclass(frozen=True)
class LearnedModel:
    """The world as a learnt model has it.

    Episodes begin as one of those that were seen. One-hot fields and terminations are drawn from what the model
    expects, real-valued fields and rewards are its expectation: where a real-valued observation has many different
    successors, that is none of them. An episode that the model never ends is over after as many steps as the world's
    longest. A success is, here, an episode that ends with more than half of the largest reward.

    Args:
      world: any world.
      network: makes the network of the model.
      initial_observations: those of so many episodes are remembered.

    Raises:
      UserError: for a world whose actions are numbers.
    """

    world: Any
    network: NetworkFactory
    initial_observations: int = 256

    is_model = True

    def __post_init__(self) -> None:
        discrete_actions(self.world, "a learned model")

    @property
    def name(self) -> str:
        return self.world.name

    @property
    def spec(self) -> Spec:
        return ("LearnedModel", self.world.spec, self._net.spec, self.initial_observations)

    @cached_property
    def _net(self) -> Network:
        return dynamics(self.network, self.world)

    @property
    def _num_inputs(self) -> int:
        return sum(field.size for field in self.world.fields)

    @property
    def settings(self) -> tuple[Setting, ...]:
        return self.world.settings

    def default_settings(self, changes: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """Returns what `init` takes: traced scalars by name, see `envs.default_settings`."""
        return default_settings(self, changes)

    @property
    def task_reads(self) -> tuple[str, ...]:
        return self.world.task_reads

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.world.fields

    @property
    def num_actions(self) -> int:
        return self.world.num_actions

    @property
    def horizon(self) -> int:
        return self.world.horizon

    @property
    def truncates(self) -> bool:
        return self.world.truncates

    @property
    def reward_range(self) -> tuple[float, float]:
        return self.world.reward_range

    @property
    def concept_sizes(self) -> tuple[int, ...]:
        """A learned model has no concepts but the learner's own."""
        return ()

    def parts(self, key: Array) -> Params:
        """Returns the parameters of an untrained model: ``model`` and ``initial_observations``."""
        empty = no_observations(self.initial_observations, self._num_inputs)
        return {"model": self._net.init(prng.named(key, "model")), "initial_observations": empty._asdict()}

    def init(self, key: Array, settings: HParams) -> LearnedModelParams:
        """Returns the params of a model that was never trained; a learner puts its own into their place."""
        return self.filled(self.world.init(key, settings), self.parts(key))

    def filled(self, real: PyTree, params: Params) -> LearnedModelParams:
        """Returns the params of a model that was learnt.

        Args:
          real: the params of the world itself.
          params: the model's `parts`.
        """
        return LearnedModelParams(real, params["model"], InitialObservations(**params["initial_observations"]))

    def reset(self, key: Array, params: LearnedModelParams, previous: PyTree = None) -> tuple[Array, LearnedModelState]:
        del previous
        seen = jnp.maximum(params.initial.seen, 1.0)
        index = jnp.minimum((jax.random.uniform(key) * seen).astype(jnp.int32), seen.astype(jnp.int32) - 1)
        obs = params.initial.obs[index]
        return obs, LearnedModelState(jnp.zeros((), jnp.int32), obs, self._net.carry(1))

    def step(
        self, key: Array, state: LearnedModelState, action: Array, params: LearnedModelParams
    ) -> tuple[Array, LearnedModelState, Array, Array, Array, dict[str, Array]]:
        key_end, key_fields = jax.random.split(key)
        x = jnp.concatenate([state.obs, jax.nn.one_hot(action, self.num_actions)])
        first = (state.t == 0).astype(jnp.float32)
        memory, outputs, _ = self._net.apply(params.model, state.memory, x[None, None], first[None, None], None)
        outputs = {name: output[0, 0] for name, output in outputs.items()}
        parts = []
        for i, (name, (categorical, _)) in enumerate(next_segments(self.fields).items()):
            part = outputs[name]
            if categorical:
                noise = jax.random.gumbel(jax.random.fold_in(key_fields, i), part.shape)
                part = jax.nn.one_hot(jnp.argmax(part + noise), part.shape[0])[:-1]
            parts.append(part)
        obs = jnp.concatenate(parts)
        low, high = self.reward_range
        reward = low + (high - low) * jax.nn.sigmoid(outputs["reward"][0])
        ended = jax.random.uniform(key_end) < jax.nn.sigmoid(outputs["termination"][0])
        late = state.t + 1 >= self.horizon
        terminated = ended | (late if not self.truncates else jnp.zeros((), bool))
        truncated = late & ~terminated
        last = terminated | truncated
        info = {
            "outcome": jnp.where(last, reward, 0.0),
            "success": (last & (reward > (low + high) / 2)).astype(jnp.float32),
        }
        return obs, LearnedModelState(state.t + 1, obs, memory), reward, terminated, truncated, info

    def concepts(self, state: LearnedModelState, params: LearnedModelParams) -> Array:
        del state, params
        return jnp.zeros((0,), jnp.int32)

    def legal(self, params: LearnedModelParams) -> Array:
        return self.world.legal(params.real)

    def describe(self, settings: Mapping[str, float]) -> Mapping[str, Any]:
        return self.world.describe(settings)

    def unpadded(self, settings: Mapping[str, float]) -> LearnedModel:
        bare = self.world.unpadded(settings) if hasattr(self.world, "unpadded") else self.world
        return LearnedModel(bare, self.network, self.initial_observations)


def learned_model_env(network: NetworkFactory, initial_observations: int = 256) -> Callable[[Any], LearnedModel]:
    """Makes what turns a world into its learned model, for a phase's `world`.

    Args:
      network: makes the network of the model.
      initial_observations: those of so many episodes are remembered.
    """
    return lambda world: LearnedModel(world, network, initial_observations)
