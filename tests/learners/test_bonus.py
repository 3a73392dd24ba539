"""The bonus for what is new."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.learners import actor_critic, count_bonus
from regimax.networks import gru, mlp
from regimax.types import Trajectory

NETWORK = mlp((8, 4))(3, {"policy": 2, "value": 1})


def trajectory(obs):
    return Trajectory(*([None] * 7), obs_t=obs, mask_tm1=None, carry=(), extras={})


@pytest.mark.parametrize("of", ["observation", "layer_1"])
def test_a_place_pays_less_each_time(of):
    bonus = count_bonus(bits=12, of=of)
    params = jax.jit(NETWORK.init)(jax.random.key(0))
    memory = bonus.init(jax.random.key(1), NETWORK, 3, params)
    here, there = jnp.array([1.0, 0.0, 0.5]), jnp.array([-1.0, 2.0, -0.5])
    hparams = {"bonus": jnp.float32(0.6)}
    memory, pay = bonus.apply(memory, NETWORK, params, trajectory(here[None, None]), None, hparams)
    assert pay.shape == (1, 1)
    assert pay[0, 0] == pytest.approx(0.6)
    places = jnp.stack([here, here, there])[:, None]
    memory, pay = bonus.apply(memory, NETWORK, params, trajectory(places), None, hparams)
    np.testing.assert_allclose(pay[:, 0], [0.6 / 3**0.5, 0.6 / 3**0.5, 0.6], rtol=1e-6)
    assert memory["counts"].sum() == 4


def make(world, of="observation", network=None):
    options = {"num_envs": 8, "evaluate": rx.regimes.Evaluate(2, 8)}
    learner = actor_critic(bonus=count_bonus(of=of))
    return rx.make_train(rx.regimes.pure_rl(4, learner=learner, network=network or mlp((8,)), **options), world)


def test_it_is_a_setting_of_the_learner_and_no_bonus_is_none():
    world = rx.envs.Lock(depth=3, actions=2)
    train = make(world)
    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(1))
    run = jax.jit(train)
    without = run(keys, train.default_hparams | {"rl.bonus": jnp.float32(0.0)})
    plain = rx.make_train(
        rx.regimes.pure_rl(4, network=mlp((8,)), num_envs=8, evaluate=rx.regimes.Evaluate(2, 8)), world
    )
    expected = jax.jit(plain)(keys, plain.default_hparams)
    for name, curve in expected.curves["rl"].items():
        np.testing.assert_allclose(without.curves["rl"][name], curve, rtol=1e-4, atol=1e-5)
    paid = run(keys, train.default_hparams | {"rl.bonus": jnp.float32(1.0)})
    assert (paid.curves["rl"]["value_loss"][1:] > expected.curves["rl"]["value_loss"][1:]).all()


@pytest.mark.parametrize(
    ("of", "network", "message"),
    [("layer_9", None, "unknown tap of the network 'layer_9'"), ("memory", gru(4), "a network with memory")],
)
def test_codes_that_are_not_there_are_told(of, network, message):
    with pytest.raises(rx.UserError, match=message):
        make(rx.envs.Lock(depth=3, actions=2), of, network)


@pytest.mark.parametrize("bits", [0, 21, 2.5])
def test_impossible_bits_are_told(bits):
    with pytest.raises(rx.UserError, match="count_bonus: bits"):
        count_bonus(bits)
