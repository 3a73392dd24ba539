"""The reward-free stream of worlds where nobody else is at work: random behaviour."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from regimax.envs.base import action_range
from regimax.ops.precomputed_randomness import scan_precomputed_randomness
from regimax.types import Array, PyTree, Trajectory


def random_actions(key: Array, world: Any, params: PyTree, *shape: int) -> Array:
    """Draws actions, each legal one alike, or numbers uniform in their range.

    Args:
      key: for them.
      world: an `Environment`.
      params: its hidden structure.
      *shape: how many, for example `T, E`.

    Returns:
      `[*shape]` int32, or `[*shape, N]`.
    """
    u, within = jax.random.uniform(key, (*shape, world.num_actions)), action_range(world)
    outer = (None,) * len(shape)
    if within is not None:
        low, high = (jnp.asarray(end, jnp.float32)[outer] for end in within)
        return low + (high - low) * u
    return jnp.argmax(jnp.where(world.legal(params)[outer], u, -1.0), axis=-1).astype(jnp.int32)


def random_behaviour(world: Any, key: Array, params: PyTree, num_steps: int | None = None) -> Trajectory:
    """Returns the first steps of an episode of uniformly random legal actions: fields without the `E` axis, masked
    after the episode's end.

    What follows an observation is the next one, or a augmented view of the same where the world shows one
    (``augmented_view`` among `info`).

    Args:
      world: an `Environment`.
      key: for the actions and the world.
      params: the hidden structure.
      num_steps: `T`; the world's `stream_steps` when not given.
    """
    num_steps = num_steps or int(world.stream_steps)
    key_reset, key_act, key_steps = jax.random.split(key, 3)
    actions = random_actions(key_act, world, params, num_steps)
    obs, opening = world.reset(key_reset, params)

    def step(carry: tuple[PyTree, Array, Array], x: tuple[Array, Array]) -> tuple[Any, tuple[Array, ...]]:
        state, obs, running = carry
        action, key = x
        later, state, _, terminated, truncated, info = world.step(key, state, action, params)
        row = (obs, info.get("augmented_view", later), running, terminated, truncated & ~terminated)
        return (state, later, running * (1.0 - (terminated | truncated))), row

    keys = jax.random.split(key_steps, num_steps)
    _, (obs_tm1, obs_t, running, terminated, truncated) = scan_precomputed_randomness(
        step, (opening, obs, jnp.ones(())), (actions, keys)
    )
    zeros = jnp.zeros((num_steps,))
    return Trajectory(
        obs_tm1=obs_tm1,
        first_tm1=zeros.at[0].set(1.0),
        a_tm1=actions,
        r_t=zeros,
        known_t=zeros,
        discount_t=1.0 - terminated.astype(jnp.float32),
        truncated_t=truncated.astype(jnp.float32),
        obs_t=obs_t,
        mask_tm1=running,
        carry=(),
        extras={},
    )
