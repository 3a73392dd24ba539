"""The stage tree: every cell's path is what it would run alone, and no stage stands twice."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import regimax as rx
from regimax.sweep.cost import Costs
from regimax.sweep.identity import digest
from regimax.sweep.plan import make_plan

from .conftest import make_tiny

TOLD = {"pure_rl": ["rl"], "pretrain_rl": ["pretrain", "rl"], "sham_rl": ["pretrain", "rl"]}
"""Identities of the tiny sweep's programs, where it does not matter what they are and tracing them would take long."""


def path_settings(plan, cell):
    """What a cell runs: phase, length, and the settings that each phase is given."""
    merged = {}
    for stage in (plan.stages[s] for s in cell.path):
        facts = merged.setdefault(stage.phase, {"start": stage.start, "settings": stage.settings})
        facts["end"] = stage.end
        facts["seeds"] = (stage.world_seed, stage.seed)
    return merged


def test_pretraining_is_run_once_per_seed_not_once_per_reward(tiny):
    plan = make_plan(tiny())
    pretraining = [s for s in plan.stages.values() if s.phase == "pretrain"]
    assert len(pretraining) == 2 * 3  # real and sham, three seeds; not times two reward settings
    assert len(plan.cells) == 3 * 2 * 3
    assert plan.updates_planned() == 6 * 4 + 18 * 8
    assert plan.updates_without_sharing() == 12 * 4 + 18 * 8


def test_real_and_sham_share_a_program_but_no_stage(tiny):
    plan = make_plan(tiny())
    assert len(plan.programs) == 2
    shuffles = {s.settings["pretrain.shuffle"] for s in plan.stages.values() if s.phase == "pretrain"}
    assert shuffles == {0, 1}


def test_imitation_shares_the_prediction_of_pretrain(tiny):
    both = [rx.regimes.pretrain_rl(updates=(50, 50)), rx.regimes.imitation_rl(updates=(50, 50))]
    plan = make_plan(tiny(regimes=both, axes={}))
    assert sum(s.phase == "pretrain" for s in plan.stages.values()) == 3
    assert sum(s.phase == "rl" for s in plan.stages.values()) == 6


def test_the_reward_does_not_reach_prediction(tiny):
    plan = make_plan(tiny())
    for stage in plan.stages.values():
        if stage.phase == "pretrain":
            assert not any(name.startswith(("reward.", "outcome.", "rl.")) for name in stage.settings)
            assert "world.dense_reward" not in stage.settings


def test_many_tasks_share_one_pretraining(tiny):
    alone, plan = make_plan(tiny(axes={}, seeds=1)), make_plan(tiny(axes={"world.task": range(10)}, seeds=1))
    for name, phases in {"pure_rl": 1, "pretrain_rl": 2, "sham_rl": 2}.items():
        paths = [cell.path for cell in plan.cells if cell.regime == name]
        assert len(paths) == len(set(paths)) == 10
        if phases == 2:
            (shared,) = {path[0] for path in paths}
            assert "world.task" not in plan.stages[shared].settings
            assert [cell.path[0] for cell in alone.cells if cell.regime == name] == [shared]
            assert sorted(plan.children[shared]) == sorted(path[1] for path in paths)
    assert plan.updates_planned() == 2 * 4 + 30 * 8  # prediction and its sham once each
    assert set(alone.stages) < set(plan.stages)  # task 0 is what there was


def test_how_much_is_seen_for_each_reward_does_not_reach_prediction(tiny):
    axis = {"observations_per_reward": rx.channels.observations_per_reward(1, 4)}
    plan = make_plan(tiny(axes=axis, seeds=1))
    costs = Costs(plan)
    assert sum(s.phase == "pretrain" for s in plan.stages.values()) == 2  # real and sham
    for name in TOLD:
        often, rarely = (cell for cell in plan.cells if cell.regime == name)
        assert (often.labels, rarely.labels) == ({"observations_per_reward": 1}, {"observations_per_reward": 4})
        one, other = (costs(plan.stages[cell.path[-1]]) for cell in (often, rarely))
        assert one.rewards_delivered == 4 * other.rewards_delivered > 0
        assert one.bits_reward == 4 * other.bits_reward
        assert (one.env_steps, one.bits_sensory) == (other.env_steps, other.bits_sensory)


