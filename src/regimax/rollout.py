"""World × channels × policy. Episodes are reset here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from regimax import prng
from regimax.channels import PLACES, Channel, Signal
from regimax.channels.base import EXACT
from regimax.envs import Environment, action_range, unseen
from regimax.envs.base import abstract_action, action_shape
from regimax.errors import unknown
from regimax.ops import information
from regimax.ops.precomputed_randomness import scan_precomputed_randomness
from regimax.ops.trees import select
from regimax.precision import single
from regimax.shapes import check_same, check_shapes, check_streams
from regimax.types import Array, HParams, Metrics, PyTree, Trajectory, count


class Policy(NamedTuple):
    """How to act on `E` streams at once.

    Attributes:
      carry: `num_envs -> carry`, the empty memory.
      act: `(carry, obs [E, D], first [E], u [E]) -> (carry, action [E], extras)`; u is uniform on [0, 1). Extras may
        hold ``log_probs`` `[E, A]`, of all actions, which evaluations read. Where actions are numbers, u and the
        action are `[E, N]`; beyond their range they are carried out as its ends.
      value: `(carry, obs [E, D]) -> [E]`, the value of an observation within an episode, reward units; only asked for
        where episodes are truncated.

    Example:
      >>> always = lambda carry, obs, first, u: (carry, jnp.zeros(obs.shape[:1], jnp.int32), {})
      >>> policy = Policy(lambda num_envs: (), always, lambda carry, obs: jnp.zeros(obs.shape[:1]))
    """

    carry: Callable[[int], PyTree]
    act: Callable[[PyTree, Array, Array, Array], tuple[PyTree, Array, dict[str, Array]]]
    value: Callable[[PyTree, Array], Array]


class RolloutState(NamedTuple):
    """What carries on between rollouts, leaves `[E, ...]`.

    Attributes:
      world: the world's states.
      obs: `[E, D]` what is seen, after the channels.
      first: `[E]` in {0, 1}, 1 where it opens an episode.
      carry: the policy's memory.
      channels: the states of the channels, a list with one for each.
    """

    world: PyTree
    obs: Array
    first: Array
    carry: PyTree
    channels: PyTree


def transmit(
    place: str, channels: Sequence[Channel], states: Sequence[PyTree], key: Array, signal: Signal, settings: HParams
) -> tuple[list[PyTree], Signal]:
    """Sends one stream's signal through the channels of a place, in their order.

    Args:
      place: which.
      channels: all channels.
      states: their states, one each.
      key: for what is left to chance.
      signal: what is sent.
      settings: what the channels read.

    Returns:
      the states then, and what arrives.

    Raises:
      UserError: for another place.
      AssertionError: chex's, for states of other channels, or a signal that is not one sample on one stream.
    """
    if place not in PLACES:
        raise unknown("place of a channel", place, PLACES)
    chex.assert_equal(len(states), len(channels), custom_message="transmit: one state for each channel")
    states = list(states)
    for i, channel in enumerate(channels):
        if channel.place == place:
            states[i], signal = channel.apply(jax.random.fold_in(key, i), states[i], signal, settings)
    return states, signal


def _size(world: Environment) -> int:
    """`D`, numbers in an observation."""
    with jax.ensure_compile_time_eval():  # what a world computes to tell its fields is no part of the program
        return sum(field.size for field in world.fields)


def _check_state(function: str, world: Environment, state: RolloutState) -> None:
    check_shapes(function, **{"state.obs": (state.obs, f"E {_size(world)}"), "state.first": (state.first, "E")})
    for name in ("world", "carry", "channels"):
        check_streams(function, f"state.{name}", getattr(state, name), state.obs.shape[0])


def _check_acted(action: Array, extras: dict[str, Array], num_envs: int, world: Environment) -> None:
    axes, log_probs = " ".join(map(str, (num_envs, *action_shape(world)))), extras.get("log_probs")
    check_shapes("policy.act", action=(action, axes), log_probs=(log_probs, f"E {world.num_actions}"))
    check_streams("policy.act", "extras", extras, num_envs)
    kind, what = (int, "whole numbers") if action_range(world) is None else (float, "float32")
    chex.assert_type(action, kind, custom_message=f"policy.act: actions are {what}")


def _begin_channels(world: Environment, channels: Sequence[Channel], settings: HParams) -> list[PyTree]:
    """The channels' states on one stream."""
    action = abstract_action(world)
    like = {
        "sensory": jnp.zeros((_size(world),)),
        "decision": jnp.zeros(action.shape, action.dtype),
    }
    return [channel.init(settings, like.get(channel.place, jnp.zeros(()))) for channel in channels]


