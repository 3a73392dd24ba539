"""Marks stand where an estimate is, or in the middle of what is known of it, and nowhere where nothing is."""

import math

import plotly.graph_objects as go
import pytest

from regimax.report.marks import add_marks, looks
from regimax.report.statistics import Estimate


def test_a_mark_is_open_where_an_interval_is_known_and_no_value():
    known = Estimate(2.0, 1.5, 3.0, "tasks", 16, method="")
    found = [
        known,
        known._replace(value=None, low=1.0, high=4.0),
        known._replace(value=None, high=math.inf),
        known._replace(high=math.inf),
    ]
    figure = go.Figure()
    [(name, style, symbol)] = looks(["an arm"])
    add_marks(figure, name, style, symbol, [1, 2, 3, 4], found)
    [line] = figure.data
    assert line.y == (2.0, 2.5, None, 2.0)
    assert [s.endswith("-open") for s in line.marker.symbol] == [False, True, True, False]
    assert line.error_y.array == pytest.approx((1.0, 1.5, 0.0, 0.0))
    assert line.error_y.arrayminus == pytest.approx((0.5, 1.5, 0.0, 0.5))
