"""What a predictor is asked: each objective by itself, and what it makes of a trunk."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax import prng
from regimax.envs import Cipher, Exemplar
from regimax.errors import UserError
from regimax.learners import Batch, objectives, prediction
from regimax.networks import Network, mlp
from regimax.sources import random_behaviour, transcripts
from regimax.types import Trajectory

LOOKS = Exemplar(factors=1, values=4, looks=6, dimensions=16)  # six looks of each of four values
NOISY = Exemplar(factors=1, values=4, looks=1, noise=1.0, dimensions=32)  # one look under as much noise


def settings_of(parts, **changes):
    values = {s.name: s.default for s in parts} | changes
    return {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in parts}


def probed(learner, params, hidden):
    """Accuracy of ridge regression from features to the value in sight, on fresh observations; V = 4."""
    world = learner.source.world

    def batch(key):
        key_z, key_view = jax.random.split(key)
        z = jax.random.randint(key_z, (512, 1), 0, 4)
        obs = jax.vmap(world.view, in_axes=(0, 0, None))(jax.random.split(key_view, 512), z, hidden)
        features = learner.network.apply(params, (), obs[None], jnp.ones((1, 512)), None)[2]["features"][0]
        return jnp.concatenate([features, jnp.ones((512, 1))], axis=1), z[:, 0]

    (x, z), (y, asked) = batch(jax.random.key(1)), batch(jax.random.key(2))
    weights = jnp.linalg.solve(x.T @ x + 0.1 * jnp.eye(x.shape[1]), x.T @ jax.nn.one_hot(z, 4))
    return jnp.mean(jnp.argmax(y @ weights, axis=-1) == asked)


@pytest.mark.parametrize(
    ("objective", "world", "width"),
    [
        (objectives.next_step(), LOOKS, 4),
        (objectives.contrastive(), LOOKS, 4),
        (objectives.latent(), LOOKS, 4),
        # Looks by themselves tell nothing of their value. Where value and look are one, what they share is their value.
        (objectives.masked(), NOISY, 2),
    ],
    ids=["next step", "contrastive", "latent", "masked"],
)
def test_features_come_to_show_the_concept_and_those_of_the_sham_do_not(objective, world, width):
    learner = prediction(objective)(mlp((width,)), transcripts(32)(world, (), None), (), 8)
    shared = settings_of((*learner.settings, *learner.source.settings), learning_rate=2e-2)

    def run(keys, shuffle):
        hparams = shared | {"shuffle": shuffle}
        begun = learner.init(keys, hparams, {})
        state, _ = jax.lax.scan(
            lambda s, i: learner.update(jax.random.fold_in(keys.learner, i), s, hparams), begun, jnp.arange(300)
        )
        return jnp.stack([probed(learner, s.params, state.source.world.hidden) for s in (begun, state)])

    runs = jax.jit(jax.vmap(jax.vmap(run, in_axes=(0, None)), in_axes=(None, 0)))
    (untrained, real), (_, sham) = runs(prng.cell_keys(4), jnp.arange(2)).mean(1)
    assert real > max(untrained, sham) + 0.2
    assert real > 0.7  # of four learners: rounding alone moves it by some hundredths


# Each objective on numbers that can be computed by hand.


def stub(heads):
    """A network without parameters: features are the observation, and every head gives the first of its numbers."""

    def apply(params, carry, x, first, code):
        return carry, {name: x[..., :size] for name, size in heads.items()}, {"features": x}

    return Network(lambda key: {}, lambda n: (), apply, 4, ("stub",))


def steps(obs_tm1, obs_t, mask=None):
    shape = obs_tm1.shape[:2]
    mask = jnp.ones(shape) if mask is None else mask
    zeros = jnp.zeros(shape)
    return Trajectory(obs_tm1, zeros, zeros.astype(jnp.int32), zeros, zeros, zeros, zeros, obs_t, mask, (), {})


def asked(objective, trajectory, answers=None, **settings):
    source = transcripts(trajectory.a_tm1.shape[1])(Exemplar(1, 2, 2, dimensions=4), (), None)
    made = objective(source, 4)
    network, hparams = stub(made.heads), settings_of(made.settings, **settings)
    answers = trajectory if answers is None else answers
    return jax.jit(lambda *given: made.loss(batch(network, {}, {}, *given)))(trajectory, answers, hparams)


def batch(network, params, memory, trajectory, targets, hparams):
    weight = trajectory.mask_tm1 * targets.mask_tm1
    return Batch(jax.random.key(0), network, params, None, memory, trajectory, targets, weight, (), hparams)


T, E, D = 3, 5, 4
OBS_TM1, OBS_T = jax.random.normal(jax.random.key(0), (2, T, E, D))
MASK = jnp.ones((T, E)).at[1, 2].set(0.0).at[2].set(0.0)


def test_the_contrastive_loss_is_the_cross_entropy_over_streams_that_count():
    loss, metrics = asked(objectives.contrastive(), steps(OBS_TM1, OBS_T, MASK), temperature=0.3)
    one, other = (np.asarray(x, np.float64) / np.linalg.norm(x, axis=-1, keepdims=True) for x in (OBS_TM1, OBS_T))
    nats, hits, there = [], [], np.asarray(MASK)
    for t in range(T):
        counted = [e for e in range(E) if there[t, e]]
        for e in counted:
            scores = np.array([one[t, e] @ other[t, j] for j in counted]) / 0.3
            nats.append(np.log(np.exp(scores).sum()) - scores[counted.index(e)])
            hits.append(counted[scores.argmax()] == e)
    np.testing.assert_allclose(loss, np.mean(nats), rtol=1e-5)
    np.testing.assert_allclose(metrics["contrast_bits"], np.mean(nats) / np.log(2), rtol=1e-5)
    np.testing.assert_allclose(metrics["contrast_accuracy"], np.mean(hits), rtol=1e-6)
    _, same = asked(objectives.contrastive(), steps(OBS_TM1, OBS_TM1), temperature=0.01)
    assert same["contrast_accuracy"] == 1
    assert same["contrast_bits"] < 1e-3


def test_the_latent_loss_is_two_less_two_cosines_and_spread_tells_a_collapse():
    loss, metrics = asked(objectives.latent(), steps(OBS_TM1, OBS_T, MASK))
    one, other = (np.asarray(x, np.float64) / np.linalg.norm(x, axis=-1, keepdims=True) for x in (OBS_TM1, OBS_T))
    expected = 2 - 2 * (one * other).sum(-1)[np.asarray(MASK) > 0].mean()
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    assert metrics["latent_spread"] > 0.5
    _, metrics = asked(objectives.latent(), steps(OBS_TM1, jnp.ones_like(OBS_T)))
    assert metrics["latent_spread"] < 1e-3


def test_the_targets_of_latent_prediction_follow_slowly_and_take_no_gradient():
    source = transcripts(8)(Exemplar(1, 2, 2, dimensions=4), (), None)
    learner = prediction(objectives.latent())(mlp((4,)), source, (), 8)
    hparams = settings_of((*learner.settings, *source.settings), target_decay=0.75)
    state = jax.jit(learner.init)(jax.tree.map(lambda k: k[0], prng.cell_keys(1)), hparams, {})
    assert set(state.params) == {"trunk", "latent"}
    assert set(state.memory.memory) == {"trunk"}
    after, _ = jax.jit(learner.update)(jax.random.key(0), state, hparams)
    for old, new, slow in zip(
        *(jax.tree.leaves(x) for x in (state.params["trunk"], after.params["trunk"], after.memory.memory)), strict=True
    ):
        np.testing.assert_allclose(slow, 0.75 * np.asarray(old) + 0.25 * np.asarray(new), rtol=1e-5, atol=1e-7)
    objective = objectives.latent()(source, 4)

    def loss(memory):
        _, trajectory = source.next(jax.random.key(1), state.source, None, hparams)
        return objective.loss(batch(learner.network, state.params, memory, trajectory, trajectory, hparams))[0]

    grads = jax.jit(jax.grad(loss))(state.memory.memory)
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(grads))


@pytest.mark.parametrize("fraction", [0.3, 1.0])
def test_only_what_is_hidden_is_asked_and_it_is_zero_in_the_input(fraction):
    """The stub's answer is its input, so it is wrong by what was hidden, and its squares are those of the answers."""
    trajectory = steps(OBS_TM1, OBS_T, MASK)
    loss, _ = asked(objectives.masked(), trajectory, mask_fraction=fraction)
    hidden = np.asarray(jax.random.uniform(jax.random.key(0), (T, E, D)) < fraction)
    counted = hidden & (np.asarray(MASK) > 0)[..., None]
    np.testing.assert_allclose(loss, np.square(np.asarray(OBS_TM1))[counted].mean(), rtol=1e-5)
    # In the sham the answers are those of others, and so is what is wrong.
    loss, _ = asked(objectives.masked(), trajectory, steps(OBS_T, OBS_T), mask_fraction=fraction)
    np.testing.assert_allclose(loss, np.square(np.asarray(OBS_T))[counted].mean(), rtol=1e-5)


