"""Effort to the threshold against a setting, one line per regime."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from regimax.report.figures import styles
from regimax.report.quantities import quantity
from regimax.report.statistics import Estimate, median_time, times
from regimax.report.statistics.times import Tables, Where

SYMBOLS = ("circle", "square", "diamond", "cross", "x", "pentagon", "star")


def effort_against(
    run: Tables,
    column: str,
    arms: Sequence[str],
    *,
    unit: str = "episodes",
    steps: float | str = 1,
    where: Where = None,
    floor: Mapping[float, float] | None = None,
    title: str = "",
    axis: str = "",
) -> go.Figure:
    """Draws the median effort to the threshold of every arm against a setting, on logarithmic axes where it can.

    A mark is the Kaplan-Meier median over cells with its 95 % interval, of which an end that is not known is not drawn.
    Where the median is not reached, an arrow stands at what is known to be too little.

    Args:
      run: the run.
      column: of the cells: the setting, a number.
      arms: regimes, in the order of their styles.
      unit: of effort, as of :func:`regimax.report.statistics.times`.
      steps: environment steps of an episode, for `episodes`.
      where: which settings besides.
      floor: the least effort that anybody could do with, by value of the setting.
      title: what is seen, in a sentence.
      axis: what the setting is called.

    Returns:
      the figure.
    """
    figure, look = go.Figure(), styles(arms)
    values = sorted(run.cells[column].unique().to_list())
    for arm, symbol in zip(arms, itertools.cycle(SYMBOLS), strict=False):
        frame = times(run, arm, unit=unit, steps=steps, where=where)
        there = [value for value in values if (frame[column] == value).any()]
        found = [median_time(frame.filter(frame[column] == value)) for value in there]
        colour = look[arm].light
        figure.add_scatter(
            x=there,
            y=[e.value for e in found],
            name=arm,
            mode="lines+markers",
            line={"color": colour, "dash": look[arm].dash or "solid", "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 8},
            error_y={
                "type": "data",
                "array": [_above(e) for e in found],
                "arrayminus": [_below(e) for e in found],
                "thickness": 1.4,
                "width": 4,
                "color": colour,
            },
            text=[_reading(e) for e in found],
            hovertemplate=f"<b>{arm}</b>, %{{x}}<br>%{{text}}<extra></extra>",
        )
        lost = [(value, e) for value, e in zip(there, found, strict=True) if e.value is None and e.low > 0]
        if lost:
            figure.add_scatter(
                x=[value for value, _ in lost],
                y=[e.low for _, e in lost],
                name=f"{arm}: more than",
                mode="markers",
                marker={"color": colour, "symbol": "arrow-up", "size": 12},
                text=[f"more than {quantity(e.low)} {e.unit}" for _, e in lost],
                hovertemplate=f"<b>{arm}</b>, %{{x}}<br>%{{text}}<extra></extra>",
                showlegend=False,
            )
    if floor:
        drawn = {value: least for value, least in sorted(floor.items()) if least > 0}
        figure.add_scatter(
            x=list(drawn),
            y=list(drawn.values()),
            name="information floor",
            mode="lines",
            line={"color": "#686f77", "dash": "dot", "width": 1.5},
            hovertemplate="<b>information floor</b>, %{x}<br>%{y:.3s}<extra></extra>",
        )
    logarithmic = all(isinstance(value, int | float) and value > 0 for value in values)
    figure.update_layout(
        title_text=title or f"Effort to the threshold against {axis or column}",
        xaxis={"title": {"text": axis or column}, "type": "log" if logarithmic else "linear", "tickvals": values},
        yaxis={"title": {"text": f"{unit} to the threshold, median"}, "type": "log", "tickformat": "~s", "nticks": 6},
        hovermode="closest",
    )
    return figure


def _above(e: Estimate) -> float:
    return e.high - e.value if e.value is not None and math.isfinite(e.high) else 0.0


def _below(e: Estimate) -> float:
    return e.value - e.low if e.value is not None else 0.0


def _reading(e: Estimate) -> str:
    if e.value is None:
        return f"more than {quantity(e.low)} {e.unit}"
    high = quantity(e.high) if math.isfinite(e.high) else "∞"
    return f"{quantity(e.value)} {e.unit} ({quantity(e.low)} to {high}), {e.worlds} worlds"
