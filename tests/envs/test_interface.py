"""gymnax's interface to our worlds: what the world says, auto-reset, ends kept apart, and the way back."""

import builtins
import copy
import sys
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.envs import Cipher, HandModel, Lock, Oracle, Planner, Recall
from regimax.envs.check import DESCRIBED
from regimax.envs.interface import GymnaxParams

from .conftest import compiled
from .test_protocols import WORLDS

CIPHER = Cipher(symbols=3, skills=2, length=2)


class Clock(NamedTuple):
    t: jax.Array


@dataclass  # neither frozen nor hashable
class Ticking:
    """A user's own world: it pays each step, and cuts its episodes short after three unless action 1 ends them."""

    steps: int = 3
    name = "Ticking"
    settings = (rx.types.Setting("world.pay", 0.5, 0, 1, "reward of a step"),)
    task_reads = ("world.pay",)
    fields = (rx.types.Field("time", 1, categorical=False),)
    num_actions, truncates, reward_range, concept_sizes = 2, True, (0.0, 2.0), ()

    @property
    def horizon(self):
        return self.steps

    @property
    def spec(self):
        return ("Ticking", self.steps)

    def init(self, key, settings):
        return {"pay": settings["world.pay"], "hidden": jax.random.uniform(key)}

    def reset(self, key, params, previous=None):
        opened = jnp.zeros(()) if previous is None else 10.0 + previous.t
        return opened[None], Clock(jnp.zeros(()))

    def step(self, key, state, action, params):
        state = Clock(state.t + 1)
        terminated = action == 1
        outcome = terminated.astype(jnp.float32)
        truncated = (state.t >= self.steps) & ~terminated
        info = {"outcome": outcome, "success": outcome}
        return state.t[None], state, outcome + params["pay"], terminated, truncated, info

    def concepts(self, state, params):
        return jnp.zeros((0,), jnp.int32)

    def legal(self, params):
        return jnp.ones(2, bool)

    def unpadded(self, settings):
        return self

    def describe(self, settings):
        return dict.fromkeys(DESCRIBED, float("nan")) | {"action_bits": 1.0, "episode_steps": 3.0}


EVERY = {**WORLDS, "Ticking": Ticking()}


@pytest.mark.parametrize("name", EVERY)
def test_a_step_is_that_of_the_world_and_of_its_next_episode(name):
    world = EVERY[name]
    env = rx.as_gymnax(world)
    read = {name: value for name, value in rx.envs.default_settings(world).items() if name in world.task_reads}

    def step(carry, x):
        (obs, state), (mine, own), params = carry
        key, action = x
        obs, state, reward, done, info = env.step(key, state, action, params)
        key_step, key_reset = jax.random.split(key)
        seen, after, paid, terminated, truncated, told = world.step(key_step, own, action, params.world)
        over = terminated | truncated
        opening = world.reset(key_reset, params.world, after)
        mine, own = jax.tree.map(lambda a, b: jnp.where(over, a, b), opening, (seen, after))
        told = told["success"], paid - told["outcome"], 1.0 - terminated
        found = obs, state.world, reward, done, info["final_observation"]
        found = found, tuple(info[name] for name in ("success", "dense_reward", "discount"))
        return ((obs, state), (mine, own), params), (found, ((mine, own, paid, over, seen), told))

    @jax.jit
    def both(key):
        params, hidden = env.params(key), world.init(key, read)
        steps = world.horizon + 1
        xs = jax.random.split(key, steps), jnp.arange(steps) % world.num_actions
        opened = env.reset(key, params), world.reset(key, hidden)
        return (params.world, hidden), jax.lax.scan(step, (*opened, params), xs)[1]

    for found, expected in both(jax.random.key(3)):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected)


def episodes(env, actions, params=None):
    """Steps under a fixed order of actions: observations, rewards, ends and info, `[T]` each."""
    params = env.default_params if params is None else params
    opened, state = env.reset(jax.random.key(0), params)

    def step(state, action):
        obs, state, *rest = env.step(jax.random.key(1), state, action, params)
        return state, (obs, *rest)

    return opened, jax.lax.scan(step, state, jnp.asarray(actions))[1]