def _open(
    key: Array,
    world: Environment,
    params: PyTree,
    previous: PyTree,
    channels: Sequence[Channel],
    states: list[PyTree],
    settings: HParams,
) -> tuple[PyTree, Array, list[PyTree]]:
    """One stream: opens an episode. Returns the world's state, what is seen of it, and the channels' states."""
    key_reset, key_sensory = jax.random.split(key)
    obs, state = world.reset(key_reset, params, previous)
    check_shapes(f"{world.name}: reset", obs=(obs, f"{_size(world)}"))
    one, zero = jnp.ones(()), jnp.zeros(())
    states, seen = transmit("sensory", channels, states, key_sensory, Signal(obs, one, one, zero), settings)
    return state, seen.value, states


@single
def init(
    key: Array,
    world: Environment,
    params: PyTree,
    channels: Sequence[Channel],
    carry: PyTree,
    num_envs: int,
    settings: HParams,
) -> RolloutState:
    """Opens `num_envs` streams of episodes, all in the one world that `params` describe.

    Args:
      key: for what the episodes and channels draw.
      world: the world.
      params: its hidden structure, as its `init` draws it.
      channels: what observations, decisions and rewards go through.
      carry: the policy's empty memory, leaves `[E, ...]`.
      num_envs: `E`.
      settings: what the channels read, traced scalars by name.

    Returns:
      where the streams are, for :func:`rollout`.

    Raises:
      UserError: if `num_envs` is not a whole number above 0.
      AssertionError: chex's, for a memory of another number of streams.

    Example:
      >>> import regimax as rx
      >>> world = rx.envs.Lock(depth=3)
      >>> params = world.init(jax.random.key(0), world.default_settings())
      >>> init(jax.random.key(1), world, params, (), (), 4, {}).obs.shape
      (4, 8)
    """
    num_envs = count(num_envs, "rollout.init: num_envs")
    check_streams("rollout.init", "carry", carry, num_envs)
    return _opened(jax.random.split(key, num_envs), world, params, channels, carry, settings)


def _opened(
    keys: Array, world: Environment, params: PyTree, channels: Sequence[Channel], carry: PyTree, settings: HParams
) -> RolloutState:
    """Opens an episode on a stream for each of the keys `[E]`."""

    def stream(key: Array) -> tuple[PyTree, Array, list[PyTree]]:
        return _open(key, world, params, None, channels, _begin_channels(world, channels, settings), settings)

    state, obs, channel_states = jax.vmap(stream)(keys)
    return RolloutState(state, obs, jnp.ones(keys.shape), carry, channel_states)


class _Step(NamedTuple):
    """What became of an action, on one stream."""

    world: PyTree
    channels: list[PyTree]
    obs: Array
    reward: Array
    terminated: Array
    truncated: Array
    decided: Array
    info: dict[str, Array]


def _act(
    key: Array,
    world: Environment,
    params: PyTree,
    channels: Sequence[Channel],
    states: list[PyTree],
    state: PyTree,
    first: Array,
    action: Array,
    settings: HParams,
    twice: bool = False,
) -> _Step:
    """One stream: a decision through its channels, the world's step, and what is seen of it.

    Where `twice` holds, also of what the world shows a second time.
    """
    one, zero = jnp.ones(()), jnp.zeros(())
    within = action_range(world)
    meant = Signal(action, one, first, zero, world.legal(params) if within is None else None)
    key_step, key_decision, key_sensory = jax.random.split(key, 3)
    states, done = transmit("decision", channels, states, key_decision, meant, settings)
    carried_out = done.value if within is None else within.clip(done.value)
    obs, state, reward, terminated, truncated, info = world.step(key_step, state, carried_out, params)
    scalars = {"reward": reward, "terminated": terminated, "truncated": truncated, "outcome": info["outcome"]}
    check_shapes(f"{world.name}: step", obs=(obs, f"{_size(world)}"), **{k: (v, "") for k, v in scalars.items()})
    truncated = truncated & ~terminated
    last = (terminated | truncated).astype(jnp.float32)
    states, seen = transmit("sensory", channels, states, key_sensory, Signal(obs, one, zero, last), settings)
    if twice:
        again, key_again = Signal(info["augmented_view"], one, zero, last), prng.named(key_sensory, "augmented_view")
        _, again = transmit("sensory", channels, states, key_again, again, settings)
        info = info | {"augmented_view": again.value, "augmented_view_present": again.present}
    return _Step(state, states, seen.value, reward, terminated, truncated, done.present, info)


