"""What probes measured, along training."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from regimax.report.aggregate import learning_curves
from regimax.report.canvas import Drawing, canvas
from regimax.report.facets import together
from regimax.report.figures import Style, styles
from regimax.report.marks import SYMBOLS


def measures(probes: pl.DataFrame, table: pl.DataFrame) -> list[str]:
    """Returns the names of what was measured, those of which any number is known."""
    known = {*table.columns, "phase", "update"}
    return [name for name in probes.columns if name not in known and probes[name].is_finite().any()]


def probe_drawings(
    probes: pl.DataFrame,
    table: pl.DataFrame,
    regimes: Sequence[str],
    members: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Drawing]:
    """Draws every measure of a run's probes against updates, one drawing per measure and setting.

    Lines are medians over the seeds that are measured there: one that has stopped as solved is left out from then on;
    where one phase ends and the next begins a line breaks, for a part that begins afresh is measured anew there.

    Args:
      probes: one row per cell and measurement.
      table: one row per cell.
      regimes: in the order of their styles.
      members: by setting and regime, the setting of the cells that are drawn there, as of
        :func:`regimax.report.facets.panel_settings`; those of the setting itself if None.

    Returns:
      the drawings, measure by measure; none where nothing was measured.
    """
    look, drawn = styles(regimes), []
    for measure in measures(probes, table):
        lines = learning_curves(probes, "updates", measure=measure)
        lines = lines if members is None else together(lines, members)
        for setting in lines["setting"].unique(maintain_order=True):
            here = lines.filter(pl.col("setting") == setting)
            drawn.append(_drawing(measure, setting, here, look))
    return drawn


def _drawing(measure: str, setting: str, lines: pl.DataFrame, look: dict[str, Style]) -> Drawing:
    figure = go.Figure(
        layout=canvas(
            {"title": "updates, of all phases", "tickformat": "~s", "nticks": 6, "rangemode": "tozero"},
            {"title": "", "automargin": True, "nticks": 5},
        )
    )
    for place, (regime, style) in enumerate(look.items()):
        rows = lines.filter(pl.col("regime") == regime)
        x: list[float | None] = []
        y: list[float | None] = []
        text: list[str] = []
        for phase in rows["phase"].unique(maintain_order=True):
            if x:
                x, y, text = [*x, None], [*y, None], [*text, ""]
            for row in rows.filter(pl.col("phase") == phase).iter_rows(named=True):
                x.append(row["effort"])
                y.append(float(f"{row['median']:.6g}"))
                text.append(_reading(row))
        if x:
            figure.add_scatter(
                x=x,
                y=y,
                name=regime,
                mode="lines+markers",
                line={"width": 2, "color": style.light, "dash": style.dash or "solid"},
                marker={"size": 6, "color": style.light, "symbol": SYMBOLS[place % len(SYMBOLS)]},
                customdata=text,
                hovertemplate=f"<b>{html.escape(regime)}</b>, %{{customdata}}<extra></extra>",
                meta={"light": style.light, "dark": style.dark},
            )
    return Drawing(f"{measure}, {setting}" if setting else measure, figure)


def _reading(row: dict[str, Any]) -> str:
    middle, low, high = (f"{row[name]:.4g}" for name in ("median", "q25", "q75"))
    where = f"{html.escape(row['phase'])}, update {row['update']:,}"
    return f"{where}<br>{middle} (quartiles {low} to {high})<br>{row['n']} of {row['seeds']} seeds measured"
