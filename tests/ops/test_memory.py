"""Room in a memory: closed forms of random and orthogonal keys, scale, and sums written out."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.networks._linear_attention import RULES, write
from regimax.ops import memory

K, V, N, WORLDS = 16, 16, 96, 64
RULE = {rule: functools.partial(write, rule=rule) for rule in RULES}


def unit(rng, *shape):
    x = rng.standard_normal(shape)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def drawn(seed, pairs, norm=1.0):
    """Keys and values `[WORLDS, pairs, ·]` that lie alike in all directions."""
    rng = np.random.default_rng(seed)
    return unit(rng, WORLDS, pairs, K), norm * unit(rng, WORLDS, pairs, V)


def held(keys, values, rule="sum"):
    """`[WORLDS, K, V]` states after these pairs, written in full."""

    def one(keys, values):
        def step(state, pair):
            return RULE[rule](state, *pair, jnp.ones(())), None

        return jax.lax.scan(step, jnp.zeros((K, V)), (keys, values))[0]

    return np.asarray(jax.jit(jax.vmap(one))(jnp.asarray(keys, jnp.float32), jnp.asarray(values, jnp.float32)))


@functools.cache
def measuring(rule):
    @jax.jit
    def measure(states, keys, values, level):
        ones = jnp.ones(keys.shape[1])
        recalled = jax.vmap(lambda s, k, v: memory.recall_errors(s, k, v, ones, RULE[rule]))
        return memory.capacity(*(x.sum(0) for x in recalled(states, keys, values)), level)

    return measure


def fits(states, further, level, rule="sum"):
    states, keys, values = (jnp.asarray(x, jnp.float32) for x in (states, *further))
    return float(measuring(rule)(states, keys, values, level))


FURTHER = drawn(1, N)


@pytest.mark.parametrize("lasting", [0, 16, 32])
def test_capacity_of_a_sum_for_random_keys_is_that_of_the_closed_form(lasting):
    states = held(*drawn(2, lasting)) if lasting else np.zeros((WORLDS, K, V))
    squares = np.square(states).sum((1, 2)).mean()
    assert squares == pytest.approx(lasting, rel=0.05, abs=1e-6)  # of random pairs of norm 1: one each
    level = 4.0
    assert fits(states, FURTHER, level) == pytest.approx(K * level + 1 - squares, rel=0.04)


def test_it_differs_between_random_and_orthogonal_keys():
    """A sum recalls orthogonal keys without error, as many as it has rows, and is not disturbed by what lies beside."""
    rng = np.random.default_rng(3)
    bases = np.linalg.qr(rng.standard_normal((WORLDS, K, K)))[0]
    half, values = K // 2, unit(rng, WORLDS, K, V)
    lasting = held(bases[:, :half], values[:, :half])
    beside = (bases[:, half:], values[:, half:])
    assert fits(lasting, beside, 0.01) == half
    assert fits(np.zeros_like(lasting), beside, 0.01) == half
    same_place = (bases[:, :half], values[:, half:])
    assert fits(lasting, same_place, 0.99) == 0.0  # what is there already disturbs by as much as is recalled
    # Random keys of as many random pairs err from the second on.
    assert fits(np.zeros_like(lasting), FURTHER, 0.01) < 2
    # n orthogonal keys with random values of one norm: n / (1 + (n − 1) / V); with orthogonal values n.
    ratio = np.asarray(jax.jit(jax.vmap(memory.participation_ratio))(jnp.asarray(lasting)))
    assert ratio.mean() == pytest.approx(half / (1 + (half - 1) / V), rel=0.03)
    both = held(bases[:, :half], bases[:, half:])
    np.testing.assert_allclose(jax.jit(jax.vmap(memory.participation_ratio))(jnp.asarray(both)), half, rtol=1e-4)


def test_scale():
    """Twice the values: four times the squares, the same directions and shares, and room as if four times were held."""
    keys, values = drawn(4, 8)
    one, two = held(keys, values), held(keys, 2 * values)
    first = held(keys[:, :3], values[:, :3])
    due = jax.vmap(memory.squares_due)
    np.testing.assert_allclose(due(two, two), 4 * due(one, one), rtol=1e-5)
    np.testing.assert_allclose(due(2 * first, two) / due(two, two), due(first, one) / due(one, one), rtol=1e-4)
    ratio = jax.vmap(memory.participation_ratio)
    np.testing.assert_allclose(ratio(two), ratio(one), rtol=1e-4)
    level, squares = 4.0, np.square(one).sum((1, 2)).mean()
    assert fits(two, FURTHER, level) == pytest.approx(K * level + 1 - 4 * squares, rel=0.05)
    # Where the further pairs are twice as large too, nothing has changed.
    assert fits(two, (FURTHER[0], 2 * FURTHER[1]), level) == pytest.approx(fits(one, FURTHER, level), rel=1e-4)


def test_a_state_that_holds_nothing_of_what_lasts_has_all_its_room():
    new = held(*drawn(5, 8))
    nothing, everything = np.zeros_like(new), held(*drawn(6, 32))
    due = jax.vmap(memory.squares_due)
    assert np.all(np.asarray(due(nothing, new)) == 0.0)
    share = due(everything, everything + new).sum() / due(everything + new, everything + new).sum()
    assert share == pytest.approx(32 / 40, abs=0.03)
    # Written and taken back, it leaves no trace, which no measure of what was written could tell.
    keys, values = drawn(6, 32)
    back = held(np.concatenate([keys, keys], 1), np.concatenate([values, -values], 1))
    assert fits(back + new, FURTHER, 4.0) == pytest.approx(fits(new, FURTHER, 4.0), rel=1e-4)
    assert fits(everything + new, FURTHER, 4.0) < 0.5 * fits(new, FURTHER, 4.0)


def test_a_memory_of_the_delta_rule_full_and_empty():
    """Its squares are d (1 − (1 − 1/d)^n) after n random pairs of norm 1, so it fills up."""
    for n in (4, 64):
        squares = np.square(held(*drawn(7, n), rule="delta")).sum((1, 2)).mean()
        assert squares == pytest.approx(K * (1 - (1 - 1 / K) ** n), rel=0.06)
    full, empty = held(*drawn(7, 64), rule="delta"), np.zeros((WORLDS, K, V))
    level = 0.25
    assert fits(full, FURTHER, level, "delta") < 0.75 * fits(empty, FURTHER, level, "delta")
    # What is written last is recalled exactly, whatever is there: a pair always fits.
    assert fits(full, FURTHER, 1e-6, "delta") >= 1.0
    assert fits(held(*drawn(7, 64)), FURTHER, level) == 0.0  # a sum has no such thing


@pytest.mark.parametrize("rule", RULES)
def test_errors_are_the_sums_written_out(rule):
    rng = np.random.default_rng(8)
    state, keys, values = rng.standard_normal((K, V)), unit(rng, 12, K), rng.standard_normal((12, V))
    beta = rng.uniform(size=12)
    arrays = (jnp.asarray(x, jnp.float32) for x in (state, keys, values, beta))
    errors, squares = jax.jit(lambda *xs: memory.recall_errors(*xs, RULE[rule]))(*arrays)
    for m in range(12):
        old = keys[m] @ state if rule == "delta" else 0.0
        state = state + beta[m] * np.outer(keys[m], values[m] - old)
        wanted = beta[: m + 1, None] * values[: m + 1]
        assert errors[m] == pytest.approx(np.square(keys[: m + 1] @ state - wanted).sum(), rel=1e-4)
        assert squares[m] == pytest.approx(np.square(wanted).sum(), rel=1e-5)
    sigma = np.linalg.svd(state, compute_uv=False)
    expected = np.square(np.square(sigma).sum()) / (sigma**4).sum()
    assert jax.jit(memory.participation_ratio)(jnp.asarray(state, jnp.float32)) == pytest.approx(expected, rel=1e-4)


def test_the_ends_of_capacity():
    one = jnp.ones(5)
    assert jax.jit(memory.capacity)(0.1 * one, one, 1.0) == 5.0  # never too much
    assert jax.jit(memory.capacity)(9.0 * one, one, 1.0) == 0.0  # not even one
    assert jax.jit(memory.capacity)(0.0 * one, 0.0 * one, 1.0) == 0.0  # a gate that writes nothing new
    assert jax.jit(memory.participation_ratio)(jnp.zeros((3, 2))) == 0.0
