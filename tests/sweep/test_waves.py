"""Waves hold whole trees, lose no stage, and bound what is parked."""

import pytest

from regimax.sweep.plan import make_plan
from regimax.sweep.waves import waves


@pytest.mark.parametrize("limit", [1, 25, 100, 10**9])
def test_waves(tiny, limit):
    plan = make_plan(tiny(seeds=7))
    found = waves(plan, lambda program: 10, limit)
    where = {stage: i for i, wave in enumerate(found) for stage in wave}
    assert sorted(where) == sorted(plan.stages)
    assert sum(map(len, found)) == len(plan.stages)
    for stage in plan.stages.values():
        assert stage.parent is None or where[stage.parent] == where[stage.id]
    for wave in found:
        parents = {plan.stages[s].parent for s in wave if plan.stages[s].inherit}
        parked = 10 * len(parents - {None})
        assert parked <= max(limit, 10)
    assert (len(found) == 1) == (limit >= 140)
