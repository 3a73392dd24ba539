"""What actions are drawn from, against closed forms, and learners where actions are numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats
from tests.aim import Aim

import regimax as rx
from regimax import learners, prng
from regimax.channels import outcome, quantized_decision, reward
from regimax.learners.distributions import Categorical, Gaussian, actions_of
from regimax.networks import mlp
from regimax.rollout import Policy, rollout
from regimax.rollout import init as opened
from regimax.sources import own_behaviour

ALPHA = 1e-4
KEYS = jax.tree.map(lambda k: k[0], prng.cell_keys(1))
RNG = np.random.default_rng(0)
E = 16


def gaussian(size=3):
    mean, log_std = RNG.normal(size=(2, 4, 5, size)).astype(np.float32)
    return Gaussian(jnp.asarray(mean), jnp.asarray(log_std)), stats.norm(mean, np.exp(log_std.astype(np.float64)))


def test_a_gaussian_is_scipys():
    found, expected = gaussian()
    action = RNG.normal(size=(4, 5, 3)).astype(np.float32) * 3
    np.testing.assert_allclose(found.log_prob(jnp.asarray(action)), expected.logpdf(action).sum(-1), rtol=1e-4)
    np.testing.assert_allclose(found.entropy(), expected.entropy().sum(-1), rtol=1e-5, atol=1e-5)


def test_what_is_drawn_is_distributed_so():
    u = jax.random.uniform(jax.random.key(0), (100, 100, 1))
    drawn = np.asarray(Gaussian(jnp.full(u.shape, 2.0), jnp.full(u.shape, -1.0)).draw(u)).ravel()
    assert stats.kstest(drawn, stats.norm(2.0, np.exp(-1.0)).cdf).pvalue > ALPHA
    ends = jnp.array([0.0, 0.5, 1 - 2.0**-23])[None, :, None]
    low, middle, high = Gaussian(jnp.zeros((1, 3, 1)), jnp.zeros((1, 3, 1))).draw(ends)[0, :, 0]
    assert np.isfinite([low, high]).all()
    assert -6 < low < -5 < 5 < high < 6
    assert abs(middle) < 1e-6


def test_a_categorical_is_the_softmax_of_its_logits():
    logits = RNG.normal(size=(4, 5, 3)).astype(np.float32)
    action = RNG.integers(0, 3, (4, 5))
    p = np.exp(logits.astype(np.float64))
    p /= p.sum(-1, keepdims=True)
    found = Categorical(jnp.asarray(logits))
    taken = np.take_along_axis(p, action[..., None], -1)[..., 0]
    np.testing.assert_allclose(found.log_prob(jnp.asarray(action)), np.log(taken), rtol=1e-4)
    np.testing.assert_allclose(found.entropy(), stats.entropy(p, axis=-1), rtol=1e-5)


def made(world=None, channels=(outcome(), reward()), learner=None, **options):
    learner = learner or learners.actor_critic(optimizer=lambda hparams: optax.sgd(hparams["learning_rate"]), **options)
    source = own_behaviour(E)(world or Aim(), channels, None)
    made = learner(mlp((8,)), source, (), 16)
    settings = (*made.settings, *made.source.settings)
    values = {s.name: s.default for s in settings} | {"entropy_coef": 0.0, "learning_rate": 0.5}
    return made, {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in settings}


def acted(learner, hparams):
    def act():
        state = learner.init(KEYS, hparams, {})
        acting = learner.policy(state.params, state.source.world, hparams)
        return learner.source.next(jax.random.key(1), state.source, acting, hparams)[1], state

    return jax.jit(act)()


def test_a_policy_begins_in_the_middle_of_the_range_as_wide_as_its_half_and_says_how_likely_it_acted():
    learner, hparams = made()
    trajectory, state = acted(learner, hparams)
    assert trajectory.a_tm1.shape == (1, E, 2)
    assert trajectory.a_tm1.dtype == jnp.float32
    outputs = learner.network.apply(state.params, (), trajectory.obs_tm1, trajectory.first_tm1, None)[1]
    found = actions_of(learner.source).of(outputs, None)
    np.testing.assert_allclose(jnp.exp(found.log_std), np.broadcast_to([2.0, 5.0], (1, E, 2)), rtol=1e-5)
    np.testing.assert_allclose(found.mean, np.broadcast_to([1.0, 5.0], (1, E, 2)), atol=0.5)
    np.testing.assert_allclose(trajectory.extras["log_prob"], found.log_prob(trajectory.a_tm1), rtol=1e-5)


def test_the_gradient_is_the_closed_one():
    """That of the policy's biases and spreads, in float64 and by hand."""
    learner, hparams = made()
    trajectory, state = acted(learner, hparams)
    outputs = learner.network.apply(state.params, (), trajectory.obs_tm1, trajectory.first_tm1, None)[1]
    shown = learner.source._replace(next=lambda key, state, *_: (state, trajectory))
    again = learners.actor_critic(optimizer=lambda hparams: optax.sgd(hparams["learning_rate"]))
    new, _ = jax.jit(again(mlp((8,)), shown, (), 16).update)(jax.random.key(2), state, hparams)
    half = np.array([2.0, 5.0])
    mean = np.array([1.0, 5.0]) + half * np.asarray(outputs["policy"][0], np.float64)
    z = (np.asarray(trajectory.a_tm1[0], np.float64) - mean) / half
    advantage = np.asarray(trajectory.r_t[0], np.float64) - np.asarray(outputs["value"][0, :, 0], np.float64)
    scaled = ((advantage - advantage.mean()) / (advantage.std() + 1e-8))[:, None]
    change = jax.tree.map(lambda a, b: np.asarray(b) - np.asarray(a), state.params["policy"], new.params["policy"])
    np.testing.assert_allclose(change["bias"], 0.5 * (scaled * z).mean(0), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(change["log_std"], 0.5 * (scaled * (z**2 - 1)).mean(0), rtol=1e-3, atol=1e-5)


def test_what_is_beyond_the_range_is_carried_out_as_its_end_and_meant_as_it_was_drawn():
    world, params = Aim(), {"hidden": jnp.zeros(2)}
    far = jnp.array([[-50.0, 50.0]])
    policy = Policy(lambda num_envs: (), lambda carry, obs, first, u: (carry, far, {}), lambda carry, obs: None)
    streams = opened(jax.random.key(0), world, params, (), (), 1, {})
    _, trajectory, _ = rollout(jax.random.key(1), world, params, (), policy, streams, 1, {})
    np.testing.assert_array_equal(trajectory.a_tm1[0], far)
    assert trajectory.r_t[0, 0] == -(1.0 + 10.0)


@pytest.mark.slow
def test_it_learns_to_aim():
    regime = rx.regimes.pure_rl(
        150, network=mlp((8,)), num_envs=32, evaluate=rx.regimes.Evaluate(75, 64), channels=[quantized_decision(-1, 10)]
    )
    train = rx.make_train(regime, Aim())
    hparams = dict(train.default_hparams) | {"rl.learning_rate": jnp.float32(3e-2), "rl.entropy_coef": jnp.float32(0)}
    result = jax.jit(jax.vmap(lambda keys: train(keys, hparams).curves["rl"]))(rx.cell_keys(4))
    first, _, last = np.asarray(result["return"]).mean(0)
    assert last > first / 3  # a third of the distance, or less


def test_a_predictor_beside_sees_them_too():
    learner, hparams = made(learner=learners.always_on(num_epochs=2, num_minibatches=2))
    state = jax.eval_shape(learner.init, KEYS, hparams, {})
    new, metrics = jax.eval_shape(learner.update, jax.random.key(0), state, hparams)
    assert jax.tree.structure(new) == jax.tree.structure(state)
    assert "prediction_loss" in metrics


def small(**more):
    return {"network": mlp((4,)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(2, 4)} | more


@pytest.mark.parametrize(
    ("regime", "who"),
    [
        (rx.regimes.pure_rl(2, learner=learners.q_learning(), **small()), "q_learning"),
        (rx.regimes.always_on(2, learner={"values": {}}, **small()), "q_learning"),
        (rx.regimes.yoked(2, **small()), "action values"),
        (rx.regimes.learned_model((2, 2, 2), **small()), "a learned model"),
        (rx.regimes.pure_rl(2, learner=learners.reward_model("direct"), **small(record=["outcome"])), "reward_model"),
    ],
)
def test_who_chooses_among_several_says_so_before_anything_runs(regime, who):
    with pytest.raises(rx.UserError, match=f"{who}: it chooses among several actions, those of Aim are numbers"):
        rx.make_train(regime, Aim())
