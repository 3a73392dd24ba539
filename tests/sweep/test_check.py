"""A sweep that cannot be what was meant is refused when it is planned: in a sentence, before anything is computed."""

import copy

import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.sweep import cost, difference, disk, rundir, spec, table
from regimax.sweep.plan import make_plan

from .test_plan import TOLD

COLUMNS = sorted(table.columns(cost.Cost._fields))


def refused(sweep, message):
    with pytest.raises(rx.UserError, match=message) as caught:
        make_plan(sweep, TOLD)
    assert len(str(caught.value).splitlines()) <= 2


def test_every_column_of_the_results_is_known():
    for name in ("cell", "seed", "success", "updates", "status", "order", "link", "phase", "solved_at_flops",
                 "bits_decision", "flops_per_update", "program", "censored", "stages", "setting"):  # fmt: skip
        assert name in COLUMNS


@pytest.mark.parametrize("name", COLUMNS)
def test_an_axis_is_not_named_like_a_column(tiny, name):
    refused(tiny(axes={name: {"a": {"reward.erasure": 0.5}}}), f"axis '{name}': the results have a column of that name")


TWICE = {
    "two axes": (
        {"axes": {"reward.erasure": [0, 0.5], "pay": {"a": {"reward.erasure": 0.1}, "b": {}}}},
        "'reward.erasure' is set by the axis 'reward.erasure' and by the axis 'pay'"),
    "two label axes": (
        {"axes": {"one": {"a": {"rl.updates": 4}}, "two": {"a": {"rl.updates": 4}}}}, "'rl.updates' is set by"),
    "a tuple axis and another": (
        {"axes": {("reward.erasure", "rl.updates"): [(0, 4)], "rl.updates": [8]}}, "fill the column 'rl.updates'"),
    "one tuple": ({"axes": {("rl.updates", "rl.updates"): [(4, 4)]}}, "fill the column 'rl.updates'"),
    "an axis and settings": (
        {"axes": {"reward.erasure": [0, 0.5]}, "settings": {"reward.erasure": 0.1}},
        "'reward.erasure' is set by the axis 'reward.erasure' and in settings"),
    "labels that all set it, and settings": (
        {"axes": {"pay": {"a": {"reward.flip": 0}, "b": {"reward.flip": 0.1}}}, "settings": {"reward.flip": 0.2}},
        "'reward.flip' is set by the axis 'pay' and in settings"),
    "an axis and derived": (
        {"axes": {"rl.updates": [4, 8]}, "derived": {"rl.updates": lambda s: 8}}, "is set by the axis .* and derived"),
}  # fmt: skip


@pytest.mark.parametrize("name", TWICE)
def test_a_setting_is_written_once(tiny, name):
    changes, message = TWICE[name]
    refused(tiny(**changes), message)


def test_settings_are_what_holds_where_a_label_leaves_them_alone(tiny):
    kinds = {"usual": {}, "rare": {"reward.rate": 0.25}}
    plan = make_plan(tiny(axes={"pay": kinds}, settings={"reward.rate": 0.5}, seeds=1), TOLD)
    assert {s.settings["reward.rate"] for s in plan.stages.values() if s.phase == "rl"} == {0.5, 0.25}


