"""What `regimax plan` says."""

from regimax.sweep.plan import make_plan
from regimax.sweep.summary import plan_summary, plan_text

KEYS = {
    "cells", "stages", "programs", "updates_without_sharing", "updates_planned", "env_steps_planned",
    "passive_steps_planned", "bytes_per_lane", "block", "width", "seconds_estimated", "phases",
}  # fmt: skip


def test_the_numbers(tiny):
    facts = plan_summary(make_plan(tiny()))
    assert set(facts) == KEYS
    # Three arms × two settings × three seeds; pretraining and its sham are shared between the two settings.
    assert (facts["cells"], facts["stages"], facts["programs"]) == (18, 24, 2)
    assert facts["updates_planned"] == 6 * 4 + 18 * 8
    assert facts["updates_without_sharing"] == 12 * 4 + 18 * 8
    assert facts["width"] == 24  # 18 stages in blocks of eight
    assert facts["seconds_estimated"] is None


def test_time_is_estimated_when_asked_for(tiny):
    facts = plan_summary(make_plan(tiny(block=4, seeds=1)), measure=True)
    assert 0 < facts["seconds_estimated"] < 600
    assert "s here" in plan_text(facts)
