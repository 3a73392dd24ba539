"""Effort against a setting: known medians are drawn where they are, and unknown ones as what is known of them."""

from types import SimpleNamespace

import pytest

from regimax.report.effort import effort_against

from .conftest import run_with


def make_run() -> SimpleNamespace:
    """Five worlds at two settings: arm `a` needs 10 and 40 steps, `b` 10 and more than its 100."""
    needed = {("a", 1): 10, ("a", 8): 40, ("b", 1): 10, ("b", 8): None}
    return run_with(needed, ["looks"])


def test_medians_are_points_and_bounds_are_arrows():
    figure = effort_against(make_run(), "looks", ["a", "b"], floor={1: 0.0, 8: 5.0}, title="What looks cost")
    a, b, bound, floor = figure.data
    assert (list(a.x), list(a.y)) == ([1, 8], [10.0, 40.0])
    assert (a.name, b.name, floor.name) == ("a", "b", "information floor")
    assert list(b.y) == [10.0, None]
    assert (list(bound.x), list(bound.y)) == ([8], [pytest.approx(100.0)])
    assert bound.marker.symbol == "arrow-up"
    assert "more than" in bound.text[0]
    assert (list(floor.x), list(floor.y)) == ([8], [5.0])  # no floor is drawn where there is none
    assert figure.layout.title.text == "What looks cost"
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert a.line.dash != b.line.dash
    assert a.marker.symbol != b.marker.symbol
