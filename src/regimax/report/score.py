"""A score against a setting, one line per regime."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from regimax.report.marks import add_marks, looks
from regimax.report.statistics import median_score, scores
from regimax.report.statistics._times import Where


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
    figure = go.Figure()
    values = sorted(frame[column].unique().to_list())
    for arm, style, symbol in looks(arms):
        of = scores(frame, arm, measure, where=where)
        there = [value for value in values if (of[column] == value).any()]
        found = [median_score(of.filter(of[column] == value)) for value in there]
        add_marks(
            figure,
            arm,
            style,
            symbol,
            there,
            found,
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