VALUES = {
    "near-equal": ({"reward.erasure": [0.1, 0.1 + 1e-9]}, "0.1 and 0.100000001 are the same in float32"),
    "near-equal, of NumPy": ({"reward.erasure": np.array([0.1, 0.1 + 1e-9])}, "are the same in float32"),
    "float32 beside its double": ({"rl.learning_rate": [1e-3, np.float32(1e-3)]}, "are the same in float32"),
    "whole numbers in a real setting": ({"rl.max_grad_norm": [2**19 + 1e-3, 2**19]}, "are the same in float32"),
    "a pair": ({("reward.erasure", "reward.flip"): [(0.1, 0.2), (0.1, 0.2 + 1e-10)]}, "are the same in float32"),
    "equal, one whole": ({"reward.erasure": [1, 1.0]}, "repeats a value"),
    "equal, one of JAX": ({"reward.levels": [2, jnp.asarray(2)]}, "repeats a value"),
    "budgets beyond int32": ({"rl.updates": [2**31]}, "rl.updates = 2147483648 is out of range"),
    "budgets beyond a float": ({"rl.updates": [10**400]}, "is not a positive multiple"),
    "budgets that are infinite": ({"rl.updates": [float("inf")]}, "rl.updates = inf is not a positive multiple"),
    "budgets that are none": ({"rl.updates": ["four"]}, "rl.updates = 'four' is not a positive multiple"),
    "not a number": ({"reward.erasure": [float("nan")]}, r"reward.erasure = nan is not a number in \[0, 1\]"),
    "a number that no float holds": ({"rl.learning_rate": [10**400]}, "is not a number in"),
    "nothing in float32": ({"reward.rate": [1e-60]}, "in float32 it is 0"),
    "a list": ({"reward.erasure": [[0.1], [0.2]]}, r"\[0.1\] is not a number"),
    "a word": ({"reward.erasure": ["half"]}, "reward.erasure = 'half' is not a number"),
    "labels that read the same": ({"pay": {1: {}, "1": {"reward.erasure": 0.5}}}, "both called 'pay=1'"),
    "labels that together read the same": (
        {"a": {"x, b=y": {}, "x": {}}, "b": {"z": {}, "y, b=z": {"reward.flip": 0.5}}}, "both called"),
    "a label without settings": ({"pay": {"rich": 0.5}}, "'rich': 0.5 is not a label with the settings"),
    "a slash": ({"pay/off": {"rich": {}}}, "without a slash"),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values_that_are_none_or_another_are_told(tiny, name):
    axes, message = VALUES[name]
    refused(tiny(axes=axes), message)


def test_whole_numbers_are_told_apart_where_float32_could_not(tiny):
    many = [16_777_216, 16_777_218]
    plan = make_plan(tiny(axes={"rl.updates": many}, regimes=tiny().regimes[:1], seeds=1), TOLD)
    assert [s.end for s in plan.stages.values()] == many


@pytest.mark.parametrize(
    "scalar", [np.float32, np.float64, jnp.float32, lambda x: np.asarray(x), lambda x: jnp.asarray(x, jnp.float32)]
)
def test_scalars_of_other_libraries_are_the_numbers_they_are(tiny, scalar):
    plain = make_plan(
        tiny(
            axes={"reward.erasure": [0.0, 0.5], "pay": {"a": {}, "b": {"reward.flip": 0.25}}},
            settings={"rl.learning_rate": 0.125},
            choices=[rx.Choice("pure_rl", {"reward.rate": 0.5}, {"reward.erasure": 0.5})],
            threshold=0.75,
            block=8,
        ),
        TOLD,
    )
    whole = jnp.asarray if scalar is jnp.float32 else np.int64
    options = {"network": rx.networks.gru(whole(8)), "num_envs": whole(8)}
    options["evaluate"] = rx.regimes.Evaluate(whole(2), whole(16))
    r = rx.regimes
    given = make_plan(
        tiny(
            regimes=[
                r.pure_rl(updates=whole(8), **options),
                r.pretrain_rl(updates=(whole(4), whole(8)), **options),
                r.sham_rl(updates=(whole(4), whole(8)), **options),
            ],
            axes={"reward.erasure": [scalar(0.0), scalar(0.5)], "pay": {"a": {}, "b": {"reward.flip": scalar(0.25)}}},
            settings={"rl.learning_rate": scalar(0.125)},
            choices=[rx.Choice("pure_rl", {"reward.rate": scalar(0.5)}, {"reward.erasure": scalar(0.5)})],
            threshold=scalar(0.75),
            seeds=whole(3),
            block=whole(8),
            consecutive=whole(3),
            learners_per_world=whole(1),
        ),
        TOLD,
    )
    assert given.resolved == plain.resolved
    assert given.cells == plain.cells
    assert given.stages == plain.stages


@pytest.mark.parametrize(
    "seeds", [np.arange(3), jnp.arange(3), [np.uint32(0), jnp.asarray(1), 2], range(3), np.array(3)]
)
def test_seeds_may_be_arrays(tiny, seeds):
    assert spec.seed_list(tiny(seeds=seeds)) == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(
    "seeds",
    [np.eye(2, dtype=int), np.array([0.5]), 2.5, None, "3", 2**33, [2**32], np.array([]), -1, jnp.array([1, 1])],
)  # fmt: skip
def test_seeds_that_are_none_are_told(tiny, seeds):
    with pytest.raises(rx.UserError, match="seed"):
        spec.seed_list(tiny(seeds=seeds))


# What is typed.


def test_the_regimes_that_are_left_out_still_give_names(tiny):
    sweep = tiny(axes={"reward.erasure": [0.0, 0.5], "pretrain.updates": [2, 4]}, settings={"pretrain.shuffle": 0})
    plan = make_plan(spec.override(sweep, ["regime=pure_rl"]), TOLD)
    full = make_plan(sweep, TOLD)
    assert [c for c in full.cells if c.regime == "pure_rl"] == plan.cells
    refused(spec.override(tiny(axes={"pretrain.update": [2]}), ["regime=pure_rl"]), "Did you mean 'pretrain.updates'")


def test_a_run_of_some_regimes_is_extended_to_all(tiny):
    sweep = tiny(choices=[rx.Choice("sham_rl", {"rl.learning_rate": 0.5})])
    few = make_plan(spec.override(sweep, ["regime=pure_rl"]), TOLD)
    assert difference.missing(few.resolved, make_plan(sweep, TOLD).resolved) is None


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400", "NaN", "Infinity"])
def test_what_is_typed_is_a_finite_number(tiny, text):
    with pytest.raises(rx.UserError, match=f"--set rl.learning_rate: '{text}' is not a finite number"):
        spec.override(tiny(), [f"rl.learning_rate=0.1,{text}"])


def test_one_of_several_that_go_together_is_not_typed_alone(tiny):
    sweep = tiny(axes={("reward.erasure", "reward.flip"): [(0, 0), (0.5, 0.1)]})
    with pytest.raises(rx.UserError, match=r"--set reward\.flip: its values go with those of reward\.erasure in one"):
        spec.override(sweep, ["reward.flip=0.2"])


def test_what_is_typed_stands_above_the_settings_and_is_typed_once(tiny):
    sweep = spec.override(tiny(settings={"rl.learning_rate": 0.5}), ["rl.learning_rate=0.25"])
    assert {s.settings["rl.learning_rate"] for s in make_plan(sweep, TOLD).stages.values() if s.phase == "rl"} == {0.25}
    with pytest.raises(rx.UserError, match=r"--set rl\.updates is given twice"):
        spec.override(tiny(), ["rl.updates=4", "rl.updates=8"])
    labelled = tiny(axes={"pay": {"a": {"reward.erasure": 0.5}, "b": {}}})
    refused(
        spec.override(labelled, ["reward.erasure=0.1"]), "is set by the axis 'pay' and by the axis 'reward.erasure'"
    )


# What is derived, and what is chosen.


def test_a_derived_setting_may_read_an_axis(tiny):
    axes = {"pay": {"often": {}, "rarely": {"reward.rate": 0.5}}, "pretrain.updates": [2, 4]}
    derived = {
        "rl.learning_rate": lambda s: {"often": 0.25, "rarely": 0.5}[s["pay"]],
        "rl.updates": lambda s: 12 - s["pretrain.updates"],  # which pure_rl itself does not have
        "reward.erasure": lambda s: s["rl.updates"] / 100,  # of what was derived before
    }
    plan = make_plan(tiny(axes=axes, derived=derived, seeds=1), TOLD)
    for cell in plan.cells:
        last = plan.stages[cell.path[-1]]
        assert last.settings["rl.learning_rate"] == {"often": 0.25, "rarely": 0.5}[cell.labels["pay"]]
        assert last.end == 12 - cell.labels["pretrain.updates"]
        assert last.settings["reward.erasure"] == last.end / 100


def test_later_choices_stand_above_earlier_ones_whatever_they_are_for(tiny):
    choices = [
        rx.Choice("pure_rl", {"rl.learning_rate": 0.5}, {"reward.erasure": 0.5}),
        rx.Choice("pure_rl", {"rl.learning_rate": 0.25}),
        rx.Choice("pure_rl", {"rl.learning_rate": 0.125}, {"reward.erasure": 0.0}),
    ]
    plan = make_plan(tiny(choices=choices, seeds=1, regimes=tiny().regimes[:1]), TOLD)
    rates = {c.labels["reward.erasure"]: plan.stages[c.path[-1]].settings["rl.learning_rate"] for c in plan.cells}
    assert rates == {0.0: 0.125, 0.5: 0.25}


# Cells, and what a run directory holds.


def test_cells_are_named_by_exact_values(tiny):
    close = [0.1, 0.1000001, 0.12345678, 1 / 3]
    plan = make_plan(tiny(axes={"reward.erasure": close}, regimes=tiny().regimes[:1], seeds=1), TOLD)
    assert [c.id for c in plan.cells] == [
        "pure_rl/reward.erasure=0.1/0",
        "pure_rl/reward.erasure=0.1000001/0",
        "pure_rl/reward.erasure=0.12345678/0",
        "pure_rl/reward.erasure=0.3333333333333333/0",
    ]


LOST = {
    "a seed": ({"seeds": [1, 2, 3]}, "seed 0 is gone"),
    "a seed's world": ({"seeds": 6, "learners_per_world": 2}, "seed 1 was in the world 1, is in the world 0"),
    "a point": ({"axes": {"reward.erasure": [0.0, 0.25]}}, "the point {'reward.erasure': 0.5} is gone"),
    "a setting": ({"settings": {"reward.rate": 0.5}}, "reward.rate was 1.0, is 0.5"),
    "what a label stands for": (
        {"axes": {"pay": {"a": {"reward.erasure": 0.25}, "b": {}}}}, r"at the point {'pay': 'a'}, .*was 0.5, is 0.25"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_a_run_is_extended_by_whole_points_only(tiny, name):
    changes, message = LOST[name]
    before = {"axes": {"pay": {"a": {"reward.erasure": 0.5}, "b": {}}}} if "label" in name else {}
    old, new = make_plan(tiny(**before), TOLD).resolved, make_plan(tiny(**changes), TOLD).resolved
    assert __import__("re").search(message, difference.missing(old, new) or "nothing")
    more = {"seeds": 5} | before
    assert difference.missing(old, make_plan(tiny(**more), TOLD).resolved) is None


MORE = {
    "another threshold": {"threshold": 0.5, "consecutive": 2},
    "an axis that has what was run among its values": {
        "axes": {"reward.erasure": [0.0, 0.5], "reward.rate": [0.5, 1.0]}
    },
    "an axis in place of a setting": {"axes": {"reward.erasure": [0.0, 0.5], "reward.flip": [0.0, 0.1]}},
    "an axis of labels": {
        "axes": {"reward.erasure": [0.0, 0.5], "pay": {"noisy": {"reward.flip": 0.1}, "as it was": {}}}
    },
    "a longer last phase": {"settings": {"rl.updates": 12}},
    "an axis of the last phase's length": {
        "axes": {"reward.erasure": [0.0, 0.5], "rl.updates": [8, 10]}
    },
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_a_run_goes_on_with_more(tiny, name):
    old, new = make_plan(tiny(), TOLD).resolved, make_plan(tiny(**MORE[name]), TOLD).resolved
    assert difference.missing(old, new) is None
    assert difference.changed(old, new) is not None


LESS = {
    "an axis without what was run": (
        {"axes": {"reward.erasure": [0.0, 0.5], "reward.rate": [0.25, 0.5]}},
        r"no value of 'reward.rate' is what was run without it: pure_rl.reward.rate was 1.0, is 0.25",
    ),
    "a shorter phase": ({"settings": {"rl.updates": 4}}, "rl.updates was 8, is 4"),
    "a longer phase that others went on from": (
        {"settings": {"pretrain.updates": 8}}, "pretrain.updates was 4, is 8, and 'rl' went on from where it ended",
    ),
    "an axis is gone": ({"axes": {}}, r"the point {'reward.erasure': 0.0} is gone"),
}  # fmt: skip


@pytest.mark.parametrize("name", LESS)
def test_a_run_does_not_go_on_with_what_was_not_run(tiny, name):
    changes, message = LESS[name]
    old, new = make_plan(tiny(), TOLD).resolved, make_plan(tiny(**changes), TOLD).resolved
    assert message in (difference.missing(old, new) or "nothing")


def test_what_has_changed_is_said_in_words(tiny):
    old = make_plan(tiny(), TOLD).resolved
    code = make_plan(tiny(), TOLD | {"sham_rl": ["pretrain", "another"]}).resolved
    told = copy.deepcopy(old)
    told["points"][1]["facts"]["pure_rl"] = ["another"]
    for changed in (difference.changed, difference.missing):
        assert changed(old, old) is None
        assert "the phase 'rl' of 'sham_rl' computes something else now: its code has changed" in changed(old, code)
        assert "at the point {'reward.erasure': 0.5}, a world or a channel says something else" in changed(old, told)


def test_the_order_of_axes_and_of_seeds_is_no_part_of_a_point(tiny):
    axes = {"reward.erasure": [0.0, 0.5], "rl.updates": [4, 8]}
    old = make_plan(tiny(axes=axes, seeds=[0, 1]), TOLD).resolved
    new = make_plan(tiny(axes=dict(reversed(axes.items())), seeds=[2, 1, 0]), TOLD).resolved
    assert difference.missing(old, new) is None


# The host's work grows with what there is, not with its square.


class Counted(float):
    """A number that counts how often it is compared with another."""

    compared = 0

    def __eq__(self, other):
        Counted.compared += 1
        return float(self) == other

    def __hash__(self):
        return hash(float(self))


def test_an_axis_of_thousands_of_values_is_looked_at_once(tiny):
    from regimax.sweep import axes

    Counted.compared = 0
    number = 20_000
    assert len(axes.points(tiny(axes={"reward.erasure": [Counted(i / number) for i in range(number)]}))) == number
    assert Counted.compared < 10 * number


class Seed(int):
    """A seed that counts the same."""

    compared = 0

    def __eq__(self, other):
        Seed.compared += 1
        return int(self) == other

    def __hash__(self):
        return hash(int(self))


def test_thousands_of_seeds_are_extended_by_thousands(tiny):
    plan = make_plan(tiny(axes={}, regimes=tiny().regimes[:1], seeds=2), TOLD).resolved
    few = [[Seed(i), Seed(i)] for i in range(10_000)]
    more = [[Seed(i), Seed(i)] for i in range(20_000)]
    Seed.compared = 0
    assert difference.missing(plan | {"seeds": few}, plan | {"seeds": more}) is None
    assert Seed.compared < 10 * len(more)


def test_thousands_of_points_are_extended_by_thousands(tiny, monkeypatch):
    plan = make_plan(tiny(axes={}, regimes=tiny().regimes[:1], seeds=2), TOLD).resolved
    point = plan["points"][0]
    many = [point | {"labels": {"x": i}, "settings": {"x": i}} for i in range(4000)]
    calls, real = [0], difference.difference

    def counted(*args):
        calls[0] += 1
        return real(*args)

    monkeypatch.setattr(difference, "difference", counted)
    assert difference.missing(plan | {"points": many[:2000]}, plan | {"points": many}) is None
    assert calls[0] < 40 * len(many)


def test_only_other_settings_are_looked_at_anew(tiny, monkeypatch):
    """A thousand seeds of ten points ask the world ten times, and the channels."""
    asked = [0]
    describe = rx.envs.Cipher.describe

    def counted(self, settings):
        asked[0] += 1
        return describe(self, settings)

    monkeypatch.setattr(rx.envs.Cipher, "describe", counted)
    sweep = tiny(axes={"reward.erasure": [i / 10 for i in range(10)]}, regimes=tiny().regimes[:1])
    make_plan(sweep, TOLD)
    few, asked[0] = asked[0], 0
    make_plan(spec.override(sweep, [], seeds=1000), TOLD)
    assert asked[0] == few <= 15


def test_a_directory_that_holds_another_point_is_refused_with_it(tiny, tmp_path):
    disk.write_json(tmp_path / "sweep.json", {"resolved": make_plan(tiny(), TOLD).resolved})
    plan = make_plan(tiny(axes={"reward.erasure": [0.0, 0.25]}), TOLD)
    with pytest.raises(rx.UserError, match=r"the point {'reward\.erasure': 0.5} is gone"):
        rundir.compare(plan, tmp_path, extend=True)
