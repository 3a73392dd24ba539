"""Random behaviour: an unlabelled stream for every world."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import prng
from regimax.envs import Cipher, Exemplar, Planner
from regimax.learners import prediction
from regimax.networks import mlp
from regimax.sources import random_behaviour
from regimax.types import Field, Setting

KEYS = jax.tree.map(lambda k: k[0], prng.cell_keys(1))


class Counting:
    """A user's world, without a stream: shows a clock and its square; over after action 1, or 3 steps."""

    name, spec = "Counting", ("Counting",)
    settings: tuple[Setting, ...] = ()
    task_reads: tuple[str, ...] = ()
    fields = (Field("clock", 2, categorical=False),)
    num_actions, horizon, truncates, reward_range = 3, 3, False, (0.0, 1.0)

    def init(self, key, settings):
        return ()

    def reset(self, key, params, previous=None):
        return jnp.zeros(2), jnp.zeros((), jnp.int32)

    def step(self, key, state, action, params):
        t = state + 1
        terminated = (t >= 3) | (action == 1)
        nothing = jnp.zeros(())
        obs = jnp.stack([t, t * t]).astype(jnp.float32)
        return obs, t, nothing + 1, terminated, jnp.zeros((), bool), {"outcome": nothing, "success": nothing}

    def concepts(self, state, params):
        return state[None]

    def legal(self, params):
        return jnp.arange(3) < 2

    def describe(self, settings):
        return dict.fromkeys(rx.envs.check.DESCRIBED, float("nan"))

    def unpadded(self, settings):
        return self


def drawn(world, num_envs, **options):
    source = random_behaviour(num_envs, **options)(world, (rx.channels.outcome(), rx.channels.reward()), None)
    hparams = {s.name: jnp.asarray(s.default, jnp.int32 if s.integer else jnp.float32) for s in source.settings}
    state = jax.jit(lambda hparams: source.init(KEYS, hparams, lambda n: ()))(hparams)
    _, trajectory = jax.jit(source.next, static_argnums=2)(jax.random.key(0), state, None, hparams)
    return source, state, trajectory


def test_episodes_of_a_users_world_are_shown_up_to_their_end_without_pay():
    source, _, trajectory = drawn(Counting(), 64)
    assert (source.num_steps, source.num_inputs, source.agentic, source.others_act) == (3, 2, False, False)
    assert source.channels == ()
    ends = np.asarray(trajectory.a_tm1) == 1
    running = np.cumsum(np.vstack([np.zeros((1, 64)), ends[:-1]]), axis=0) == 0
    np.testing.assert_array_equal(trajectory.mask_tm1, running)
    assert set(np.unique(trajectory.a_tm1)) == {0, 1}  # the third action is not legal
    clock = np.asarray(trajectory.obs_tm1[..., 0])
    assert (clock == np.arange(3)[:, None])[running].all()
    assert (np.asarray(trajectory.obs_t[..., 1]) == np.arange(1, 4)[:, None] ** 2)[running].all()
    assert trajectory.first_tm1.tolist() == [[1.0] * 64, [0.0] * 64, [0.0] * 64]
    assert (trajectory.r_t == 0).all()


def test_a_users_world_can_pretrain():
    options = {"network": mlp((8,)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(2, 4)}
    regime = rx.regimes.pretrain_rl((2, 2), stream=random_behaviour(4), **options)
    train = rx.make_train(regime, Counting())
    result = jax.jit(train)(KEYS, train.default_hparams)
    assert np.isfinite(result.curves["pretrain"]["clock_error"][1:]).all()
    assert result.effort["pretrain"]["passive_steps"] == 2 * 4 * 3
    assert result.effort["pretrain"]["env_steps"] == 0


def test_pairs_of_exemplar_are_two_views_of_what_was_in_sight():
    world = Exemplar(factors=1, values=3, looks=4, decisions=2, noise=0.0, dimensions=3)
    _, state, trajectory = drawn(world, 200)
    looks = np.asarray(state.world.hidden.looks)[0].reshape(12, 3)

    def values(obs):
        distance = np.abs(np.asarray(obs).reshape(-1, 1, 3) - looks[None]).max(-1)
        assert (distance.min(-1) < 1e-6).all()
        return distance.argmin(-1) // 4

    assert (values(trajectory.obs_tm1) == values(trajectory.obs_t)).all()
    assert (np.asarray(trajectory.obs_tm1) != np.asarray(trajectory.obs_t)).any()


def test_the_number_of_steps_can_be_given_and_settings_are_those_of_the_task():
    world = Planner(factors=3, values=2, ancestors=2)
    source, _, trajectory = drawn(world, 4, num_steps=2)
    assert trajectory.a_tm1.shape == (2, 4)
    assert source.num_steps == 2
    assert {s.name for s in source.settings} == set(world.task_reads)
    specs = {random_behaviour(4, n)(world, (), None).spec for n in (None, 1, 2)}
    assert len(specs) == 3


def test_others_actions_are_not_asked_for():
    source = random_behaviour(4)(Cipher(symbols=3, skills=2, length=2), (), None)
    learner = prediction()(mlp((4,)), source, (), 4)
    assert set(jax.eval_shape(learner.network.init, jax.random.key(0))) == {"trunk", "symbol"}
    with pytest.raises(rx.UserError, match="cannot act"):
        learner.policy({}, None, {})


def test_impossible_sizes_are_told():
    with pytest.raises(rx.UserError, match="random_behaviour: num_envs = 0"):
        random_behaviour(0)
    with pytest.raises(rx.UserError, match="random_behaviour: num_steps = -1"):
        random_behaviour(4, -1)
