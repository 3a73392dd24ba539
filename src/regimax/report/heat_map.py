"""Effort to the threshold over the widths of two channels, one map per arm."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from regimax.report.marks import reading
from regimax.report.quantities import quantity
from regimax.report.statistics import Estimate, median_time, times
from regimax.report.statistics._times import Tables, Where

SCALE = "Cividis"
"""Grows brighter all the way: the same to colour-blind eyes and in grey, on a white page and on a dark one."""
INK = "#1f2328"
"""Of the palette, so that it turns light on a dark page."""


def heat_map(
    run: Tables,
    arms: Sequence[str],
    *,
    x: pl.Expr,
    y: pl.Expr,
    unit: str = "episodes",
    steps: float | str = 1,
    where: Where = None,
    title: str = "",
    x_axis: str = "",
    y_axis: str = "",
) -> go.Figure:
    """Draws the median effort to the threshold at every pair of widths, all arms on one logarithmic scale of colour.

    A field shows the Kaplan-Meier median over cells, and its interval when pointed at. Where the median was not
    reached a field has no colour; what is known to be too little stands there, behind a sign: > 38.4 k.

    Args:
      run: the run.
      arms: regimes, from left to right.
      x: a polars expression over the cells, for example bits of sensation per step.
      y: the same of the other channel.
      unit: of effort, as of :func:`regimax.report.statistics.times`.
      steps: environment steps of an episode, for `episodes`.
      where: which settings; at each pair of widths there must be one.
      title: what is seen, in a sentence.
      x_axis: what `x` is called.
      y_axis: what `y` is called.

    Returns:
      the figure: per arm a map, and the text of its fields without a colour.

    Raises:
      UserError: for a regime or unit that does not exist, or two settings at one pair of widths.
    """
    figure = make_subplots(cols=len(arms), shared_yaxes=True, subplot_titles=list(arms), horizontal_spacing=0.04)
    frames = [
        times(run, arm, unit=unit, steps=steps, where=where).with_columns(_x=x.cast(pl.Float64), _y=y.cast(pl.Float64))
        for arm in arms
    ]
    both = pl.concat([frame.select("_x", "_y") for frame in frames])
    xs, ys = (both[name].unique().sort().to_list() for name in ("_x", "_y"))
    labels = [[f"{value:g}" for value in values] for values in (xs, ys)]
    reached = []
    for column, (arm, frame) in enumerate(zip(arms, frames, strict=True), start=1):
        found = [[_median(frame, px, py) for px in xs] for py in ys]
        values = [[None if e is None or not e.value else math.log10(e.value) for e in line] for line in found]
        reached += [value for line in values for value in line if value is not None]
        figure.add_trace(
            go.Heatmap(
                name=arm,
                x=labels[0],
                y=labels[1],
                z=values,
                text=[["" if e is None or e.value is None else quantity(e.value) for e in line] for line in found],
                texttemplate="%{text}",
                customdata=[["" if e is None else _reading(e) for e in line] for line in found],
                hovertemplate=f"<b>{arm}</b>, %{{x}} × %{{y}}<br>%{{customdata}}<extra></extra>",
                coloraxis="coloraxis",
                xgap=2,
                ygap=2,
            ),
            row=1,
            col=column,
        )
        open_ = [
            (labels[0][i], labels[1][k], e)
            for k, line in enumerate(found)
            for i, e in enumerate(line)
            if e is not None and e.value is None
        ]
        figure.add_trace(
            go.Scatter(
                name=f"{arm}: more than",
                x=[label for label, _, _ in open_],
                y=[label for _, label, _ in open_],
                mode="text",
                text=[f"> {quantity(e.low)}" for _, _, e in open_],
                textfont={"color": INK},
                hovertext=[_reading(e) for _, _, e in open_],
                hovertemplate=f"<b>{arm}</b>, %{{x}} × %{{y}}<br>%{{hovertext}}<extra></extra>",
                showlegend=False,
            ),
            row=1,
            col=column,
        )
    figure.update_annotations(font_size=12)
    figure.update_xaxes(type="category", categoryarray=labels[0], title_text=x_axis, showgrid=False)
    figure.update_yaxes(type="category", categoryarray=labels[1], showgrid=False)
    figure.update_yaxes(title_text=y_axis, col=1)
    return figure.update_layout(
        title_text=title or f"{unit} to the threshold",
        coloraxis={"colorscale": SCALE, "colorbar": {"title": {"text": unit}, **_ticks(reached)}},
        showlegend=False,
        margin={"t": 40},
        hovermode="closest",
    )


def _median(frame: pl.DataFrame, x: float, y: float) -> Estimate | None:
    here = frame.filter(pl.col("_x") == x, pl.col("_y") == y)
    return None if here.is_empty() else median_time(here)


def _ticks(logarithms: Sequence[float]) -> dict[str, list]:
    """Ticks of a scale of colour at 1, 2 and 5 times the powers of ten that it holds."""
    if not logarithms:
        return {"tickvals": [], "ticktext": []}
    low, high = min(logarithms), max(logarithms)
    candidates = [m * 10.0**p for p in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    ticks = [tick for tick in candidates if low <= math.log10(tick) <= high]
    return {"tickvals": [math.log10(tick) for tick in ticks], "ticktext": [quantity(tick) for tick in ticks]}


def _reading(e: Estimate) -> str:
    return reading(e) + (": the median was not reached" if e.value is None else "")
