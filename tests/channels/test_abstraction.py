"""The bottleneck between trunk and heads."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.channels import Signal, abstraction, chain, code_of, outcome, reward
from regimax.networks import gru, mlp

CHANNEL = abstraction()
ONE = jnp.ones(())


def settings_of(dimensions=2**20, levels=2**20):
    return {"abstraction.dimensions": jnp.int32(dimensions), "abstraction.levels": jnp.int32(levels)}


def through(value, **settings):
    _, signal = CHANNEL.apply(jax.random.key(0), (), Signal(value, ONE, ONE, ONE), settings_of(**settings))
    return signal.value


@pytest.mark.parametrize("levels", [2, 3, 16])
def test_features_are_rounded_to_the_nearest_level(levels):
    value = jnp.linspace(-1.5, 1.5, 31)
    grid = np.linspace(-1.0, 1.0, levels)
    found = np.asarray(through(value, levels=levels), np.float64)
    distance = np.abs(np.clip(value, -1, 1)[:, None] - grid[None])
    np.testing.assert_allclose(np.abs(found - np.clip(value, -1, 1)), distance.min(1), atol=1e-6)
    assert len(np.unique(found.round(5))) == levels


def test_only_the_first_features_get_through():
    np.testing.assert_array_equal(through(jnp.full(5, 0.5), dimensions=2) != 0, [True, True, False, False, False])


def test_gradients_pass_the_rounding_but_not_the_bottleneck():
    grads = jax.jit(jax.grad(lambda v: through(v, dimensions=3, levels=2).sum()))(jnp.array([0.3, -0.2, 1.5, 0.1]))
    assert grads.tolist() == [1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("make", [mlp((6,)), gru(6)], ids=["mlp", "gru"])
def test_heads_read_the_code_and_nothing_else(make):
    network = make(3, {"policy": 2})
    assert network.width == 6
    params = jax.jit(network.init)(jax.random.key(0))
    x, first = jax.random.normal(jax.random.key(1), (4, 2, 3)), jnp.zeros((4, 2))
    coded = jax.jit(lambda given: network.apply(params, network.carry(2), x, first, code_of((CHANNEL,), given)))
    run = lambda **settings: coded(settings_of(**settings))
    _, outputs, taps = run(dimensions=2, levels=2)
    assert set(np.unique(taps["features"]).round(5)) <= {-1.0, 0.0, 1.0}
    head = params["policy"]
    expected = np.asarray(taps["features"]) @ np.asarray(head["kernel"]) + np.asarray(head["bias"])
    np.testing.assert_allclose(outputs["policy"], expected, rtol=1e-5, atol=1e-7)
    plain = jax.jit(lambda: network.apply(params, network.carry(2), x, first, None))()[1]["policy"]
    np.testing.assert_allclose(run()[1]["policy"], plain, atol=1e-5)


def test_its_capacity_and_that_of_a_chain():
    narrow = abstraction("narrow")
    values = {"abstraction.dimensions": 8, "abstraction.levels": 4, "narrow.dimensions": 2**20, "narrow.levels": 2}
    assert CHANNEL.capacity(values, {"features": 64}) == 16.0
    assert narrow.capacity(values, {"features": 6}) == 6.0
    assert chain(CHANNEL, narrow).capacity(values, {"features": 64}) == 16.0


def test_a_bottleneck_too_narrow_for_the_concepts_costs_success():
    r = rx.regimes
    channels = (abstraction(), outcome(), reward())
    options = {"network": mlp((16,)), "num_envs": 32, "evaluate": r.Evaluate(50, 256)}
    train = rx.make_train(r.oracle(250, channels=channels, **options), rx.envs.Cipher(symbols=4, skills=1, length=1))

    @jax.jit
    def success(levels, dimensions):
        hparams = train.default_hparams | {"rl.learning_rate": jnp.float32(0.02)} | settings_of(dimensions, levels)
        return jax.vmap(lambda k: train(k, hparams).curves["rl"]["success"][-1])(rx.cell_keys(8)).mean()

    # One binary feature tells two of four symbols apart: no more than half of the answers can be right.
    assert success(2, 1) < 0.6
    assert success(16, 16) > 0.9
