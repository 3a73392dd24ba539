"""Recall against what a sequence must hold, at a stated error rate.

Statistical tests have fixed keys; each would fail by chance with probability `ALPHA`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.envs import Oracle, Recall

from .conftest import ALPHA, compiled, keys, traced

WORLD = Recall(stable=3, dynamic=2, values=5, queries=4, dimensions=6, max_stable=4, max_dynamic=3, max_values=7)


def play(world, params, key, answer):
    """An episode of one who answers `answer(state)`: observations, rewards, ends, successes."""
    obs, opening = world.reset(key, params)

    def step(carry, _):
        state, obs = carry
        later, new, reward, terminated, _, info = world.step(key, state, answer(state), params)
        return (new, later), (obs, reward, terminated, info["success"])

    return jax.lax.scan(step, (opening, obs), None, world.horizon)[1], opening


@pytest.mark.parametrize(("shown", "pairs"), [(1, 5), (0, 2)])
def test_every_pair_is_shown_once_and_what_is_asked_for_exists(shown, pairs):
    params = jax.tree.map(np.asarray, compiled(WORLD.init)(jax.random.key(0), traced(WORLD, shown=shown)))
    asked_stable = 0
    for key in keys(60, 1):
        obs, state = compiled(WORLD.reset)(key, params)
        table = {}
        for t in range(pairs + 4):
            seen, value, query = np.split(np.asarray(obs), [6, 13])
            assert np.linalg.norm(seen) == pytest.approx(1.0, abs=1e-5)
            assert query[0] == (t >= pairs)
            assert value.sum() == (t < pairs)
            if t < pairs:
                assert value.argmax() < 5
                table[tuple(seen)] = value.argmax()
                action = 0
            else:
                there = np.flatnonzero((np.asarray(params.stable_keys) == seen).all(-1))
                asked_stable += len(there)
                action = params.stable_values[there[0]] if len(there) else table[tuple(seen)]
            obs, state, reward, terminated, _, info = compiled(WORLD.step)(key, state, jnp.int32(action), params)
            assert reward == (t >= pairs) / 4
            assert bool(terminated) == (t == pairs + 3)
            assert info["success"] == terminated
        assert len(table) == pairs
        assert not np.asarray(obs).any()
    assert stats.binomtest(asked_stable, 240, 3 / 5).pvalue > ALPHA


def test_a_random_policy_is_right_by_chance():
    world, n = Recall(stable=3, dynamic=2, values=5, queries=1, dimensions=6), 4000
    params = jax.jit(jax.vmap(lambda k: world.init(k, traced(world))))(keys(n))
    (_, reward, _, success), _ = jax.jit(jax.vmap(lambda p, k: play(world, p, k, lambda state: jnp.int32(2))))(
        params, keys(n, 1)
    )
    np.testing.assert_array_equal(reward.sum(1), success.sum(1))
    p = world.describe(world.defaults())["random_success"]
    assert p == 1 / 5
    assert stats.binomtest(int(success.sum()), n, p).pvalue > ALPHA


@pytest.mark.parametrize("drift", [0.0, 0.3])
def test_stable_values_change_at_their_rate(drift):
    params = compiled(WORLD.init)(jax.random.key(0), traced(WORLD, drift=drift))
    _, state = compiled(WORLD.reset)(jax.random.key(1), params)
    np.testing.assert_array_equal(state.pairs[:4], params.stable_values)

    def sequence(state, key):
        _, new = WORLD.reset(key, params, state)
        return new, (new.pairs[:3] != state.pairs[:3], new.pairs[4:6] != state.pairs[4:6])

    _, (stable, dynamic) = jax.lax.scan(sequence, state, keys(1000, 2))
    # A new value is the old one by chance once in V.
    assert stats.binomtest(int(stable.sum()), 3000, drift * 4 / 5).pvalue > ALPHA
    assert stats.binomtest(int(dynamic.sum()), 2000, 4 / 5).pvalue > ALPHA


@pytest.mark.parametrize("drift", [0.0, 0.02, 1.0])
def test_a_life_drifts_at_its_rate(drift):
    settings = {name: value for name, value in traced(WORLD, drift=drift).items() if name in WORLD.life_reads}
    params = compiled(WORLD.init_lifetime)(jax.random.key(0), settings)
    np.testing.assert_array_equal(
        params.stable_keys, compiled(WORLD.init)(jax.random.key(0), traced(WORLD)).stable_keys
    )

    def sequence(params, key):
        new = WORLD.drift_step(key, params)
        return new, (new.stable_values[:3] != params.stable_values[:3], new.stable_values)

    last, (changed, values) = jax.jit(lambda p, k: jax.lax.scan(sequence, p, k))(params, keys(4000, 2))
    assert stats.binomtest(int(changed.sum()), 12_000, drift * 4 / 5).pvalue > ALPHA
    if drift == 1:  # then all values are as likely as each other
        assert stats.chisquare(np.bincount(np.asarray(values[:, :3]).ravel(), minlength=5)).pvalue > ALPHA
    # Everything else stays, and a sequence shows what has become of it.
    np.testing.assert_array_equal(last.stable_keys, params.stable_keys)
    np.testing.assert_array_equal(WORLD.reset(jax.random.key(1), last)[1].pairs[:4], last.stable_values)


def test_worlds_are_redrawn_with_loads_whose_logarithm_is_uniform():
    settings = {name: value for name, value in traced(WORLD).items() if name in WORLD.redraw_reads}
    for load in (4, 6):
        worlds = jax.jit(jax.vmap(lambda k, load=load: WORLD.fresh_world(k, settings, load)))(keys(3000, load))
        pairs = np.asarray(worlds.stable + worlds.dynamic)
        expected = np.diff(np.log(np.arange(2, load + 2))) / np.log((load + 1) / 2)
        assert stats.chisquare(np.bincount(pairs)[2:], 3000 * expected).pvalue > ALPHA
        np.testing.assert_array_equal(worlds.dynamic, np.minimum(pairs, 2))
        assert len(np.unique(worlds.stable_keys[:, 0, 0])) == 3000
    assert (worlds.stable_values < 5).all()


def test_a_sequence_shows_what_lasts_or_not_and_asks_in_turn():
    world = Recall(stable=3, dynamic=2, values=5, queries=4, dimensions=6, max_stable=4, apart=True)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    for shown, pairs in ((True, 5), (False, 2)):
        show = jax.jit(jax.vmap(lambda key, n=pairs, there=jnp.array(shown): world.sequence(key, params, n, there)))
        sequences = jax.tree.map(np.asarray, show(keys(60, 4)))
        stable = sequences.extras["stable"]
        assert (sequences.mask_tm1 == [0] * pairs + [1] * 4).all()
        assert (stable[:, :pairs].sum(1) == pairs - 2).all()
        assert (stable[:, pairs:] == [1, 0, 1, 0]).all()
        same = (sequences.obs_tm1[:, :, None, :6] == np.asarray(params.stable_keys)[None, None]).all(-1)
        np.testing.assert_array_equal(same.any(-1), stable)
        asked, answered = same.argmax(-1)[:, pairs::2], sequences.a_tm1[:, pairs::2]
        np.testing.assert_array_equal(answered, np.asarray(params.stable_values)[asked])
        assert stats.chisquare(np.bincount(asked.ravel(), minlength=3)).pvalue > ALPHA
    none = compiled(world.init)(jax.random.key(0), traced(world, stable=0))
    assert not jax.jit(world.sequence, static_argnums=2)(keys(1)[0], none, 2, jnp.array(True)).extras["stable"].any()


def test_what_was_asked_for_is_told_after_the_questions():
    world = Recall(stable=3, dynamic=2, values=5, queries=4, dimensions=6, max_stable=4, max_queries=5)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    show = jax.jit(world.sequence, static_argnums=(2, 4))
    plain, told = (show(keys(1, 4)[0], params, 7, jnp.array(True), told) for told in (False, True))
    n, asked = 5, slice(5, 9)  # room is left before and after
    np.testing.assert_array_equal(told.obs_tm1[: n + 4], plain.obs_tm1[: n + 4])
    assert (plain.obs_tm1[n + 4 :] == 0).all()
    answers = told.obs_tm1[n + 4 : n + 8]
    assert told.obs_tm1.shape[0] == 7 + 2 * 5
    np.testing.assert_array_equal(answers[:, :6], told.obs_tm1[asked, :6])
    np.testing.assert_array_equal(answers[:, 6:11].argmax(-1), told.a_tm1[asked])
    assert (answers[:, 11] == 0).all()  # nothing is asked any more
    assert (told.obs_tm1[n + 8 :] == 0).all()
    assert told.mask_tm1.sum() == plain.mask_tm1.sum() == 4


def test_a_transcript_is_what_one_who_knows_would_do():
    params = compiled(WORLD.stream_init)(jax.random.key(0), traced(WORLD))
    knowing = jax.jit(lambda key: play(WORLD, params, key, lambda s: jnp.maximum(WORLD.concepts(s, params)[0], 0)))
    for key in keys(5, 3):
        transcript, ((obs, reward, _, success), _) = compiled(WORLD.transcript)(key, params), knowing(key)
        np.testing.assert_array_equal(transcript.obs_tm1, obs)
        np.testing.assert_array_equal(transcript.obs_t[:-1], obs[1:])
        np.testing.assert_array_equal(transcript.mask_tm1, reward > 0)
        assert transcript.discount_t.tolist() == [1.0] * 8 + [0.0] * 3
        assert success.sum() > 0


def test_the_null_has_no_stable_pairs():
    world = Recall(stable=0, dynamic=2, values=3, queries=2, dimensions=4)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    obs, state = compiled(world.reset)(jax.random.key(1), params)
    assert obs.shape == (8,)
    assert sorted(state.order.tolist()) == [0, 1]
    assert world.describe(world.defaults())["min_reward_bits_scratch"] == 0


def test_the_oracle_sees_the_answer():
    world = Recall(stable=2, dynamic=2, values=3, queries=2, dimensions=4)
    oracle = Oracle(world)
    params = compiled(oracle.init)(jax.random.key(0), traced(world))
    (obs, _, _, success), _ = play(oracle, params, jax.random.key(1), lambda s: world.concepts(s, params)[0])
    assert obs.shape == (6, 3)
    assert success[-1] == 1
    assert np.asarray(obs).sum(1).tolist() == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"stable": -1}, "Recall: stable = -1 is out of range"),
        ({"dynamic": 0}, "Recall: dynamic = 0 is out of range"),
        ({"values": 1}, "Recall: values = 1 is out of range"),
        ({"drift": 2}, "Recall: drift = 2 is out of range"),
        ({"stable": 9, "max_stable": 8}, "Recall: stable = 9 is out of range"),
        ({"dimensions": 0}, "Recall: dimensions = 0 is out of range"),
    ],
)
def test_impossible_sizes_are_told(sizes, message):
    with pytest.raises(rx.UserError, match=message):
        Recall(**sizes)
