"""Corridor against a plain reference and its closed forms, at a stated error rate.

Statistical tests have fixed keys; each would fail by chance with probability `ALPHA`.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.envs import Corridor

from .conftest import ALPHA, keys, traced

WORLD = Corridor(positions=4, looks=3, decisions=2, lag=3, noise=0.0, dimensions=8, max_decisions=3, max_lag=5)


def play(world, params, key, actions):
    """An episode of given actions: positions before each step; rewards, ends and what is told after it."""
    k_reset, k_steps = jax.random.split(key)
    obs, opening = world.reset(k_reset, params)

    def step(carry, x):
        state, obs = carry
        later, new, reward, terminated, _, info = world.step(x[1], state, x[0], params)
        return (new, later), (state.z, obs, reward, terminated, info)

    rows = (actions, jax.random.split(k_steps, world.horizon))
    return jax.lax.scan(step, (opening, obs), rows)[1]


PLAY = jax.jit(jax.vmap(lambda p, k, a: play(WORLD, p, k, a), in_axes=(None, 0, 0)))


def test_episodes_equal_a_plain_reference():
    n = 400
    actions = jax.random.randint(jax.random.key(1), (n, WORLD.horizon), 0, 4)
    for H, lag in ((2, 3), (1, 0), (3, 1), (1, 5)):
        params = WORLD.init(jax.random.key(0), traced(WORLD, decisions=H, lag=lag))
        z, _, reward, ended, info = jax.tree.map(np.asarray, PLAY(params, keys(n), actions))
        right = np.asarray(params.hidden.answers)[z] == np.asarray(actions)
        for t in range(H + lag):
            paid = right[:, t - lag] / H if 0 <= t - lag < H else np.zeros(n)
            np.testing.assert_allclose(reward[:, t], paid, rtol=1e-6)
            assert (ended[:, t] == (t == H + lag - 1)).all()
            np.testing.assert_array_equal(info["outcome"][:, t], reward[:, t] if H == 1 else np.zeros(n))
            assert (info["has_outcome"][:, t] == (H == 1)).all()
        np.testing.assert_array_equal(info["success"][:, H + lag - 1], right[:, :H].all(1))


def test_positions_go_on_as_their_transitions_say():
    n = 4000
    for p, m in ((0.8, 0.0), (0.9, 0.3), (0.0, 1.0)):
        settings = traced(WORLD, persistence=p, moves=m)
        params = WORLD.init(jax.random.key(0), settings)
        z = np.asarray(PLAY(params, keys(n, 3), jnp.zeros((n, WORLD.horizon), jnp.int32))[0])
        assert same_law(z[:, 0], z[:, 1], WORLD.transitions(values(WORLD, persistence=p, moves=m)))
        assert same_law(z[:, 0], z[:, 4], WORLD.transitions(values(WORLD, persistence=p, moves=m), 4))


def values(world, **changes):
    return world.defaults() | {f"world.{name}": value for name, value in changes.items()}


def same_law(before, after, law):
    """Whether pairs of positions, the first of them uniform, come as often as they should."""
    expected = law / len(law) * len(before)
    counts = np.zeros_like(expected)
    np.add.at(counts, (before, after), 1)
    return stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), expected.size - 1) > ALPHA


@pytest.mark.parametrize("ahead", [1, 7, 64])
def test_the_stream_shows_positions_so_far_apart(ahead):
    n, changes = 4000, {"persistence": 0.97, "moves": 0.2, "ahead": ahead}
    stream = WORLD.stream_init(jax.random.key(0), traced(WORLD, **changes))
    pairs = SHOW(keys(n, ahead), stream)
    before, after = (place(stream.hidden, obs[:, 0]) for obs in (pairs.obs_tm1, pairs.obs_t))
    assert same_law(before, after, WORLD.transitions(values(WORLD, **changes), ahead))


SHOW = jax.jit(jax.vmap(WORLD.transcript, in_axes=(0, None)))


def place(hidden, obs):
    """The positions `[N]` that observations `[N, D]` without noise show."""
    looks = np.asarray(hidden.looks)
    distance = np.abs(np.asarray(obs)[:, None, None] - looks[None]).max(-1).reshape(len(obs), -1)
    assert (distance.min(-1) < 1e-6).all()
    return distance.argmin(-1) // looks.shape[1]


def test_nothing_lasts_and_nothing_is_foretold():
    null = values(WORLD, persistence=0.0)
    for steps in (1, 5):
        assert WORLD.shared_bits(null, steps) == pytest.approx(0.0, abs=1e-12)
    known = WORLD.describe(null)
    assert known["predictable_share"] == pytest.approx(0.0, abs=1e-12)
    assert known["min_reward_bits_stream"] == known["min_reward_bits_scratch"]


def test_what_is_shared_falls_with_the_horizon_and_is_all_of_it_where_all_lasts():
    sure = values(WORLD, persistence=1.0, moves=0.0)
    assert WORLD.shared_bits(sure, 64) == pytest.approx(2.0)
    # A turn of the ring that is certain loses nothing either.
    assert WORLD.shared_bits(values(WORLD, persistence=1.0, moves=1.0), 7) == pytest.approx(2.0)
    bits = [WORLD.shared_bits(values(WORLD, persistence=0.9, moves=0.1), steps) for steps in (1, 2, 4, 8, 64)]
    assert bits == sorted(bits, reverse=True)
    # Without moves: the same again with probability q = p^h + (1 - p^h)/K, else one of the others.
    q = 0.9**4 + (1 - 0.9**4) / 4
    by_hand = 2 + q * math.log2(q) + (1 - q) * math.log2((1 - q) / 3)
    assert WORLD.shared_bits(values(WORLD, persistence=0.9), 4) == pytest.approx(by_hand)


def test_what_is_known_of_it():
    known = WORLD.describe(values(WORLD))
    assert known["random_success"] == 4.0**-2
    assert (known["episode_steps"], known["paid_steps"]) == (5, 2)
    assert WORLD.describe(values(WORLD, decisions=1))["paid_steps"] == 0
    assert known["min_reward_bits_stream"] == pytest.approx(math.log2(24))
    assert known["min_reward_bits_scratch"] == pytest.approx(math.log2(math.factorial(12) / 6**4))
    one = values(WORLD, looks=1)
    assert WORLD.describe(one)["min_reward_bits_scratch"] == WORLD.describe(one)["min_reward_bits_stream"]
    # Five positions one after the other, each of the later ones as uncertain as a step makes it.
    later = 2.0 - WORLD.shared_bits(values(WORLD), 1)
    assert known["concept_bits"] * 5 == pytest.approx(2.0 + 4 * later)
    assert known["stream_concept_bits"] == pytest.approx(2.0 + later)
    bare = WORLD.unpadded(values(WORLD))
    assert (bare.horizon, bare.num_actions) == (5, 4)


def test_whoever_knows_is_always_right_and_chance_is_as_it_says():
    n = 2000
    params = WORLD.init(jax.random.key(0), traced(WORLD))
    random = jax.random.randint(jax.random.key(5), (n, WORLD.horizon), 0, 4)
    z, _, _, _, info = PLAY(params, keys(n, 6), random)
    assert stats.binomtest(int(info["success"][:, 4].sum()), n, 1 / 16).pvalue > ALPHA
    knowing = params.hidden.answers[z]  # positions do not depend on what is done
    _, _, reward, _, info = PLAY(params, keys(n, 6), knowing)
    assert info["success"][:, 4].all()
    np.testing.assert_allclose(reward[:, :5].sum(1), 1.0)


def test_the_halves_have_all_looks_between_them_and_none_in_common():
    params = WORLD.init(jax.random.key(0), traced(WORLD))
    first, second = (half.hidden for half in WORLD.halves(params))
    whole = np.asarray(params.hidden.looks)
    parts = [np.asarray(half.looks)[:, : int(half.num_looks)] for half in (first, second)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"positions": 1}, "Corridor: positions = 1 is out of range"),
        ({"lag": 3, "max_lag": 2}, "Corridor: lag = 3 is out of range"),
        ({"persistence": 1.5}, "Corridor: persistence = 1.5 is out of range"),
        ({"ahead": 65}, "Corridor: ahead = 65 is out of range"),
        ({"dimensions": 0}, "Corridor: dimensions = 0 is out of range"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes, message):
    with pytest.raises(rx.UserError, match=message):
        Corridor(**sizes)


@pytest.mark.slow
def test_prediction_beats_its_sham_where_reward_comes_soon_and_something_lasts():
    """Heads alone on what was predicted: success at the end, a pair of learners in each world."""
    world, seeds = Corridor(positions=4, looks=8, lag=1, persistence=0.9, dimensions=32), 12
    regime = rx.regimes.pretrain_rl(
        (600, 120),
        network=rx.networks.mlp((64, 16)),
        predictor=rx.learners.prediction(rx.learners.objectives.contrastive()),
        pretrain={"num_envs": 64, "evaluate": rx.regimes.Evaluate(every=600, episodes=8)},
        finetune="frozen",
        num_envs=32,
        evaluate=rx.regimes.Evaluate(every=120, episodes=256),
    )
    train = rx.make_train(regime, world)
    keyed = rx.cell_keys(seeds=seeds)
    run = jax.jit(jax.vmap(lambda key, hparams: train(key, hparams).curves["rl"]["success"][-1], in_axes=(0, None)))

    def success(**changes):
        hparams = dict(train.default_hparams) | {"rl.learning_rate": jnp.float32(0.03)}
        hparams |= {name: jnp.asarray(value, hparams[name].dtype) for name, value in changes.items()}
        return np.asarray(run(keyed, hparams))

    predicted, sham = success(), success(**{"pretrain.shuffle": 1})
    null, null_sham = (success(**{"pretrain.shuffle": sham, "world.persistence": 0.0}) for sham in (0, 1))
    assert predicted.mean() > 0.9
    assert stats.ttest_rel(predicted, sham, alternative="greater").pvalue < ALPHA
    # Where nothing lasts prediction is a sham itself.
    saved, nothing = predicted - sham, null - null_sham
    assert stats.ttest_rel(saved, nothing, alternative="greater").pvalue < ALPHA
    assert stats.ttest_1samp(nothing, 0.0).pvalue > ALPHA
