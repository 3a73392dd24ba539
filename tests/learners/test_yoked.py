"""A learner and its partner: who acts, whose stream teaches what, and that nothing else differs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.learners import yoked

WORLD = rx.envs.Lock(depth=2, actions=2)
OPTIONS = {"network": rx.networks.mlp((6, 4)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(4, 8)}
KEYS = jax.tree.map(lambda k: k[0], rx.cell_keys(seeds=1))


def bound(world=WORLD, **options):
    return rx.regimes.bind_regime(rx.regimes.yoked(4, **(OPTIONS | options)), world).programs[0]


def hparams_of(program, **changes):
    values = {program.local[name]: value for name, value in program.defaults().items()} | changes
    return {
        name: jnp.asarray(value, jnp.int32 if isinstance(value, int) else jnp.float32) for name, value in values.items()
    }


@pytest.fixture(scope="module")
def lived():
    """`changes -> states` of the learner before and after five updates: one compiled program for all."""
    program = bound(learner={"updates_per_rollout": 2})
    init, update = jax.jit(program.learner.init), jax.jit(program.learner.update)

    def run(**changes):
        hparams = hparams_of(program, **changes)
        states = [init(KEYS, hparams, {})]
        for i in range(5):
            states.append(update(jax.random.fold_in(jax.random.key(0), i), states[-1], hparams)[0])
        return states

    return run


def same(a, b):
    return all(bool((x == y).all()) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def changed(before, after):
    return {part for part in before if not same(before[part], after[part])}


def test_the_partner_lives_the_same_whatever_is_learnt_from_it(lived):
    own, both = (lived(reward_of_partner=x, prediction_of_partner=x)[-1] for x in (0, 1))
    assert same(own.memory.partner, both.memory.partner)
    assert not same(own.params, both.params)
    assert not same(own.memory.partner.memory.ring.streams.a_tm1, own.memory.ring.streams.a_tm1)


def test_each_switch_reaches_its_own_part(lived):
    """With the other kind's learning rate at zero, a switch of the one makes a difference and of the other none."""
    still = {"prediction.learning_rate": 0.0}
    one, other, none = (
        lived(reward_of_partner=a, prediction_of_partner=b, **still)[-1].params for a, b in ((1, 0), (1, 1), (0, 0))
    )
    assert same(one, other)
    assert changed(one, none) == {"trunk", "action_values"}
    still = {"learning_rate": 0.0}
    one, other, none = (
        lived(reward_of_partner=a, prediction_of_partner=b, **still)[-1].params for a, b in ((0, 1), (1, 1), (0, 0))
    )
    assert same(one, other)
    assert changed(one, none) == {"trunk", "prediction_view"}


def test_a_partner_is_another_or_acts_with_the_learners_policy_or_never_learns(lived):
    another, itself, nobody = (lived(partner=partner) for partner in (0, 1, 2))
    first = another[0]
    assert not same(first.params["trunk"], first.memory.partner.params["trunk"])
    assert same(first.source.world, first.memory.partner.source.world)
    assert same(first.memory.partner.params, nobody[-1].memory.partner.params)
    assert not same(first.memory.partner.params, another[-1].memory.partner.params)
    recorded = [
        states[-1].memory.partner.memory.ring.streams.extras["log_prob"] for states in (another, itself, nobody)
    ]
    assert not same(recorded[0], recorded[1])
    np.testing.assert_allclose(recorded[2][:4], np.log(0.5), atol=0.5)  # even choices, but for the initial weights
    # What the learner itself does is not touched by who its partner is, while it learns from its own stream.
    own = [lived(partner=partner, reward_of_partner=0, prediction_of_partner=0)[-1].params for partner in (0, 1, 2)]
    assert same(own[0], own[1])
    assert same(own[0], own[2])


def test_an_expert_has_learnt_before_and_the_learner_has_not(lived):
    """It acts by what was inherited, whatever it sees; with others, who inherits are both."""
    program = bound(learner={"updates_per_rollout": 2})
    init = jax.jit(program.learner.init)
    before = lived()[-1].params
    inherited = {name: before[name] for name in ("trunk", "action_values")}
    expert, another = (init(KEYS, hparams_of(program, partner=partner), inherited) for partner in (3, 0))
    fresh = lived()[0].params
    assert same(expert.params, fresh)
    assert all(same(expert.memory.partner.params[name], inherited[name]) for name in inherited)
    assert all(same(another.params[name], inherited[name]) for name in inherited)
    after = lived(partner=3)
    assert same(after[0].memory.partner.params, after[-1].memory.partner.params)
    assert not same(after[0].params, after[-1].params)


def test_the_regime_of_an_expert_has_a_phase_for_it():
    regime = rx.regimes.yoked((8, 4), "prediction", "expert", **OPTIONS)
    assert regime.name == "yoked-prediction-expert"
    assert [(phase.name, phase.updates) for phase in regime.phases] == [("expert", 8), ("rl", 4)]
    assert regime.phases[1].inherit == ("trunk", "action_values")
    names = [program.local.keys() for program in rx.regimes.bind_regime(regime, WORLD).programs]
    assert len(names) == 2


def test_values_are_those_of_the_best_way_on_whoever_acts():
    """From even choices, with a partner that never learns: the lock's values are 1 on the way and the lure's off it."""
    world = rx.envs.Lock(depth=2, actions=2)
    options = {"network": rx.networks.mlp((16,)), "num_envs": 16, "evaluate": rx.regimes.Evaluate(50, 64)}
    train = rx.make_train(rx.regimes.yoked(200, learn_from="reward", partner="nobody", **options), world)
    hparams = train.default_hparams | {"rl.learning_rate": jnp.float32(3e-3)}
    curves = jax.jit(train)(KEYS, hparams).curves["rl"]
    assert curves["success"][-1] > 0.9
    assert curves["partner_train_success"][-1] < 0.5
    assert curves["value_loss"][-1] < 0.02


def test_what_does_not_fit_is_told():
    with pytest.raises(rx.UserError, match="updates_per_rollout = 0 is not a whole number above 0"):
        yoked(updates_per_rollout=0)
    with pytest.raises(rx.UserError, match="capacity = 6 is not a multiple of the 4 streams"):
        bound(learner={"capacity": 6})
    with pytest.raises(rx.UserError, match="must be the learner's own behaviour"):
        rx.regimes.bind(rx.regimes.predict(4, learner=yoked(), **OPTIONS), WORLD)
    with pytest.raises(rx.UserError, match=r"unknown partner 'itsef'. Did you mean 'itself'"):
        rx.regimes.yoked(partner="itsef")
    with pytest.raises(rx.UserError, match=r"yoked: updates = \(4,\) does not hold a budget each for expert, rl"):
        rx.regimes.yoked(4, partner="expert")
    with pytest.raises(rx.UserError, match=r"unknown part to learn from the partner: 'rewards'. Did you mean 'reward'"):
        rx.regimes.yoked(learn_from="rewards")