def test_a_field_in_code_is_hidden_as_a_whole():
    world = Cipher(symbols=4, skills=3, length=2)
    source = transcripts(64)(world, (), None)
    objective = objectives.masked()(source, 4)
    inputs = []

    def apply(params, carry, x, first, code):
        inputs.append(x)
        return carry, {name: jnp.zeros((*x.shape[:2], size)) for name, size in objective.heads.items()}, {"features": x}

    obs = jnp.ones((1, 64, source.num_inputs))
    network = Network(lambda key: {}, lambda n: (), apply, 4, ("stub",))
    objective.loss(batch(network, {}, {}, steps(obs, obs), steps(obs, obs), {"mask_fraction": jnp.float32(0.5)}))
    start = 0
    for field in world.fields:
        part = np.asarray(inputs[0][0, :, start : start + field.size])
        assert (part == part[:, :1]).all()
        assert 0.2 < part[:, 0].mean() < 0.8
        start += field.size


def test_what_the_next_step_is_asked_for_can_be_chosen():
    world = Cipher(symbols=4, skills=3, length=2)
    source = transcripts(4)(world, (), None)
    assert objectives.next_step()(source, 8).heads == {"policy": 4, "symbol": 4}
    assert objectives.next_step(actions=False)(source, 8).heads == {"symbol": 4}
    assert objectives.next_step(fields=())(source, 8).heads == {"policy": 4}
    assert objectives.next_step(fields=("action", "cue"))(source, 8).heads == {"policy": 4, "action": 4, "cue": 3}
    # Nobody's actions are worth predicting where nobody is at work.
    assert objectives.next_step()(random_behaviour(4)(world, (), None), 8).heads == {"symbol": 4}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: objectives.next_step(fields=("symbols",)), "unknown field of Cipher 'symbols'. Did you mean 'symbol'"),
        (lambda: objectives.next_step((), actions=False), "nothing to predict in Cipher"),
        (objectives.contrastive, "one stream leaves nothing to tell apart"),
    ],
)
def test_impossible_objectives_are_told(make, message):
    with pytest.raises(UserError, match=message):
        make()(transcripts(1)(Cipher(symbols=4, skills=3, length=2), (), None), 8)