REWARD_BINS = 32
"""Intervals of the world's range of rewards in which values of rewards are told apart."""


def reward_histogram(world: Environment, value: Array, present: Array) -> Array:
    """Counts values of rewards.

    Args:
      world: the world, for its range of rewards; what is beyond counts with the nearest interval.
      value: any shape.
      present: the same shape, 1 where it arrived.

    Returns:
      `[REWARD_BINS, 3]`: of those present in each interval how many are the least there, how many the largest (if that
      is another value), and how many lie between: of these nothing more is known.
    """
    check_same("reward_histogram", value=value, present=present)
    low, high = world.reward_range
    value, present = value.reshape(-1, 1), present.reshape(-1, 1)
    place = jnp.round(jnp.clip((value - low) / (high - low), 0.0, 1.0) * (REWARD_BINS - 1))
    there = (place == jnp.arange(REWARD_BINS, dtype=jnp.float32)[None]) & (present > 0)
    least = jnp.min(jnp.where(there, value, jnp.inf), axis=0, keepdims=True)
    most = jnp.max(jnp.where(there, value, -jnp.inf), axis=0, keepdims=True)
    at_least = jnp.sum(there & (value == least), axis=0)
    at_most = jnp.sum(there & (value == most), axis=0)
    one_value, number = (least == most)[0], jnp.sum(there, axis=0)
    rows = (at_least, jnp.where(one_value, 0, at_most), jnp.where(one_value, 0, number - at_least - at_most))
    return jnp.stack(rows, axis=-1).astype(jnp.float32)


def reward_information_bound(counts: Array, steps: int) -> Array:
    """Returns an upper bound of what arrived, bits per step: how often something did, times what it could tell.

    Args:
      counts: `[REWARD_BINS, 3]` from :func:`reward_histogram`. A value that was not told apart counts with all bits
        that a number has.
      steps: over how many steps they were counted.

    Accuracy:
      exact up to the bias of :func:`regimax.ops.information.sampled_entropy` where no interval of the world's range has
      more than two values, a bound otherwise; at most 24 bits per arrival.
    """
    check_shapes("reward_information_bound", counts=(counts, f"{REWARD_BINS} 3"))
    number, between = counts.sum(), counts[:, 2].sum()
    bits = information.sampled_entropy(counts.ravel()) + EXACT * between / jnp.maximum(number, 1.0)
    return jnp.minimum(bits, EXACT) * number / steps


RECEIVED = ("reward_per_step", "reward_bits_bound", "outcome_bits_bound", "train_success")
"""What is told of a rollout."""


def received(trajectory: Trajectory, counts: dict[str, Array]) -> Metrics:
    """Returns what a rollout brought of rewards.

    Args:
      trajectory: `[T, E, ...]` as it was learnt from.
      counts: of :func:`rollout`.

    Returns:
      ``reward_per_step`` (reward units, as it arrived), ``reward_bits_bound`` and ``outcome_bits_bound`` (bits per
      step: no more than this can have been told by all rewards, and by those for whole episodes), ``train_success``
      (per episode that ended).
    """
    bounds = {
        f"{name}_bits_bound": reward_information_bound(counts[name], trajectory.r_t.size)
        for name in ("reward", "outcome")
    }
    success = counts["successes"] / jnp.maximum(counts["episodes"], 1.0)
    return {"reward_per_step": trajectory.r_t.mean(), **bounds, "train_success": success}


