"""What a learned outcome pays at every step: potentials and direct rewards, through a channel of their own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from regimax.channels import Channel, Signal
from regimax.ops import returns
from regimax.shapes import check_shapes
from regimax.types import Array, HParams, PyTree, Trajectory


def delivered(world: Any, trajectory: Trajectory) -> Trajectory:
    """Returns a rollout whose every step is marked with the outcome of its episode, as far as that was delivered.

    Args:
      world: the world.
      trajectory: `[T, E, ...]`, with the extras ``outcome`` and ``outcome_present``.

    Returns:
      the trajectory with r_t `[T, E]`, the outcome on the scale 0 … 1 of the world's rewards, clipped to it, and
      mask_tm1 `[T, E]`, 1 where it is known. It is not for episodes whose outcome was lost, or that end after the
      rollout.
    """
    low, high = world.reward_range
    last = (trajectory.discount_t == 0) | (trajectory.truncated_t > 0)

    def back(later: tuple[Array, Array], x: tuple[Array, Array, Array]) -> tuple[tuple, tuple]:
        last, outcome, present = x
        known = jnp.where(last, outcome, later[0]), jnp.where(last, present, later[1])
        return known, known

    nothing = jnp.zeros_like(trajectory.r_t[0])
    rows = (last, trajectory.extras["outcome"], trajectory.extras["outcome_present"])
    _, (outcome, present) = jax.lax.scan(back, (nothing, nothing), rows, reverse=True)
    scaled = jnp.clip((outcome - low) / (high - low), 0.0, 1.0)
    return trajectory._replace(r_t=scaled, mask_tm1=trajectory.mask_tm1 * present, extras={})


def later_rewards(world: Any, trajectory: Trajectory, targets: Trajectory, horizon: Array) -> tuple[Array, Array]:
    """Returns the reward that arrives so many steps after each step.

    Args:
      world: the world.
      trajectory: `[T, E, ...]`, for the borders of episodes.
      targets: whose rewards: the trajectory itself, or for a sham that of other streams.
      horizon: `[]` int32, steps; with 0 it is the step's own reward.

    Returns:
      rewards `[T, E]` on the scale 0 … 1 of the world's, clipped to it, and `[T, E]`, 1 where they are known: they are
      not where they lie beyond the step's episode or the rollout, or were lost.
    """
    low, high = world.reward_range
    num_steps = trajectory.r_t.shape[0]
    later = jnp.arange(num_steps) + horizon
    inside, later = later < num_steps, jnp.minimum(later, num_steps - 1)
    episode = jnp.cumsum(trajectory.first_tm1, axis=0)
    same = inside[:, None] & (episode[later] == episode)
    scaled = jnp.clip((targets.r_t[later] - low) / (high - low), 0.0, 1.0)
    return scaled, same * trajectory.mask_tm1 * targets.known_t[later]


def shares(logits: Array, trajectory: Trajectory, known: Array) -> tuple[Array, Array]:
    """Returns what steps together say of the outcome of their episode: the mean of what each says.

    Args:
      logits: `[T, E]` of each step's share, whose sigmoid is on the scale 0 … 1.
      trajectory: `[T, E, ...]`, for the borders of episodes.
      known: `[T, E]` 1 where the outcome of the step's episode is known.

    Returns:
      `[T, E]` at the last step of an episode the logit of the mean over its steps; and `[T, E]`, 1 there where the
      outcome is known and the whole episode lies in the rollout.
    """
    last = (trajectory.discount_t == 0) | (trajectory.truncated_t > 0)

    def step(carry: tuple[Array, ...], x: tuple[Array, ...]) -> tuple[tuple[Array, ...], tuple[Array, Array]]:
        total, number, whole = carry
        share, first = x
        total, number = jnp.where(first > 0, 0.0, total) + share, jnp.where(first > 0, 0.0, number) + 1.0
        whole = jnp.maximum(whole, first)
        return (total, number, whole), (total / number, whole)

    nothing = jnp.zeros_like(logits[0])
    rows = (jax.nn.sigmoid(logits), trajectory.first_tm1)
    _, (mean, whole) = jax.lax.scan(step, (nothing, nothing, nothing), rows)
    mean = jnp.clip(mean, 1e-6, 1.0 - 1e-6)
    return jnp.log(mean) - jnp.log1p(-mean), known * whole * last


def hold(potential: Array, present: Array, opens: Array, held: Array) -> Array:
    """Returns potentials as they are known: the last that arrived in the episode, and zero before the first.

    Args:
      potential: `[N, E]` what was sent, reward units.
      present: `[N, E]` 1 where it arrived.
      opens: `[N, E]` 1 where an episode opens.
      held: `[E]` what was known before.

    Returns:
      `[N, E]`.
    """
    check_shapes("hold", potential=(potential, "N E"), present=(present, "N E"), opens=(opens, "N E"), held=(held, "E"))

    def step(held: Array, x: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        potential, present, opens = x
        held = jnp.where(present > 0, potential, jnp.where(opens > 0, 0.0, held))
        return held, held

    return jax.lax.scan(step, held, (potential, present, opens))[1]


def send_potential(
    key: Array, channel: Channel, potential: Array, trajectory: Trajectory, held: Array, settings: HParams
) -> tuple[Array, Signal, Array]:
    """Sends the potential of every state through a reward channel, and returns the reward that comes of it.

    Args:
      key: for what is left to chance.
      channel: a reward channel named ``model``.
      potential: `[T + 1, E]` reward units: before every step of the trajectory, and after the last.
      trajectory: `[T, E, ...]`.
      held: `[E]` the potential that the rollout before ended with.
      settings: of the channel, whose rate is 1, and `discount`.

    Returns:
      rewards `[T, E]`, what arrived `[T + 1, E]`, and the potential that this rollout ends with, `[E]`.
    """
    check_shapes("send_potential", potential=(potential, "N E"), held=(held, "E"), r_t=(trajectory.r_t, "T E"))
    one = jnp.ones(())
    settings = {**settings, "model.rate": one}

    def send(key: Array, value: Array) -> Signal:
        return channel.apply(key, channel.init(settings, value), Signal(value, one, one, one), settings)[1]

    arrived = jax.vmap(jax.vmap(send))(jax.random.split(key, potential.shape), potential)
    # Where the first step goes on with an episode, its potential is that which the rollout before ended with.
    arrived = arrived._replace(present=arrived.present.at[0].multiply(trajectory.first_tm1[0]))
    opens = jnp.concatenate([trajectory.first_tm1, jnp.zeros_like(held)[None]])
    known = hold(arrived.value, arrived.present, opens, held)
    shaping = jax.vmap(returns.potential_shaping, in_axes=1, out_axes=1)
    return shaping(trajectory.discount_t * settings["discount"], known[:-1], known[1:]), arrived, known[-1]


def send_rewards(
    key: Array, channel: Channel, rewards: Array, trajectory: Trajectory, state: PyTree, settings: HParams
) -> tuple[Array, Signal, PyTree]:
    """Sends a reward for every step through a reward channel.

    Args:
      key: for what is left to chance.
      channel: a reward channel.
      rewards: `[T, E]` reward units.
      trajectory: `[T, E, ...]`.
      state: the channel's, leaves `[E]`.
      settings: of the channel.

    Returns:
      the rewards that arrive `[T, E]`, what arrived, and the channel's state then.
    """
    check_shapes("send_rewards", rewards=(rewards, "T E"), r_t=(trajectory.r_t, "T E"))
    last = ((trajectory.discount_t == 0) | (trajectory.truncated_t > 0)).astype(jnp.float32)

    def send(key: Array, state: PyTree, value: Array, first: Array, last: Array) -> tuple[PyTree, Signal]:
        return channel.apply(key, state, Signal(value, jnp.ones(()), first, last), settings)

    def step(state: PyTree, x: tuple[Array, ...]) -> tuple[PyTree, Signal]:
        keys, value, first, last = x
        return jax.vmap(send)(keys, state, value, first, last)

    rows = (jax.random.split(key, rewards.shape), rewards, trajectory.first_tm1, last)
    state, arrived = jax.lax.scan(step, state, rows)
    return arrived.value, arrived, state
