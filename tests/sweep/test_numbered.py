"""The stages of a plan by number say what the plan says."""

import numpy as np

import regimax as rx
from regimax.sweep.numbered import NONE, Numbered
from regimax.sweep.plan import make_plan

from .conftest import make_tiny


def test_arrays_say_what_the_plan_says():
    axes = {"pretrain.updates": [2, 4], "rl.updates": [4, 8], "reward.erasure": [0.0, 0.5]}
    plan = make_plan(make_tiny(regimes=make_tiny().regimes[:2], axes=axes, keep_params=True))
    its, ids = Numbered(plan), list(plan.stages)
    stages = list(plan.stages.values())
    assert its.ids.to_list() == ids
    assert its.numbers(ids[::-1]).tolist() == list(range(len(its)))[::-1]
    assert (its.start.tolist(), its.end.tolist()) == ([s.start for s in stages], [s.end for s in stages])
    assert its.seeds.tolist() == [[s.world_seed, s.seed] for s in stages]
    assert [list(plan.programs)[i] for i in its.program] == [s.program for s in stages]
    assert [None if i == NONE else ids[i] for i in its.parent] == [s.parent for s in stages]
    assert [None if i == NONE else its.inherits[i] for i in its.inherit] == [s.inherit for s in stages]
    assert its.keep.tolist() == [s.keep for s in stages]
    links = 0
    for i, stage in enumerate(stages):
        children = plan.children.get(stage.id, [])
        own = [child for child in children if plan.stages[child].inherit is None]
        forks, of = its.forks(np.asarray([i]))
        assert its.children[i] == len(children)
        assert [ids[fork] for fork in forks] == [child for child in children if child not in own]
        assert set(of.tolist()) <= {0}
        assert ([ids[its.link[i]]] if its.link[i] != NONE else []) == own
        links += len(own)
    assert links
    everyone = np.arange(len(its))
    forks, of = its.forks(everyone)
    assert (its.parent[forks] == everyone[of]).all()
    assert len(forks) + links == its.children.sum()


def test_settings_come_as_columns():
    plan = make_plan(make_tiny(regimes=make_tiny().regimes[:2]))
    its = Numbered(plan)
    for i, program in enumerate(plan.programs):
        own = np.flatnonzero(its.program == i)[::-1]
        columns = its.hparams(its.columns(program), own)
        assert set(columns) == set(plan.programs[program].settings)
        for name, column in columns.items():
            integer = plan.programs[program].settings[name].integer
            assert column.dtype == (np.int32 if integer else np.float32)
            expected = [plan.stages[stage].settings[name] for stage in its.ids.gather(own)]
            np.testing.assert_array_equal(column, np.asarray(expected, column.dtype))


def test_a_plan_of_one_stage():
    o = {"network": rx.networks.mlp((2,)), "num_envs": 1, "evaluate": rx.regimes.Evaluate(every=1, episodes=1)}
    world = rx.envs.Cipher(symbols=2, skills=1, length=1)
    its = Numbered(make_plan(rx.Sweep(world, [rx.regimes.pure_rl(1, **o)], seeds=1)))
    assert (len(its), its.inherits, its.forks(np.zeros(1, int))[0].tolist()) == (1, [()], [])
