"""Craftax: what it gives itself, with ends kept apart."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.envs import Environment, Streams

from .conftest import compiled, keys

adapter = rx.envs.craftax
pytest.importorskip("craftax")


@pytest.fixture(scope="module")
def world():
    return adapter.make(max_timesteps=20, stream_steps=6)


def test_steps_equal_those_of_craftax(world):
    from craftax.craftax_env import make_craftax_env_from_name

    assert isinstance(world, Environment)
    assert isinstance(world, Streams)
    env = make_craftax_env_from_name("Craftax-Classic-Symbolic-v1", auto_reset=False)
    obs, state = compiled(world.reset)(jax.random.key(0), ())
    theirs, their_state = compiled(env.reset)(jax.random.key(0))
    np.testing.assert_array_equal(obs, theirs)
    assert (obs.shape, world.num_actions) == ((1345,), 17)
    step, their_step, total = compiled(world.step), jax.jit(env.step_env), 0.0
    for i, key in enumerate(keys(20, 1)):
        obs, state, reward, terminated, truncated, info = step(key, state, jnp.int32(1 + i % 5), ())
        theirs, their_state, their_reward, _, _ = their_step(key, their_state, 1 + i % 5, env.default_params)
        np.testing.assert_array_equal(obs, theirs)
        assert reward == their_reward
        total += float(reward)
        assert (bool(terminated), bool(truncated)) == (False, i == 19)
    assert state.total == pytest.approx(total)
    assert info["success"] == 0


def test_death_terminates_also_where_the_time_is_up(world):
    _, state = compiled(world.reset)(jax.random.key(0), ())
    dead = state._replace(env=state.env.replace(player_health=0, timestep=20))
    assert [bool(x) for x in world._ends(dead.env, jnp.bool_(True))] == [True, False]
    late = state._replace(env=state.env.replace(timestep=20))
    assert [bool(x) for x in world._ends(late.env, jnp.bool_(True))] == [False, True]


@pytest.mark.slow  # compiles for two minutes
def test_regimes_run_on_it(world):
    r = rx.regimes
    options = {"network": rx.networks.mlp((8,)), "num_envs": 2, "evaluate": r.Evaluate(1, 2)}
    train = rx.make_train(r.pretrain_rl((1, 1), num_steps=4, **options), world)
    result = jax.jit(train)(jax.tree.map(lambda k: k[0], rx.cell_keys(1)), train.default_hparams)
    assert np.isfinite(result.curves["rl"]["return"]).all()
    assert (
        result.curves["pretrain"]["eval_observation_error"][-1] < result.curves["pretrain"]["eval_observation_error"][0]
    )
    assert result.effort["pretrain"]["passive_steps"] == 2 * 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id": "Craftax-Symbolic-v2"}, "unknown world of Craftax 'Craftax-Symbolic-v2'"),
        ({"max_steps": 3}, "unknown option of Craftax-Classic-Symbolic-v1: 'max_steps'"),
        ({"max_timesteps": 0}, "an episode of 0 steps is no episode"),
        ({"stream_steps": 0}, "stream_steps"),
    ],
)
def test_bad_input_is_told(options, message):
    with pytest.raises(rx.UserError, match=message):
        adapter.make(**options)
