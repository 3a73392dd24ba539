"""The standard workloads are what their versions say."""

import pytest

from regimax.bench.workloads import USUAL, WORKLOADS, SweepWorkload, Workload, chosen
from regimax.cli.arguments import Bench
from regimax.errors import UserError
from regimax.regimes import bind_regime
from regimax.sweep.plan import make_plan

# name: version; environments, steps of each per update, updates per tick, episodes per evaluation. A change of any of
# these is another workload: raise its version with it.
SIZES = {
    "ppo-cartpole": (1, 4, 128, 10, 1),
    "ppo-breakout": (1, 4, 128, 4, 1),
    "cipher-pretrain": (1, 64, 4, 10, 16),
    "cipher-rl": (1, 64, 4, 10, 16),
    "cipher-transformer": (1, 64, 4, 10, 16),
    "exemplar-rl": (1, 64, 1, 20, 64),
}


@pytest.mark.parametrize("name", [name for name, w in WORKLOADS.items() if isinstance(w, Workload)])
def test_sizes(name):
    workload = WORKLOADS[name]
    if name.startswith("ppo"):
        pytest.importorskip("gymnax")
    program = bind_regime(*workload.make()).programs[workload.phase]
    source, evaluate = program.learner.source, program.phase.evaluate
    assert (workload.version, source.num_envs, source.num_steps, *evaluate) == SIZES[name]
    assert program.phase.stop is None  # a lane that stops would compute for nothing


def test_the_flagship_is_the_grid_it_says():
    workload = WORKLOADS["sweep-flagship"]
    assert isinstance(workload, SweepWorkload)
    plan = make_plan(workload.make(8))
    assert workload.version == 1
    assert len(plan.cells) == 4 * 8 * 4
    # A chain of four links per seed, and the cells' own reinforcement learning.
    assert len(plan.stages) == 4 * 4 + 128
    assert plan.updates_planned() == 4 * 800 + 128 * 400
    assert plan.updates_without_sharing() == 32 * (100 + 200 + 400 + 800) + 128 * 400
    assert all(p.phase.stop for p in plan.programs.values() if p.phase.name == "rl")


def test_workloads_are_chosen_by_name_and_the_usual_ones_when_none_is_given():
    assert [w.name for w in chosen([])] == list(USUAL)
    assert {w.name for w in chosen([], everything=True)} == set(WORKLOADS)
    assert [w.name for w in chosen(["exemplar-rl", "cipher-rl"])] == ["exemplar-rl", "cipher-rl"]
    with pytest.raises(UserError, match=r"unknown workload 'cipher-lr'\. Did you mean 'cipher-rl'\?"):
        chosen(["cipher-lr"])
    with pytest.raises(UserError, match="'cipher-rl' is given twice"):
        chosen(["cipher-rl", "cipher-rl"])


def test_the_help_names_every_workload():
    assert [name for name in WORKLOADS if f"{name}," not in Bench.__doc__ and f"{name}." not in Bench.__doc__] == []
