"""A phase diagram, drawn: where one arm needs less effort than another, and the line where that turns."""

from __future__ import annotations

import math

import plotly.graph_objects as go
import polars as pl

from regimax.report.figures import PALETTE
from regimax.report.statistics import PhaseDiagram

SYMBOLS = {"both solve": "circle", "a only": "triangle-up", "b only": "triangle-down", "both fail": "x"}
"""Of a point, by which arms get there; shapes, so that they need no colour."""
LINE = PALETTE[1][0]
GREY = "#686f77"
INK = PALETTE[4][0]
TASKS = {1: "dot", 10: "dash", 100: "longdash", 1000: "solid"}
"""Numbers of tasks of which the contours are drawn, and their dashes."""


def phase_map(
    diagram: PhaseDiagram,
    *,
    tasks: pl.DataFrame | None = None,
    names: tuple[str, str] = ("a", "b"),
    title: str = "",
    x_axis: str = "",
    y_axis: str = "",
) -> go.Figure:
    """Draws what :func:`regimax.report.statistics.phase_diagram` found, on logarithmic axes.

    A point's shape says which arms get there in half of the cells, its colour and number P(T_a < T_b); a ring around
    it that a hurts. The line is where P crosses ½ at each y, its band that of the bootstrap over worlds. An end of the
    band that lies beyond the points is drawn to the edge of the figure, and so is the band where no crossing was found.

    Of break-even tasks the contours of 1, 10, 100 and 1,000 are drawn, by logarithms between points. Where budgets
    hide the number, what is known to be enough counts. Where it never pays, or nothing is known, it lies beyond.

    Args:
      diagram: points and boundary.
      tasks: of :func:`regimax.report.statistics.break_even_map`, at the same points; no contours when not given.
      names: of a and of b, for the legend.
      title: what is seen, in a sentence.
      x_axis: what exp(x) is called.
      y_axis: what exp(y) is called.

    Returns:
      the figure: contours, the band, the line, one trace of points per shape, and the rings.
    """
    xs, ys = (diagram.points[name].exp().unique().sort().to_list() for name in ("x", "y"))
    left, right = xs[0] / _room(xs), xs[-1] * _room(xs)
    figure, boundary = go.Figure(), diagram.boundary.sort("y")
    if tasks is not None:
        _add_contours(figure, tasks)

    def placed(end: float) -> float:
        return left if end < math.log(left) else right if end > math.log(right) else math.exp(end)

    at = boundary["y"].exp().to_list()
    low, high = ([placed(end) for end in boundary[name].to_list()] for name in ("low", "high"))
    figure.add_scatter(
        x=low + high[::-1],
        y=at + at[::-1],
        name="95 % band",
        mode="lines",
        line={"width": 0, "color": LINE},
        fill="toself",
        fillcolor=f"rgba({','.join(str(int(LINE[i : i + 2], 16)) for i in (1, 3, 5))},0.18)",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[None if x is None else math.exp(x) for x in boundary["x"].to_list()],
        y=at,
        name="P = ½",
        mode="lines+markers",
        connectgaps=False,
        line={"color": LINE, "width": 2.5},
        marker={"symbol": "line-ns", "size": 10, "line": {"width": 2.5, "color": LINE}},
        text=[_band(*row) for row in boundary.select("low", "high").iter_rows()],
        hovertemplate="<b>P = ½</b> at %{x:.3g}<br>%{text}<extra></extra>",
    )
    words = {"both solve": "both solve", "a only": f"{names[0]} only", "b only": f"{names[1]} only"}
    for mark, symbol in SYMBOLS.items():
        here = diagram.points.filter(pl.col("mark") == mark)
        if here.is_empty():
            continue
        name = words.get(mark, mark)
        # A mark for the legend alone, which cannot show a colour that is a number.
        grey = {"symbol": symbol, "size": 16, "color": GREY}
        figure.add_scatter(x=[None], y=[None], name=name, legendgroup=name, mode="markers", marker=grey)
        coloured = {"symbol": symbol, "size": 16, "coloraxis": "coloraxis", "line": {"width": 1, "color": GREY}}
        for there, marker in (
            (here.filter(pl.col("p").is_not_null()), coloured),
            (here.filter(pl.col("p").is_null()), grey),
        ):
            if there.is_empty():
                continue
            figure.add_scatter(
                x=there["x"].exp().to_list(),
                y=there["y"].exp().to_list(),
                name=name,
                legendgroup=name,
                showlegend=False,
                mode="markers+text",
                text=["?" if p is None else f"{p:.2f}" for p in there["p"].to_list()],
                textposition="middle right",
                cliponaxis=False,
                marker=marker if marker is grey else marker | {"color": there["p"].to_list()},
                customdata=[_reading(row) for row in there.iter_rows(named=True)],
                hovertemplate="<b>%{x:.3g}, %{y:.3g}</b>: %{customdata}<extra></extra>",
            )
    hurt = diagram.points.filter("hurts")
    if not hurt.is_empty():
        figure.add_scatter(
            x=hurt["x"].exp().to_list(),
            y=hurt["y"].exp().to_list(),
            name=f"worse {names[0]}",
            mode="markers",
            marker={"symbol": "circle-open", "size": 26, "color": LINE, "line": {"width": 2}},
            hoverinfo="skip",
        )
    return figure.update_layout(
        title_text=title or "Where one arm needs less effort than another",
        xaxis={"title": {"text": x_axis}, "type": "log", "tickvals": xs, "ticktext": [f"{x:g}" for x in _neat(xs)]}
        | {"range": [math.log10(left), math.log10(right)]},
        yaxis={"title": {"text": y_axis}, "type": "log", "tickvals": ys, "ticktext": [f"{y:g}" for y in _neat(ys)]}
        | {"range": [math.log10(ys[0] / _room(ys)), math.log10(ys[-1] * _room(ys))]},
        coloraxis={"colorscale": "Cividis", "cmin": 0, "cmax": 1, "colorbar": {"title": {"text": "P"}}},
        hovermode="closest",
    )