def _deliver(
    channels: Sequence[Channel], states: list[PyTree], key: Array, outcome: Signal, dense: Array, settings: HParams
) -> tuple[list[PyTree], Signal, Signal]:
    """One stream: the outcome through the outcome channels, then all rewards through the reward channels.

    Returns the channels' states, the outcome, and all rewards. Where an outcome is lost, so is a part of all rewards.
    """
    key_outcome, key_reward = jax.random.split(key)
    states, outcome = transmit("outcome", channels, states, key_outcome, outcome, settings)
    rewards = outcome._replace(value=outcome.value + dense, present=jnp.ones_like(outcome.present))
    states, rewards = transmit("reward", channels, states, key_reward, rewards, settings)
    return states, outcome, rewards


@single
def rollout(
    key: Array,
    world: Environment,
    params: PyTree,
    channels: Sequence[Channel],
    policy: Policy,
    state: RolloutState,
    num_steps: int,
    settings: HParams,
    record: Sequence[str] = (),
) -> tuple[RolloutState, Trajectory, dict[str, Array]]:
    """Acts for `num_steps` steps on every stream.

    Args:
      key: for the actions, the world and the channels.
      world: the world.
      params: its hidden structure.
      channels: what observations, decisions and rewards go through.
      policy: how to act.
      state: where the streams are.
      num_steps: `T`.
      settings: what the channels read.
      record: what the trajectory holds beside, see `regimax.sources.own_behaviour`.

    Returns:
      where the streams are then; the trajectory, as the learner saw it and with the actions it meant, with the policy's
      extras, ``decided`` (1 where a decision was carried out; only with a decision channel) and, where the world
      truncates, ``v_final``, at each step that is truncated the value of the episode's final observation; and counts
      over all streams: ``episodes``, ``successes``, and ``reward`` and ``outcome`` `[REWARD_BINS, 3]`, how often all
      rewards and those for whole episodes arrived with which value, see :func:`reward_histogram`.

    Raises:
      UserError: if `num_steps` is not a whole number above 0.
      AssertionError: chex's, for streams, actions or steps of the world of another shape than is written here.

    Example:
      >>> import regimax as rx
      >>> world = rx.envs.Lock(depth=3, actions=2)
      >>> params = world.init(jax.random.key(0), world.default_settings())
      >>> policy = Policy(lambda num_envs: (), lambda carry, obs, first, u: (carry, (2 * u).astype(int), {}), None)
      >>> streams = init(jax.random.key(1), world, params, (), policy.carry(4), 4, {})
      >>> streams, trajectory, counts = rollout(jax.random.key(2), world, params, (), policy, streams, 6, {})
      >>> trajectory.obs_tm1.shape, counts["episodes"].item()
      ((6, 4, 8), 8.0)
    """
    num_steps = count(num_steps, "rollout: num_steps")
    _check_state("rollout", world, state)
    num_envs = state.obs.shape[0]
    key_act, key_rest = jax.random.split(key)
    u = jax.random.uniform(key_act, (num_steps, num_envs, *action_shape(world)))
    # Per step and stream: one key for the world's step, one for its reset, one for the reward.
    keys = jax.random.split(key_rest, (num_steps, num_envs, 3))
    decides = any(channel.place == "decision" for channel in channels)
    # Without a memory a value depends on its observation alone, so it can wait until the loop is over; and no stream is
    # cut short twice in so few steps.
    waits = not jax.tree.leaves(state.carry) and num_steps <= world.horizon

    def step(
        carried: tuple[RolloutState, Array], x: tuple[Array, ...]
    ) -> tuple[tuple[RolloutState, Array], tuple[Trajectory, dict[str, Array], dict[str, tuple[Array, Array]]]]:
        (state, cut), (u, keys) = carried, x
        carry, action, extras = policy.act(state.carry, state.obs, state.first, u)
        _check_acted(action, extras, num_envs, world)
        twice = "augmented_view" in record
        done = jax.vmap(lambda k, c, s, f, a: _act(k, world, params, channels, c, s, f, a, settings, twice))(
            keys[:, 0], state.channels, state.world, state.first, action
        )
        last = (done.terminated | done.truncated).astype(jnp.float32)
        paid = last * done.info["has_outcome"] if "has_outcome" in done.info else last
        outcome = Signal(done.info["outcome"], paid, state.first, last, lost=jnp.zeros_like(last))
        channel_states, outcome, rewards = jax.vmap(
            lambda states, k, signal, dense: _deliver(channels, states, k, signal, dense, settings)
        )(done.channels, keys[:, 2], outcome, done.reward - done.info["outcome"])
        extras = {name: value for name, value in extras.items() if name != "log_probs"}
        if world.truncates and not waits:
            extras = extras | {"v_final": policy.value(carry, done.obs)}
        if decides:
            extras = extras | {"decided": done.decided}
        if twice:
            extras = extras | {name: done.info[name] for name in ("augmented_view", "augmented_view_present")}
        if "outcome" in record:
            extras = extras | {"outcome": outcome.value, "outcome_present": outcome.present}
        transition = Trajectory(
            obs_tm1=state.obs,
            first_tm1=state.first,
            a_tm1=action,
            r_t=rewards.value,
            known_t=jnp.ones_like(last) if rewards.lost is None else 1.0 - rewards.lost,
            discount_t=1.0 - done.terminated.astype(jnp.float32),
            truncated_t=done.truncated.astype(jnp.float32),
            obs_t=done.obs,
            mask_tm1=jnp.ones_like(last),
            carry=(),
            extras=extras,
        )
        fresh = jax.vmap(lambda k, s, c: _open(k, world, params, s, channels, c, settings))(
            keys[:, 1], done.world, channel_states
        )
        goes_on = (done.world, done.obs, channel_states)
        world_state, obs, channel_states = jax.vmap(select)(last > 0, fresh, goes_on)
        state = RolloutState(world_state, obs, last, carry, channel_states)
        counts = {
            "episodes": last.sum(),
            "successes": done.info["success"].sum(),
        }
        arrived = {"reward": (rewards.value, rewards.present), "outcome": (outcome.value, outcome.present)}
        cut = jnp.where(done.truncated[:, None], done.obs, cut)
        return (state, cut), (transition, counts, arrived)

    start = state.carry
    (state, cut), (trajectory, counts, arrived) = scan_precomputed_randomness(
        step, (state, jnp.zeros_like(state.obs)), (u, keys)
    )
    if world.truncates and waits:
        v_final = jnp.broadcast_to(policy.value(start, cut), trajectory.r_t.shape)
        trajectory = trajectory._replace(extras=trajectory.extras | {"v_final": v_final})
    counts = jax.tree.map(lambda x: x.sum(0), counts)
    counts |= {name: reward_histogram(world, *signal) for name, signal in arrived.items()}
    return state, trajectory._replace(carry=start), counts