def test_budgets_form_a_chain(tiny):
    plan = make_plan(tiny(axes={"pretrain.updates": [8, 2, 4]}, seeds=1))
    links = sorted(
        (s for s in plan.stages.values() if s.phase == "pretrain" and not s.settings["pretrain.shuffle"]),
        key=lambda s: s.end,
    )
    assert [(s.start, s.end) for s in links] == [(0, 2), (2, 4), (4, 8)]
    assert [s.parent for s in links] == [None, links[0].id, links[1].id]
    assert [s.inherit for s in links] == [(), None, None]
    for cell in plan.cells:
        if cell.regime == "pretrain_rl":
            budget = cell.labels["pretrain.updates"]
            assert plan.stages[plan.stages[cell.path[-1]].parent].end == budget


def test_a_new_budget_between_leaves_identities_alone(tiny):
    few = make_plan(tiny(axes={"pretrain.updates": [2, 8]}, seeds=1))
    more = make_plan(tiny(axes={"pretrain.updates": [2, 4, 8]}, seeds=1))
    assert set(few.stages) < set(more.stages)


def test_seeds_are_added_without_changing_others(tiny):
    assert set(make_plan(tiny(seeds=2)).stages) < set(make_plan(tiny(seeds=4)).stages)


AXES = {
    "reward.erasure": [0.0, 0.25, 0.5],
    "pretrain.updates": [2, 4, 6],
    "rl.updates": [4, 8],
    "world.coverage": [0.0, 1.0],
    "rl.learning_rate": [1e-3, 1e-2],
    "world.symbols": [2, 3],
}
grids = st.dictionaries(st.sampled_from(sorted(AXES)), st.none(), max_size=4).flatmap(
    lambda names: st.fixed_dictionaries(
        {name: st.lists(st.sampled_from(AXES[name]), min_size=1, max_size=3, unique=True) for name in names}
    )
)
SETTINGS = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(axes=grids)
@SETTINGS
def test_every_path_is_what_the_cell_would_run_alone(axes):
    plan = make_plan(make_tiny(axes=axes, seeds=2), TOLD)
    assert len({cell.id for cell in plan.cells}) == len(plan.cells)
    for cell in plan.cells[:: max(1, len(plan.cells) // 3)]:
        alone = make_plan(
            make_tiny(axes={name: [value] for name, value in cell.labels.items()}, seeds=[cell.seed]), TOLD
        )
        twin = next(c for c in alone.cells if c.regime == cell.regime)
        assert path_settings(plan, cell) == path_settings(alone, twin)
        assert plan.stages[cell.path[-1]].id == alone.stages[twin.path[-1]].id


@given(axes=grids)
@SETTINGS
def test_no_stage_stands_twice_and_parents_come_first(axes):
    plan = make_plan(make_tiny(axes=axes, seeds=2), TOLD)
    seen = set()
    identities = set()
    for stage in plan.stages.values():
        assert stage.parent is None or stage.parent in seen
        seen.add(stage.id)
        facts = (
            stage.program,
            digest(dict(stage.settings)),
            stage.seed,
            stage.parent,
            stage.start,
            stage.end,
            stage.inherit,
        )
        assert facts not in identities
        identities.add(facts)
    used = {s for cell in plan.cells for s in cell.path}
    assert used == set(plan.stages)


@given(axes=grids, data=st.data())
@SETTINGS
def test_the_order_of_axes_does_not_matter(axes, data):
    names = data.draw(st.permutations(list(axes)))
    shuffled = make_tiny(axes={name: axes[name] for name in names}, seeds=1)
    assert set(make_plan(make_tiny(axes=axes, seeds=1), TOLD).stages) == set(make_plan(shuffled, TOLD).stages)


def test_another_process_plans_the_same(tiny):
    code = (
        "from tests.sweep.conftest import make_tiny\nfrom regimax.sweep.plan import make_plan\n"
        "print(*make_plan(make_tiny()).stages)"
    )
    root = str(__import__("pathlib").Path(__file__).parents[2])
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert found.stdout.split() == list(make_plan(tiny()).stages)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axes": {"reward.erasures": [0.5]}}, r"unknown axis 'reward.erasures'\. Did you mean 'reward.erasure'\?"),
        ({"axes": {"pay": {"x": {"reward.flips": 1}}}}, r"unknown axis 'reward.flips'"),
        ({"settings": {"rl.learning_rates": 1}}, r"unknown setting 'rl.learning_rates'"),
        ({"axes": {"reward.erasure": [1.5]}}, r"reward.erasure = 1.5 is out of range: a number in \[0, 1\]"),
        ({"axes": {"reward.levels": [2.5]}}, r"reward.levels = 2.5 is not a whole number in \[2, "),
        ({"axes": {"world.skills": [3]}}, r"world.skills = 3 is out of range: a whole number in \[1, 2\]"),
        ({"axes": {"rl.updates": [3]}}, "rl.updates = 3 is not a positive multiple of the 2 updates"),
        ({"axes": {"rl.updates": [0]}}, "rl.updates = 0 is not a positive multiple"),
        ({"regimes": []}, "regimes is empty"),
        ({"block": 0}, "block = 0 is below 1"),
        ({"world": 1}, "world = 1 is not a world"),
        ({"regimes": ["pure_rl"]}, "regimes holds 'pure_rl': give regimes"),
        ({"derived": {"rl.updates": lambda s: 1 / 0}}, "derived setting 'rl.updates': ZeroDivisionError"),
        ({"regimes": [rx.regimes.pure_rl(50), rx.regimes.pure_rl(100)]}, "need different names"),
    ],
)
def test_what_cannot_be_run_is_told(tiny, changes, message):
    with pytest.raises(rx.UserError, match=message):
        make_plan(tiny(**changes))