def test_ends_are_kept_apart_and_the_next_episode_knows_the_last():
    opened, (obs, reward, terminated, truncated, info) = episodes(
        rx.as_gymnax(Ticking(), step_values=6), [0, 0, 0, 0, 1, 0, 0, 1]
    )
    assert opened.tolist() == [0.0]
    assert obs[:, 0].tolist() == [1.0, 2.0, 13.0, 1.0, 12.0, 1.0, 2.0, 13.0]  # openings tell of the episode before
    assert info["final_observation"][:, 0].tolist() == [1.0, 2.0, 3.0, 1.0, 2.0, 1.0, 2.0, 3.0]
    assert terminated.tolist() == [0, 0, 0, 0, 1, 0, 0, 1]
    assert truncated.tolist() == [0, 0, 1, 0, 0, 0, 0, 0]  # at the border a termination is no truncation
    assert reward.tolist() == [0.5, 0.5, 0.5, 0.5, 1.5, 0.5, 0.5, 1.5]
    assert info["outcome"].tolist() == [0, 0, 0, 0, 1, 0, 0, 1]
    assert info["dense_reward"].tolist() == [0.5] * 8
    assert info["discount"].tolist() == [1, 1, 1, 1, 0, 1, 1, 0]
    assert info["has_outcome"].tolist() == [1] * 8
    _, (_, _, done, _) = episodes(rx.as_gymnax(Ticking()), [0, 0, 0, 0, 1, 0, 0, 1])
    assert done.tolist() == (terminated | truncated).tolist()


def test_a_limit_of_ones_own_cuts_episodes_short():
    env = rx.as_gymnax(Cipher(symbols=3, skills=1, length=4), step_values=6)
    assert env.default_params.max_steps_in_episode == 4
    _, (_, _, terminated, truncated, _) = episodes(env, [0] * 8)
    assert (terminated.tolist(), truncated.tolist()) == ([0, 0, 0, 1] * 2, [0] * 8)
    short = env.default_params.replace(max_steps_in_episode=3)
    _, (_, _, terminated, truncated, _) = episodes(env, [0] * 6, short)
    assert (terminated.tolist(), truncated.tolist()) == ([0] * 6, [0, 0, 1] * 2)


def test_a_step_without_reset_stays_at_the_end():
    for values, done in ((5, [0, 0, 1]), (6, [0, 0, 0])):
        env = rx.as_gymnax(Ticking(), step_values=values)
        _, state = env.reset_env(jax.random.key(0))
        found = []
        for _ in range(3):
            obs, state, _, ended, _ = env.step_env(jax.random.key(1), state, 0)
            found.append((int(ended), bool(env.is_truncated(state))))
        assert found == list(zip(done, [False, False, True], strict=True))
        assert obs.tolist() == [3.0]


def test_every_agent_has_a_world_of_its_own_or_all_have_one():
    env = rx.as_gymnax(Cipher(symbols=5, skills=3, length=2))
    keys = rx.cell_keys(seeds=6).world
    worlds = jax.jit(jax.vmap(env.params))(keys)
    assert worlds.world.hidden.answers.shape == (6, 3, 5)
    assert len(np.unique(worlds.world.hidden.answers, axis=0)) == 6
    again = jax.jit(jax.vmap(env.world.init, in_axes=(0, None)))(keys, env.world.default_settings())
    jax.tree.map(np.testing.assert_array_equal, worlds.world, again)  # those of a sweep
    obs, state = jax.jit(jax.vmap(env.reset, in_axes=(None, 0)))(jax.random.key(0), worlds)
    step = jax.jit(jax.vmap(env.step, in_axes=(None, 0, 0, 0)))
    obs, state, reward, done, _ = step(jax.random.key(1), state, jnp.zeros(6, jnp.int32), worlds)
    assert (obs.shape, reward.shape, done.dtype) == ((6, env.observation_space(worlds).shape[0]), (6,), bool)
    one, other = env.default_params, env.default_params
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_settings_make_other_worlds():
    env = rx.as_gymnax(Cipher(symbols=3, skills=2, length=2, max_symbols=5))
    drawn = lambda env, settings: jax.jit(lambda key: env.params(key, settings))(jax.random.key(0))
    world = drawn(env, {"world.symbols": np.int64(5), "world.reveal": 1})
    assert (int(world.world.hidden.symbols), float(world.world.reveal)) == (5, 1.0)
    swept = jax.jit(jax.vmap(lambda reveal: env.params(jax.random.key(0), {"world.reveal": reveal})))(
        jnp.linspace(0, 1, 3)
    )
    assert swept.world.reveal.tolist() == [0.0, 0.5, 1.0]
    with pytest.raises(rx.UserError, match=r"unknown setting 'world.symbol'. Did you mean 'world.symbols'"):
        env.params(jax.random.key(0), {"world.symbol": 3})
    with pytest.raises(rx.UserError, match=r"world.symbols = 6 is out of range"):
        env.params(jax.random.key(0), {"world.symbols": 6})
    model = rx.as_gymnax(HandModel(Planner(factors=3, values=2, ancestors=2)))
    assert drawn(model, {"world.known": 0.5}).world.model is not None


