"""The drawn phase diagram: shapes say who gets there, and bands that know no end go to the edge."""

import math

import polars as pl
import pytest

from regimax.report.figures import PALETTE
from regimax.report.phase_map import GREY, INK, LINE, phase_map
from regimax.report.statistics import PhaseDiagram


def diagram() -> PhaseDiagram:
    """At y = 1 a wins from 2 on; at y = ½ nobody knows where."""
    points = [
        {"x": math.log(x), "y": math.log(y), "worlds": 16, "known": 16 if p is not None else 0, "p": p, "mark": mark}
        | {"low": p, "high": p, "solved_a": 1.0, "solved_b": 0.25, "hurts": hurts}
        for x, y, p, mark, hurts in [
            (1, 1.0, 0.1, "both solve", True),
            (4, 1.0, 0.9, "a only", False),
            (1, 0.5, None, "both fail", False),
            (4, 0.5, 0.4, "both solve", False),
        ]
    ]
    boundary = {"y": [math.log(0.5), 0.0], "x": [None, math.log(2)], "low": [-math.inf, math.log(1.5)]}
    high = {"high": [math.inf, math.log(3)]}
    return PhaseDiagram(pl.DataFrame(points), pl.DataFrame(boundary | high))


def test_points_line_band_and_rings():
    figure = phase_map(diagram(), names=("after", "before"), title="Where it pays", x_axis="looks")
    band, line, *marks, ring = figure.data
    legend, points = marks[::2], marks[1::2]
    assert [trace.name for trace in legend] == [trace.name for trace in points]
    assert [trace.showlegend for trace in points] == [False] * 3  # a legend cannot show a colour that is a number
    assert {trace.marker.color for trace in legend} == {GREY}
    assert [trace.name for trace in points] == ["both solve", "after only", "both fail"]
    assert [trace.marker.symbol for trace in points] == ["circle", "triangle-up", "x"]
    assert list(points[2].text) == ["?"]
    assert "not known who is first" in points[2].customdata[0]
    assert list(line.x) == [None, pytest.approx(2.0)]
    left, right = (10**end for end in figure.layout.xaxis.range)
    assert list(band.x) == pytest.approx([left, 1.5, 3.0, right])
    assert left < 1
    assert right > 4
    assert "beyond the points" in line.text[0]
    assert (list(ring.x), list(ring.y)) == ([pytest.approx(1.0)], [pytest.approx(1.0)])
    assert list(figure.layout.xaxis.ticktext) == ["1", "4"]
    assert LINE in [light for light, _ in PALETTE]  # a dark page exchanges it


def test_one_row_of_points_can_be_drawn():
    points, boundary = diagram()
    figure = phase_map(PhaseDiagram(points.filter(pl.col("y") == 0), boundary.tail(1)))
    assert figure.layout.yaxis.range[0] < 0 < figure.layout.yaxis.range[1]


def test_contours_of_tasks_lie_between_points_and_what_never_pays_is_beyond():
    """Three tasks are enough at x = 4, y = 1, thirty at y = ½, and at x = 1 no number is."""
    tasks = pl.DataFrame(
        [
            {"x": math.log(x), "y": math.log(y), "enough": enough}
            for x, y, enough in [(1, 1.0, math.inf), (4, 1.0, 3.0), (1, 0.5, math.inf), (4, 0.5, 30.0)]
        ]
    )
    drawn = [trace for trace in phase_map(diagram(), tasks=tasks).data if trace.type == "contour"]
    assert [trace.name for trace in drawn] == ["pays from 10 tasks on", "pays from 100 tasks on"]
    assert [trace.contours.start for trace in drawn] == [1.0, 2.0]
    assert {trace.line.color for trace in drawn} == {INK}
    for trace in drawn:
        assert list(trace.x) == pytest.approx([1.0, 4.0])
        lower, upper = (list(line) for line in trace.z)
        assert lower[1] == pytest.approx(math.log10(30.0))
        assert upper[1] == pytest.approx(math.log10(3.0))
        assert lower[0] == upper[0] > 2.0
    never = tasks.with_columns(enough=math.inf)
    assert not [trace for trace in phase_map(diagram(), tasks=never).data if trace.type == "contour"]