def _add_contours(figure: go.Figure, tasks: pl.DataFrame) -> None:
    """Adds a line for each number of tasks from which on it pays somewhere, and somewhere it does not."""
    x, y = (tasks[name].unique().sort().to_list() for name in ("x", "y"))
    found = {(row["x"], row["y"]): max(row["enough"], 1e-3) for row in tasks.iter_rows(named=True)}
    heights = [[math.log10(found.get((px, py), math.inf)) for px in x] for py in y]
    most = max((z for line in heights for z in line if math.isfinite(z)), default=0.0)
    # What never pays is put a little beyond the largest number, so that a contour ends up next to what does.
    drawn = [[z if math.isfinite(z) else most + 1.0 for z in line] for line in heights]
    for number, dash in TASKS.items():
        level = math.log10(number)
        if not any(z <= level for line in drawn for z in line) or all(z <= level for line in drawn for z in line):
            continue
        figure.add_contour(
            x=[math.exp(value) for value in x],
            y=[math.exp(value) for value in y],
            z=drawn,
            name=f"pays from {number:,} task{'' if number == 1 else 's'} on",
            contours={"start": level, "end": level, "size": 1, "coloring": "none"},
            line={"color": INK, "dash": dash, "width": 1.8},
            showscale=False,
            showlegend=True,
            hoverinfo="skip",
        )


def _room(values: list[float]) -> float:
    """A factor of room beside the outermost values of a logarithmic axis."""
    return (values[-1] / values[0]) ** 0.15 if len(values) > 1 else 1.5


def _neat(values: list[float]) -> list[float]:
    """Without what a logarithm and back leave behind."""
    return [float(f"{value:.6g}") for value in values]


def _band(low: float, high: float) -> str:
    ends = ["beyond the points" if not math.isfinite(end) else f"{math.exp(end):.3g}" for end in (low, high)]
    return f"band from {ends[0]} to {ends[1]}"


def _reading(row: dict) -> str:
    known = (
        "not known who is first" if row["p"] is None else f"P = {row['p']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
    )
    return f"{known}, {row['known']} of {row['worlds']} worlds; solved {row['solved_a']:.0%} and {row['solved_b']:.0%}"
