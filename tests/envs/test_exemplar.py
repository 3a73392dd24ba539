"""Exemplar against plain references, and its statistics at a stated error rate.

Statistical tests have fixed keys; each would fail by chance with probability `ALPHA`.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.envs import Exemplar

from .conftest import ALPHA, compiled, keys, traced


def shown(hidden, obs):
    """Values `[N]` that observations `[N, D]` of one factor show; every one must be one of its looks."""
    looks = np.asarray(hidden.looks)[0, : int(hidden.values), : int(hidden.num_looks)]
    distance = np.abs(np.asarray(obs)[:, None, None] - looks[None]).max(-1).reshape(len(obs), -1)
    assert (distance.min(-1) < 1e-6).all()
    return distance.argmin(-1) // looks.shape[1], distance.argmin(-1) % looks.shape[1]


def test_an_observation_adds_up_one_look_of_every_factor():
    world = Exemplar(factors=2, values=3, looks=2, noise=0.0, dimensions=5, max_factors=4, max_values=4, max_looks=3)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    looks = np.asarray(params.hidden.looks)
    assert (looks[2:] == 0).all()
    for key in keys(30):
        obs, state = compiled(world.reset)(key, params)
        z = np.asarray(state.z)
        assert z[:2].max() < 3
        sums = [looks[0, z[0], i] + looks[1, z[1], j] for i, j in itertools.product(range(2), repeat=2)]
        assert min(np.abs(np.asarray(obs) - s).max() for s in sums) < 1e-6


def test_the_signal_has_variance_one_and_the_noise_that_of_its_setting():
    def moments(noise, seed):
        world = Exemplar(factors=3, looks=2, noise=noise, dimensions=32)
        params = jax.vmap(world.init, in_axes=(0, None))(keys(400, seed), traced(world))
        obs, _ = jax.vmap(world.reset)(keys(400, seed + 1), params)
        return np.asarray(obs)

    quiet, loud = moments(0.0, 0), moments(1.0, 2)
    for obs, variance in ((quiet, 1.0), (loud, 2.0)):
        n = obs.size
        statistic = (obs**2).sum() / variance
        low, high = stats.chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], n)
        assert low < statistic < high


def test_an_episode_is_solved_iff_every_answer_is_right():
    world = Exemplar(factors=3, values=3, looks=2, decisions=2, dimensions=4, max_decisions=4)
    for key in keys(40):
        k_world, k_reset, k_act, k_1, k_2 = jax.random.split(key, 5)
        params = compiled(world.init)(k_world, traced(world))
        _, state = compiled(world.reset)(k_reset, params)
        answers, factor = np.asarray(params.hidden.answers), int(params.hidden.factor)
        assert sorted(answers) == [0, 1, 2]
        actions = np.asarray(jax.random.randint(k_act, (2,), 0, 3))
        right = []
        for t, k in enumerate((k_1, k_2)):
            right.append(actions[t] == answers[int(state.z[factor])])
            _, state, reward, terminated, truncated, info = compiled(world.step)(
                k, state, jnp.int32(actions[t]), params
            )
            assert bool(terminated) == (t == 1)
            assert not truncated
            assert reward == info["success"] == info["outcome"] == float(t == 1 and all(right))


def test_a_graded_episode_pays_the_share_of_its_right_answers_at_its_end():
    world = Exemplar(factors=1, values=4, looks=2, decisions=4, graded=True, dimensions=4)
    params = compiled(world.init)(jax.random.key(3), traced(world))
    for wrong in (0, 1, 4):
        _, state = compiled(world.reset)(jax.random.key(4), params)
        paid = []
        for t in range(4):
            answer = params.hidden.answers[state.z[params.hidden.factor]]
            action = (answer + (t < wrong)) % 4
            _, state, reward, _, _, info = compiled(world.step)(jax.random.key(t), state, action, params)
            assert reward == info["outcome"]
            paid.append(float(reward))
        assert paid == [0.0, 0.0, 0.0, (4 - wrong) / 4]
        assert info["success"] == float(wrong == 0)


def test_a_random_policy_succeeds_with_probability_v_to_the_minus_h():
    world, n = Exemplar(factors=2, values=3, decisions=2, dimensions=2), 20_000
    settings = traced(world)

    def one(key):
        k_world, k_reset, k_act, *k_steps = jax.random.split(key, 5)
        params = world.init(k_world, settings)
        _, state = world.reset(k_reset, params)
        for action, k in zip(jax.random.randint(k_act, (2,), 0, 3), k_steps, strict=True):
            _, state, *_, info = world.step(k, state, action, params)
        return info["success"]

    successes = int(jax.jit(jax.vmap(one))(keys(n)).sum())
    known = world.describe(world.defaults())["random_success"]
    assert known == pytest.approx(3.0**-2)
    assert stats.binomtest(successes, n, known).pvalue > ALPHA


@pytest.mark.parametrize("unpredictable", [0, 1])
def test_pairs_share_their_values_and_draw_their_looks_again(unpredictable):
    world, n = Exemplar(factors=1, values=3, looks=4, noise=0.0, dimensions=3), 3000
    params = compiled(world.stream_init)(jax.random.key(1), traced(world, unpredictable=unpredictable))
    batch = jax.jit(jax.vmap(world.transcript, in_axes=(0, None)))(keys(n), params)
    values, looks = shown(params.hidden, batch.obs_tm1[:, 0])
    other_values, other_looks = shown(params.hidden, batch.obs_t[:, 0])
    table = np.zeros((3, 3))
    np.add.at(table, (values, other_values), 1)
    if unpredictable:
        assert stats.chi2_contingency(table).pvalue > ALPHA
    else:
        assert (values == other_values).all()
    table = np.zeros((4, 4))
    np.add.at(table, (looks, other_looks), 1)
    assert stats.chi2_contingency(table).pvalue > ALPHA
    assert (np.asarray(batch.discount_t) == 0).all()
    assert (np.asarray(batch.first_tm1) == 1).all()


def test_the_unpredictable_factor_is_the_one_that_counts():
    world = Exemplar(factors=3, values=4, looks=1, noise=0.0, dimensions=16)
    params = compiled(world.stream_init)(jax.random.key(2), traced(world, unpredictable=1))
    batch = jax.jit(jax.vmap(world.transcript, in_axes=(0, None)))(keys(200), params)
    change = np.asarray(batch.obs_t - batch.obs_tm1)[:, 0]
    looks = np.asarray(params.hidden.looks)[int(params.hidden.factor), :, 0]
    differences = np.stack([a - b for a in looks for b in looks])
    assert np.abs(change[:, None] - differences[None]).max(-1).min(-1).max() < 1e-5
    assert (np.abs(change).max(-1) > 1e-3).mean() > 0.5


def test_the_agents_own_second_view_shows_what_was_answered():
    world = Exemplar(factors=1, values=3, looks=4, noise=0.0, dimensions=3)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    _, state = jax.jit(jax.vmap(world.reset, in_axes=(0, None)))(keys(50), params)
    *_, info = jax.jit(jax.vmap(world.step, in_axes=(0, 0, None, None)))(keys(50, 1), state, jnp.int32(0), params)
    assert (shown(params.hidden, info["augmented_view"])[0] == np.asarray(state.z[:, 0])).all()


@pytest.mark.parametrize("forms", [1, 4, 5])
def test_the_halves_have_all_looks_between_them_and_none_in_common(forms):
    world = Exemplar(factors=2, values=3, looks=forms, noise=0.0, dimensions=4, max_factors=3, max_looks=7)
    params = compiled(world.init)(jax.random.key(0), traced(world))

    def looks(params):
        hidden = params.hidden
        return {tuple(look) for look in np.asarray(hidden.looks[1, 2, : int(hidden.num_looks)]).tolist()}

    first, second = (looks(half) for half in compiled(world.halves)(params))
    assert first | second == looks(params)
    if forms == 1:
        assert first == second
    else:
        assert (len(first), len(second)) == (forms - forms // 2, forms // 2)
        assert not first & second


def test_looks_that_were_never_seen_tell_nothing_to_a_probe():
    # Ridge regression on half of the looks, asked about the other half: right one time in V.
    world, right, asked = Exemplar(factors=1, values=4, looks=64, noise=0.0, dimensions=32), 0, 0
    for key in keys(20):
        looks = np.asarray(compiled(world.init)(key, traced(world)).hidden.looks[0], np.float64)
        train, test = looks[:, :32].reshape(-1, 32), looks[:, 32:].reshape(-1, 32)
        labels = np.repeat(np.arange(4), 32)
        weights = np.linalg.solve(train.T @ train + np.eye(32), train.T @ np.eye(4)[labels])
        right += int(((test @ weights).argmax(-1) == labels).sum())
        asked += len(labels)
    assert stats.binomtest(right, asked, 0.25).pvalue > ALPHA


def test_more_factors_leave_those_before_alone():
    few, many = Exemplar(factors=1, max_factors=4), Exemplar(factors=4)
    one, four = (np.asarray(w.init(jax.random.key(0), traced(w)).hidden.looks[0]) for w in (few, many))
    np.testing.assert_allclose(one, 2.0 * four, rtol=1e-6)


def test_floors_in_bits():
    world = Exemplar(factors=4, values=3, looks=5)
    known = world.describe(world.defaults())
    assert known["concepts"] == 12
    assert known["min_reward_bits_scratch"] == pytest.approx(
        math.log2(math.factorial(15) / math.factorial(5) ** 3), rel=1e-5
    )
    assert known["min_reward_bits_stream"] == pytest.approx(math.log2(6) + 2)


def test_the_episodes_floor_counts_the_assignments_that_are_good_enough():
    world = Exemplar(factors=1, values=2, looks=3)
    near = sum(math.comb(6, i) for i in range(2))  # wrong in one look of six at most
    assignments = math.comb(6, 3)
    expected = math.log2(assignments) - math.log2(near) - 1
    assert world.episodes_floor(world.defaults(), 5 / 6) == pytest.approx(expected, abs=1e-4)
    assert world.episodes_floor(world.defaults(), 0.0) == 0.0


def test_the_stream_does_not_read_the_task():
    world = Exemplar()
    assert "world.decisions" not in world.stream_reads
    assert "world.unpredictable" not in world.task_reads
    compiled(world.stream_init)(jax.random.key(0), {n: v for n, v in traced(world).items() if n in world.stream_reads})


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"factors": 0}, "Exemplar: factors = 0 is out of range"),
        ({"values": 1}, "Exemplar: values = 1 is out of range"),
        ({"looks": 9, "max_looks": 8}, "Exemplar: looks = 9 is out of range"),
        ({"noise": -1.0}, "Exemplar: noise = -1 is out of range"),
        ({"dimensions": 0}, "Exemplar: dimensions = 0 is out of range"),
    ],
)
def test_impossible_sizes_are_told(sizes, message):
    with pytest.raises(rx.UserError, match=message):
        Exemplar(**sizes)
