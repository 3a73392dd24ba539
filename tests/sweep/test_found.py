"""What is the same in several regimes is bound and traced once, and only that."""

from contextvars import Context
from dataclasses import dataclass

import numpy as np
import pytest

import regimax as rx
from regimax.regimes import bind_regime
from regimax.regimes.known import told_apart
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
}
AS_BEFORE = {
    "updates": 2,
    "inherit": ("trunk",),
    "settings": {"learning_rate": 0.5},
    "evaluate": r.Evaluate(2, 2),
    "probe_every": 1,
}


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
    known, start = {}, PHASE._replace(updates=2)
    one, phase = bind(start, WORLD, known=known), start._replace(**{name: AS_BEFORE[name]})
    other, alone = bind(phase, WORLD, known=known), bind(phase, WORLD)
    assert (other.tick, other.init, other.learner) == (one.tick, one.init, one.learner)
    assert (other.phase, other.spec) == (phase, alone.spec)
    assert other.defaults() == alone.defaults()


def test_how_often_it_is_evaluated_makes_other_identities():
    often, rarely = (r.Regime("same", (PHASE._replace(updates=2, evaluate=r.Evaluate(n, 2)),)) for n in (1, 2))
    alone = [Context().run(lambda regime=regime: found(regime, WORLD).ids) for regime in (often, rarely)]
    assert Context().run(together, [often, rarely]) == alone
    assert alone[0] != alone[1]


@dataclass(frozen=True)
class Plain(rx.envs.Lock):
    """A world that holds what a user gives it."""

    beside: object = None


@dataclass
class Changeable:
    number: int = 1


@dataclass(frozen=True, slots=True)
class Slotted:
    number: int = 1


@dataclass(frozen=True)
class Below(Slotted):
    other: int = 1


def same(one, other):
    known = {}
    return bind(PHASE, one, known=known).tick is bind(PHASE, other, known=known).tick


def test_worlds_that_hold_equal_plain_data_are_one():
    for make in (lambda: rx.envs.Cipher(symbols=3, skills=2, length=2), lambda: Plain(depth=2, actions=2, beside="x")):
        assert same(make(), make())


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 2), (1, 1.0), (1, True), (0.0, -0.0), ("1", 1), (None, 0)],
)
def test_worlds_that_hold_other_data_are_others(one, other):
    assert not same(*(Plain(depth=2, actions=2, beside=beside) for beside in (one, other)))


@pytest.mark.parametrize("beside", [(1,), [1], np.ones(1), len], ids=lambda beside: type(beside).__name__)
def test_worlds_that_hold_anything_else_are_one_with_themselves_alone(beside):
    one, other = (Plain(depth=2, actions=2, beside=beside) for _ in range(2))
    assert same(one, one)
    assert not same(one, other)


def test_worlds_that_can_be_changed_and_those_of_another_class_are_others():
    for kind in (Changeable, Slotted, Below):
        one, other = kind(), kind()
        assert told_apart(one) == told_apart(one) != told_apart(other)
    assert not same(Plain(depth=2, actions=2), rx.envs.Lock(depth=2, actions=2))
    hidden, plain = (Plain(depth=2, actions=2) for _ in range(2))
    object.__setattr__(hidden, "secret", [1])
    assert not same(hidden, plain)


def test_a_budget_that_does_not_fit_is_refused_also_where_the_functions_are_known():
    known = {}
    phase = PHASE._replace(evaluate=r.Evaluate(2, 2), updates=4)
    bind(phase, WORLD, known=known)
    for other in ({"updates": 3}, {"probe_every": 3}, {"evaluate": r.Evaluate(3, 2)}):
        with pytest.raises(rx.UserError, match="not a positive multiple"):
            bind(phase._replace(**other), WORLD, known=known)


def test_evaluations_that_are_no_multiple_of_interludes_are_refused_also_where_the_functions_are_known():
    known = {}
    [phase] = r.always_on(4, 0.25, **SHORT | {"evaluate": r.Evaluate(4, 2)}).phases
    assert bind(phase, WORLD, known=known).learner.interlude.every == 4
    with pytest.raises(rx.UserError, match="between two interludes"):
        bind(phase._replace(evaluate=r.Evaluate(2, 2)), WORLD, known=known)


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
