"""What an update costs, by hand."""

import math
from types import SimpleNamespace

import pytest

import regimax as rx
from regimax.sweep.cost import Costs, signals
from regimax.sweep.plan import make_plan


def costs(world, regime, **axes):
    """The costs of the stages of one seed, in the order of the plan."""
    plan = make_plan(rx.Sweep(world=world, regimes=[regime], axes=axes, seeds=1))
    return [Costs(plan)(stage) for stage in plan.stages.values()]


def test_senses_tell_no_more_of_concepts_than_there_is_and_no_more_than_they_let_through():
    world = rx.envs.Exemplar(factors=2, values=4, looks=2, decisions=1, dimensions=10, unpredictable=True)
    options = {"network": rx.networks.mlp((4,)), "num_envs": 8, "channels": [rx.channels.sensory(-4, 4)]}
    regime = rx.regimes.pretrain_rl((1, 1), **options, evaluate=rx.regimes.Evaluate(1, 4))
    rates = {"wide": {}, "narrow": {"sensory.bits": 1, "sensory.rate": 0.25}}
    pretrain, rl, narrow_pretrain, narrow_rl = costs(world, regime, senses=rates)
    # Two factors of two bits; in the stream a third, since one of them is drawn again. Ten bits at every fourth step.
    assert (pretrain.present_sensory_bound, rl.present_sensory_bound) == (8 * 6.0, 8 * 4.0)
    assert (narrow_pretrain.present_sensory_bound, narrow_rl.present_sensory_bound) == (8 * 5.0, 8 * 2.5)


def test_a_world_that_does_not_know_its_concepts_has_no_bound():
    world = rx.envs.Planner(factors=3, values=2, ancestors=2)
    regime = rx.regimes.pure_rl(1, network=rx.networks.mlp((4,)), num_envs=2, evaluate=rx.regimes.Evaluate(1, 4))
    (cost,) = costs(world, regime)
    assert math.isnan(cost.present_sensory_bound)
    assert cost.bits_sensory == pytest.approx(3.0 * cost.env_steps)


@pytest.mark.parametrize(
    ("world", "settings", "per_step"),
    [
        (rx.envs.Exemplar(factors=1, decisions=2, dimensions=2), {}, 1 / 2),  # one outcome for an episode of two
        (rx.envs.Exemplar(factors=1, decisions=2, dimensions=2), {"reward.rate": 0.5, "reward.erasure": 0.75}, 1 / 8),
        (rx.envs.Exemplar(factors=1, dimensions=2), {"outcome.erasure": 0.5, "reward.erasure": 0.5}, 1 / 4),
        (rx.envs.Exemplar(factors=1, dimensions=2), {"outcome.episodes": 4, "reward.reads_zero": 1}, 1 / 4),
        (rx.envs.Cipher(symbols=3, skills=2, length=4, dense_reward=True), {"outcome.erasure": 1.0}, 1),
        (rx.envs.Cipher(symbols=3, skills=2, length=4, dense_reward=True), {"reward.rate": 0.5}, 1 / 2),
        (rx.envs.Recall(stable=2, dynamic=3, queries=5, dimensions=2), {}, 1 / 2),  # queries only are paid for
    ],
)
def test_rewards_are_counted_that_arrive(world, settings, per_step):
    world = rx.envs.Oracle(world)  # a small one will do
    channels, known = [rx.channels.outcome(), rx.channels.reward()], world.describe(world.world.defaults())
    source = rx.sources.own_behaviour(num_envs=3)(world, channels)
    learner = rx.learners.actor_critic()(rx.networks.mlp((2,)), source, (), 1)
    program = SimpleNamespace(learner=learner)
    values = {s.name: s.default for channel in channels for s in channel.settings} | settings
    found = signals(program, values, known, world)
    assert found["rewards_delivered"] == pytest.approx(per_step * 3 * source.num_steps)
