"""World × channels × policy. Episodes are reset here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax.channels import Channel, Signal
from regimax.envs import Environment
from regimax.types import Array, HParams, PyTree, Trajectory


class Policy(NamedTuple):
    """How to act on `E` streams at once.

    Attributes:
      carry: `num_envs -> carry`, the empty memory.
      act: `(carry, obs [E, D], first [E], u [E]) -> (carry, action [E], extras)`; u is uniform on [0, 1).
      value: `(carry, obs [E, D]) -> [E]`, the value of an observation within an episode; only asked for where
        episodes are truncated.
    """

    carry: Callable[[int], PyTree]
    act: Callable[[PyTree, Array, Array, Array], tuple[PyTree, Array, dict[str, Array]]]
    value: Callable[[PyTree, Array], Array]


class RolloutState(NamedTuple):
    """What carries on between rollouts, leaves `[E, ...]`."""

    world: PyTree
    obs: Array
    first: Array
    carry: PyTree
    channels: PyTree


def init(
    key: Array,
    world: Environment,
    params: PyTree,
    channels: Sequence[Channel],
    carry: PyTree,
    num_envs: int,
    settings: HParams,
) -> RolloutState:
    """Opens `num_envs` streams of episodes, all in the one world that `params` describe."""
    obs, state = jax.vmap(world.reset, in_axes=(0, None))(jax.random.split(key, num_envs), params)
    channel_states = [
        jax.tree.map(lambda x: jnp.broadcast_to(x, (num_envs, *x.shape)), channel.init(settings))
        for channel in channels
    ]
    return RolloutState(state, obs, jnp.ones((num_envs,)), carry, channel_states)


def _carry_pay(
    channels: Sequence[Channel], states: list[PyTree], keys: Array, outcome: Signal, dense: Array, settings: HParams
) -> tuple[list[PyTree], Signal]:
    """One stream: the outcome through the outcome channels, then all pay through the reward channels."""
    states, signal = list(states), outcome
    for place in ("outcome", "reward"):
        if place == "reward":
            signal = signal._replace(value=signal.value + dense, present=jnp.ones_like(signal.present))
        for i, channel in enumerate(channels):
            if channel.place == place:
                states[i], signal = channel.apply(keys[i], states[i], signal, settings)
    return states, signal


def rollout(
    key: Array,
    world: Environment,
    params: PyTree,
    channels: Sequence[Channel],
    policy: Policy,
    state: RolloutState,
    num_steps: int,
    settings: HParams,
) -> tuple[RolloutState, Trajectory, dict[str, Array]]:
    """Acts for `num_steps` steps on every stream.

    Args:
      key: for the actions, the world and the channels.
      world: the world.
      params: its hidden structure.
      channels: what the pay goes through.
      policy: how to act.
      state: where the streams are.
      num_steps: `T`.
      settings: what the channels read.

    Returns:
      where the streams are then; the trajectory, with the policy's extras and, where the world truncates, the value
      `v_final` of each truncated episode's final observation; and counts over all streams: ``episodes``,
      ``successes`` and ``pay_present`` (steps at which pay arrived).
    """
    num_envs = state.obs.shape[0]
    key_act, key_rest = jax.random.split(key)
    u = jax.random.uniform(key_act, (num_steps, num_envs))
    # Per step and stream: one key for the world's step, one for its reset, one for every channel.
    keys = jax.random.split(key_rest, (num_steps, num_envs, 2 + len(channels)))

    def step(state: RolloutState, x: tuple[Array, ...]) -> tuple[RolloutState, tuple[Trajectory, dict[str, Array]]]:
        u, keys = x
        carry, action, extras = policy.act(state.carry, state.obs, state.first, u)
        obs, world_state, reward, terminated, truncated, info = jax.vmap(world.step, in_axes=(0, 0, 0, None))(
            keys[:, 0], state.world, action, params
        )
        truncated = truncated & ~terminated
        last = (terminated | truncated).astype(jnp.float32)
        outcome = Signal(info["outcome"], last, state.first, last)
        channel_states, pay = jax.vmap(
            lambda states, k, signal, dense: _carry_pay(channels, states, k, signal, dense, settings)
        )(state.channels, keys[:, 2:], outcome, reward - info["outcome"])
        if world.truncates:
            extras = extras | {"v_final": policy.value(carry, obs)}
        transition = Trajectory(
            obs_tm1=state.obs,
            first_tm1=state.first,
            a_tm1=action,
            r_t=pay.value,
            discount_t=1.0 - terminated.astype(jnp.float32),
            truncated_t=truncated.astype(jnp.float32),
            obs_t=obs,
            mask_tm1=jnp.ones_like(last),
            carry=(),
            extras=extras,
        )
        fresh_obs, fresh = jax.vmap(world.reset, in_axes=(0, None, 0))(keys[:, 1], params, world_state)
        choose = lambda new, old: jnp.where(jnp.expand_dims(last, tuple(range(1, new.ndim))) > 0, new, old)
        state = RolloutState(
            jax.tree.map(choose, fresh, world_state), choose(fresh_obs, obs), last, carry, channel_states
        )
        counts = {"episodes": last.sum(), "successes": info["success"].sum(), "pay_present": pay.present.sum()}
        return state, (transition, counts)

    start = state.carry
    state, (trajectory, counts) = jax.lax.scan(step, state, (u, keys))
    return state, trajectory._replace(carry=start), jax.tree.map(jnp.sum, counts)


def evaluate(key: Array, world: Environment, params: PyTree, policy: Policy, num_episodes: int) -> tuple[Array, Array]:
    """Plays one fresh episode on each of `num_episodes` streams, with the world's own pay and no channel.

    Returns:
      the mean success, a probability, and the mean return, reward units.
    """
    key_act, key_step, key_reset = jax.random.split(key, 3)
    u = jax.random.uniform(key_act, (world.horizon, num_episodes))
    keys = jax.random.split(key_step, (world.horizon, num_episodes))
    opening = init(key_reset, world, params, (), policy.carry(num_episodes), num_episodes, {})

    def step(carry: tuple, x: tuple[Array, Array]) -> tuple[tuple, None]:
        state, running, success, total = carry
        u, k_step = x
        memory, action, _ = policy.act(state.carry, state.obs, state.first, u)
        obs, world_state, reward, terminated, truncated, info = jax.vmap(world.step, in_axes=(0, 0, 0, None))(
            k_step, state.world, action, params
        )
        success, total = success + running * info["success"], total + running * reward
        running = running * (1.0 - (terminated | truncated))
        return (RolloutState(world_state, obs, jnp.zeros_like(state.first), memory, ()), running, success, total), None

    zeros = jnp.zeros((num_episodes,))
    opening = opening._replace(channels=())
    (_, _, success, total), _ = jax.lax.scan(step, (opening, zeros + 1.0, zeros, zeros), (u, keys))
    return success.mean(), total.mean()
