"""Equal tuning: the same grid for every arm, and the best of it chosen by known scores."""

import polars as pl
import pytest

import regimax as rx
from regimax.claims.claim import Tuning
from regimax.claims.tuning import choices, trials, tuning_sweep
from regimax.sweep.plan import make_plan

from .conftest import make_sweep

RATES = (0.001, 0.01, 0.1)


def make_tuning(**changes):
    return Tuning(**({"axes": {"rl.learning_rate": RATES}, "seeds": [100, 101]} | changes))


def test_every_arm_is_tried_on_the_same_grid_in_worlds_of_its_own():
    sweep = make_sweep(keep_params=True, learners_per_world=2, seeds=4)
    tried = tuning_sweep(sweep, make_tuning(at={"reward.erasure": [0.5]}, settings={"rl.updates": 4}))
    plan = make_plan(tried)
    assert len(plan.cells) == 2 * 3 * 2  # arms, rates, worlds; one of two erasures
    assert {cell.world_seed for cell in plan.cells} == {100, 101}
    assert {cell.labels["reward.erasure"] for cell in plan.cells} == {0.5}
    assert {s.end for s in plan.stages.values() if s.phase == "rl"} == {4}
    rates = {(c.regime, plan.stages[c.path[-1]].settings["rl.learning_rate"]) for c in plan.cells}
    assert rates == {(regime.name, rate) for regime in sweep.regimes for rate in RATES}
    assert not any(stage.keep for stage in plan.stages.values())


def test_a_setting_that_an_arm_does_not_have_costs_it_nothing():
    tuning = make_tuning(axes={"pretrain.learning_rate": RATES})
    plan = make_plan(tuning_sweep(make_sweep(axes={}), tuning))
    paths = {cell.path for cell in plan.cells if cell.regime == "pure_rl"}
    assert len(paths) == 2


def test_labels_and_tuples_are_restricted_too():
    axes = {
        "pay": {"rich": {}, "poor": {"reward.erasure": 0.5}},
        ("world.skills", "rl.entropy_coef"): [(1, 0.0), (2, 0.1)],
    }
    tried = tuning_sweep(make_sweep(axes=axes), make_tuning(at={"pay": ["poor"], "world.skills": [2]}))
    assert list(tried.axes["pay"]) == ["poor"]
    assert tried.axes["world.skills", "rl.entropy_coef"] == [(2, 0.1)]


def test_an_axis_of_some_arms_stays_theirs():
    tried = tuning_sweep(make_sweep(axes={"pay": rx.only("pure_rl", {"rich": {}, "poor": {}})}), make_tuning())
    assert tried.axes["pay"] == rx.only("pure_rl", {"rich": {}, "poor": {}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axes": {"reward.erasure": [0.1]}}, "'reward.erasure' is tuned, and set by the sweep as well"),
        ({"at": {"reward.erasur": [0.0]}}, "unknown axis of the tuning: 'reward.erasur'"),
        ({"at": {"reward.erasure": [0.1]}}, "the axis 'reward.erasure' is never 0.1"),
        ({"axes": {"rl.learning_rate": rx.only("pure_rl", [0.1])}}, "every arm is tried on the whole grid"),
        ({"per": ["world.skills"]}, "unknown axis of the tuning: 'world.skills'"),
        ({"at": {"reward.erasure": [0.0]}, "per": ["reward.erasure"]}, "stands in `at` and in `per`"),
    ],
)
def test_tuning_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(rx.UserError, match=message):
        tuning_sweep(make_sweep(), make_tuning(**changes))


def made(scores, diverged=()):
    """Cells and curves in which a cell `(regime, forms, rate, seed)` shows these successes."""
    cells, curves = [], []
    for (regime, forms, rate, seed), shown in scores.items():
        cell = f"{regime}/{forms}/{rate}/{seed}"
        cells.append({"cell": cell, "regime": regime, "forms": forms, "rl.learning_rate": rate, "seed": seed})
        cells[-1]["diverged"] = (regime, forms, rate, seed) in diverged
        curves += [{"cell": cell, "update": i, "success": value} for i, value in enumerate(shown)]
        curves.append({"cell": cell, "update": 9, "success": None})  # a phase that is not evaluated
    return pl.DataFrame(cells), pl.DataFrame(curves, infer_schema_length=None)


def best(tuning, scores, **options):
    return {
        (c.regime, *c.where.values()): c.settings["rl.learning_rate"]
        for c in choices(tuning, trials(tuning, *made(scores, **options)))
    }


def test_the_best_area_is_chosen_where_solved_cells_count_on():
    scores = {
        ("a", 1, 0.001, 0): [0.0, 0.2, 0.4, 0.6],  # area 0.3
        ("a", 1, 0.01, 0): [0.0, 1.0],  # stopped as solved: 0.75, not 0.5
        ("a", 1, 0.1, 0): [0.7, 0.7, 0.7, 0.7],  # 0.7
        ("b", 1, 0.001, 0): [0.5], ("b", 1, 0.01, 0): [0.4], ("b", 1, 0.1, 0): [0.3],
    }  # fmt: skip
    found = trials(make_tuning(), *made(scores))
    assert [trial.score for trial in found[:3]] == pytest.approx([0.3, 0.75, 0.7])
    assert best(make_tuning(), scores) == {("a",): 0.01, ("b",): 0.001}
    assert best(make_tuning(summary="final"), scores)["a",] == 0.01
    chosen = {trial.regime: trial for trial in found if trial.chosen}
    assert chosen["a"].edge == []
    assert chosen["b"].edge == ["rl.learning_rate"]


