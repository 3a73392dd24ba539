"""Lock against a plain reference and its geometric law, at a stated error rate.

Statistical tests have fixed keys; each would fail by chance with probability `ALPHA`.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.envs import Lock
from regimax.envs.lock import LURE, NOISE

from .conftest import ALPHA, compiled, keys, traced


def play(world, params, key, actions):
    """Episodes of given actions `[H]`: states before each step, then rewards, ends and successes after it."""
    k_reset, k_steps = jax.random.split(key)
    obs, opening = world.reset(k_reset, params)

    def step(carry, x):
        state, obs = carry
        action, k = x
        later, new, reward, terminated, _, info = world.step(k, state, action, params)
        return (new, later), (state, obs, reward, terminated, info["success"], new.state)

    return jax.lax.scan(step, (opening, obs), (actions, jax.random.split(k_steps, world.horizon)))[1]


def test_episodes_equal_a_plain_reference():
    world, n = Lock(depth=4, actions=3, max_depth=6, max_actions=4), 400
    params = jax.jit(jax.vmap(world.init, in_axes=(0, None)))(keys(n), traced(world))
    actions = jax.random.randint(jax.random.key(1), (n, 6), 0, 3)
    way = np.asarray(params.keys)
    states, _, reward, ended, success, after = jax.jit(jax.vmap(lambda p, k, a: play(world, p, k, a)))(
        params, keys(n, 2), actions
    )
    before = np.asarray(states.state)
    lured = total = 0
    for i in range(n):
        for t in range(4):
            s = before[i, t]
            on = s < 2 and int(actions[i, t]) == way[i, t, s]
            assert (after[i, t] < 2) == on
            assert ended[i, t] == (t == 3)
            assert success[i, t] == float(on and t == 3)
            if s < 2 and not on:
                lured, total = lured + (reward[i, t] > 0), total + 1
                assert reward[i, t] in (0.0, np.float32(LURE))
            else:
                assert reward[i, t] == success[i, t]
    assert stats.binomtest(int(lured), total, 0.5).pvalue > ALPHA


def knows(world, params, key):
    """An episode of one that sees the state and knows its action. Returns success and the states it saw."""
    k_reset, k_steps = jax.random.split(key)
    _, opening = world.reset(k_reset, params)

    def step(state, k):
        _, new, *_, info = world.step(k, state, params.keys[state.h, state.state], params)
        return new, (info["success"], state.state)

    return jax.lax.scan(step, opening, jax.random.split(k_steps, world.horizon))[1]


def test_who_knows_the_way_always_arrives_through_a_and_b_alike():
    world, n = Lock(depth=5, actions=4), 2000
    params = jax.jit(jax.vmap(world.init, in_axes=(0, None)))(keys(n), traced(world))
    success, states = jax.jit(jax.vmap(lambda p, k: knows(world, p, k)))(params, keys(n, 1))
    assert (np.asarray(success)[:, -1] == 1).all()
    assert stats.binomtest(int(np.asarray(states).sum()), n * 5, 0.5).pvalue > ALPHA


def test_episodes_to_the_first_success_of_a_random_policy_are_geometric():
    world, runs, episodes = Lock(depth=3, actions=2), 2000, 80
    settings = traced(world)

    def first(key):
        k_world, k_act, k_play = jax.random.split(key, 3)
        params = world.init(k_world, settings)
        actions = jax.random.randint(k_act, (episodes, 3), 0, 2)
        success = jax.vmap(lambda k, a: play(world, params, k, a)[4][-1])(jax.random.split(k_play, episodes), actions)
        return jnp.where(success.any(), jnp.argmax(success), episodes)

    found = np.asarray(jax.jit(jax.vmap(first))(keys(runs)))
    p = world.describe(world.defaults())["random_success"]
    assert p == 1 / 8
    edges = [0, 2, 5, 10, 20, episodes]
    counts = np.histogram(found, bins=[*edges, episodes + 1])[0]
    cdf = lambda k: 1 - (1 - p) ** k
    expected = [cdf(b) - cdf(a) for a, b in itertools.pairwise(edges)] + [(1 - p) ** episodes]
    # The last two cells together hold enough.
    counts, expected = np.append(counts[:-2], counts[-2:].sum()), np.append(expected[:-2], sum(expected[-2:]))
    assert stats.chisquare(counts, expected * runs).pvalue > ALPHA


def test_an_observation_mixes_state_and_depth_with_noise():
    world, n = Lock(depth=4, actions=3, max_depth=9), 3000
    D = world.fields[0].size
    assert D == 16
    mixing = world._mixing
    np.testing.assert_allclose(mixing @ mixing.T, np.eye(D), atol=1e-6)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    obs, state = jax.jit(jax.vmap(world.reset, in_axes=(0, None)))(keys(n), params)
    code = np.eye(D)[np.asarray(state.state)] + np.eye(D)[3 + np.asarray(state.h)]
    noise = (np.asarray(obs) @ mixing - code) / NOISE
    assert stats.kstest(noise.ravel(), "norm").pvalue > ALPHA


def test_every_state_has_looks_of_its_own_and_is_shown_twice():
    world, n = Lock(depth=3, actions=2, looks=4, dimensions=64), 400
    params = compiled(world.init)(jax.random.key(0), traced(world))
    actions = jax.random.randint(jax.random.key(1), (n, 3), 0, 2)

    def views(key, actions):
        """Episodes' states, observations, and what is shown a second time."""
        k_reset, k_steps = jax.random.split(key)
        obs, opening = world.reset(k_reset, params)

        def step(carry, x):
            state, obs = carry
            later, new, *_, info = world.step(x[1], state, x[0], params)
            return (new, later), (state, obs, info["augmented_view"])

        return jax.lax.scan(step, (opening, obs), (actions, jax.random.split(k_steps, 3)))[1]

    states, first, second = jax.jit(jax.vmap(views))(keys(n, 2), actions)
    looks = np.asarray(params.looks)
    assert looks.shape == (4, 3, 4, 64)
    assert (looks**2).sum(-1).mean() == pytest.approx(2.0, rel=0.05)
    there = looks[np.asarray(states.h), np.asarray(states.state)]  # [n, H, M, D]
    shown = [((there - np.asarray(view)[:, :, None]) ** 2).sum(-1) for view in (first, second)]
    assert all((found.min(-1) < 64 * NOISE**2 * 2).all() for found in shown)
    same = (shown[0].argmin(-1) == shown[1].argmin(-1)).sum()
    assert stats.binomtest(int(same), n * 3, 1 / 4).pvalue > ALPHA
    other = compiled(world.init)(jax.random.key(0), traced(world, task=3))
    np.testing.assert_array_equal(other.looks, looks)
    assert (other.keys != params.keys).any()
    deeper = Lock(depth=3, actions=2, looks=4, dimensions=64, max_depth=5)
    assert deeper.init(jax.random.key(0), traced(deeper)).looks.shape == (6, 3, 4, 64)
    assert not Lock(depth=3).augmented_views


