"""A page that draws the rates against the number of lanes and of devices. It opens offline."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from regimax.bench.machine import in_words
from regimax.sweep import disk

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b8679a", "#1f2328", "#c98a00")
"""Okabe and Ito's palette, darkened where it is too pale for a line on white."""
_LAYOUT = {
    "template": "plotly_white",
    "font": {"family": "system-ui, sans-serif", "size": 14},
    "height": 520,
    "margin": {"l": 80, "r": 30, "t": 70, "b": 60},
    "legend": {"orientation": "h", "y": -0.18},
}


def rates(found: Mapping[str, Any]) -> go.Figure:
    """Draws the updates per second of every workload against its lanes; a bar reaches down to the worst repetition."""
    figure, widths = go.Figure(), set()
    for colour, (name, workload) in zip(itertools.cycle(COLOURS), found["workloads"].items(), strict=False):
        points = workload["points"]
        widths |= {p["lanes"] for p in points}
        best = [p["updates_per_second"] for p in points]
        spread = [p["updates_per_second"] - p["updates_per_second_worst"] for p in points]
        figure.add_scatter(
            x=[p["lanes"] for p in points],
            y=best,
            error_y={"type": "data", "symmetric": False, "array": [0.0] * len(points), "arrayminus": spread},
            name=name,
            mode="lines+markers",
            line={"color": colour},
            hovertemplate=f"{name}<br>%{{x:,}} lanes<br>%{{y:.3s}} updates/s<extra></extra>",
        )
        if knee := workload.get("knee"):
            at = next(p for p in points if all(p[key] == knee[key] for key in knee))
            figure.add_scatter(
                x=[at["lanes"]],
                y=[at["updates_per_second"]],
                mode="markers",
                marker={"symbol": "circle-open", "size": 16, "color": colour, "line": {"width": 2}},
                showlegend=False,
                hoverinfo="skip",
            )
    figure.update_layout(
        **_LAYOUT,
        title="Updates per second by width; a ring marks the knee",
        xaxis={"title": "lanes side by side", "type": "log", "tickvals": sorted(widths), "tickformat": ","},
        yaxis={"title": "updates per second, all lanes", "type": "log", "dtick": "D1", "tickformat": "~s"},
    )
    return figure


def scaling(found: Mapping[str, Any]) -> go.Figure | None:
    """Draws how rates grow with the number of devices; None where there is one only."""
    figure, most = go.Figure(), 1
    for colour, (name, workload) in zip(itertools.cycle(COLOURS), found["workloads"].items(), strict=False):
        by_devices = {int(count): times for count, times in workload.get("scaling", {}).items()}
        if by_devices:
            most = max(most, *by_devices)
            x, y = list(by_devices), list(by_devices.values())
            figure.add_scatter(x=x, y=y, name=name, mode="lines+markers", line={"color": colour})
    if most == 1:
        return None
    figure.add_scatter(
        x=[1, most], y=[1, most], name="in proportion", mode="lines", line={"color": "#888", "dash": "dot"}
    )
    figure.update_layout(
        **_LAYOUT,
        title="Scaling over devices, as many lanes on each",
        xaxis={"title": "devices", "dtick": 1 if most <= 16 else None},
        yaxis={"title": "rate against one device", "rangemode": "tozero"},
    )
    return figure


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Writes the page, whole or not at all."""
    figures = [figure for figure in (rates(found), scaling(found)) if figure is not None]
    parts = [
        figure.to_html(full_html=False, include_plotlyjs=i == 0, config={"displaylogo": False})
        for i, figure in enumerate(figures)
    ]
    title = f"regimax bench: {in_words(found['machine'])}"
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font-family:system-ui,sans-serif;max-width:960px;margin:2rem auto;padding:0 1rem}"
        "h1{font-size:1.3rem}</style></head>"
        f"<body><h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )
    disk.write(path, page.encode())
