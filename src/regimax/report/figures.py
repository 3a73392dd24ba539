"""Learning curves as small multiples: one plotly figure per setting, one line per regime."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence, Set
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


class Series(NamedTuple):
    """What one line shows: a regime at a setting, `[n]` evaluations.

    Attributes:
      regime: its name.
      setting: the label of its setting.
      x: per effort column, `[n]` the effort at each evaluation, median over the seeds measured there.
      median: `[n]` of success over seeds.
      q25: `[n]` lower quartile, None where it is not known.
      q75: `[n]` upper quartile, None where it is not known.
      n: `[n]` seeds measured there.
      solved: `[n]` seeds that have stopped as solved by there.
      diverged: `[n]` seeds that diverged before.
      seeds: how many there are.
      before: per effort column, what was spent before the first evaluation, where that is anything.
    """

    regime: str
    setting: str
    x: dict[str, list[float | None]]
    median: list[float | None]
    q25: list[float | None]
    q75: list[float | None]
    n: list[int]
    solved: list[int]
    diverged: list[int]
    seeds: int
    before: dict[str, float]


class Panel(NamedTuple):
    """One setting's figure and what the controls need to change it.

    Attributes:
      setting: the label of the setting.
      figure: the figure on the first of the efforts. A trace says in `meta` its regime and its role: `band`,
        `pretraining` or `line`, of which also how its points are marked.
      series: by regime, what is drawn.
      templates: per effort column, one hover template per trace (None where nothing is shown).
      low: per effort column, the lower end of the y axis, which leaves room for the pretraining bars; one for
        all panels.
      ranges: per effort column, the smallest positive and the largest x value; None where there is none.
    """

    setting: str
    figure: go.Figure
    series: dict[str, Series]
    templates: dict[str, list[str | None]]
    low: dict[str, float]
    ranges: dict[str, tuple[float, float] | None]


MAX_POINTS = 300
"""Evaluations drawn per line; longer curves are thinned evenly, ends kept."""
ALL_POINTS = 12_000
"""Evaluations drawn of all lines together, as far as that leaves each `MIN_POINTS`."""
MIN_POINTS = 24


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
    members: Mapping[str, Mapping[str, str]] | None = None,
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
      members: by setting and regime, the setting of the cells that are drawn there, as of
        :func:`regimax.report.facets.panel_settings`; those of the setting itself if None.

    Returns:
      one panel per setting, also where it has no evaluation yet.
    """
    efforts = list(efforts) if efforts is not None else available(curves)
    look = styles(regimes)
    of = {s: dict.fromkeys(look, s) if members is None else members.get(s, {}) for s in settings}
    known = _series(curves, table, efforts, {key for several in of.values() for key in several.items()})
    drawn = []
    for setting in settings:
        keys = ((regime, of[setting].get(regime)) for regime in look)
        here = {key[0]: known[key] for key in keys if key in known}
        drawn.append(_panel(setting, look, efforts, here))
    low = {e.column: min((panel.low[e.column] for panel in drawn), default=0.0) for e in efforts}
    for panel in drawn:
        panel.figure.update_yaxes(range=[low[efforts[0].column], 1.03])
    return [panel._replace(low=low) for panel in drawn]