@single
def evaluate(
    key: Array,
    world: Environment,
    params: PyTree,
    channels: Sequence[Channel],
    policy: Policy,
    num_episodes: int,
    settings: HParams,
) -> Metrics:
    """Plays one fresh episode on each of `num_episodes` streams, through the channels of senses and decisions.

    A world that keeps something back from learning shows that, see `envs.HeldOut`. What is counted is the world's own
    reward, whatever the channels of reward would let through.

    Args:
      key: for the actions, the world and the channels.
      world: the world; episodes are played as far as its horizon.
      params: its hidden structure, as learning meets it.
      channels: as in :func:`rollout`; those of rewards are left out.
      policy: how to act.
      num_episodes: `E`.
      settings: what the channels read, traced scalars by name.

    Returns:
      ``success``, a probability; ``return``, reward units; and, for a policy that says how likely each action was,
      ``throughput``: the information that its decisions carry about what it has seen, bits per step.
    """
    num_episodes = count(num_episodes, "evaluate: num_episodes")
    params = unseen(world, params)
    key_act, key_step, key_reset = jax.random.split(key, 3)
    u = jax.random.uniform(key_act, (world.horizon, num_episodes, *action_shape(world)))
    keys = jax.random.split(key_step, (world.horizon, num_episodes))
    channels = [channel for channel in channels if channel.place in ("sensory", "decision")]
    opening = init(key_reset, world, params, channels, policy.carry(num_episodes), num_episodes, settings)

    def step(carry: tuple, x: tuple[Array, Array]) -> tuple[tuple, dict[str, Array]]:
        state, running = carry
        u, k_step = x
        memory, action, extras = policy.act(state.carry, state.obs, state.first, u)
        _check_acted(action, extras, num_episodes, world)
        done = jax.vmap(lambda k, c, s, f, a: _act(k, world, params, channels, c, s, f, a, settings))(
            k_step, state.channels, state.world, state.first, action
        )
        sums = {"success": running * done.info["success"], "return": running * done.reward, "steps": running}
        if "log_probs" in extras:
            probs, decisions = jnp.exp(extras["log_probs"]), running * done.decided
            noise = decisions * jax.vmap(information.entropy)(probs)
            sums |= {"decisions": decisions, "probs": decisions[:, None] * probs, "noise": noise}
        running = running * (1.0 - (done.terminated | done.truncated))
        state = RolloutState(done.world, done.obs, jnp.zeros_like(state.first), memory, done.channels)
        return (state, running), jax.tree.map(lambda x: x.sum(0), sums)

    _, sums = scan_precomputed_randomness(step, (opening, jnp.ones((num_episodes,))), (u, keys))
    sums = jax.tree.map(lambda x: x.sum(0), sums)
    metrics = {name: sums[name] / num_episodes for name in ("success", "return")}
    if "probs" in sums:
        decisions = jnp.maximum(sums["decisions"], 1.0)
        bits = information.entropy(sums["probs"] / decisions) - sums["noise"] / decisions
        metrics["throughput"] = bits * sums["decisions"] / sums["steps"]
    return metrics