def test_spaces_are_gymnaxs_where_it_is_installed_and_like_them_where_not(monkeypatch):
    env = rx.as_gymnax(CIPHER)
    found = [(env.action_space(), env.observation_space())]
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("gymnax"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    found.append((env.action_space(), env.observation_space()))
    for actions, observations in found:
        assert (actions.n, actions.shape, actions.dtype) == (3, (), jnp.int32)
        assert (observations.shape, observations.dtype) == ((13,), jnp.float32)
        assert (observations.low, observations.high) == (0.0, 1.0)
        assert actions.contains(actions.sample(jax.random.key(0)))
        assert observations.contains(observations.sample(jax.random.key(0)))
        assert not actions.contains(jnp.int32(3))
    assert rx.as_gymnax(Lock(depth=3)).observation_space().low == -np.inf
    assert (env.name, env.num_actions) == ("Cipher", 3)


def test_gymnax_is_not_imported_by_making_an_interface():
    import subprocess

    script = (
        "import sys, jax, regimax as rx\n"
        "env = rx.as_gymnax(rx.envs.Lock(depth=3))\n"
        "jax.eval_shape(env.reset, jax.random.key(0))\n"
        "print('gymnax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_it_is_static_where_jit_needs_it():
    env, same, other = (
        rx.as_gymnax(CIPHER),
        rx.as_gymnax(Cipher(symbols=3, skills=2, length=2)),
        rx.as_gymnax(Ticking()),
    )
    assert hash(env) == hash(same)
    assert env == same != other
    assert copy.deepcopy(env) == env
    hash(other)  # of a world that is not hashable
    params = env.default_params
    assert isinstance(jax.tree.map(lambda x: x, params), GymnaxParams)
    assert jax.eval_shape(other.reset, jax.random.key(0))[0].shape == (1,)


def test_what_is_no_world_and_other_numbers_of_values_are_refused():
    with pytest.raises(rx.UserError, match="is not a world: it lacks"):
        rx.as_gymnax(object())
    with pytest.raises(rx.UserError, match="step_values = 4 is neither 5 nor 6"):
        rx.as_gymnax(CIPHER, step_values=4)


@pytest.mark.parametrize("name", ["Cipher", "Oracle of Cipher", "Recall", "Ticking"])
def test_the_numbers_are_single_precision_in_any_session(name):
    env = rx.as_gymnax(EVERY[name])
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        params = jax.eval_shape(env.params, jax.random.key(0))
        obs, state = jax.eval_shape(env.reset, jax.random.key(0), params)
        found = jax.eval_shape(env.step, jax.random.key(0), state, jax.ShapeDtypeStruct((), jnp.int64), params)
    kinds = {leaf.dtype.name for leaf in jax.tree.leaves((params, obs, state, found))}
    assert kinds <= {"float32", "int32", "bool"}


def test_the_way_there_and_back_is_the_world_itself():
    for world in (CIPHER, Oracle(CIPHER), EVERY["Ticking"]):
        assert rx.from_gymnax(rx.as_gymnax(world)) is world


@pytest.mark.parametrize("name", ["Cipher", "Exemplar", "Recall", "Ticking", "Model of Planner"])
def test_one_world_there_and_back_steps_alike(name):
    world = EVERY[name]
    env = rx.as_gymnax(world)
    params = env.default_params
    back = rx.from_gymnax(env, params, solved=np.inf, reward_range=world.reward_range)
    rx.envs.check_world(back)
    assert (back.horizon, back.num_actions, back.name) == (world.horizon, world.num_actions, world.name)

    def play(world, params):
        def step(state, t):
            action = t % world.num_actions
            obs, state, *rest, info = world.step(jax.random.fold_in(jax.random.key(5), t), state, action, params)
            told = [info[k] for k in ("success", "outcome")]
            return state, (obs, *rest, told, info.get("has_outcome", jnp.ones(())))

        obs, state = world.reset(jax.random.key(5), params)
        return obs, jax.lax.scan(step, state, jnp.arange(world.horizon))[1]

    found, expected = jax.jit(lambda params: (play(back, ()), play(world, params.world)))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected)


def test_an_environment_of_ones_own_is_a_world():
    class Own:
        """What gymnax's 1.x asks for, without gymnax."""

        name, num_actions = "Own", 2
        default_params = GymnaxParams((), 4)

        def action_space(self, params):
            return rx.envs.interface.Discrete(2)

        def observation_space(self, params):
            return rx.envs.interface.Box(0.0, 1.0, (2, 2))

        def reset_env(self, key, params):
            return jnp.zeros((2, 2)), jnp.zeros((), jnp.int32)

        def step_env(self, key, state, action, params):
            return jnp.ones((2, 2)), state + 1, action * 1.0, jnp.zeros((), bool), {}

        def is_truncated(self, state, params):
            return state >= params.max_steps_in_episode

    with pytest.raises(rx.UserError, match="Own: say when it is solved"):
        rx.from_gymnax(Own())
    world = rx.from_gymnax(Own(), solved=4.0, reward_range=(0.0, 1.0))
    rx.envs.check_world(world)
    assert (world.horizon, [field.size for field in world.fields]) == (4, [4])
    _, state = compiled(world.reset)(jax.random.key(0), ())
    for t in range(4):
        _, state, reward, terminated, truncated, info = compiled(world.step)(jax.random.key(0), state, jnp.int32(1), ())
        assert (reward, terminated, truncated, info["success"]) == (1.0, False, t == 3, float(t == 3))


class TestWrappers:
    """gymnax's own, around our worlds."""

    def test_its_wrappers_log_and_flatten(self):
        purerl = pytest.importorskip("gymnax.wrappers.purerl")
        env = purerl.LogWrapper(purerl.FlattenObservationWrapper(rx.as_gymnax(CIPHER, step_values=6)))
        params = env.default_params
        _, state = env.reset(jax.random.key(0), params)
        ends = []
        for t in range(4):
            _, state, _, terminated, truncated, info = env.step(jax.random.key(t), state, jnp.int32(0), params)
            ends.append((bool(terminated), bool(truncated), int(info["returned_episode_lengths"])))
        assert ends == [(False, False, 0), (True, False, 2), (False, False, 2), (True, False, 2)]
        assert env.observation_space(params).shape == (13,)

    def test_its_wrapper_of_the_old_step_is_ours(self):
        compat = pytest.importorskip("gymnax.wrappers.compat")
        new = compat.LegacyStepAPIWrapper(rx.as_gymnax(Ticking(), step_values=6))
        old = rx.as_gymnax(Ticking())
        _, state = old.reset(jax.random.key(0))
        for _ in range(4):
            args = jax.random.key(1), state, jnp.int32(0), old.default_params
            jax.tree.map(np.testing.assert_array_equal, new.step(*args), old.step(*args))
            state = old.step(*args)[1]

    def test_a_world_of_gymnax_there_and_back(self):
        pytest.importorskip("gymnax")
        world = rx.envs.gymnax.make("CartPole-v1", max_steps_in_episode=5)
        env = rx.as_gymnax(world, step_values=6)
        _, (_, reward, terminated, truncated, info) = episodes(env, [0, 1] * 5)
        assert reward.tolist() == [1.0] * 10
        assert (terminated.tolist(), truncated.tolist()) == ([0] * 10, [0, 0, 0, 0, 1] * 2)
        assert info["has_outcome"].tolist() == info["outcome"].tolist() == [0.0] * 10
        assert rx.from_gymnax(env) is world


def test_what_lasts_drifts_from_one_episode_to_the_next():
    world = Recall(stable=4, dynamic=1, values=4, queries=1, dimensions=4, drift=1.0)
    env = rx.as_gymnax(world)
    params = env.default_params
    _, state = compiled(env.reset)(jax.random.key(0), params)
    assert state.world.pairs[:4].tolist() == params.world.stable_values.tolist()
    step = compiled(env.step)
    for t in range(world.horizon):
        _, state, _, done, _ = step(jax.random.key(t), state, jnp.int32(0), params)
    assert done
    assert state.world.pairs[:4].tolist() != params.world.stable_values.tolist()
