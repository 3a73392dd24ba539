"""Learning curves as small multiples: one plotly figure per setting, one line per regime."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
import polars as pl

from regimax.report.aggregate import learning_curves, pretraining
from regimax.report.canvas import canvas
from regimax.report.quantities import fraction, quantity


class Effort(NamedTuple):
    """A horizontal axis.

    Attributes:
      column: the column of the curves.
      label: what it is called in a list and in the title of the figure.
      axis: the axis title, with the unit.
      unit: the symbol that follows a number, empty for a count.
      noun: what follows the unit when a single value is read out.
    """

    column: str
    label: str
    axis: str
    unit: str
    noun: str


EFFORTS = (
    Effort("env_steps", "environment steps", "environment steps", "", " environment steps"),
    Effort("flops", "compute, pretraining included", "compute, pretraining included (FLOP)", "FLOP", ""),
    Effort("rewards_delivered", "rewards delivered", "rewards delivered", "", " rewards"),
    Effort("bits_reward", "reward bits", "reward received (bit)", "bit", " of reward"),
    Effort("bits_outcome", "outcome bits", "outcome evidence received (bit)", "bit", " of outcome evidence"),
    Effort(
        "bits_sensory",
        "sensory bits",
        "sensory input, pretraining included (bit)",
        "bit",
        " of sensory input",
    ),
    Effort("bits_decision", "decision bits", "decisions sent (bit)", "bit", " of decisions"),
)
"""Every horizontal axis that the page can offer, the default first."""


class Style(NamedTuple):
    """How a regime is drawn: a colour on white, one on black, and a dash pattern as SVG writes it."""

    light: str
    dark: str
    dash: str


# Okabe and Ito's palette, darkened where it is too pale for a line on white and lightened for a dark page.
# The order alternates dark and light, so neighbours differ in grey as well.
PALETTE = (
    ("#0072b2", "#5fb4e8"),
    ("#d55e00", "#ff8a3d"),
    ("#009e73", "#3ccfa4"),
    ("#b8679a", "#e6a0cb"),
    ("#1f2328", "#eef0f2"),
    ("#c98a00", "#f2bd45"),
    ("#3a9fd6", "#9bd6f7"),
)
_DASHES = ("", "7px,3px", "2px,2.5px", "9px,3px,2px,3px", "14px,4px", "4px,2px", "10px,3px,2px,3px,2px,3px")


def styles(regimes: Sequence[str]) -> dict[str, Style]:
    """Returns a style per regime by its place in the list: no two of the first 49 share both colour and dash."""
    found = {}
    for index, regime in enumerate(regimes):
        light, dark = PALETTE[index % len(PALETTE)]
        dash = _DASHES[(index + index // len(PALETTE)) % len(_DASHES)]
        found[regime] = Style(light, dark, dash)
    return found


class Panel(NamedTuple):
    """One setting's figure and what the controls need to change it.

    Attributes:
      setting: the label of the setting.
      figure: the figure on the first of the efforts. A line's trace says in `meta` how its points are marked.
      x: per effort column, one list of x values per trace of the figure, in its order.
      templates: per effort column, one hover template per trace (None where nothing is shown).
      low: per effort column, the lower end of the y axis, which leaves room for the pretraining bars; one for
        all panels.
      ranges: per effort column, the smallest positive and the largest x value; None where there is none.
    """

    setting: str
    figure: go.Figure
    x: dict[str, list[list[float | None]]]
    templates: dict[str, list[str | None]]
    low: dict[str, float]
    ranges: dict[str, tuple[float, float] | None]


MAX_POINTS = 300
"""Evaluations drawn per line; longer curves are thinned evenly, ends kept."""


def available(curves: pl.DataFrame) -> list[Effort]:
    """Returns the efforts that are not zero throughout the curves; environment steps if there is none."""
    found = []
    for effort in EFFORTS:
        if effort.column in curves.columns:
            largest = curves[effort.column].cast(pl.Float64).fill_nan(None).max()
            if isinstance(largest, float) and largest > 0:
                found.append(effort)
    return found or [EFFORTS[0]]


def panels(
    curves: pl.DataFrame,
    *,
    table: pl.DataFrame | None = None,
    regimes: Sequence[str],
    settings: Sequence[str],
    efforts: Sequence[Effort] | None = None,
) -> list[Panel]:
    """Draws success against effort, one panel per setting.

    A line is the median over seeds, its band the quartiles. A ring on a line marks where the first of its seeds
    stopped as solved, a disc where half of them have: there the line ends, since the median is no longer known (see
    :func:`regimax.report.learning_curves`), and it says how many of the seeds are solved. A bar below zero shows the
    effort that went into phases that cannot be evaluated, such as prediction, before the line starts.

    Args:
      curves: one row per cell and evaluation.
      table: one row per cell; says why curves end early.
      regimes: which regimes to draw, in the order of their styles.
      settings: which settings to draw, in order.
      efforts: the horizontal axes on offer, the default first; those of :func:`available` if None.

    Returns:
      one panel per setting, also where it has no evaluation yet.
    """
    efforts = list(efforts) if efforts is not None else available(curves)
    look = styles(regimes)
    lines = _split({e.column: learning_curves(curves, e.column, table=table) for e in efforts})
    offsets = {
        e.column: {(r, s): x for r, s, x in pretraining(curves, e.column).iter_rows() if x is not None and x > 0}
        for e in efforts
    }
    drawn = [_panel(setting, look, efforts, lines, offsets) for setting in settings]
    low = {e.column: min((panel.low[e.column] for panel in drawn), default=0.0) for e in efforts}
    for panel in drawn:
        panel.figure.update_yaxes(range=[low[efforts[0].column], 1.03])
    return [panel._replace(low=low) for panel in drawn]


_Lines = dict[str, dict[tuple[str, str], pl.DataFrame]]
_Offsets = dict[str, dict[tuple[str, str], float]]


def _split(frames: dict[str, pl.DataFrame]) -> _Lines:
    found: _Lines = {}
    for column, frame in frames.items():
        groups = frame.group_by(["regime", "setting"], maintain_order=True)
        found[column] = {(str(key[0]), str(key[1])): _thin(group) for key, group in groups}
    return found


def _thin(line: pl.DataFrame) -> pl.DataFrame:
    if line.height <= MAX_POINTS:
        return line
    keep = sorted({round(i * (line.height - 1) / (MAX_POINTS - 1)) for i in range(MAX_POINTS)})
    return line[keep]


def _panel(setting: str, look: dict[str, Style], efforts: list[Effort], lines: _Lines, offsets: _Offsets) -> Panel:
    first = efforts[0].column
    drawn = [regime for regime in look if (regime, setting) in lines[first]]
    bars = {e.column: [r for r in drawn if (r, setting) in offsets[e.column]] for e in efforts}
    barred = [regime for regime in drawn if any(regime in bars[e.column] for e in efforts)]
    ranges = {e.column: _range([lines[e.column][regime, setting]["effort"] for regime in drawn]) for e in efforts}

    traces: list[go.Scatter] = []
    x: dict[str, list[list[float | None]]] = {e.column: [] for e in efforts}
    templates: dict[str, list[str | None]] = {e.column: [] for e in efforts}
    for role, members in (("band", drawn), ("pretraining", barred), ("line", drawn)):
        for regime in members:
            for effort in efforts:
                line = lines[effort.column][regime, setting]
                offset = offsets[effort.column].get((regime, setting))
                at = ranges[effort.column]
                x[effort.column].append(_x(role, line, offset, at))
                templates[effort.column].append(_template(role, regime, effort))
            index = {name: i for i, name in enumerate(barred)}.get(regime, 0)
            traces.append(_trace(role, regime, look[regime], lines[first][regime, setting], index))
    for trace, values, template in zip(traces, x[first], templates[first], strict=True):
        trace.x = values
        trace.hovertemplate = template
        if template is not None:
            trace.customdata = [quantity(value, efforts[0].unit) for value in values]
    low = {e.column: _low(len(barred) if bars[e.column] else 0) for e in efforts}
    figure = go.Figure(data=traces, layout=_layout(efforts[0], low[first]))
    if not drawn:
        centre = {"x": 0.5, "y": 0.625, "xref": "paper", "yref": "y"}
        figure.add_annotation(text="no evaluation yet", showarrow=False, font={"size": 13}, **centre)
    return Panel(setting, figure, x, templates, low, ranges)


def _x(role: str, line: pl.DataFrame, offset: float | None, at: tuple[float, float] | None) -> list[float | None]:
    if role == "pretraining":
        return [None, None] if offset is None else [min(at[0], offset) if at else offset, offset]
    if role == "band":
        values = _numbers(_banded(line)["effort"])
        return values + values[::-1]
    return _numbers(line["effort"])


def _banded(line: pl.DataFrame) -> pl.DataFrame:
    """As far as both quartiles are known."""
    return line.filter(pl.col("q25").is_not_null(), pl.col("q75").is_not_null())


def _template(role: str, regime: str, effort: Effort) -> str | None:
    if role == "band":
        return None
    name = html.escape(regime).replace("%{", "%\u200b{")
    if role == "pretraining":
        return f"<b>{name}</b><br>%{{text}} %{{customdata}}{effort.noun}<extra></extra>"
    return f"<b>{name}</b> after %{{customdata}}{effort.noun}<br>%{{text}}<extra></extra>"


def _trace(role: str, regime: str, style: Style, line: pl.DataFrame, index: int) -> go.Scatter:
    common: dict[str, Any] = {"name": regime, "showlegend": False, "meta": {"regime": regime, "role": role}}
    if role == "band":
        return go.Scatter(
            y=_numbers(_banded(line)["q75"]) + _numbers(_banded(line)["q25"])[::-1],
            mode="lines",
            line={"width": 0, "color": style.light},
            fill="toself",
            fillcolor=_faint(style.light),
            hoverinfo="skip",
            **common,
        )
    if role == "pretraining":
        return go.Scatter(
            y=[_bar(index)] * 2,
            mode="lines",
            line={"width": 3, "color": style.light, "dash": style.dash or "solid"},
            text=["pretraining, from", "pretraining ends after"],
            cliponaxis=False,
            **common,
        )
    marks = common["meta"]["marks"] = _marks(line)
    return go.Scatter(
        y=_numbers(line["median"]),
        mode="lines+markers",
        line={"width": 2, "color": style.light, "dash": style.dash or "solid"},
        marker={
            "size": [SIZES[mark] for mark in marks],
            "color": [style.light if mark == "end" else "#ffffff" for mark in marks],
            "line": {"width": 1.8, "color": style.light},
            "opacity": 1,
        },
        text=[_reading(row) for row in line.iter_rows(named=True)],
        **common,
    )


SIZES = {"": 0, "point": 7, "first": 8, "end": 10}
"""Size of each mark of a line, pixels."""


def _marks(line: pl.DataFrame) -> list[str]:
    """What each point of a line is marked as.

    ``first``, where the first seed stopped as solved; ``end``, where the line ends because half of them have; and
    ``point``, a line of one point, which is invisible otherwise.
    """
    solved, last = line["solved"].to_list(), line.height - 1
    first = next((i for i, count in enumerate(solved) if count), None)
    marks = ["point" if last == 0 else ""] * line.height
    if first is not None:
        marks[first] = "first"
        if 2 * solved[last] >= line["seeds"][last]:
            marks[last] = "end"
    return marks


def _reading(row: dict[str, Any]) -> str:
    low, high = ("solved" if row[name] is None else fraction(row[name]) for name in ("q25", "q75"))
    lines = [f"success {fraction(row['median'])} (quartiles {low} to {high})"]
    lines.append(f"{row['n']} of {row['seeds']} seeds measured")
    if row["solved"]:
        lines.append(f"{row['solved']} of {row['seeds']} stopped as solved")
    if row["diverged"]:
        lines.append(f"{row['diverged']} diverged before")
    return "<br>".join(lines)


def _bar(index: int) -> float:
    return -0.055 - 0.035 * index


def _low(bars: int) -> float:
    return -0.03 if bars == 0 else _bar(bars - 1) - 0.03


def _range(columns: list[pl.Series]) -> tuple[float, float] | None:
    values = [v for column in columns for v in column.to_list() if v is not None and v > 0]
    return (min(values), max(values)) if values else None


def _numbers(column: pl.Series) -> list[float | None]:
    return [None if v is None or not math.isfinite(v) else float(f"{v:.6g}") for v in column.to_list()]


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.13)"


def _layout(effort: Effort, low: float) -> go.Layout:
    return canvas(
        {"title": effort.axis, "tickformat": "~s", "nticks": 6, "rangemode": "tozero"},
        {
            "title": "success",
            "range": [low, 1.03],
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "ticktext": ["0", "", "0.5", "", "1"],
        },
    )
