"""A score against a setting, one line per regime."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from regimax.report.effort import SYMBOLS
from regimax.report.figures import styles
from regimax.report.statistics import median_score, scores
from regimax.report.statistics.times import Where


def score_against(
    frame: pl.DataFrame,
    column: str,
    arms: Sequence[str],
    *,
    measure: str = "success",
    where: Where = None,
    title: str = "",
    axis: str = "",
    score: str = "",
) -> go.Figure:
    """Draws the median score of every arm against a setting.

    A mark is the median over worlds with its exact 95 % interval; where too few worlds bound it, it has none. The
    setting is spaced by its logarithm where it can be.

    Args:
      frame: one row per cell: `run.cells`, or the last rows of `run.probes` by cell.
      column: the setting, a number.
      arms: regimes, in the order of their styles.
      measure: the column of the score.
      where: which settings besides.
      title: what is seen, in a sentence.
      axis: what the setting is called.
      score: what the score is called.

    Returns:
      the figure.
    """
    figure, look = go.Figure(), styles(arms)
    values = sorted(frame[column].unique().to_list())
    for arm, symbol in zip(arms, itertools.cycle(SYMBOLS), strict=False):
        of = scores(frame, arm, measure, where=where)
        there = [value for value in values if (of[column] == value).any()]
        found = [median_score(of.filter(of[column] == value)) for value in there]
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
                "array": [_reach(e.high, e.value) for e in found],
                "arrayminus": [_reach(e.value, e.low) for e in found],
                "thickness": 1.4,
                "width": 4,
                "color": colour,
            },
            text=[f"{e.text()}, {e.worlds} worlds" for e in found],
            hovertemplate=f"<b>{arm}</b>, %{{x}}<br>%{{text}}<extra></extra>",
        )
    logarithmic = all(isinstance(value, int | float) and value > 0 for value in values)
    figure.update_layout(
        title_text=title or f"{score or measure} against {axis or column}",
        xaxis={"title": {"text": axis or column}, "type": "log" if logarithmic else "linear", "tickvals": values},
        yaxis={"title": {"text": f"{score or measure}, median over worlds"}},
        hovermode="closest",
    )
    return figure


def _reach(upper: float | None, lower: float | None) -> float:
    """Length of an error bar; nothing where an end is not known."""
    if upper is None or lower is None or not math.isfinite(upper - lower):
        return 0.0
    return upper - lower
