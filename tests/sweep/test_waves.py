"""Waves hold whole trees, lose no stage, and bound what is parked."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regimax.sweep import block
from regimax.sweep.plan import make_plan
from regimax.sweep.waves import order, parked_bytes, waves


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.sampled_from([1, 25, 100, 10**9]),
    seeds=st.integers(1, 5),
    pretrain=st.sets(st.sampled_from([2, 4, 6, 8]), min_size=1, max_size=3),
    rl=st.sets(st.sampled_from([2, 4, 6, 8]), min_size=1, max_size=3),
    erasures=st.sets(st.sampled_from([0.0, 0.25, 0.5]), min_size=1),
)
def test_waves_hold_every_tree_whole_and_bound_what_is_parked(tiny, limit, seeds, pretrain, rl, erasures):
    axes = {"pretrain.updates": sorted(pretrain), "rl.updates": sorted(rl), "reward.erasure": sorted(erasures)}
    plan = make_plan(tiny(seeds=seeds, axes=axes, regimes=tiny().regimes[1:]))
    found = waves(plan, lambda program: 10, limit)
    where = {stage: i for i, wave in enumerate(found) for stage in wave}
    assert sorted(where) == sorted(plan.stages)
    assert sum(map(len, found)) == len(plan.stages)
    for stage in plan.stages.values():
        assert stage.parent is None or where[stage.parent] == where[stage.id]

    def parked(stages):
        parents = {plan.stages[s].parent for s in stages if plan.stages[s].inherit is not None}
        return 10 * len(parents - {None})

    tree = {}
    for stage in plan.stages.values():
        tree[stage.id] = tree[stage.parent] if stage.parent else stage.id
    trees = {top: [s for s in plan.stages if tree[s] == top] for top in set(tree.values())}
    largest = max(map(parked, trees.values()))
    assert all(parked(wave) <= max(limit, largest) for wave in found)
    if parked(plan.stages) <= limit:
        assert len(found) == 1


def test_programs_that_wait_for_others_come_after_them(tiny):
    plan = make_plan(tiny())  # pure_rl, of whose program others wait for pretraining, stands first
    names = [plan.programs[program].phase.name for program in plan.programs]
    assert names == ["rl", "pretrain"]
    assert [plan.programs[program].phase.name for program in order(plan)] == ["pretrain", "rl"]


def test_large_states_leave_an_accelerator_as_many_lanes_as_it_holds_states_of(tiny):
    plan = make_plan(tiny(seeds=60, regimes=tiny().regimes[1:], axes={}))
    pretraining, *_ = plan.programs
    lanes = {}
    for platform in ("cpu", "gpu"):
        limit = parked_bytes(platform, 140 * 10**9)
        lanes[platform] = block.at_once(plan, waves(plan, lambda program: 2**28, limit))[pretraining]
    assert lanes["cpu"] == 8  # of a quarter of a GiB in two of them
    assert lanes["gpu"] == 52  # of a tenth of the memory
    assert parked_bytes("gpu", 10**9) == parked_bytes("cpu", 10**9)
