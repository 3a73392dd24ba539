"""Rollouts: resets, borders, and the way of the reward. `ALPHA` is the chance of a false alarm."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from regimax import rollout
from regimax.channels import decision, outcome, reward, sensory
from regimax.envs import Cipher
from regimax.errors import UserError
from regimax.learners.policies import softmax_policy
from regimax.networks import mlp
from regimax.types import Field, Setting

ALPHA = 1e-4


class Clock(NamedTuple):
    t: jax.Array


@dataclass(frozen=True)
class Ticking:
    """Shows its clock; ends at 3 after action 1, is cut at 5 otherwise; pays the clock, and 10 as outcome at an end."""

    name = "Ticking"
    spec = ("Ticking",)
    settings: tuple[Setting, ...] = ()
    task_reads: tuple[str, ...] = ()
    fields = (Field("clock", 1, categorical=False),)
    num_actions, horizon, truncates, reward_range = 2, 5, True, (0.0, 16.0)

    def init(self, key, settings):
        return ()

    def reset(self, key, params, previous=None):
        return jnp.zeros(1), Clock(jnp.zeros((), jnp.int32))

    def step(self, key, state, action, params):
        t = state.t + 1
        terminated, truncated = (t >= 3) & (action == 1), t >= 5
        win = jnp.where(terminated, 10.0, 0.0)
        obs = t[None].astype(jnp.float32)
        return obs, Clock(t), t + win, terminated, truncated, {"outcome": win, "success": win / 10}

    def legal(self, params):
        return jnp.ones(2, bool)


def constant(action):
    """Always does `action`; values an observation by its clock."""

    def act(carry, obs, first, u):
        extras = {"value": obs[:, 0], "log_prob": jnp.zeros(len(u))}
        return carry, jnp.full(len(u), action, jnp.int32), extras

    return rollout.Policy(lambda n: (), act, lambda carry, obs: obs[:, 0])


def compiled(function):
    """The same as one program: one by one every operation would be one."""
    return lambda *args: jax.jit(lambda: function(*args))()


init, rolled_out, evaluate = map(compiled, (rollout.init, rollout.rollout, rollout.evaluate))


def go(action, steps, channels=(), hparams=None):
    world, policy = Ticking(), constant(action)
    hparams = hparams or {}

    def act():
        state = rollout.init(jax.random.key(0), world, (), channels, (), 2, hparams)
        return rollout.rollout(jax.random.key(1), world, (), channels, policy, state, steps, hparams)

    return jax.jit(act)()


def test_termination_resets_and_cuts_the_discount():
    state, trajectory, counts = go(1, 7)
    clock = trajectory.obs_tm1[:, 0, 0].tolist()
    assert clock == [0, 1, 2, 0, 1, 2, 0]
    assert trajectory.first_tm1[:, 0].tolist() == [1, 0, 0, 1, 0, 0, 1]
    assert trajectory.obs_t[:, 0, 0].tolist() == [1, 2, 3, 1, 2, 3, 1]  # before the reset
    assert trajectory.discount_t[:, 0].tolist() == [1, 1, 0, 1, 1, 0, 1]
    assert trajectory.truncated_t.sum() == 0
    assert counts["episodes"] == 4
    assert counts["successes"] == 4
    assert state.obs[0, 0] == 1


@pytest.mark.parametrize("steps", [5, 6])  # up to the horizon, and more
def test_truncation_keeps_the_discount_and_values_the_final_observation(steps):
    state, trajectory, counts = go(0, steps)
    assert trajectory.discount_t[:, 0].tolist() == [1] * steps
    assert trajectory.truncated_t[:, 0].tolist() == [0, 0, 0, 0, 1, 0][:steps]
    assert trajectory.extras["v_final"][4, 0] == 5
    assert state.obs[0, 0] == steps - 5
    assert counts["successes"] == 0


def test_each_stream_has_the_value_of_its_own_final_observation():
    policy = constant(0)._replace(value=lambda carry, obs: 10 * obs[:, 0] + jnp.arange(2))
    state = go(0, 2)[0]
    _, trajectory, _ = rolled_out(jax.random.key(2), Ticking(), (), (), policy, state, 5, {})
    assert trajectory.truncated_t[:, 0].tolist() == [0, 0, 1, 0, 0]
    assert trajectory.extras["v_final"][2].tolist() == [50, 51]


def test_streams_go_on_between_rollouts():
    whole = go(1, 7)[1].obs_tm1
    state, first, _ = go(1, 4)
    _, second, _ = rolled_out(jax.random.key(2), Ticking(), (), (), constant(1), state, 3, {})
    np.testing.assert_array_equal(jnp.concatenate([first.obs_tm1, second.obs_tm1]), whole)


def settings_of(*channels, **changes):
    values = {s.name: s.default for c in channels for s in c.settings} | changes
    kinds = {s.name: jnp.int32 if s.integer else jnp.float32 for c in channels for s in c.settings}
    return {name: jnp.asarray(value, kinds[name]) for name, value in values.items()}


def test_without_channels_the_pay_is_the_worlds():
    assert go(1, 3)[1].r_t[:, 0].tolist() == [1, 2, 13]


def test_the_outcome_channel_takes_the_outcome_alone():
    channels = (outcome(),)
    hparams = settings_of(*channels, **{"outcome.erasure": 1.0})
    assert go(1, 3, channels, hparams)[1].r_t[:, 0].tolist() == [1, 2, 3]


def test_the_reward_channel_takes_all_pay():
    channels = (outcome(), reward(0.0, 16.0))
    lost = settings_of(*channels, **{"reward.erasure": 1.0})
    assert go(1, 3, channels, lost)[1].r_t[:, 0].tolist() == [0, 0, 0]
    coarse = settings_of(*channels, **{"reward.levels": 2})
    assert go(1, 3, channels, coarse)[1].r_t[:, 0].tolist() == [0, 0, 16]


def test_the_outcome_is_there_before_the_reward_channel():
    channels = (reward(0.0, 16.0), outcome())  # the order of the list does not matter, their places do
    coarse = settings_of(*channels, **{"reward.levels": 2})
    assert go(1, 3, channels, coarse)[1].r_t[:, 0].tolist() == [0, 0, 16]


@pytest.mark.parametrize(("action", "success", "total"), [(1, 1.0, 16.0), (0, 0.0, 15.0)])
def test_evaluation_plays_one_whole_episode_each(action, success, total):
    found = evaluate(jax.random.key(0), Ticking(), (), (), constant(action), 4, {})
    assert (found["success"], found["return"]) == (success, total)


class Guarded(Ticking):
    """The same, which shows 100 more on its clock in what it keeps back from learning, and params that say so."""

    def init(self, key, settings):
        return jnp.zeros(())

    def unseen(self, params):
        return params + 100.0

    def reset(self, key, params, previous=None):
        return params[None], Clock(jnp.zeros((), jnp.int32))

    def step(self, key, state, action, params):
        obs, *rest = super().step(key, state, action, params)
        return obs + params, *rest


def test_evaluation_is_played_in_what_is_kept_back_and_learning_is_not():
    sees = rollout.Policy(
        lambda n: (), lambda carry, obs, first, u: (carry, (obs[:, 0] >= 100).astype(jnp.int32), {}), constant(0).value
    )
    world = Guarded()
    params = jax.jit(world.init)(None, {})
    kept = evaluate(jax.random.key(0), world, params, (), sees, 4, {})
    plain = evaluate(jax.random.key(0), Ticking(), (), (), sees, 4, {})
    state = init(jax.random.key(0), world, params, (), (), 2, {})
    _, trajectory, _ = rolled_out(jax.random.key(1), world, params, (), sees, state, 3, {})
    assert (kept["success"], plain["success"]) == (1.0, 0.0)
    assert trajectory.a_tm1.sum() == 0


def test_actions_follow_the_softmax_and_are_never_illegal():
    network, n = mlp((4,))(2, {"policy": 4}), 40_000
    params = jax.jit(network.init)(jax.random.key(0))
    params["policy"]["bias"] = jnp.array([0.0, 1.0, -1.0, 5.0])
    legal = jnp.array([True, True, True, False])
    policy = softmax_policy(network, params, legal, None)
    u = jax.random.uniform(jax.random.key(1), (n,))
    _, action, extras = policy.act((), jnp.zeros((n, 2)), jnp.ones(n), u)
    logits = network.apply(params, (), jnp.zeros((1, 1, 2)), jnp.ones((1, 1)), None)[1]["policy"][0, 0, :3]
    p = np.asarray(jax.nn.softmax(logits), np.float64)
    counts = np.bincount(action, minlength=4)
    assert counts[3] == 0
    assert stats.chisquare(counts[:3], n * p / p.sum()).pvalue > ALPHA
    np.testing.assert_allclose(np.exp(extras["log_prob"]), p[action], rtol=1e-5)


def test_a_known_policy_has_its_known_success():
    world, n = Cipher(symbols=2, skills=1, length=2), 4096
    hparams = {s.name: jnp.asarray(s.default, jnp.int32 if s.integer else jnp.float32) for s in world.settings}
    params = jax.jit(world.init)(jax.random.key(0), hparams)
    found = evaluate(jax.random.key(1), world, params, (), constant(0), n, {})
    assert found["success"] == found["return"]
    assert stats.binomtest(round(float(found["success"]) * n), n, 0.25).pvalue > ALPHA


def test_what_is_seen_is_held_and_opens_anew():
    channels = (sensory(0.0, 16.0),)
    hparams = settings_of(*channels, **{"sensory.rate": 0.5})
    state, trajectory, _ = go(1, 5, channels, hparams)
    assert trajectory.obs_tm1[:, 0, 0].tolist() == [0, 0, 2, 0, 0]
    assert trajectory.obs_t[:, 0, 0].tolist() == [0, 2, 2, 0, 2]
    assert state.obs[0, 0] == 2


@pytest.mark.parametrize("steps", [5, 6])
def test_truncated_episodes_are_valued_by_what_is_seen(steps):
    channels = (sensory(0.0, 16.0),)
    hparams = settings_of(*channels, **{"sensory.rate": 0.5})
    _, trajectory, _ = go(0, steps, channels, hparams)
    assert trajectory.extras["v_final"][4, 0] == 4


def test_a_held_decision_is_repeated_and_marked():
    # Means 1, then 0, and so on.
    policy = rollout.Policy(
        lambda n: jnp.zeros((n,), jnp.int32),
        lambda carry, obs, first, u: (carry + 1, 1 - carry % 2, {"value": obs[:, 0], "log_prob": u}),
        lambda carry, obs: obs[:, 0],
    )
    channels = (decision(),)
    hparams = settings_of(*channels, **{"decision.rate": 0.5})
    state = init(jax.random.key(0), Ticking(), (), channels, policy.carry(2), 2, hparams)
    _, trajectory, counts = rolled_out(jax.random.key(1), Ticking(), (), channels, policy, state, 3, hparams)
    assert trajectory.a_tm1[:, 0].tolist() == [1, 0, 1]
    assert trajectory.extras["decided"][:, 0].tolist() == [1, 0, 1]
    assert counts["successes"] == 2  # done were 1, 1, 1
    found = evaluate(jax.random.key(0), Ticking(), (), channels, policy, 4, hparams)
    assert found["success"] == 1.0


def test_throughput_is_what_decisions_say_of_what_was_seen():
    """Observations are one of four symbols; a policy that tells them apart carries two bits, with noise fewer."""
    world = Cipher(symbols=4, skills=1, length=1)
    hparams = {s.name: jnp.asarray(s.default, jnp.int32 if s.integer else jnp.float32) for s in world.settings}
    params = jax.jit(world.init)(jax.random.key(0), hparams)
    start = [f.name for f in world.fields].index("symbol")
    start = sum(f.size for f in world.fields[:start])

    def policy(noise):
        def act(carry, obs, first, u):
            seen = obs[:, start : start + 4]
            probs = (1 - noise) * seen + noise / 4
            return carry, jnp.argmax(seen, -1).astype(jnp.int32), {"log_probs": jnp.log(probs)}

        return rollout.Policy(lambda n: (), act, lambda carry, obs: obs[:, 0])

    run = lambda noise, *channels, **settings: evaluate(
        jax.random.key(1), world, params, channels, policy(noise), 2048, settings_of(*channels, **settings)
    )["throughput"]
    assert run(0.0) == pytest.approx(2.0, abs=0.01)
    assert run(1.0) == pytest.approx(0.0, abs=0.001)
    p = np.array([0.625, 0.125, 0.125, 0.125])
    assert run(0.5) == pytest.approx(2.0 + (p * np.log2(p)).sum(), abs=0.01)
    assert "throughput" not in evaluate(jax.random.key(0), Ticking(), (), (), constant(0), 4, {})


def test_what_arrives_is_tallied_by_its_value():
    channels = (outcome(), reward(0.0, 16.0))
    hparams = settings_of(*channels, **{"reward.levels": 17, "reward.rate": 1.0})
    _, trajectory, counts = go(1, 6, channels, hparams)
    assert counts["reward"].sum() == trajectory.r_t.size
    assert counts["outcome"].sum() == counts["episodes"]
    assert counts["outcome"][round(10 / 16 * (rollout.REWARD_BINS - 1)), 0] == counts["episodes"]


def started(policy, num_envs=4, channels=()):
    settings = {name: value for channel in channels for name, value in channel.default_settings().items()}
    streams = init(jax.random.key(0), Ticking(), (), channels, policy.carry(num_envs), num_envs, settings)
    return streams, settings


def rolled(policy, streams, settings, num_steps=3, channels=(), world=None):
    world = world or Ticking()
    go = lambda: rollout.rollout(jax.random.key(1), world, (), channels, policy, streams, num_steps, settings)
    return jax.eval_shape(go)


def changed(**parts):
    return lambda policy, streams: (policy, streams._replace(**parts))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(obs=jnp.zeros((4, 2))), r"rollout: state.obs is \[4, 2\], it takes \[E, 1\]"),
        (changed(obs=jnp.zeros(1)), r"rollout: state.obs is \[1\], it takes \[E, 1\]"),
        (changed(first=jnp.zeros(3)), r"rollout: state.first is \[3\], it takes \[E\] = \[4\]"),
        (changed(world=Clock(jnp.zeros(3, jnp.int32))), r"rollout: state.world is of leaves \[E, ...\], E = 4"),
        (changed(carry=jnp.zeros((3, 8))), r"rollout: state.carry is of leaves \[E, ...\], E = 4"),
        (changed(channels=[jnp.zeros(5)]), r"rollout: state.channels is of leaves \[E, ...\], E = 4"),
    ],
)
def test_streams_of_another_shape_are_told(change, message):
    policy = constant(1)
    streams, settings = started(policy)
    with pytest.raises(AssertionError, match=message):
        rolled(*change(policy, streams), settings)


@pytest.mark.parametrize(
    ("action", "extras", "message"),
    [
        (jnp.zeros((4, 1), jnp.int32), {}, r"policy.act takes one action \[4\]; use jax.vmap"),
        (jnp.zeros((), jnp.int32), {}, r"policy.act: action is \[\], it takes \[4\]"),
        (jnp.zeros(4), {}, "policy.act: actions are whole numbers"),
        (jnp.zeros(4, jnp.int32), {"log_probs": jnp.zeros((4, 3))}, r"log_probs is \[4, 3\], it takes \[E, 2\]"),
        (jnp.zeros(4, jnp.int32), {"value": jnp.zeros(3)}, r"policy.act: extras is of leaves \[E, ...\], E = 4"),
    ],
)
def test_actions_of_another_shape_are_told(action, extras, message):
    policy = constant(1)
    streams, settings = started(policy)
    odd = policy._replace(act=lambda carry, obs, first, u: (carry, action, extras))
    with pytest.raises(AssertionError, match=message):
        rolled(odd, streams, settings)
    play = lambda: rollout.evaluate(jax.random.key(0), Ticking(), (), (), odd, 4, {})
    with pytest.raises(AssertionError, match=message):
        jax.eval_shape(play)


def test_a_world_that_shows_or_pays_another_shape_is_told():
    class Wide(Ticking):
        def step(self, key, state, action, params):
            obs, state, reward, *rest = super().step(key, state, action, params)
            return (*self.spoilt(obs, state, reward), *rest)

    class Sees(Wide):
        spoilt = staticmethod(lambda obs, state, reward: (jnp.concatenate([obs, obs]), state, reward))

    class Pays(Wide):
        spoilt = staticmethod(lambda obs, state, reward: (obs, state, reward[None]))

    policy = constant(1)
    streams, settings = started(policy)
    for world, message in ((Sees(), r"Ticking: step: obs is \[2\], it takes \[1\]"), (Pays(), "takes one reward")):
        with pytest.raises(AssertionError, match=message):
            rolled(policy, streams, settings, world=world)


@pytest.mark.parametrize("number", [0, 2.5, "4"])
def test_numbers_of_steps_streams_and_episodes_are_whole(number):
    policy = constant(1)
    streams, settings = started(policy)
    with pytest.raises(UserError, match=r"rollout: num_steps = .* is not a whole number above 0"):
        rolled(policy, streams, settings, num_steps=number)
    with pytest.raises(UserError, match=r"rollout.init: num_envs = .* is not a whole number above 0"):
        rollout.init(jax.random.key(0), Ticking(), (), (), (), number, {})
    with pytest.raises(UserError, match=r"evaluate: num_episodes = .* is not a whole number above 0"):
        rollout.evaluate(jax.random.key(0), Ticking(), (), (), policy, number, {})


def test_numbers_of_python_do_for_settings():
    channels = (outcome(), reward(0.0, 16.0))
    policy = constant(1)
    streams, settings = started(policy, channels=channels)
    plain = {name: value.item() for name, value in settings.items()}
    found = rolled(policy, streams, plain, num_steps=np.int64(3), channels=channels)
    assert found == rolled(policy, streams, settings, channels=channels)


def test_what_is_tallied_is_of_one_shape():
    with pytest.raises(AssertionError, match=r"reward_histogram takes one shape: value is \[3\], present is \[4\]"):
        rollout.reward_histogram(Ticking(), jnp.zeros(3), jnp.ones(4))
    with pytest.raises(AssertionError, match=r"reward_information_bound: counts is \[2, 3\], it takes \[32, 3\]"):
        rollout.reward_information_bound(jnp.zeros((2, 3)), 4)