def _series(
    curves: pl.DataFrame, table: pl.DataFrame | None, efforts: Sequence[Effort], keys: Set[tuple[str, str]]
) -> dict[tuple[str, str | None], Series]:
    """What is drawn of these regimes and settings, as far as there is anything."""
    groups: dict[tuple[str, str], dict[str, pl.DataFrame]] = {}
    for effort in efforts:
        frame = learning_curves(curves, effort.column, table=table)
        for (regime, setting), line in frame.group_by(["regime", "setting"], maintain_order=True):
            if (key := (str(regime), str(setting))) in keys:
                groups.setdefault(key, {})[effort.column] = line
    points = max(MIN_POINTS, min(MAX_POINTS, ALL_POINTS // max(len(groups), 1)))
    before: dict[tuple[str, str], dict[str, float]] = {}
    for effort in efforts:
        for regime, setting, x in pretraining(curves, effort.column).iter_rows():
            if x is not None and x > 0:
                before.setdefault((regime, setting), {})[effort.column] = x
    found: dict[tuple[str, str | None], Series] = {}
    for key, whole in groups.items():
        lines = {column: _thin(line, points) for column, line in whole.items()}
        line = lines[efforts[0].column]
        found[key] = Series(
            regime=key[0],
            setting=key[1],
            x={column: _numbers(one["effort"]) for column, one in lines.items()},
            median=_numbers(line["median"]),
            q25=_numbers(line["q25"]),
            q75=_numbers(line["q75"]),
            n=line["n"].to_list(),
            solved=line["solved"].to_list(),
            diverged=line["diverged"].to_list(),
            seeds=line["seeds"][0],
            before=before.get(key, {}),
        )
    return found


def _thin(line: pl.DataFrame, points: int) -> pl.DataFrame:
    """As many rows at most; also the first at which a seed is solved, which has a mark."""
    if line.height <= points:
        return line
    keep = {round(i * (line.height - 1) / (points - 1)) for i in range(points)}
    marked = line["solved"].to_numpy().nonzero()[0][:1]
    keep = sorted({*keep, *map(int, marked)})
    return line[keep]


def _panel(setting: str, look: dict[str, Style], efforts: list[Effort], series: dict[str, Series]) -> Panel:
    first = efforts[0]
    bars = {e.column: [r for r, one in series.items() if e.column in one.before] for e in efforts}
    barred = [regime for regime in series if any(regime in bars[e.column] for e in efforts)]
    ranges = {e.column: _range([one.x[e.column] for one in series.values()]) for e in efforts}

    traces: list[go.Scatter] = []
    templates: dict[str, list[str | None]] = {e.column: [] for e in efforts}
    for role, drawn in (("band", list(series)), ("pretraining", barred), ("line", list(series))):
        for regime in drawn:
            for effort in efforts:
                templates[effort.column].append(_template(role, regime, effort))
            index = {name: i for i, name in enumerate(barred)}.get(regime, 0)
            trace = _trace(role, look[regime], series[regime], index)
            trace.x = _x(role, series[regime], first.column, ranges[first.column])
            trace.hovertemplate = templates[first.column][-1]
            if role != "band":
                trace.customdata = [quantity(value, first.unit) for value in trace.x]
            traces.append(trace)
    low = {e.column: _low(len(barred) if bars[e.column] else 0) for e in efforts}
    figure = go.Figure(data=traces, layout=_layout(first, low[first.column]))
    if not series:
        centre = {"x": 0.5, "y": 0.625, "xref": "paper", "yref": "y"}
        figure.add_annotation(text="no evaluation yet", showarrow=False, font={"size": 13}, **centre)
    return Panel(setting, figure, series, templates, low, ranges)


# The page's script has the same for the other efforts: x of a trace in curves.js.
def _x(role: str, series: Series, effort: str, at: tuple[float, float] | None) -> list[float | None]:
    if role == "pretraining":
        offset = series.before.get(effort)
        return [None, None] if offset is None else [min(at[0], offset) if at else offset, offset]
    if role == "band":
        values = [series.x[effort][i] for i in _banded(series)]
        return values + values[::-1]
    return series.x[effort]


def _banded(series: Series) -> list[int]:
    """Where both quartiles are known."""
    ends = zip(series.q25, series.q75, strict=True)
    return [i for i, (low, high) in enumerate(ends) if low is not None and high is not None]


def _template(role: str, regime: str, effort: Effort) -> str | None:
    if role == "band":
        return None
    name = html.escape(regime).replace("%{", "%\u200b{")
    if role == "pretraining":
        return f"<b>{name}</b><br>%{{text}} %{{customdata}}{effort.noun}<extra></extra>"
    return f"<b>{name}</b> after %{{customdata}}{effort.noun}<br>%{{text}}<extra></extra>"


def _trace(role: str, style: Style, series: Series, index: int) -> go.Scatter:
    common: dict[str, Any] = {"name": series.regime, "showlegend": False}
    common["meta"] = {"regime": series.regime, "role": role}
    if role == "band":
        known = _banded(series)
        return go.Scatter(
            y=[series.q75[i] for i in known] + [series.q25[i] for i in reversed(known)],
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
    marks = _marks(series)
    common["meta"] = {"regime": series.regime, "role": role, "marks": marks}
    return go.Scatter(
        y=series.median,
        mode="lines+markers",
        line={"width": 2, "color": style.light, "dash": style.dash or "solid"},
        marker={
            "size": [SIZES[mark] for mark in marks],
            "color": [style.light if mark == "end" else "#ffffff" for mark in marks],
            "line": {"width": 1.8, "color": style.light},
            "opacity": 1,
        },
        text=[_reading(series, i) for i in range(len(series.median))],
        **common,
    )


SIZES = {"": 0, "point": 7, "first": 8, "end": 10}
"""Size of each mark of a line, pixels."""


def _marks(series: Series) -> list[str]:
    """What each point of a line is marked as.

    ``first``, where the first seed stopped as solved; ``end``, where the line ends because half of them have; and
    ``point``, a line of one point, which is invisible otherwise.
    """
    solved, points = series.solved, len(series.median)
    first = next((i for i, count in enumerate(solved) if count), None)
    marks = ["point" if points == 1 else ""] * points
    if first is not None:
        marks[first] = "first"
        if 2 * solved[-1] >= series.seeds:
            marks[-1] = "end"
    return marks


# The page's script has the same: reading() in curves.js.
def _reading(series: Series, i: int) -> str:
    low, high = ("solved" if q[i] is None else fraction(q[i]) for q in (series.q25, series.q75))
    lines = [f"success {fraction(series.median[i])} (quartiles {low} to {high})"]
    lines.append(f"{series.n[i]} of {series.seeds} seeds measured")
    if series.solved[i]:
        lines.append(f"{series.solved[i]} of {series.seeds} stopped as solved")
    if series.diverged[i]:
        lines.append(f"{series.diverged[i]} diverged before")
    return "<br>".join(lines)


def _bar(index: int) -> float:
    return -0.055 - 0.035 * index


def _low(bars: int) -> float:
    return -0.03 if bars == 0 else _bar(bars - 1) - 0.03


def _range(columns: list[list[float | None]]) -> tuple[float, float] | None:
    values = [v for column in columns for v in column if v is not None and v > 0]
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
