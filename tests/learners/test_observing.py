"""Learners whose networks normalise observations by running statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import learners, prng
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


def trained(learner, hparams, updates=3):
    """States from the first on, and what was seen at each update."""
    state = jax.jit(learner.init)(KEYS, hparams, {})

    @jax.jit
    def seen(key, state):
        acting = learner.policy(state.params, state.source.world, hparams) if learner.source.agentic else None
        # The key of an actor-critic's and of a predictor's rollout is the first half of an update's.
        _, trajectory = learner.source.next(jax.random.split(key)[0], state.source, acting, hparams)
        return trajectory.obs_tm1, trajectory.mask_tm1

    update, states, shown = jax.jit(learner.update), [state], []
    for key in jax.random.split(jax.random.key(1), updates):
        shown.append(jax.tree.map(np.asarray, seen(key, states[-1])))
        states.append(update(key, states[-1], hparams)[0])
    return states, shown


@pytest.mark.parametrize("kind", ["actor_critic", "prediction"])
def test_statistics_are_those_of_every_rollout_so_far(kind):
    source = own_behaviour(E) if kind == "actor_critic" else transcripts(E)
    learner, hparams = made(getattr(learners, kind)(), source=source)
    states, shown = trained(learner, hparams)
    assert states[0].params[STATISTICS]["count"] == 0
    for i, state in enumerate(states[1:], start=1):
        rows = np.concatenate([obs[mask > 0] for obs, mask in shown[:i]]).astype(np.float64)
        found = state.params[STATISTICS]
        assert found["count"] == len(rows)
        np.testing.assert_allclose(found["mean"], rows.mean(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found["variance"], rows.var(0), rtol=1e-4, atol=1e-6)


def test_no_optimiser_knows_them():
    learner, hparams = made(learners.actor_critic())
    state = jax.eval_shape(learner.init, KEYS, hparams, {})
    assert STATISTICS in state.params
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(state.memory)]
    assert paths
    assert not any(STATISTICS in path for path in paths)


def test_where_the_trunk_is_frozen_or_the_setting_says_so_they_stand_still():
    for freeze, on in ((("trunk",), 1), ((STATISTICS,), 1), ((), 0)):
        learner, hparams = made(learners.actor_critic(), freeze=freeze)
        state = jax.eval_shape(learner.init, KEYS, hparams, {})
        before = {"count": jnp.ones(()), "mean": jnp.full(state.params[STATISTICS]["mean"].shape, 0.5)}
        before["variance"] = before["mean"]
        state = jax.jit(learner.init)(KEYS, hparams, {STATISTICS: before})
        hparams["normalize_observations"] = jnp.int32(on)
        new, _ = jax.jit(learner.update)(jax.random.key(1), state, hparams)
        jax.tree.map(np.testing.assert_array_equal, new.params[STATISTICS], before)


def test_without_statistics_that_run_it_learns_as_the_bare_network_does():
    (bare, plain), (learner, hparams) = made(learners.actor_critic(), mlp((4,))), made(learners.actor_critic())
    assert set(hparams) - set(plain) == {"normalize_observations"}
    hparams["normalize_observations"] = jnp.int32(0)
    one, _ = trained(bare, plain, 2)
    other, _ = trained(learner, hparams, 2)
    for name, part in one[-1].params.items():
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), part, other[-1].params[name])


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


def test_an_evaluation_sees_through_them_and_changes_none():
    learner, hparams = made(learners.actor_critic())
    states, _ = trained(learner, hparams, 1)
    state = states[-1]
    sharp = state._replace(params=state.params | {"policy": jax.tree.map(lambda x: 200.0 * x, state.params["policy"])})
    scaled = {name: x + 3.0 * (name == "mean") for name, x in state.params[STATISTICS].items()}
    play = jax.jit(learner.evaluate)
    found = play(jax.random.key(2), sharp, hparams)
    other = play(jax.random.key(2), sharp._replace(params=sharp.params | {STATISTICS: scaled}), hparams)
    assert any(found[name] != other[name] for name in found)


def test_adapters_and_q_learning_keep_them():
    learner, hparams = made(learners.actor_critic(), low_rank(NET, 1), ("trunk",))
    assert {"adapter", STATISTICS} < set(jax.eval_shape(learner.init, KEYS, hparams, {}).params)
    learner, hparams = made(learners.q_learning(updates_per_rollout=1, capacity=E))
    state = jax.jit(learner.init)(KEYS, hparams, {})
    new, _ = jax.jit(learner.update)(jax.random.key(1), state, hparams)
    assert new.params[STATISTICS]["count"] == E * WORLD.horizon
    assert STATISTICS not in new.memory.memory  # of the slow copy, which sees through the same ones


def test_where_a_predictor_alone_trains_the_trunk_they_run_on():
    for gradients in ("shared", "stopped"):
        learner, hparams = made(learners.always_on(gradients=gradients, capacity=E))
        state = jax.jit(learner.init)(KEYS, hparams, {})
        new, _ = jax.jit(learner.update)(jax.random.key(1), state, hparams)
        assert new.params[STATISTICS]["count"] == E * WORLD.horizon


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
