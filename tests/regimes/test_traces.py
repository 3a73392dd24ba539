"""Traces of a program are made once, and are gone with it."""

import gc
import weakref

import regimax as rx
from regimax.regimes.program import bind
from regimax.regimes.traces import trace_of_probes, traces

WORLD = rx.envs.Lock(depth=2, actions=2)
OPTIONS = {"network": rx.networks.mlp((3,)), "num_envs": 2, "evaluate": rx.regimes.Evaluate(1, 2)}


def test_they_are_made_once_and_are_gone_with_the_program():
    program = bind(rx.regimes.reinforce(1, **OPTIONS), WORLD)
    longer = program._replace(phase=program.phase._replace(updates=5))
    assert traces(longer) is traces(program)
    assert trace_of_probes(longer) is trace_of_probes(program)
    assert traces(bind(program.phase, WORLD)) is not traces(program)
    held = weakref.ref(program.tick), weakref.ref(program.probe)
    del program, longer
    gc.collect()
    assert [one() for one in held] == [None, None]
