"""Learners: what they share, and what each one promises."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax import prng
from regimax.channels import outcome, reward
from regimax.envs import Cipher, Exemplar
from regimax.errors import UserError
from regimax.learners import Learner, actor_critic, always_on, objectives, prediction, q_learning, reward_model
from regimax.learners._actor_critic import _steps
from regimax.learners.tasks import shuffled_targets
from regimax.networks import gru, mlp
from regimax.sources import own_behaviour, transcripts

WORLD = Cipher(symbols=3, skills=2, length=2)
CHANNELS = (outcome(), reward())


def make(kind, world=WORLD, network=None, num_envs=8, freeze=(), **options):
    kinds = {"prediction": prediction, "actor_critic": actor_critic, "always_on": always_on, "model": reward_model}
    kinds["q_learning"] = q_learning
    factory = kinds[kind](**options)
    record = ("outcome",) if kind == "model" else ()
    source = transcripts(num_envs) if kind == "prediction" else own_behaviour(num_envs, record=record)
    source = source(world, CHANNELS, None)
    return factory(network or gru(8), source, freeze, 64)


def hparams_of(learner, **changes):
    settings = (*learner.settings, *learner.source.settings)
    values = {s.name: s.default for s in settings} | changes
    return {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in settings}


def rollout_of(learner, key, state, hparams):
    """The steps that its next update learns from."""

    def behave(key, state):
        policy = learner.policy(state.params, state.source.world, hparams)
        return learner.source.next(key, state.source, policy, hparams)[1]

    return jax.jit(behave)(key, state)


KEYS = jax.tree.map(lambda k: k[0], prng.cell_keys(1))
LEARNERS = {
    "prediction": make("prediction"),
    "A2C": make("actor_critic"),
    "A2C, no memory": make("actor_critic", network=mlp((8,))),
    "PPO": make("actor_critic", num_epochs=2, num_minibatches=4),
    "PPO, no memory": make("actor_critic", network=mlp((8,)), num_epochs=2, num_minibatches=4),
    "prediction, masked": make("prediction", objective=objectives.masked()),
    "prediction, contrastive": make("prediction", objective=objectives.contrastive()),
    "prediction, latent": make("prediction", objective=objectives.latent()),
    "prediction, real numbers": make("prediction", world=Exemplar(2, 2, 2, dimensions=4), network=mlp((8,))),
    "Q-learning": make("q_learning", updates_per_rollout=2),
    "always on": make("always_on", updates_per_rollout=2, gradients="stopped", num_epochs=2, num_minibatches=4),
    "reward model": make("model", updates_per_rollout=2),
    "reward model, direct, no memory": make("model", form="direct", gradients="shared", network=mlp((8,))),
}


@pytest.fixture(params=LEARNERS.values(), ids=LEARNERS)
def learner(request):
    return request.param


def test_it_keeps_its_promises(learner):
    assert isinstance(learner, Learner)
    assert hash(learner.spec) == hash(eval(repr(learner.spec)))
    hparams = hparams_of(learner)
    state = jax.jit(learner.init)(KEYS, hparams, {})
    after, metrics = jax.jit(learner.update)(jax.random.key(0), state, hparams)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(lambda x: (x.shape, x.dtype), state)
    evaluated = jax.jit(learner.evaluate)(jax.random.key(1), state, hparams)
    for name, value in (metrics | evaluated).items():
        assert value.shape == (), name
        assert np.isfinite(value), name
    changed = [
        (a != b).any() for a, b in zip(jax.tree.leaves(after.params), jax.tree.leaves(state.params), strict=True)
    ]
    assert any(changed)
    np.testing.assert_array_equal(jax.tree.leaves(after.source.world)[0], jax.tree.leaves(state.source.world)[0])


@pytest.mark.parametrize("kind", ["prediction", "actor_critic"])
def test_frozen_parts_stay_and_others_move(kind):
    learner = make(kind, freeze=("trunk",))
    hparams = hparams_of(learner)
    state = jax.jit(learner.init)(KEYS, hparams, {})
    after, _ = jax.jit(learner.update)(jax.random.key(0), state, hparams)
    for one, other in zip(jax.tree.leaves(after.params["trunk"]), jax.tree.leaves(state.params["trunk"]), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (after.params["policy"]["kernel"] != state.params["policy"]["kernel"]).any()
    assert "trunk" not in str(jax.tree.structure(state.memory.opt_state))


def test_minibatches_must_divide_the_streams_or_the_steps():
    with pytest.raises(UserError, match="8 streams do not divide into 3 minibatches"):
        make("actor_critic", num_minibatches=3)
    with pytest.raises(UserError, match="16 steps do not divide into 3 minibatches"):
        make("actor_critic", num_minibatches=3, network=mlp((8,)))
    make("actor_critic", num_minibatches=16, network=mlp((8,)))
    with pytest.raises(UserError, match="num_epochs = 0 is not a whole number above 0"):
        make("actor_critic", num_epochs=0)


def test_steps_of_a_rollout_are_counted_through_all_streams():
    learner = make("actor_critic", network=mlp((8,)))
    hparams = hparams_of(learner)
    state = jax.jit(learner.init)(KEYS, hparams, {})
    trajectory = rollout_of(learner, jax.random.key(0), state, hparams)
    advantage = jnp.arange(16.0).reshape(2, 8)
    batch, chosen = jax.tree.map(np.asarray, jax.jit(_steps)(jnp.array([3, 9, 0]), trajectory, advantage))
    trajectory = jax.tree.map(np.asarray, trajectory)
    assert chosen.tolist() == [[3.0, 9.0, 0.0]]
    np.testing.assert_array_equal(batch.obs_tm1[0, 1], trajectory.obs_tm1[1, 1])
    np.testing.assert_array_equal(batch.extras["log_prob"][0, 0], trajectory.extras["log_prob"][0, 3])


def test_one_epoch_of_one_minibatch_is_the_policy_gradient():
    """A step of plain gradient descent, against the gradient of log-probability times advantage written out."""
    import optax

    learner = make("actor_critic", network=mlp((8,)), num_envs=32, normalize=False, optimizer=lambda h: optax.sgd(1.0))
    hparams = hparams_of(learner, value_coef=0.0, entropy_coef=0.0, lambda_=1.0)
    state = jax.jit(learner.init)(KEYS, hparams, {})
    key = jax.random.key(3)
    after, _ = jax.jit(learner.update)(key, state, hparams)
    trajectory = rollout_of(learner, jax.random.split(key)[0], state, hparams)

    def objective(params):
        _, outputs, _ = learner.network.apply(params, (), trajectory.obs_tm1, trajectory.first_tm1, None)
        chosen = jax.nn.one_hot(trajectory.a_tm1, 3)
        log_prob = (jax.nn.log_softmax(outputs["policy"]) * chosen).sum(-1)
        # Episodes are two steps long and fill the rollout: the return of both steps is their sum of pay from there on.
        returns = jnp.cumsum(trajectory.r_t[::-1], axis=0)[::-1]
        return (log_prob * (returns - trajectory.extras["value"])).mean()

    assert trajectory.discount_t.tolist() == [[1.0] * 32, [0.0] * 32]
    expected = jax.jit(jax.grad(objective))(state.params)
    for part in ("trunk", "policy"):
        moved = jax.tree.map(lambda a, b: np.asarray(a) - b, after.params[part], state.params[part])
        for one, other in zip(jax.tree.leaves(moved), jax.tree.leaves(expected[part]), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["Q-learning", "reward model", "reward model, direct, no memory", "always on"])
def test_a_ring_keeps_what_follows_an_action_only_where_every_step_is_asked_for_it(name):
    learner = LEARNERS[name]
    memory = jax.eval_shape(lambda: learner.init(KEYS, hparams_of(learner), {})).memory
    streams = getattr(memory, "task", memory).ring.streams
    steps = streams.obs_tm1.shape[1]
    assert steps > 1
    assert streams.obs_t.shape[1] == (steps if name == "always on" else 1)


def test_sham_gives_every_stream_the_targets_of_another():
    source = transcripts(8)(WORLD, (), None)
    state = jax.jit(source.init, static_argnums=2)(
        KEYS, {s.name: jnp.asarray(s.default) for s in source.settings}, lambda n: ()
    )
    _, trajectory = jax.jit(source.next)(jax.random.key(0), state, None, {})
    marked = trajectory._replace(a_tm1=jnp.tile(jnp.arange(8), (2, 1)), mask_tm1=jnp.tile(jnp.arange(8.0), (2, 1)))
    shuffled, trajectory = jax.jit(shuffled_targets), jax.tree.map(np.asarray, trajectory)
    for seed in range(20):
        others = jax.tree.map(np.asarray, shuffled(jax.random.key(seed), marked))
        assert (others.a_tm1 != marked.a_tm1).all()
        assert (np.sort(others.a_tm1, axis=1) == marked.a_tm1).all()
        index = others.a_tm1
        for name in ("obs_tm1", "obs_t"):
            expected = np.take_along_axis(getattr(trajectory, name), index[:, :, None], axis=1)
            np.testing.assert_array_equal(getattr(others, name), expected)
        np.testing.assert_array_equal(others.mask_tm1, index)  # a step that does not count is no answer either


def train(learner, updates, *each):
    """Metrics and evaluation at each of several settings, by one program."""

    @jax.jit
    def trained(hparams):
        def step(state, i):
            return learner.update(jax.random.fold_in(jax.random.key(0), i), state, hparams)

        state, metrics = jax.lax.scan(step, learner.init(KEYS, hparams, {}), jnp.arange(updates))
        return metrics, learner.evaluate(jax.random.key(1), state, hparams)

    return [trained(hparams_of(learner, **changes)) for changes in each]


def test_prediction_assembles_the_skills_and_its_sham_does_not():
    world = Cipher(symbols=4, skills=1, length=2)
    learner = make("prediction", world=world, num_envs=32, network=gru(16))
    (_, real), (_, sham) = train(learner, 300, *({"learning_rate": 1e-2, "shuffle": shuffle} for shuffle in (0, 1)))
    assert real["eval_action_accuracy"] > 0.95
    assert sham["eval_action_accuracy"] < 0.6
    assert real["eval_symbol_bits"] == pytest.approx(2.0, abs=0.2)  # symbols are independent: two bits stay two bits


def test_prediction_of_real_numbers_comes_down_to_the_noise_and_its_sham_does_not():
    world = Exemplar(factors=1, values=4, looks=1, noise=0.3, dimensions=16)
    learner = make("prediction", world=world, num_envs=32, network=mlp((16,)))
    assert set(jax.eval_shape(learner.network.init, jax.random.key(0))) == {"trunk", "view"}
    (_, real), (_, sham) = train(learner, 500, *({"learning_rate": 1e-2, "shuffle": shuffle} for shuffle in (0, 1)))
    assert real["eval_view_error"] == pytest.approx(0.3**2, rel=0.2)
    assert sham["eval_view_error"] > 0.5
    with pytest.raises(UserError, match="stream of Exemplar cannot act"):
        learner.policy({}, None, {})


def test_bits_are_the_cross_entropy():
    [(metrics, _)] = train(LEARNERS["prediction"], 1, {})
    nats = (metrics["action_bits"] + metrics["symbol_bits"]) * np.log(2)
    np.testing.assert_allclose(metrics["loss"], nats, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"num_epochs": 2, "num_minibatches": 2}], ids=["A2C", "PPO"])
def test_a_bandit_is_learnt(options):
    world = Cipher(symbols=2, skills=2, length=1)
    learner = make("actor_critic", world=world, network=mlp((16,)), num_envs=32, **options)
    [(_, evaluated)] = train(learner, 200, {"learning_rate": 1e-2})
    assert evaluated["success"] > 0.95
