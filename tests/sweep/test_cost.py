"""What an update costs, by hand."""

import math

import pytest

import regimax as rx
from regimax.sweep.cost import Costs
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