def test_random_behaviour_all_but_never_sees_deep_states():
    world, n = Lock(depth=8, actions=4, max_depth=10), 4000
    params = compiled(world.stream_init)(jax.random.key(0), traced(world))
    batch = jax.jit(jax.vmap(world.transcript, in_axes=(0, None)))(keys(n), params)
    assert (np.asarray(batch.mask_tm1) == [1] * 8 + [0] * 2).all()
    assert (np.asarray(batch.discount_t)[:, :8] == [1] * 7 + [0]).all()
    assert np.asarray(batch.a_tm1).max() < 4
    states = (np.asarray(batch.obs_tm1) @ world._mixing)[..., :3].argmax(-1)
    for depth in range(1, 4):
        good = int((states[:, depth] < 2).sum())
        assert stats.binomtest(good, n, 4.0**-depth).pvalue > ALPHA


def test_bits_of_the_stream_by_enumeration():
    world = Lock(depth=3, actions=3)
    bits = 0.0
    for path in itertools.product("abc", repeat=4):  # before each action, and after the last
        probability = 0.0 if path[0] == "c" else 0.5
        for before, after in itertools.pairwise(path):
            if before == "c":
                probability *= after == "c"
            else:
                probability *= 2 / 3 if after == "c" else 1 / 6
        bits -= probability * np.log2(probability) if probability else 0.0
    assert world.describe(world.defaults())["stream_concept_bits"] == pytest.approx(bits / 3)


def test_with_one_action_everybody_arrives():
    world = Lock(depth=3, actions=1)
    known = world.describe(world.defaults())
    assert known["random_success"] == 1.0
    assert known["min_reward_bits_scratch"] == 0.0
    params = compiled(world.init)(jax.random.key(0), traced(world))
    *_, successes = play(world, params, jax.random.key(1), jnp.zeros(3, jnp.int32))
    assert successes.tolist() == [0.0, 0.0, 1.0]


def test_concepts_are_state_and_depth():
    world = Lock(depth=3, actions=2, max_depth=5)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    _, state = compiled(world.reset)(jax.random.key(1), params)
    assert compiled(world.concepts)(state, params).tolist() == [int(state.state), 0]
    assert compiled(world.concepts)(state._replace(h=jnp.int32(3)), params).tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"depth": 1}, "Lock: depth = 1 is out of range"),
        ({"depth": 100}, "Lock: depth = 100 is out of range"),
        ({"actions": 0}, r"Lock: actions = 0 is out of range: a whole number in \[1, inf\)"),
        ({"actions": 2.5}, "Lock: actions = 2.5 is not a whole number"),
        ({"max_actions": -4}, "Lock: max_actions = -4 is not a whole number from 0 on"),
        ({"actions": 5, "max_actions": 4}, "Lock: actions = 5 is out of range"),
        ({"looks": 0}, "Lock: looks = 0 is out of range"),
        ({"depth": 4, "dimensions": 4}, "Lock: dimensions = 4 is no power of 2 of at least 8"),
        ({"depth": 4, "dimensions": 24}, "Lock: dimensions = 24 is no power of 2"),
    ],
)
def test_impossible_sizes_are_told(sizes, message):
    with pytest.raises(rx.UserError, match=message):
        Lock(**sizes)