@single
def attempts(
    key: Array,
    world: Environment,
    params: PyTree,
    channels: Sequence[Channel],
    policy: Policy,
    num_episodes: int,
    num_tries: int,
    settings: HParams,
) -> Array:
    """Tries each of `num_episodes` fresh episodes so many times, through the channels of senses and decisions.

    The tries at an episode differ in what the policy leaves to chance alone: they open alike, and where they do the
    same the same comes of it.

    Args:
      key: for the actions, the world and the channels.
      world: the world; episodes are played as far as its horizon.
      params: its hidden structure.
      channels: as in :func:`evaluate`.
      policy: how to act.
      num_episodes: `N`.
      num_tries: `K`.
      settings: what the channels read, traced scalars by name.

    Returns:
      `[N]`, how many of the tries at each episode were a success.

    Raises:
      UserError: if a number is not a whole number above 0.
    """
    num_episodes = count(num_episodes, "rollout.attempts: num_episodes")
    num_tries = count(num_tries, "rollout.attempts: num_tries")
    key_act, key_step, key_reset = jax.random.split(key, 3)
    streams = num_episodes * num_tries
    u = jax.random.uniform(key_act, (world.horizon, streams, *action_shape(world)))
    keys = jnp.repeat(jax.random.split(key_step, (world.horizon, num_episodes)), num_tries, axis=1)
    openings = jnp.repeat(jax.random.split(key_reset, num_episodes), num_tries)
    channels = [channel for channel in channels if channel.place in ("sensory", "decision")]
    opening = _opened(openings, world, params, channels, policy.carry(streams), settings)

    def step(carry: tuple, x: tuple[Array, Array]) -> tuple[tuple, Array]:
        state, running = carry
        u, k_step = x
        memory, action, extras = policy.act(state.carry, state.obs, state.first, u)
        _check_acted(action, extras, streams, world)
        done = jax.vmap(lambda k, c, s, f, a: _act(k, world, params, channels, c, s, f, a, settings))(
            k_step, state.channels, state.world, state.first, action
        )
        success = running * done.info["success"]
        running = running * (1.0 - (done.terminated | done.truncated))
        state = RolloutState(done.world, done.obs, jnp.zeros_like(state.first), memory, done.channels)
        return (state, running), success

    _, success = jax.lax.scan(step, (opening, jnp.ones((streams,))), (u, keys))
    return success.sum(0).reshape(num_episodes, num_tries).sum(1)
