"""What the compute of each regime went to."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from regimax.report.canvas import Drawing, canvas
from regimax.report.figures import PALETTE
from regimax.report.quantities import quantity

KINDS = {
    "flops_prediction": ("prediction", "", PALETTE[0]),
    "flops_experience": ("acting and the world's steps", "/", PALETTE[5]),
    "flops_reinforcement": ("reinforcement", ".", PALETTE[1]),
}
"""Column, name, pattern (so that they differ in grey too) and colours of what FLOPs are spent on, in stacking order."""


FIFTHS = [0, 0.2, 0.4, 0.6, 0.8, 1]


def compute_split(table: pl.DataFrame, regimes: Sequence[str]) -> Drawing | None:
    """Draws for every regime the share of its FLOPs that went to each kind, as bars that add up to 1.

    Shares are of all FLOPs that the regime's cells have spent, over settings and seeds, pending cells left out.

    Args:
      table: one row per cell.
      regimes: from top to bottom.

    Returns:
      the drawing; None where the run does not tell FLOPs apart, or nothing is finished.
    """
    if not set(KINDS) <= set(table.columns):
        return None
    done = table.filter(pl.col("status") != "pending")
    sums = done.group_by("regime").agg(pl.len().alias("cells"), *(pl.col(name).sum() for name in KINDS))
    sums = sums.with_columns(total=pl.sum_horizontal(*KINDS)).filter(pl.col("total") > 0)
    rows = {row["regime"]: row for row in sums.iter_rows(named=True)}
    names = [name for name in regimes if name in rows]
    if not names:
        return None
    figure = go.Figure(
        layout=canvas(
            {
                "title": "share of all FLOPs",
                "range": [0, 1],
                "tickformat": ".0%",
                "showline": False,
                "tickvals": FIFTHS,
            },
            {
                "title": "",
                "autorange": "reversed",
                "automargin": True,
                "ticks": "outside",
                "tickcolor": "rgba(0,0,0,0)",
                "showgrid": False,
                "type": "category",
            },
            barmode="stack",
            bargap=0.35,
            showlegend=True,
            legend={"orientation": "h", "traceorder": "normal", "y": 1.02, "yanchor": "bottom", "x": 0},
            margin={"l": 46, "r": 24, "t": 34, "b": 44},
            height=110 + 34 * len(names),
        )
    )
    for column, (kind, pattern, (light, dark)) in KINDS.items():
        spent = [rows[name][column] for name in names]
        shares = [flops / rows[name]["total"] for flops, name in zip(spent, names, strict=True)]
        text = [
            f"<b>{html.escape(name)}</b><br>{kind}: {share:.1%} of {quantity(rows[name]['total'], 'FLOP')}"
            f"<br>{quantity(flops, 'FLOP')} in {rows[name]['cells']} cells"
            for name, share, flops in zip(names, shares, spent, strict=True)
        ]
        figure.add_bar(
            x=shares,
            y=names,
            name=kind,
            orientation="h",
            marker={"color": light, "pattern": {"shape": pattern, "size": 6, "solidity": 0.4}},
            customdata=text,
            hovertemplate="%{customdata}<extra></extra>",
            meta={"light": light, "dark": dark},
        )
    return Drawing("Share of the compute by what it was spent on", figure)
