"""A ring of past streams, to learn from more than once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from regimax.errors import UserError
from regimax.sources.base import check_streams
from regimax.types import Array, Trajectory


class RingState(NamedTuple):
    """What a ring holds.

    Attributes:
      streams: a trajectory with leaves `[capacity, T, ...]`, those of its carry `[capacity, ...]`; zeros, and so
        masked, where nothing was pushed yet.
      pushed: `[]` int32, streams pushed so far; once it is full, between one and two capacities.
    """

    streams: Trajectory
    pushed: Array


class Ring(NamedTuple):
    """A replay ring as pure functions, of static size.

    Attributes:
      init: `like -> state`, empty; `like` is a trajectory `[T, E, ...]`, or its shapes.
      push: `(state, trajectory, kept=None) -> state`; the E streams take the places of the oldest, or those of them of
        which `kept`, `[E]`, is true.
      sample: `(key, state, n) -> trajectory`, leaves `[T, n, ...]`, carry `[n, ...]`: whole streams, each drawn
        uniformly from those that are held, and no two the same where at least n are held. An empty ring gives streams
        whose every step is masked.
      capacity: streams that it holds.
    """

    init: Callable[[Any], RingState]
    push: Callable[..., RingState]
    sample: Callable[[Array, RingState, int], Trajectory]
    capacity: int


def ring(capacity: int) -> Ring:
    """Makes a replay ring.

    Args:
      capacity: streams; a multiple of the `E` streams of a trajectory.

    Returns:
      the ring. Its `init` raises :class:`UserError` where the streams do not divide the capacity.

    Raises:
      UserError: for a capacity that is no positive whole number.

    Example:
      >>> from regimax import prng
      >>> from regimax.envs import Exemplar
      >>> from regimax.sources import transcripts
      >>> source = transcripts(num_envs=2)(Exemplar(dimensions=4), (), None)
      >>> settings = {s.name: jnp.asarray(s.default) for s in source.settings}
      >>> state = source.init(jax.tree.map(lambda k: k[0], prng.cell_keys(1)), settings, lambda n: ())
      >>> _, trajectory = source.next(jax.random.key(0), state, None, settings)
      >>> replay = ring(capacity=6)
      >>> held = replay.push(replay.init(trajectory), trajectory)
      >>> replay.sample(jax.random.key(1), held, 5).obs_tm1.shape
      (1, 5, 4)
    """
    capacity = check_streams("ring", capacity, "capacity")

    def init(like: Any) -> RingState:
        shapes = jax.eval_shape(_swapped, like)
        num_envs = shapes.a_tm1.shape[0]
        if capacity % num_envs:
            raise UserError(f"ring: capacity = {capacity} is not a multiple of the {num_envs} streams of a trajectory")
        streams = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape[1:]), x.dtype), shapes)
        return RingState(streams, jnp.zeros((), jnp.int32))

    def push(state: RingState, trajectory: Trajectory, kept: Array | None = None) -> RingState:
        new = _swapped(trajectory)
        if kept is None:
            place, number = state.pushed % capacity, new.a_tm1.shape[0]
            streams = jax.tree.map(
                lambda held, x: jax.lax.dynamic_update_slice_in_dim(held, x, place, axis=0), state.streams, new
            )
        else:
            number = jnp.sum(kept, dtype=jnp.int32)
            places = (state.pushed + jnp.cumsum(kept, dtype=jnp.int32) - 1) % capacity
            places = jnp.where(kept, places, capacity)  # which is none: what is not kept is dropped
            streams = jax.tree.map(lambda held, x: held.at[places].set(x, mode="drop"), state.streams, new)
        # It stays small: a long life would overflow it.
        pushed = state.pushed + number
        return RingState(streams, jnp.where(pushed >= 2 * capacity, pushed - capacity, pushed))

    def sample(key: Array, state: RingState, n: int) -> Trajectory:
        held = jnp.clip(state.pushed, 1, capacity)
        # One from each of n strata, in an order of age that begins anywhere: different streams without sorting them.
        key_begin, key_place = jax.random.split(key)
        begin = jax.random.randint(key_begin, (), 0, held)
        low = jnp.arange(n) * held // n
        size = jnp.maximum(jnp.arange(1, n + 1) * held // n - low, 1)
        index = (begin + low + jax.random.randint(key_place, (n,), 0, size)) % held
        return _swapped(jax.tree.map(lambda x: x[index], state.streams))

    return Ring(init, push, sample, capacity)


def _swapped(trajectory: Trajectory) -> Trajectory:
    """Exchanges the axes of time and of streams; a carry has no time."""
    rest = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), trajectory._replace(carry=()))
    return rest._replace(carry=trajectory.carry)
