"""The replay ring against a plain list of what was pushed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regimax import UserError
from regimax.sources import ring
from regimax.types import Trajectory

T, E, CAPACITY, N = 3, 2, 6, 16
RING = ring(CAPACITY)


def stream(ids):
    """Streams `[T, E, ...]` whose every number tells stream and step."""
    ids = np.asarray(ids, np.int32)
    cell = np.float32(10 * ids[None] + np.arange(T)[:, None])
    return Trajectory(
        obs_tm1=np.stack([cell, -cell], axis=-1),
        first_tm1=cell,
        a_tm1=cell.astype(np.int32),
        r_t=cell,
        known_t=np.ones_like(cell),
        discount_t=cell,
        truncated_t=cell,
        obs_t=np.stack([cell, -cell], axis=-1),
        mask_tm1=np.ones_like(cell),
        carry={"memory": np.stack([ids, ids, ids], axis=-1).astype(np.float32)},
        extras={"value": cell},
    )


push, sample = jax.jit(RING.push), jax.jit(RING.sample, static_argnums=2)


def filled(pushes):
    state = RING.init(stream([0, 0]))
    for i in range(pushes):
        state = push(state, stream([2 * i + 1, 2 * i + 2]))
    return state


@settings(max_examples=30, deadline=None)
@given(pushes=st.integers(1, 12), seed=st.integers(0, 2**31 - 1))
def test_samples_are_whole_streams_of_the_last_that_were_pushed(pushes, seed):
    drawn = sample(jax.random.key(seed), filled(pushes), N)
    ids = np.asarray(drawn.carry["memory"][:, 0])
    newest = 2 * pushes
    assert set(ids) <= set(range(max(1, newest - CAPACITY + 1), newest + 1))
    expected = stream(ids)
    assert jax.tree.map(jnp.shape, drawn) == jax.tree.map(jnp.shape, expected)
    for one, other in zip(jax.tree.leaves(drawn), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=20, deadline=None)
@given(kept=st.lists(st.lists(st.booleans(), min_size=E, max_size=E), min_size=1, max_size=12))
def test_only_what_is_kept_takes_the_place_of_the_oldest(kept):
    state, told = RING.init(stream([0, 0])), []
    for i, chosen in enumerate(kept):
        ids = [2 * i + 1, 2 * i + 2]
        state = push(state, stream(ids), jnp.asarray(chosen))
        told += [one for one, here in zip(ids, chosen, strict=True) if here]
    held = np.asarray(state.streams.carry["memory"][:, 0]).astype(int)
    assert sorted(held[held > 0]) == sorted(told[-CAPACITY:])
    drawn = np.asarray(sample(jax.random.key(0), state, N).carry["memory"][:, 0])
    assert set(drawn) <= set(told[-CAPACITY:] or [0])


@pytest.mark.parametrize("pushes", [2, 3, 7])
def test_every_stream_that_is_held_is_drawn(pushes):
    ids = np.asarray(sample(jax.random.key(0), filled(pushes), 256).carry["memory"][:, 0])
    held, counts = np.unique(ids, return_counts=True)
    assert held.tolist() == list(range(max(1, 2 * pushes - CAPACITY + 1), 2 * pushes + 1))
    assert counts.min() > 0.5 * 256 / len(held)


@settings(max_examples=30, deadline=None)
@given(pushes=st.integers(1, 7), seed=st.integers(0, 2**31 - 1))
def test_no_stream_is_drawn_twice_while_others_are_not_drawn_at_all(pushes, seed):
    ids = np.asarray(sample(jax.random.key(seed), filled(pushes), 2).carry["memory"][:, 0])
    assert len(set(ids)) == 2


def test_an_empty_ring_gives_nothing_that_counts():
    drawn = sample(jax.random.key(0), RING.init(jax.eval_shape(lambda: stream([0, 0]))), N)
    assert drawn.mask_tm1.shape == (T, N)
    assert (drawn.mask_tm1 == 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ring(0), "ring: capacity = 0 is not a whole number above 0"),
        (lambda: ring(5).init(stream([0, 0])), "capacity = 5 is not a multiple of the 2 streams"),
    ],
)
def test_impossible_capacities_are_told(make, message):
    with pytest.raises(UserError, match=message):
        make()
