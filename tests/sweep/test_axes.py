"""Axes of some regimes only."""

from pathlib import Path

import pytest

import regimax as rx
from regimax.sweep import difference, merge, share, spec, table
from regimax.sweep.axes import points
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute, plan_for

from .conftest import Silent, make_tiny

PREDICTED = ("pretrain_rl", "sham_rl")
AXES = {"reward.erasure": [0.0, 0.5], "pretrain.updates": rx.only(PREDICTED, [2, 4])}


def plan_of(**changes):
    return make_plan(make_tiny(**({"axes": AXES, "seeds": 2} | changes)))


def test_a_regime_without_an_axis_has_one_row_for_all_its_values():
    plan, all_rows = plan_of(), plan_of(axes=AXES | {"pretrain.updates": [2, 4]})
    count = {name: sum(cell.regime == name for cell in plan.cells) for name in ("pure_rl", *PREDICTED)}
    assert count == {"pure_rl": 2 * 2, "pretrain_rl": 2 * 2 * 2, "sham_rl": 2 * 2 * 2}
    assert set(plan.stages) == set(all_rows.stages)  # what is run is the same
    assert [cell.id for cell in plan.cells][:2] == ["pure_rl/reward.erasure=0/0", "pure_rl/reward.erasure=0/1"]
    theirs = {cell.id: cell.path for cell in all_rows.cells if cell.regime != "pure_rl"}
    assert {cell.id: cell.path for cell in plan.cells if cell.regime != "pure_rl"} == theirs


def test_labels_choices_and_derived_settings_go_with_it():
    axes = {"how long": rx.only("pretrain_rl", {"short": {"pretrain.updates": 2}, "long": {}})}
    choices = [rx.Choice("pretrain_rl", {"rl.learning_rate": 0.5}, {"how long": "short"})]
    derived = {"reward.erasure": lambda s: 0.25 if s.get("how long") == "short" else 0.75}
    plan = plan_of(axes=axes, choices=choices, derived=derived)
    found = {}
    for cell in plan.cells:
        last = plan.stages[cell.path[-1]]
        told = (last.settings["rl.learning_rate"] == 0.5, last.settings["reward.erasure"])
        found.setdefault((cell.regime, cell.labels.get("how long")), told)
    assert found == {
        ("pure_rl", None): (False, 0.75),
        ("pretrain_rl", "short"): (True, 0.25),
        ("pretrain_rl", "long"): (False, 0.75),
        ("sham_rl", None): (False, 0.75),
    }


def test_it_is_typed_for_the_same_regimes():
    sweep = spec.override(make_tiny(axes=AXES), ["pretrain.updates=2,6", "regime=pure_rl,sham_rl"])
    assert sweep.axes["pretrain.updates"] == rx.only(PREDICTED, [2, 6])
    assert [(point.regimes, point.labels.get("pretrain.updates")) for point in points(sweep)] == [
        (("pure_rl",), None),
        (("pure_rl",), None),
        *[(("sham_rl",), 2), (("sham_rl",), 6)] * 2,
    ]
    make_plan(sweep)


def test_regimes_and_settings_that_are_not_there_are_told():
    with pytest.raises(rx.UserError, match=r"regime of the axis 'pretrain.updates':.*'pretrain'.*'pretrain_rl'"):
        plan_of(axes={"pretrain.updates": rx.only("pretrain", [2, 4])})
    with pytest.raises(rx.UserError, match=r"axis 'pretrain.updates' is empty"):
        plan_of(axes={"pretrain.updates": rx.only("pretrain_rl", [])})
    with pytest.raises(rx.UserError, match=r"unknown axis 'pretrain.update'"):
        plan_of(axes={"pretrain.update": rx.only("pretrain_rl", [2])})
    with pytest.raises(rx.UserError, match=r"is set by the axis 'reward.erasure' and in settings"):
        plan_of(axes={"reward.erasure": rx.only("pure_rl", [0.5])}, settings={"reward.erasure": 0.1})
    axes = {"how": rx.only("pure_rl", {"a": {}, "b": {"reward.erasure": 0.5}})}
    with pytest.raises(rx.UserError, match=r"'how' is never 'c', only one of \['a', 'b'\]"):
        plan_of(axes=axes, choices=[rx.Choice("pure_rl", {}, {"how": "c"})])


def test_a_run_grows_by_its_values_and_not_by_less():
    before = plan_of().resolved
    more = AXES | {"pretrain.updates": rx.only(PREDICTED, [2, 4, 6])}
    assert difference.missing(before, plan_of(axes=more).resolved) is None
    wider = AXES | {"pretrain.updates": rx.only(PREDICTED[:1], [2, 4])}
    assert "is gone" in difference.missing(before, plan_of(axes=wider).resolved)
    # An axis that all had may not be taken from one: its rows would go.
    everybody = plan_of(axes=AXES | {"pretrain.updates": [2, 4]}).resolved
    assert "is gone" in difference.missing(everybody, before)


def test_tables_and_merged_shares_have_no_label_there(tmp_path):
    sweep = make_tiny(axes=AXES, seeds=2)
    for out, given in {"whole": None, "s1": (1, 2), "s2": (2, 2)}.items():
        options = Options(share=given, checkpoint_seconds=1e9, facts={"name": "tiny", "command": ""})
        execute(plan_for(sweep, tmp_path / out, options), tmp_path / out, options, Silent())
    cells = table.cell_table(tmp_path / "whole")
    assert cells.filter(cells["regime"] == "pure_rl")["pretrain.updates"].to_list() == [None] * 4
    assert cells["setting"].unique(maintain_order=True).to_list()[0] == "reward.erasure=0.0"
    merge.merge([tmp_path / "s2", tmp_path / "s1"], tmp_path / "all")
    assert (tmp_path / "all/cells.parquet").read_bytes() == (tmp_path / "whole/cells.parquet").read_bytes()
    assert len(share.cut(make_plan(sweep), 1, 2).cells) < len(cells)
    assert Path(rx.report.write_report(tmp_path / "whole")).is_file()
