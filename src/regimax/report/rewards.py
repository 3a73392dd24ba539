"""Rewards to the threshold against what is seen for each of them: the picture of wide senses and narrow pay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
import polars as pl

from regimax.channels import HUMAN
from regimax.report.marks import looks, reading
from regimax.report.quantities import quantity
from regimax.report.statistics import Estimate, median_time, times
from regimax.report.statistics._times import Tables

COLUMN = "observations_per_reward"


class _Together(NamedTuple):
    """Cells and curves of several runs, with the facts of the first: their threshold is one."""

    cells: pl.DataFrame
    curves: pl.DataFrame
    facts: Mapping[str, Any]


def rewards_against(
    runs: Sequence[Tables], arms: Sequence[str], *, floors: Mapping[str, float], bits: float, title: str = ""
) -> go.Figure:
    """Draws the median of rewards to the threshold against observations for each reward, both by their logarithms.

    A line is the Kaplan-Meier median over worlds and its band the 95 % interval of it; where an end of that is not
    known the band ends at the median. An arrow stands at what is known to be too little where fewer than half of the
    worlds got there, a hollow one where an arm gets there nowhere. Below the axis stand the bits that are seen for each
    bit of reward, at most one for each reward; its title has people's ratio, from :data:`regimax.channels.HUMAN`.

    Args:
      runs: what is drawn together, each with a column `observations_per_reward`.
      arms: regimes, those that never get there last; at each number those that there are.
      floors: rewards that nobody can do without, by name.
      bits: what an observation tells, at most.
      title: what is seen, in a sentence.

    Returns:
      the figure.
    """
    cells, curves = (
        pl.concat([getattr(run, name) for run in runs], how="diagonal_relaxed") for name in ("cells", "curves")
    )
    run = _Together(cells, curves, runs[0].facts)
    figure = go.Figure()
    numbers = sorted(run.cells[COLUMN].unique().to_list())
    medians = {arm: _medians(run, arm) for arm in arms}
    # Lines first, so that these are told apart best; who never gets there is but arrows.
    ordered = sorted(arms, key=lambda arm: all(e.value is None for e in medians[arm].values()))
    for arm, style, symbol in looks(ordered):
        found = medians[arm]
        known = {n: e for n, e in found.items() if e.value is not None}
        figure.add_scatter(
            x=[*known, *reversed(known)],
            y=[*(_end(e, e.high) for e in known.values()), *(_end(e, e.low) for e in reversed(known.values()))],
            fill="toself",
            fillcolor=style.light,
            opacity=0.18,
            mode="none",
            name=f"{arm}: 95 %",
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=list(known),
            y=[e.value for e in known.values()],
            name=arm,
            mode="lines+markers",
            line={"color": style.light, "dash": style.dash or "solid", "width": 2},
            marker={"color": style.light, "symbol": symbol, "size": 8},
            text=[reading(e) for e in known.values()],
            hovertemplate=f"<b>{arm}</b>, %{{x}}<br>%{{text}}<extra></extra>",
        )
        lost = {n: e for n, e in found.items() if e.value is None and e.low > 0}
        if lost:
            figure.add_scatter(
                x=list(lost),
                y=[e.low for e in lost.values()],
                name=f"{arm}: more than",
                mode="markers",
                marker={"color": style.light, "symbol": "arrow-up" if known else "arrow-up-open", "size": 12},
                text=[f"more than {quantity(e.low)} {e.unit}" for e in lost.values()],
                hovertemplate=f"<b>{arm}</b>, %{{x}}<br>%{{text}}<extra></extra>",
                showlegend=bool(not known),
            )
    for (name, least), dash in zip(floors.items(), ("dot", "dashdot", "dash"), strict=False):
        figure.add_scatter(
            x=[numbers[0], numbers[-1]],
            y=[least, least],
            name=name,
            mode="lines",
            line={"color": "#686f77", "dash": dash, "width": 1.5},
            hovertemplate=f"<b>{name}</b><br>%{{y:.3s}} rewards<extra></extra>",
        )
    ratio = {name: _power(getattr(HUMAN, name) / HUMAN.reward) for name in ("abstraction", "sensory")}
    people = f"people: abstraction about {ratio['abstraction']}, senses about {ratio['sensory']}"
    figure.update_layout(
        title_text=title or "Rewards to the threshold against observations for each reward",
        xaxis={
            "title": {"text": f"observations per reward; below, bits seen per bit of reward<br>({people})"},
            "type": "log",
            "tickvals": numbers,
            "ticktext": [f"{n:,}<br>{n * bits:,.0f}" for n in numbers],
        },
        yaxis={
            "title": {"text": "rewards delivered to the threshold, median"},
            "type": "log",
            "tickformat": "~s",
            "nticks": 6,
        },
        hovermode="closest",
    )
    return figure


def _medians(run: Tables, arm: str) -> dict[float, Estimate]:
    """The median of rewards by observations for each."""
    frame = times(run, arm, unit="rewards_delivered")
    return {n: median_time(frame.filter(frame[COLUMN] == n)) for n in sorted(frame[COLUMN].unique().to_list())}


def _end(e: Estimate, end: float) -> float | None:
    """An end of an interval, or where it cannot be drawn the value."""
    return end if math.isfinite(end) and end > 0 else e.value


def _power(ratio: float) -> str:
    """A ratio by its power of ten, as axes show it."""
    power = math.floor(math.log10(ratio))
    return f"{ratio / 10**power:.0f}·10<sup>{power}</sup>"