def test_a_choice_at_the_end_of_axes_that_are_set_together_is_at_the_end_of_both():
    pairs = [(0.001, 0.01), (0.01, 0.1), (0.1, 1.0)]
    tuning = make_tuning(axes={("rl.learning_rate", "rl.entropy_coef"): pairs})
    cells, curves = made({("a", 1, rate, 0): [rate] for rate, _ in pairs})
    entropies = cells["rl.learning_rate"].replace_strict(dict(pairs))
    found = trials(tuning, cells.with_columns(entropies.alias("rl.entropy_coef")), curves)
    assert [trial.edge for trial in found] == [[], [], ["rl.learning_rate", "rl.entropy_coef"]]


def test_scores_are_means_over_worlds_and_points_unless_the_choice_is_made_apart():
    scores = {
        ("a", forms, rate, seed): [value + seed / 100]
        for (forms, rate), value in {
            (1, 0.001): 0.9, (1, 0.01): 0.8, (1, 0.1): 0.0, (8, 0.001): 0.0, (8, 0.01): 0.3, (8, 0.1): 0.4,
        }.items()
        for seed in (0, 1)
    }  # fmt: skip
    assert best(make_tuning(), scores) == {("a",): 0.01}
    assert best(make_tuning(per=("forms",)), scores) == {("a", 1): 0.001, ("a", 8): 0.1}
    found = trials(make_tuning(), *made(scores))
    assert found[0].cells == 4
    assert found[0].score == pytest.approx((0.9 + 0.91 + 0.0 + 0.01) / 4)


def test_a_diverged_cell_counts_as_the_worst_and_ties_go_to_the_first():
    scores = {("a", 1, 0.001, 0): [0.1, 0.2], ("a", 1, 0.01, 0): [0.1, 0.2], ("a", 1, 0.1, 0): [0.5]}
    assert best(make_tuning(), scores, diverged=[("a", 1, 0.1, 0)]) == {
        ("a",): 0.1
    }  # (0.5 + 0.1) / 2 is still the best
    scores["a", 1, 0.1, 0] = [0.1]
    assert best(make_tuning(), scores, diverged=[("a", 1, 0.1, 0)]) == {("a",): 0.001}
    scores["a", 1, 0.1, 0] = []
    assert best(make_tuning(), scores, diverged=[("a", 1, 0.1, 0)]) == {("a",): 0.001}


def test_nothing_to_choose_by_is_told():
    scores = {("a", 1, rate, 0): [] for rate in RATES} | {("b", 1, rate, 0): [0.5] for rate in RATES}
    with pytest.raises(rx.UserError, match="'a' was never evaluated"):
        best(make_tuning(), scores)
    with pytest.raises(rx.UserError, match=r"unknown metric of the tuning: 'sucess'.* Did you mean 'success'"):
        best(make_tuning(metric="sucess"), scores)


def test_with_a_cap_it_counts_how_soon_and_not_how_far():
    soon, far = [0.2, 0.9, 0.9], [0.2, 0.3, 1.0]
    cells, curves = made({("a", 1, 0.001, 100): far, ("a", 1, 0.01, 100): soon, ("a", 1, 0.1, 100): [0.2, 0.2, 1.0]})
    cells = cells.drop("forms")
    capped = trials(make_tuning(cap=0.5, seeds=[100]), cells, curves)
    assert [trial.score for trial in capped] == pytest.approx([1.0 / 3, 1.2 / 3, 0.9 / 3])


def test_scores_of_arms_that_stop_sooner_may_be_compared():
    """Of two arms that learn alike one stops at the threshold, and has the higher score for being there sooner."""
    cells, curves = made({("soon", 1, 0.01, 100): [0.2, 0.9], ("late", 1, 0.01, 100): [0.2] * 5 + [0.9]})
    scores = {
        trial.regime: trial.score
        for trial in trials(make_tuning(seeds=[100]), cells.drop("forms"), curves)
        if trial.chosen
    }
    assert scores == {"soon": pytest.approx((0.2 + 5 * 0.9) / 6), "late": pytest.approx((5 * 0.2 + 0.9) / 6)}


def test_an_area_over_effort_counts_what_is_spent_before_anything_is_evaluated():
    """Who explores for long is there at once afterwards; by evaluations that is best, by steps it is not."""
    cells, curves = made({("a", 1, 0.01, 100): [0.0, 0.9], ("a", 1, 0.1, 100): [0.0, 0.0, 0.9]})
    steps = pl.Series([80.0, 80.0, 90.0, 0.0, 10.0, 20.0, 20.0])  # those that explored 80, and none
    cells, curves = cells.drop("forms"), curves.with_columns(env_steps=steps)
    by_steps = make_tuning(axes={"rl.learning_rate": RATES[1:]}, over="env_steps")
    found = trials(by_steps, cells, curves)
    # The second evaluation led from 80 to 80, and counts on to 80; the third from 10 to 20, and on.
    assert [trial.score for trial in found] == pytest.approx([0.0, 0.9 * 70 / 80])
    assert [trial.chosen for trial in found] == [False, True]
    assert trials(make_tuning(axes=by_steps.axes), cells, curves)[0].chosen
    with pytest.raises(
        rx.UserError, match=r"unknown effort of the tuning's area: 'env_step'.* Did you mean 'env_steps'"
    ):
        trials(make_tuning(over="env_step"), cells, curves)
