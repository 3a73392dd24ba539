"""What is the same in several regimes is bound and traced once, and only that."""

from contextvars import Context

import pytest

import regimax as rx
from regimax.regimes import bind_regime
from regimax.regimes.program import bind
from regimax.sweep import found as module
from regimax.sweep.found import found, shared

r = rx.regimes
WORLD = rx.envs.Cipher(symbols=3, skills=2, length=2)
SHORT = {"network": rx.networks.mlp((4,)), "num_envs": 2, "evaluate": r.Evaluate(1, 2)}
PHASE = r.reinforce(1, **SHORT)
OTHERWISE = {
    "name": "other",
    "source": rx.sources.own_behaviour(3),
    "learner": rx.learners.actor_critic(num_epochs=2),
    "network": rx.networks.mlp((5,)),
    "channels": (rx.channels.outcome(), rx.channels.reward()),
    "freeze": ("trunk",),
    "world": rx.envs.Oracle,
    "evaluate": r.Evaluate(1, 3),
    "stop": r.Stop("success", 0.9, 3),
    "probes": (rx.probes.concepts(),),
    "probe_every": 1,
}
AS_BEFORE = {"updates": 2, "inherit": ("trunk",), "settings": {"learning_rate": 0.5}}


@pytest.fixture(autouse=True, scope="module")
def traced_once():
    """Here nothing stands for anything else, unlike in other files."""


def test_every_field_of_a_phase_is_told_apart_or_reaches_its_functions_as_an_argument():
    assert OTHERWISE.keys() | AS_BEFORE.keys() == set(r.Phase._fields)


@pytest.mark.parametrize("name", OTHERWISE)
def test_another_part_makes_other_functions(name):
    known = {}
    one = bind(PHASE, WORLD, known=known)
    other = bind(PHASE._replace(**{name: OTHERWISE[name]}), WORLD, known=known)
    assert other.tick is not one.tick


@pytest.mark.parametrize("name", AS_BEFORE)
def test_what_is_an_argument_makes_the_same_functions_and_keeps_its_value(name):
    known = {}
    one, phase = bind(PHASE, WORLD, known=known), PHASE._replace(**{name: AS_BEFORE[name]})
    other = bind(phase, WORLD, known=known)
    assert (other.tick, other.init, other.learner) == (one.tick, one.init, one.learner)
    assert other.phase == phase
    assert other.defaults() == bind(phase, WORLD).defaults()


def test_another_world_of_the_same_kind_is_another():
    known = {}
    same, other = (rx.envs.Cipher(symbols=3, skills=2, length=2) for _ in range(2))
    assert bind(PHASE, same, known=known).tick is not bind(PHASE, other, known=known).tick


def test_a_budget_that_does_not_fit_is_refused_also_where_the_functions_are_known():
    known = {}
    phase = PHASE._replace(evaluate=r.Evaluate(2, 2), updates=4)
    bind(phase, WORLD, known=known)
    with pytest.raises(rx.UserError, match="not a positive multiple"):
        bind(phase._replace(updates=3), WORLD, known=known)


def together(regimes):
    with shared():
        return [found(regime, WORLD).ids for regime in regimes]


def test_identities_are_those_of_regimes_found_one_by_one_and_are_traced_once(monkeypatch):
    regimes = [r.pure_rl(1, **SHORT), r.pretrain_rl((1, 1), **SHORT), r.sham_rl((2, 2), **SHORT), r.oracle(1, **SHORT)]
    alone = [Context().run(lambda regime=regime: found(regime, WORLD).ids) for regime in regimes]
    asked, real = [], module.program_identity
    monkeypatch.setattr(module, "program_identity", lambda *args: asked.append(1) or real(*args))
    assert Context().run(together, regimes) == alone  # a new context shares nothing with other tests
    assert len(asked) == len({identity for ids in alone for identity in ids}) == 3


@pytest.mark.parametrize("precision", ["default", "highest"])
def test_a_precision_is_kept_apart(precision):
    with shared():
        pure, pretrained = (
            found(one, WORLD, precision) for one in (r.pure_rl(1, **SHORT), r.pretrain_rl((1, 1), **SHORT))
        )
        again = found(r.pure_rl(1, **SHORT), WORLD, "high")
    assert pure.bound.programs[0].tick is pretrained.bound.programs[1].tick
    assert again.ids != pure.ids
    assert bind_regime(r.pure_rl(1, **SHORT), WORLD).programs[0].tick is not pure.bound.programs[0].tick
