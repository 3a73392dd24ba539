"""Learners whose networks normalise observations by running statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import learners, prng
from regimax.learners import base
from regimax.networks import low_rank, mlp, normalize_observations
from regimax.networks.base import STATISTICS
from regimax.ops.moments import merge, no_moments, normalize
from regimax.probes import count_flops
from regimax.sources import own_behaviour, transcripts

WORLD = rx.envs.Cipher(symbols=3, skills=2, length=2)
KEYS = jax.tree.map(lambda k: k[0], prng.cell_keys(1))
NET = normalize_observations(mlp((4,)))
E = 8


def made(learner, network=NET, freeze=(), source=None):
    source = (source or own_behaviour(E))(WORLD, (), None)
    learner = learner(network, source, freeze, 4)
    settings = (*learner.settings, *learner.source.settings)
    return learner, {s.name: jnp.asarray(s.default, jnp.int32 if s.integer else jnp.float32) for s in settings}


@pytest.fixture(scope="module")
def compiled():
    """A learner, its settings, its first state, its update, and what is seen at an update."""
    learner, hparams = made(learners.actor_critic())

    def update(key, state, hparams):
        acting = learner.policy(state.params, state.source.world, hparams)
        # The key of its rollout is the first half of an update's.
        _, trajectory = learner.source.next(jax.random.split(key)[0], state.source, acting, hparams)
        return learner.update(key, state, hparams)[0], trajectory.obs_tm1

    return learner, hparams, jax.jit(learner.init)(KEYS, hparams, {}), jax.jit(update)


def test_statistics_are_those_of_every_rollout_so_far(compiled):
    _, hparams, state, update = compiled
    assert state.params[STATISTICS]["count"] == 0
    seen = np.zeros((0, state.params[STATISTICS]["mean"].size))
    for key in jax.random.split(jax.random.key(1), 3):
        state, obs = update(key, state, hparams)
        seen = np.concatenate([seen, np.asarray(obs, np.float64).reshape(-1, seen.shape[1])])
        found = state.params[STATISTICS]
        assert found["count"] == len(seen)
        np.testing.assert_allclose(found["mean"], seen.mean(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found["variance"], seen.var(0), rtol=1e-4, atol=1e-6)


def test_where_the_setting_says_so_they_stand_still(compiled):
    _, hparams, state, update = compiled
    held, _ = update(jax.random.key(1), state, hparams | {"normalize_observations": jnp.int32(0)})
    jax.tree.map(np.testing.assert_array_equal, held.params[STATISTICS], state.params[STATISTICS])
    assert np.any(held.params["trunk"]["layers"][0]["bias"] != state.params["trunk"]["layers"][0]["bias"])


def test_an_evaluation_sees_through_them(compiled):
    learner, hparams, state, update = compiled
    state, _ = update(jax.random.key(1), state, hparams)
    sharp = state._replace(params=state.params | {"policy": jax.tree.map(lambda x: 200.0 * x, state.params["policy"])})
    moved = {name: x + 3.0 * (name == "mean") for name, x in state.params[STATISTICS].items()}
    play = jax.jit(learner.evaluate)
    found = play(jax.random.key(2), sharp, hparams)
    other = play(jax.random.key(2), sharp._replace(params=sharp.params | {STATISTICS: moved}), hparams)
    assert any(found[name] != other[name] for name in found)


def test_no_optimiser_knows_them():
    learner, hparams = made(learners.actor_critic())
    state = jax.eval_shape(learner.init, KEYS, hparams, {})
    assert STATISTICS in state.params
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(state.memory)]
    assert paths
    assert not any(STATISTICS in path for path in paths)


MAKERS = {
    "actor-critic": (learners.actor_critic(), {}, 1),
    "frozen": (learners.actor_critic(), {"freeze": ("trunk",)}, 0),
    "frozen by name": (learners.actor_critic(), {"freeze": (STATISTICS,)}, 0),
    "adapted": (learners.actor_critic(), {"network": low_rank(NET, 1)}, 1),
    "prediction": (learners.prediction(), {"source": transcripts(E)}, 1),
    "Q-learning": (learners.q_learning(updates_per_rollout=1, capacity=E), {}, 1),
    "always on": (learners.always_on(capacity=E), {}, 1),
    "the predictor's trunk": (learners.always_on(gradients="stopped", capacity=E), {}, 1),
    "bare": (learners.actor_critic(), {"network": mlp((4,))}, 0),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_learner_takes_in_its_rollout_once(name, monkeypatch):
    learner, options, times = MAKERS[name]
    taken = []

    def observe(network, params, *rest):
        new = base_observe(network, params, *rest)
        taken.append(new is not params)
        return new

    base_observe = base.observe
    monkeypatch.setattr(base, "observe", observe)
    learner, hparams = made(learner, **options)
    state = jax.eval_shape(learner.init, KEYS, hparams, {})
    new, _ = jax.eval_shape(learner.update, jax.random.key(0), state, hparams)
    assert sum(taken) == times
    assert jax.tree.structure(new) == jax.tree.structure(state)
    assert not any(STATISTICS in jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_leaves_with_path(new.memory))


def test_what_they_cost_is_counted():
    def flops(network):
        learner, hparams = made(learners.actor_critic(), network)
        state = jax.eval_shape(learner.init, KEYS, hparams, {})
        return count_flops(learner.update, jax.random.key(0), state, hparams)

    size, steps = sum(field.size for field in WORLD.fields), WORLD.horizon
    moments = no_moments(size)
    looked = count_flops(lambda x: normalize(moments, x, 10.0), jnp.zeros((1, E, size)))
    learnt = count_flops(lambda x: normalize(moments, x, 10.0), jnp.zeros((steps, E, size)))
    weighed = steps * E  # of the mask and the setting
    taken_in = count_flops(lambda x, w: merge(moments, x, w), jnp.zeros((steps * E, size)), jnp.zeros(steps * E))
    rooted = 2 * size  # the roots of the variances, which a rollout takes once
    # Each step is acted on, what follows the last one is valued, and all are learnt from.
    acted = steps * (looked - rooted) + rooted
    assert flops(NET) - flops(mlp((4,))) == acted + looked + learnt + weighed + taken_in


def small(**more):
    return {"network": NET, "num_envs": 4, "evaluate": rx.regimes.Evaluate(2, 4)} | more


def test_they_go_where_the_trunk_goes():
    bound = rx.regimes.bind_regime(rx.regimes.pretrain_rl((2, 2), **small()), WORLD)
    assert bound.regime.phases[1].inherit == ("trunk", STATISTICS)
    plain = rx.regimes.bind_regime(rx.regimes.pretrain_rl((2, 2), **small(network=mlp((4,)))), WORLD)
    assert plain.regime.phases[1].inherit == ("trunk",)


@pytest.mark.parametrize(
    ("regime", "message"),
    [
        (rx.regimes.yoked(2, **small()), "yoked: normalize_observations is for actor-critics"),
        (rx.regimes.learned_model((2, 2, 2), **small()), "a model of a world sees observations as they are"),
        (rx.regimes.pretrain_rl((2, 2), **small(rl={"network": mlp((4,))})), "a trunk that has seen normalised"),
        (rx.regimes.pure_rl(2, **small(network=normalize_observations(NET))), "has running statistics already"),
    ],
)
def test_where_nothing_takes_them_in_it_is_told(regime, message):
    with pytest.raises(rx.UserError, match=message):
        rx.make_train(regime, WORLD)


@pytest.mark.parametrize("clip", [0, -1.0, float("nan"), "ten"])
def test_a_clip_that_is_none_is_told(clip):
    with pytest.raises(rx.UserError, match="normalize_observations: clip"):
        normalize_observations(mlp((4,)), clip)
