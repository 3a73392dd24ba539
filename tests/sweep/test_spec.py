"""What a sweep file may say."""

from pathlib import Path

import pytest

import regimax as rx
from regimax.sweep import axes as grid
from regimax.sweep import files, spec


def sweep_with(**changes):
    return rx.Sweep(world=None, regimes=[], **changes)


def test_points_are_the_product_with_the_last_axis_fastest():
    points = grid.points(sweep_with(axes={"a.x": [1, 2], "b.y": [3, 4]}))
    assert [p.settings for p in points] == [
        {"a.x": 1, "b.y": 3},
        {"a.x": 1, "b.y": 4},
        {"a.x": 2, "b.y": 3},
        {"a.x": 2, "b.y": 4},
    ]


def test_a_tuple_of_names_goes_together():
    points = grid.points(sweep_with(axes={("a.x", "b.y"): [(1, 3), (2, 4)]}))
    assert [p.settings for p in points] == [{"a.x": 1, "b.y": 3}, {"a.x": 2, "b.y": 4}]
    assert points[0].labels == {"a.x": 1, "b.y": 3}


def test_labels_stand_for_settings():
    points = grid.points(sweep_with(axes={"pay": {"rich": {"a.x": 1}, "poor": {}}}, settings={"a.x": 0}))
    assert [(p.labels, p.settings) for p in points] == [({"pay": "rich"}, {"a.x": 1}), ({"pay": "poor"}, {"a.x": 0})]


def test_no_axes_are_one_point():
    assert len(grid.points(sweep_with())) == 1


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"a.x": []}, "axis 'a.x' is empty"),
        ({"pay": {}}, "axis 'pay' is empty"),
        ({"a.x": "0.5"}, "'0.5' is not a list of values"),
        ({"a.x": 0.5}, "0.5 is not a list of values"),
        ({"a.x": [1, 1]}, "repeats a value"),
        ({"a.x": {"rich": {}}}, "without a dot"),
        ({("a.x", "b.y"): [(1, 2), (3,)]}, "does not hold 2 values"),
    ],
)
def test_bad_axes_are_told(axes, message):
    with pytest.raises(rx.UserError, match=message):
        grid.points(sweep_with(axes=axes))


def test_learners_may_share_a_world():
    assert spec.seed_list(sweep_with(seeds=4, learners_per_world=2)) == [(0, 0), (0, 1), (1, 2), (1, 3)]
    assert spec.seed_list(sweep_with(seeds=[7, 9])) == [(7, 7), (9, 9)]


@pytest.mark.parametrize("changes", [{"seeds": 0}, {"seeds": []}, {"seeds": [1, 1]}, {"seeds": [-1]}, {"seeds": [0.5]}])
def test_bad_seeds_are_told(changes):
    with pytest.raises(rx.UserError, match="seed"):
        spec.seed_list(sweep_with(**changes))


@pytest.mark.parametrize(
    "many",
    [
        lambda: spec.seed_list(sweep_with(seeds=2**32)),
        lambda: spec.override(sweep_with(), ["a.x=0..1/1000000000000/lin"]),
        lambda: spec.override(sweep_with(), ["a.x=1..2/1000000000000"]),
        lambda: rx.sample(10**12, 0, {"a.x": rx.uniform(0, 1)}),
        lambda: grid.points(sweep_with(axes={f"a.{name}": range(1000) for name in "abcdef"})),
    ],
)
def test_what_nobody_could_plan_is_refused_at_once(many):
    with pytest.raises(rx.UserError, match="more than 1,000,000 are not planned"):
        many()


def test_assignments_replace_axes(tiny):
    changed = spec.override(tiny(), ["reward.erasure=0,0.25", "rl.updates=4", "regime=sham_rl"], seeds=5)
    assert changed.axes == {"reward.erasure": [0, 0.25], "rl.updates": [4]}
    assert [r.name for r in changed.regimes] == ["sham_rl"]
    assert changed.seeds == 5


def test_assignments_choose_labels(tiny):
    sweep = tiny(axes={"pay": {"rich": {}, "poor": {"reward.erasure": 0.9}}})
    assert spec.override(sweep, ["pay=poor"]).axes == {"pay": {"poor": {"reward.erasure": 0.9}}}
    counted = tiny(axes={"per": rx.channels.observations_per_reward(1, 4, 1.5)})
    assert spec.override(counted, ["per=4,1.5"]).axes["per"].keys() == {4, 1.5}
    with pytest.raises(rx.UserError, match=r"unknown label of the axis 'pay': 'por'\. Did you mean 'poor'"):
        spec.override(sweep, ["pay=por"])


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("reward.erasure", "not of the form AXIS=V1,V2"),
        ("=1", "not of the form AXIS=V1,V2"),
        ("reward.erasure=", "no values"),
        ("reward.erasure=half", "'half' is not a number"),
        ("regime=pure", r"unknown regime 'pure'\. Did you mean 'pure_rl'\?"),
    ],
)
def test_bad_assignments_are_told(tiny, assignment, message):
    with pytest.raises(rx.UserError, match=message):
        spec.override(tiny(), [assignment])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import regimax as rx\nsweep = rx.Sweep(", r"cannot import .*, line 2: SyntaxError"),
        ("import regimax as rx\n\nnothing", r"cannot import .*, line 3: NameError: name 'nothing'"),
        (
            "import regimax as rx\nrx.regimes.pure_r()",
            r"line 2: AttributeError.*Did you mean 'pure_rl'\? Allowed: .*sham_rl",
        ),
        ("sweeps = 1", r"must define sweep = regimax.Sweep\(...\), found nothing"),
        ("sweep = 1", "found int"),
        ("import regimax as rx\nrx.envs.Cipher(symbols=1)", r"line 2: Cipher: symbols = 1 is out of range"),
    ],
)
def test_files_that_cannot_be_used_are_told(text, message):
    Path("bad.py").write_text(text)
    with pytest.raises(rx.UserError, match=message):
        files.load(Path("bad.py"))


def test_a_missing_file_names_the_nearest():
    Path("quickstart.py").write_text("")
    with pytest.raises(rx.UserError, match=r"no sweep file 'quikstart.py'\. Did you mean 'quickstart.py'\?"):
        files.load(Path("quikstart.py"))


def test_the_question_is_the_docstring():
    Path("file.py").write_text('"""What\nis it?\n\nMore."""\nimport regimax as rx\nsweep = rx.Sweep(None, [])\n')
    assert files.load(Path("file.py")).question == "What is it?"
