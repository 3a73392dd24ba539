"""Steps that count a second time, as their augmented views show them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import prng
from regimax.learners import actor_critic
from regimax.learners.views import with_views
from regimax.networks import gru, mlp
from regimax.sources import own_behaviour

WORLD = rx.envs.Exemplar(factors=1, values=3, looks=4, dimensions=4)
KEYS = jax.tree.map(lambda k: k[0], prng.cell_keys(1))
CHANNELS = (rx.channels.sensory(), rx.channels.outcome())


def made(network, augment=True, record=("augmented_view",), world=WORLD, **options):
    source = own_behaviour(8, record=record)(world, CHANNELS, None)
    return actor_critic(augment=augment, **options)(network, source, (), 16)


def acted(learner, **changes):
    """A rollout by the learner's policy, its state, and the log-probabilities of its actions where it looks again."""
    settings = (*learner.settings, *learner.source.settings)
    values = {s.name: s.default for s in settings} | changes
    hparams = {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in settings}

    def act():
        state = learner.init(KEYS, hparams, {})
        policy = learner.policy(state.params, state.source.world, hparams)
        return state, learner.source.next(jax.random.key(1), state.source, policy, hparams)[1]

    return hparams, *jax.jit(act)()


def test_both_looks_stand_side_by_side_with_one_action_and_one_reward():
    _, _, trajectory = acted(made(mlp((4,))), **{"sensory.erasure": 0.5})
    both = with_views(trajectory, lambda viewed: viewed.obs_tm1.sum(-1))
    arrived = np.asarray(trajectory.extras["augmented_view_present"]) > 0
    assert 0 < arrived.sum() < arrived.size
    view = np.where(arrived[..., None], trajectory.extras["augmented_view"], trajectory.obs_tm1)
    np.testing.assert_array_equal(both.obs_tm1, np.concatenate([trajectory.obs_tm1, view], axis=1))
    assert (view[arrived] != np.asarray(trajectory.obs_tm1)[arrived]).any()
    for name in ("a_tm1", "r_t", "known_t", "discount_t"):
        one = np.asarray(getattr(trajectory, name))
        np.testing.assert_array_equal(getattr(both, name), np.concatenate([one, one], axis=1))
    np.testing.assert_array_equal(both.extras["log_prob"][:, :8], trajectory.extras["log_prob"])
    np.testing.assert_allclose(both.extras["log_prob"][:, 8:], view.sum(-1), rtol=1e-6)


@pytest.mark.parametrize("network", [mlp((4,)), gru(4)], ids=["mlp", "gru"])
def test_an_update_where_both_looks_are_one_is_that_without_views(network):
    """Where no other look arrives every step counts twice alike: means, and so gradients, are as before."""
    moved = []
    for augment in (False, True):
        learner = made(network, augment)
        hparams, state, _ = acted(learner, **{"sensory.erasure": 1.0})
        after, _ = jax.jit(learner.update)(jax.random.key(2), state, hparams)
        moved.append(jax.tree.map(lambda a, b: a - b, after.params, state.params))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6), *moved)
    assert any(np.any(x) for x in jax.tree.leaves(moved))


def test_other_looks_teach_too():
    learner, plain = made(mlp((4,)), num_epochs=2, num_minibatches=4), made(mlp((4,)), augment=False)
    hparams, state, _ = acted(learner)
    after, metrics = jax.jit(learner.update)(jax.random.key(2), state, hparams)
    assert np.isfinite(metrics["loss"])
    assert learner.spec != plain.spec
    assert (after.params["trunk"]["layers"][0]["kernel"] != state.params["trunk"]["layers"][0]["kernel"]).any()


def test_where_there_are_no_views_it_is_told():
    with pytest.raises(rx.UserError, match=r"keeps no augmented views; give record=\('augmented_view',\)"):
        made(mlp((4,)), record=())
    with pytest.raises(rx.UserError, match="the world Lock has no augmented views"):
        made(mlp((4,)), world=rx.envs.Lock(depth=2))
