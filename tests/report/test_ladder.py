"""The delay ladder: gains are ratios of effort, on a clock; what budgets hide is drawn as what is known of it."""

import math
from types import SimpleNamespace

import pytest

from regimax.report import ladder
from regimax.report.ladder import delay_ladder
from regimax.report.statistics import Estimate

from .conftest import run_with


def make_run() -> SimpleNamespace:
    """Seven worlds, outcomes after 5 and 500 decisions: `slow` needs 80 and over 100 steps, `fast` 10 and 20."""
    needed = {("slow", 5): 80, ("slow", 500): None, ("fast", 5): 10, ("fast", 500): 20}
    return run_with(needed, ["delay"], worlds=7, measure="return")


def test_gains_are_ratios_on_a_clock_and_hidden_ones_are_bounds():
    figure = delay_ladder(
        make_run(), "delay", {"a gain": ("slow", "fast"), "none": ("fast", "fast")}, seconds=0.2, measure="return"
    )
    gain, bound, none = figure.data
    assert list(gain.x) == pytest.approx([1.0, 100.0])
    assert gain.y[0] == pytest.approx(8.0)
    assert gain.y[1] is None
    assert (list(bound.x), list(bound.y)) == ([pytest.approx(100.0)], [pytest.approx(100 / 20)])
    assert list(bound.marker.symbol) == ["triangle-up"]
    assert list(none.y) == pytest.approx([1.0, 1.0])
    assert gain.line.dash != none.line.dash
    assert gain.marker.symbol != none.marker.symbol


def test_the_clock_is_read_as_people_read_it():
    axis = delay_ladder(make_run(), "delay", {"a gain": ("slow", "fast")}, seconds=36.0, measure="return").layout.xaxis
    assert list(axis.ticktext) == ["10\u00a0min", "1\u00a0h", "10\u00a0h"]
    assert list(axis.tickvals) == [600.0, 3600.0, 36_000.0]
    assert axis.type == "log"


@pytest.mark.parametrize(
    ("ends", "marks", "y"),
    [
        ((2.0, 4.0), [], 3.0),  # an open mark says it all
        ((2.0, math.inf), ["triangle-up"], None),
        ((0.0, 4.0), ["triangle-down"], None),
        ((0.0, math.inf), [], None),
    ],
)
def test_what_is_known_without_a_value_is_told_once(monkeypatch, ends, marks, y):
    monkeypatch.setattr(ladder, "ln_ratio", lambda *_: Estimate(None, *map(_ln, ends), "ln T", 7))
    line, *bounds = delay_ladder(make_run(), "delay", {"a gain": ("slow", "fast")}, seconds=1.0, measure="return").data
    assert list(line.y) == (pytest.approx([y, y]) if y else [None, None])
    assert [mark for bound in bounds for mark in bound.marker.symbol] == marks * 2


def _ln(x: float) -> float:
    return -math.inf if x == 0 else math.log(x)
