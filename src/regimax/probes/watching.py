"""What probes show a network: fresh episodes of random behaviour, the same for every learner, and their concepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax import prng, rollout
from regimax.channels import Signal
from regimax.envs.behaviour import random_actions
from regimax.errors import UserError, unknown
from regimax.learners import Learner
from regimax.types import Array, HParams, Params, PyTree, count

LONGEST = 64
"""Steps of an episode that are watched unless more are asked for."""


class Watched(NamedTuple):
    """`T` steps of `E` episodes.

    Attributes:
      obs: `[T, E, D]`, as they came through the channels of the senses.
      first: `[T, E]` 1 at the opening.
      concepts: `[T, E, C]` int32, −1 where there is none, and after the episode's end.
      running: `[T, E]` 1 until the episode's end.
    """

    obs: Array
    first: Array
    concepts: Array
    running: Array


def check(learner: Learner, tap: str, steps: int | None, concepts: bool) -> tuple[int, tuple[int, ...]]:
    """Returns the steps to watch and the sizes of the concepts.

    Raises:
      UserError: if the network has no such tap, or the world knows no concepts where there must be some.
    """
    world, network = learner.source.world, learner.network
    sizes = tuple(getattr(world, "concept_sizes", ()))
    if concepts and not sizes:
        raise UserError(f"the world {world.name} knows no concepts to probe for")

    def taps(key: Array) -> dict[str, Array]:
        obs, first = jnp.zeros((1, 1, learner.source.num_inputs)), jnp.ones((1, 1))
        return network.apply(network.init(key), network.carry(1), obs, first, None)[2]

    known = jax.eval_shape(taps, prng.abstract_keys().learner)
    if tap not in known:
        raise unknown("tap of the network", tap, sorted(known))
    return min(world.horizon, LONGEST if steps is None else count(steps, "probe: steps")), sizes


def check_lifetime(learner: Learner, name: str, taps: Sequence[str]) -> None:
    """Refuses a learner that lives no lifetime, or whose network lacks a tap.

    Args:
      learner: that is probed.
      name: of the probe, for the error.
      taps: those that it reads.

    Raises:
      UserError: if it is refused.
    """
    if learner.source.spec[0] != "lifetime":
        raise UserError(f"probes.{name}: its phase has no lifetime, found the source {learner.source.spec[0]!r}")
    for tap in taps:
        check(learner, tap, None, concepts=False)


def watch(key: Array, learner: Learner, params: PyTree, num_steps: int, episodes: int, hparams: HParams) -> Watched:
    """Watches uniformly random legal actions.

    Args:
      key: for the actions, the world and the channels.
      learner: whose source says which world it is, and which senses it is seen through.
      params: the world's hidden structure.
      num_steps: `T`.
      episodes: `E`.
      hparams: what the channels read.
    """
    world, channels = learner.source.world, learner.source.channels
    key_open, key_act, key_step = jax.random.split(key, 3)
    opening = rollout.init(key_open, world, params, channels, (), episodes, hparams)
    actions = random_actions(key_act, world, params, num_steps, episodes)
    keys = jax.random.split(key_step, (num_steps, episodes))

    def one(key: Array, state: PyTree, heard: list[PyTree], action: Array) -> tuple[PyTree, list[PyTree], Array, Array]:
        key_world, key_sensory = jax.random.split(key)
        obs, state, _, terminated, truncated, _ = world.step(key_world, state, action, params)
        last = (terminated | truncated).astype(jnp.float32)
        signal = Signal(obs, jnp.ones(()), jnp.zeros(()), last)
        heard, seen = rollout.transmit("sensory", channels, heard, key_sensory, signal, hparams)
        return state, heard, seen.value, last

    def step(carry: tuple, x: tuple[Array, Array]) -> tuple[tuple, Watched]:
        state, heard, obs, first, running = carry
        concepts = jax.vmap(world.concepts, in_axes=(0, None))(state, params)
        row = Watched(obs, first, jnp.where(running[:, None] > 0, concepts, -1), running)
        action, key = x
        state, heard, obs, last = jax.vmap(one)(key, state, heard, action)
        return (state, heard, obs, jnp.zeros_like(first), running * (1.0 - last)), row

    start = (opening.world, opening.channels, opening.obs, opening.first, jnp.ones((episodes,)))
    return jax.lax.scan(step, start, (actions, keys))[1]


def features(learner: Learner, params: Params, watched: Watched, tap: str, hparams: HParams) -> Array:
    """Returns `[T, E, size]`: what a tap of the network reads there with these parameters."""
    network = learner.network
    code = learner.source.code(hparams)
    carry = network.carry(watched.obs.shape[1])
    return network.apply(params, carry, watched.obs, watched.first, code)[2][tap]


def one_step(key: Array, watched: Watched) -> Array:
    """Returns int32 `[E]`: of every episode one step at which there is a concept, so that what is there is independent
    between episodes.
    """
    chance = jax.random.uniform(key, watched.running.shape)
    return jnp.argmax(jnp.where((watched.concepts >= 0).any(-1), chance, -1.0), axis=0)


def at(step: Array, x: Array) -> Array:
    """Returns `[E, ...]`: of `[T, E, ...]` the step of every episode."""
    return x[step, jnp.arange(x.shape[1])]


def one_hot(concepts: Array, sizes: tuple[int, ...]) -> Array:
    """Returns `[N, sum of sizes]`: the codes of all concepts `[N, C]` side by side, zeros where there is none."""
    return jnp.concatenate([jax.nn.one_hot(concepts[:, c], size) for c, size in enumerate(sizes)], axis=-1)
