"""Effort to the threshold against a setting, one line per regime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from regimax.report.marks import add_marks, looks, reading
from regimax.report.quantities import quantity
from regimax.report.statistics import median_time, times
from regimax.report.statistics._times import Tables, Where


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
    figure = go.Figure()
    values = sorted(run.cells[column].unique().to_list())
    for arm, style, symbol in looks(arms):
        frame = times(run, arm, unit=unit, steps=steps, where=where)
        there = [value for value in values if (frame[column] == value).any()]
        found = [median_time(frame.filter(frame[column] == value)) for value in there]
        add_marks(
            figure,
            arm,
            style,
            symbol,
            there,
            found,
            text=[reading(e) for e in found],
            hovertemplate=f"<b>{arm}</b>, %{{x}}<br>%{{text}}<extra></extra>",
        )
        lost = [(value, e) for value, e in zip(there, found, strict=True) if e.value is None and e.low > 0]
        if lost:
            figure.add_scatter(
                x=[value for value, _ in lost],
                y=[e.low for _, e in lost],
                name=f"{arm}: more than",
                mode="markers",
                marker={"color": style.light, "symbol": "arrow-up", "size": 12},
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
