"""A learnt model of a world: its network, and the world that it imagines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.learners.objectives import segments_of
from regimax.networks import Network, NetworkFactory
from regimax.types import Array, Field, HParams, Params, PyTree, Setting, Spec

STAYS = 3.0
"""How much likelier than anything else an untrained model takes it that a one-hot field stays as it is, nats."""


class Openings(NamedTuple):
    """How episodes were seen to open.

    Attributes:
      obs: `[N, D]`, zeros where none was seen yet.
      seen: `[]` their number, at most N.
      place: `[]` where the next one goes.
    """

    obs: Array
    seen: Array
    place: Array


def no_openings(size: int, num_inputs: int) -> Openings:
    """Returns an empty bank of openings."""
    return Openings(jnp.zeros((size, num_inputs)), jnp.zeros(()), jnp.zeros(()))


def remember(bank: Openings, obs: Array, first: Array) -> Openings:
    """Puts into a bank those observations that opened an episode, in the place of the oldest.

    Args:
      bank: of `N`.
      obs: `[M, D]`.
      first: `[M]` 1 where an episode opened; of more than N the first N are taken.
    """
    size = bank.obs.shape[0]
    rank = jnp.cumsum(first) - first
    taken = (first > 0) & (rank < size)
    number = jnp.sum(taken)
    place = jnp.where(taken, (bank.place + rank).astype(jnp.int32) % size, size)  # beyond the end: dropped
    return Openings(
        bank.obs.at[place].set(obs, mode="drop"),
        jnp.minimum(bank.seen + number, size),
        (bank.place + number) % size,
    )


def extended(code: Array) -> Array:
    """Returns a one-hot code `[..., n]` as one over n + 1 values, the last for nothing that is shown."""
    return jnp.concatenate([code, 1.0 - code.sum(-1, keepdims=True)], axis=-1)


def segments(fields: tuple[Field, ...]) -> dict[str, tuple[bool, slice]]:
    """Returns whether a field is categorical, and where it lies in an observation, by the name of its head."""
    return {f"next_{name}": segment for name, segment in segments_of(fields).items()}


def transition(network: NetworkFactory, world: Any) -> Network:
    """Makes the network of a model: from an observation and an action to what follows.

    Args:
      network: makes the network; one with a memory makes a model with a memory.
      world: the world to model.

    Returns:
      a network over `[T, E, D + A]`, an observation and the one-hot action. Its heads: ``next_<field>``, logits over a
      one-hot field's values and over nothing being shown, or the expected numbers of a real-valued field; ``pay``, the
      logit of the expected pay on the scale 0 … 1 of the world's rewards; ``end``, the logit of a termination. It
      begins by expecting that things stay as they are.
    """
    where = segments(world.fields)
    num_inputs = sum(field.size for field in world.fields)
    sizes = {name: part.stop - part.start + categorical for name, (categorical, part) in where.items()}
    net = network(num_inputs + world.num_actions, {**sizes, "pay": 1, "end": 1})

    def apply(params: Params, carry: PyTree, x: Array, first: Array) -> tuple[PyTree, dict[str, Array], dict]:
        carry, outputs, taps = net.apply(params, carry, x, first)
        for name, (categorical, part) in where.items():
            before = x[..., part]
            outputs[name] = outputs[name] + (STAYS * extended(before) if categorical else before)
        return carry, outputs, taps

    return net._replace(apply=apply, spec=("transition", net.spec))


class ImaginedParams(NamedTuple):
    """What is imagined from.

    Attributes:
      real: the params of the world itself, for its legal actions and for measurements.
      model: the parameters of the model's network.
      openings: how episodes were seen to open.
    """

    real: PyTree
    model: PyTree
    openings: Openings


class ImaginedState(NamedTuple):
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
class Imagined:
    """The world as a learnt model has it.

    Episodes open as one of those that were seen. One-hot fields and terminations are drawn from what the model expects,
    real-valued fields and pay are its expectation: where a real-valued observation has many different successors, that
    is none of them. An episode that the model never ends is over after as many steps as the world's longest. A success
    is, here, an episode that ends with more than half of the largest pay.

    Args:
      world: any world.
      network: makes the network of the model.
      openings: episodes' openings that are remembered.
    """

    world: Any
    network: NetworkFactory
    openings: int = 256

    imagined = True

    @property
    def name(self) -> str:
        return self.world.name

    @property
    def spec(self) -> Spec:
        return ("Imagined", self.world.spec, self._net.spec, self.openings)

    @cached_property
    def _net(self) -> Network:
        return transition(self.network, self.world)

    @property
    def _num_inputs(self) -> int:
        return sum(field.size for field in self.world.fields)

    @property
    def settings(self) -> tuple[Setting, ...]:
        return self.world.settings

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
        """What is imagined has no concepts but the learner's own."""
        return ()

    def parts(self, key: Array) -> Params:
        """Returns the parameters of an untrained model: ``model`` and ``openings``."""
        openings = no_openings(self.openings, self._num_inputs)
        return {"model": self._net.init(prng.named(key, "model")), "openings": openings._asdict()}

    def init(self, key: Array, settings: HParams) -> ImaginedParams:
        """Returns the params of a model that was never trained; a learner puts its own into their place."""
        return self.filled(self.world.init(key, settings), self.parts(key))

    def filled(self, real: PyTree, params: Params) -> ImaginedParams:
        """Returns the params of a model that was learnt.

        Args:
          real: the params of the world itself.
          params: the model's `parts`.
        """
        return ImaginedParams(real, params["model"], Openings(**params["openings"]))

    def reset(self, key: Array, params: ImaginedParams, previous: PyTree = None) -> tuple[Array, ImaginedState]:
        del previous
        seen = jnp.maximum(params.openings.seen, 1.0)
        index = jnp.minimum((jax.random.uniform(key) * seen).astype(jnp.int32), seen.astype(jnp.int32) - 1)
        obs = params.openings.obs[index]
        return obs, ImaginedState(jnp.zeros((), jnp.int32), obs, self._net.carry(1))

    def step(
        self, key: Array, state: ImaginedState, action: Array, params: ImaginedParams
    ) -> tuple[Array, ImaginedState, Array, Array, Array, dict[str, Array]]:
        key_end, key_fields = jax.random.split(key)
        x = jnp.concatenate([state.obs, jax.nn.one_hot(action, self.num_actions)])
        first = (state.t == 0).astype(jnp.float32)
        memory, outputs, _ = self._net.apply(params.model, state.memory, x[None, None], first[None, None])
        outputs = {name: output[0, 0] for name, output in outputs.items()}
        parts = []
        for i, (name, (categorical, _)) in enumerate(segments(self.fields).items()):
            part = outputs[name]
            if categorical:
                noise = jax.random.gumbel(jax.random.fold_in(key_fields, i), part.shape)
                part = jax.nn.one_hot(jnp.argmax(part + noise), part.shape[0])[:-1]
            parts.append(part)
        obs = jnp.concatenate(parts)
        low, high = self.reward_range
        reward = low + (high - low) * jax.nn.sigmoid(outputs["pay"][0])
        ended = jax.random.uniform(key_end) < jax.nn.sigmoid(outputs["end"][0])
        late = state.t + 1 >= self.horizon
        terminated = ended | (late if not self.truncates else jnp.zeros((), bool))
        truncated = late & ~terminated
        last = terminated | truncated
        info = {
            "outcome": jnp.where(last, reward, 0.0),
            "success": (last & (reward > (low + high) / 2)).astype(jnp.float32),
        }
        return obs, ImaginedState(state.t + 1, obs, memory), reward, terminated, truncated, info

    def concepts(self, state: ImaginedState, params: ImaginedParams) -> Array:
        del state, params
        return jnp.zeros((0,), jnp.int32)

    def legal(self, params: ImaginedParams) -> Array:
        return self.world.legal(params.real)

    def describe(self, settings: Mapping[str, float]) -> Mapping[str, Any]:
        return self.world.describe(settings)

    def unpadded(self, settings: Mapping[str, float]) -> Imagined:
        bare = self.world.unpadded(settings) if hasattr(self.world, "unpadded") else self.world
        return Imagined(bare, self.network, self.openings)


def imagined(network: NetworkFactory, openings: int = 256) -> Callable[[Any], Imagined]:
    """Makes what turns a world into the one that a learnt model imagines, for a phase's `world`."""
    return lambda world: Imagined(world, network, openings)
