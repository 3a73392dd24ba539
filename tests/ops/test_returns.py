"""Returns against a plain loop in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regimax.ops import returns


def loop_advantages(r, discount, trace, v_tm1, v_t, lambda_):
    advantages, following = np.zeros(len(r)), 0.0
    for t in reversed(range(len(r))):
        delta = r[t] + discount[t] * v_t[t] - v_tm1[t]
        following = delta + discount[t] * trace[t] * lambda_ * following
        advantages[t] = following
    return advantages


def loop_returns(r, discount, v_last):
    found, following = np.zeros(len(r)), v_last
    for t in reversed(range(len(r))):
        following = r[t] + discount[t] * following
        found[t] = following
    return found


def episodes(rng, length, gamma):
    terminated = rng.random(length) < 0.2
    truncated = (rng.random(length) < 0.2) & ~terminated
    return gamma * (1.0 - terminated), 1.0 - (terminated | truncated)


ADVANTAGES = jax.jit(returns.generalized_advantages)


@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.sampled_from([1, 2, 7, 30]),
    lambda_=st.floats(0, 1),
    gamma=st.floats(0, 1),
)
@settings(max_examples=60, deadline=None)
def test_advantages_equal_the_loop(seed, length, lambda_, gamma):
    rng = np.random.default_rng(seed)
    r, v_tm1, v_t = rng.normal(size=(3, length))
    discount, trace = episodes(rng, length, gamma)
    expected = loop_advantages(r, discount, trace, v_tm1, v_t, lambda_)
    arrays = [jnp.asarray(x, jnp.float32) for x in (r, discount, trace, v_tm1, v_t)]
    np.testing.assert_allclose(ADVANTAGES(*arrays, jnp.float32(lambda_)), expected, rtol=1e-4, atol=1e-4)


@given(seed=st.integers(0, 2**32 - 1), length=st.sampled_from([1, 5, 30]), gamma=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_returns_equal_the_loop(seed, length, gamma):
    rng = np.random.default_rng(seed)
    r, v_last = rng.normal(size=length), rng.normal()
    discount, _ = episodes(rng, length, gamma)
    found = jax.jit(returns.discounted_returns)(jnp.float32(r), jnp.float32(discount), jnp.float32(v_last))
    np.testing.assert_allclose(found, loop_returns(r, discount, v_last), rtol=1e-4, atol=1e-4)


@pytest.fixture
def stream():
    rng = np.random.default_rng(0)
    r, v_tm1 = (jnp.asarray(x, jnp.float32) for x in rng.normal(size=(2, 9)))
    discount, _ = episodes(rng, 9, 0.9)
    discount = jnp.asarray(discount, jnp.float32)
    return r, discount, jnp.sign(discount), v_tm1, jnp.append(v_tm1[1:], 0.7)


def test_lambda_zero_is_the_td_error(stream):
    r, discount, trace, v_tm1, v_t = stream
    found = jax.jit(returns.generalized_advantages)(r, discount, trace, v_tm1, v_t, 0.0)
    np.testing.assert_allclose(found, r + discount * v_t - v_tm1, rtol=1e-6)


def test_lambda_one_is_the_return_less_the_value(stream):
    r, discount, trace, v_tm1, v_t = stream
    found = jax.jit(returns.generalized_advantages)(r, discount, trace, v_tm1, v_t, 1.0)
    expected = jax.jit(returns.discounted_returns)(r, discount, v_t[-1]) - v_tm1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_truncation_bootstraps_but_does_not_pass_the_trace():
    one, zero = jnp.ones(2), jnp.zeros(2)
    cut = jax.jit(returns.generalized_advantages)(
        zero.at[1].set(8.0), one, jnp.array([0.0, 1.0]), zero, one.at[0].set(3.0), 1.0
    )
    np.testing.assert_allclose(cut, [3.0, 9.0])  # the first sees its final value, not the next episode's reward


def optimum(reward, following, discount):
    """Action values `[S, A]` of a world that always ends, by value iteration; `following` is −1 where it ends."""
    q = np.zeros(reward.shape)
    for _ in range(len(reward) + 1):
        q = reward + discount * np.where(following < 0, 0.0, q.max(1)[following])
    return q


@pytest.mark.parametrize("seed", range(5))
def test_shaping_by_a_potential_moves_no_optimum(seed):
    """Ten states in a row, from each one to three steps on or to the end, paid in eighths: all sums are exact."""
    rng, states, actions, discount = np.random.default_rng(seed), 10, 3, 0.5
    following = np.arange(states)[:, None] + rng.integers(1, 4, (states, actions))
    following = np.where(following < states, following, -1)
    reward = rng.integers(-8, 9, (states, actions)) / 8.0
    potential = rng.integers(-8, 9, states) / 8.0
    discounts = discount * (following >= 0)
    before = np.repeat(potential[:, None], actions, axis=1)
    arrays = map(jnp.asarray, (discounts, before, potential[following]))
    shaping = jax.jit(jax.vmap(returns.potential_shaping, in_axes=1, out_axes=1))(*arrays)
    plain, shaped = optimum(reward, following, discount), optimum(reward + np.asarray(shaping), following, discount)
    np.testing.assert_array_equal(shaped, plain - potential[:, None])
    np.testing.assert_array_equal(shaped == shaped.max(1, keepdims=True), plain == plain.max(1, keepdims=True))


@pytest.mark.parametrize("seed", range(5))
def test_shaping_changes_a_return_by_the_potential_it_begins_with(seed):
    rng, length = np.random.default_rng(seed), 8
    r, potential = (jnp.asarray(rng.integers(-8, 9, n) / 8.0, jnp.float32) for n in (length, length + 1))
    discount = jnp.full((length,), 0.5).at[-1].set(0.0)
    shaping = jax.jit(returns.potential_shaping)(discount, potential[:-1], potential[1:])
    plain, shaped = (jax.jit(returns.discounted_returns)(x, discount, jnp.zeros(())) for x in (r, r + shaping))
    np.testing.assert_array_equal(shaped, plain - potential[:-1])


def test_known_advantages_bootstrap_across_what_was_lost():
    """By hand, γ = λ = ½: of the first episode the end is lost, of the second all but the start."""
    r, v = jnp.array([1.0, 2.0, 9.0, 4.0, 9.0, 9.0]), jnp.array([0.5, 1.0, 2.0, 0.0, 3.0, 1.0])
    known = jnp.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    ends = jnp.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    v_t = jnp.array([1.0, 2.0, 0.0, 3.0, 1.0, 0.0])
    found, estimated = jax.jit(returns.known_advantages)(r, known, 0.5 * ends, ends, v, v_t, 0.5)
    # TD errors: 1, 2, lost; 5.5, lost, lost.
    np.testing.assert_allclose(found, [1.0 + 0.25 * 2.0, 2.0, 0.0, 5.5, 0.0, 0.0])
    assert estimated.tolist() == [1, 1, 0, 1, 0, 0]
    # With λ = 0 nothing is known of a step whose own reward was lost, with λ > 0 something of what came before.
    lost = jnp.array([0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    assert jax.jit(returns.known_advantages)(r, lost, 0.5 * ends, ends, v, v_t, 0.5)[1].tolist() == [1, 1, 0, 1, 1, 1]
    assert jax.jit(returns.known_advantages)(r, lost, 0.5 * ends, ends, v, v_t, 0.0)[1].tolist() == lost.tolist()


def test_where_all_is_known_advantages_are_the_usual_ones():
    keys = jax.random.split(jax.random.key(0), 4)
    r, v, v_t = (jax.random.normal(key, (9,)) for key in keys[:3])
    ends = (jax.random.uniform(keys[3], (9,)) > 0.3).astype(jnp.float32)
    usual = returns.generalized_advantages(r, 0.9 * ends, ends, v, v_t, 0.8)
    found, estimated = returns.known_advantages(r, jnp.ones(9), 0.9 * ends, ends, v, v_t, 0.8)
    np.testing.assert_array_equal(found, usual)
    assert estimated.all()