def test_derived_settings_are_computed_from_the_cell(tiny):
    derived = {"pretrain.updates": lambda s: 12 - s["rl.updates"]}
    plan = make_plan(tiny(axes={"rl.updates": [4, 8]}, derived=derived, seeds=1))
    for cell in plan.cells:
        if cell.regime == "pretrain_rl":
            first, last = plan.stages[cell.path[0]], plan.stages[cell.path[-1]]
            ends = {"pretrain": max(plan.stages[s].end for s in cell.path if plan.stages[s].phase == "pretrain")}
            assert first.phase == "pretrain"
            assert ends["pretrain"] + last.end == 12


def rates(plan):
    """The learning rate of each cell's last phase."""
    return {cell.id: plan.stages[cell.path[-1]].settings["rl.learning_rate"] for cell in plan.cells}


def test_a_choice_holds_for_one_regime_where_it_says_so(tiny):
    kinds = {"rich": {}, "poor": {"reward.erasure": 0.5}}
    choices = [
        rx.Choice("pure_rl", {"rl.learning_rate": 0.25}),
        rx.Choice("pretrain_rl", {"rl.learning_rate": 0.5, "pretrain.updates": 8}, {"pay": "poor"}),
    ]
    sweep = {"axes": {"pay": kinds}, "seeds": 1, "settings": {"rl.learning_rate": 0.125}}
    plan = make_plan(tiny(**sweep, choices=choices))
    assert rates(plan) == {
        "pure_rl/pay=rich/0": 0.25,
        "pure_rl/pay=poor/0": 0.25,
        "pretrain_rl/pay=rich/0": 0.125,
        "pretrain_rl/pay=poor/0": 0.5,
        "sham_rl/pay=rich/0": 0.125,
        "sham_rl/pay=poor/0": 0.125,
    }
    lengths = {c.id: sum(plan.stages[s].end - plan.stages[s].start for s in c.path) for c in plan.cells}
    assert lengths["pretrain_rl/pay=poor/0"] == 8 + 8
    assert lengths["pretrain_rl/pay=rich/0"] == 4 + 8
    assert plan.resolved["choices"][0] == {
        "regime": "pure_rl", "settings": {"rl.learning_rate": 0.25}, "where": {}
    }  # fmt: skip
    assert len(plan.programs) == len(make_plan(tiny(**sweep)).programs)


def test_a_choice_that_an_arm_does_not_read_changes_nothing(tiny):
    plain = make_plan(tiny(axes={}, seeds=1))
    chosen = make_plan(tiny(axes={}, seeds=1, choices=[rx.Choice("pure_rl", {"pretrain.learning_rate": 0.5})]))
    assert set(plain.stages) == set(chosen.stages)
    assert "choices" not in plain.resolved


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (rx.Choice("pure", {}), "unknown regime of a choice 'pure'. Did you mean 'pure_rl'"),
        (rx.Choice("pure_rl", {"rl.learning_rat": 1}), "unknown chosen setting 'rl.learning_rat'"),
        (rx.Choice("pure_rl", {}, {"reward.erasur": 0}), "unknown axis of a choice 'reward.erasur'"),
        (rx.Choice("pure_rl", {}, {"reward.erasure": 0.7}), r"'reward.erasure' is never 0.7, only one of \[0.0, 0.5\]"),
    ],
)
def test_a_choice_for_nothing_is_refused(tiny, choice, message):
    with pytest.raises(rx.UserError, match=message):
        make_plan(tiny(choices=[choice]))
