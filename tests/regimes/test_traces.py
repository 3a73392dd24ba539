"""Traces of a program are made once, and are gone with it."""

import weakref

import jax
import pytest

import regimax as rx
from regimax.regimes.program import bind
from regimax.regimes.traces import trace_of_probes, traces
from regimax.train import split_update_flops

WORLD = rx.envs.Lock(depth=2, actions=2)
OPTIONS = {"network": rx.networks.mlp((3,)), "num_envs": 2, "evaluate": rx.regimes.Evaluate(1, 2)}


def test_they_are_made_once_and_are_gone_with_the_program(collect):
    program = bind(rx.regimes.reinforce(1, **OPTIONS), WORLD)
    longer = program._replace(phase=program.phase._replace(updates=5))
    assert traces(longer) is traces(program)
    assert trace_of_probes(longer) is trace_of_probes(program)
    assert traces(bind(program.phase, WORLD)) is not traces(program)
    held = weakref.ref(program.tick), weakref.ref(program.probe)
    del program, longer
    collect()
    assert [one() for one in held] == [None, None]


def jitted(jaxpr):
    """Names of jitted functions that are called in a trace, in its loops and branches too."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "jit":
            yield equation.params["name"]
        for inner in jax.tree.leaves(tuple(equation.params.values()), is_leaf=lambda x: hasattr(x, "jaxpr")):
            if hasattr(inner, "jaxpr"):
                yield from jitted(inner.jaxpr)


def test_updates_and_evaluations_are_calls_unless_their_number_is_known():
    program = bind(rx.regimes.reinforce(2, **OPTIONS), WORLD)
    args = traces(program).tick.args[:-1]
    known = jax.make_jaxpr(lambda *args: program.tick(*args, 2))(*args)
    found = [{"update", "evaluate"} & {*jitted(one.jaxpr)} for one in (traces(program).tick.jaxpr, known)]
    assert found == [{"update", "evaluate"}, set()]


@pytest.mark.parametrize(
    ("phase", "times"),
    [
        (rx.regimes.always_on(1, **OPTIONS).phases[0], 2),
        (rx.regimes.always_on(1, learner={"values": {}}, **OPTIONS).phases[0], 3),  # it explores, but for the asking
        (rx.regimes.yoked(1, **OPTIONS).phases[0], 2),
        (rx.regimes.learned_model((1, 1, 1), **OPTIONS).phases[1], 1),
        (rx.regimes.pure_rl(1, learner=rx.learners.q_learning(1), **OPTIONS).phases[0], 2),
    ],
    ids=lambda given: getattr(given, "name", None),
)
def test_a_rollout_is_traced_once_for_what_is_stored_for_updates_and_for_what_is_asked(phase, times, monkeypatch):
    """And once more where it is evaluated by playing."""
    traced, step = [], type(WORLD).step

    def counting(*args):
        traced.append(args)
        return step(*args)

    monkeypatch.setattr(type(WORLD), "step", counting)
    program = bind(phase, WORLD)
    split_update_flops(program)
    traces(program)
    assert len(traced) == times


def test_an_update_is_traced_once_also_where_some_numbers_of_its_state_come_from_python(monkeypatch):
    """JAX tells them apart from arrays, and a tick has arrays alone."""
    traced, world = [], rx.envs.Recall(stable=2, dynamic=2, values=2, queries=2, dimensions=3)
    network = rx.networks.pair_memory(2, 3, key_size=3)
    phase = rx.regimes.in_context((1, 1), **OPTIONS | {"network": network}).phases[0]
    reset = type(world).reset

    def counting(*args):
        traced.append(args)
        return reset(*args)

    monkeypatch.setattr(type(world), "reset", counting)
    counts = []
    for first in ((), (split_update_flops,)):
        program = bind(phase, world)
        before = len(traced)
        for one in (*first, traces):
            one(program)
        counts.append(len(traced) - before)
    assert counts[0] == counts[1] > 0
