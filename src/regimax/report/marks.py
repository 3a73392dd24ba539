"""Estimates as marks with error bars, joined by a line: what the figures of claims share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from regimax.report.figures import Style, styles
from regimax.report.quantities import quantity
from regimax.report.statistics import Estimate

SYMBOLS = ("circle", "square", "diamond", "cross", "x", "pentagon", "star")


def looks(names: Iterable[str]) -> list[tuple[str, Style, str]]:
    """Returns each name with its style and the symbol of its marks."""
    found = styles(list(names))
    return [(name, style, symbol) for (name, style), symbol in zip(found.items(), itertools.cycle(SYMBOLS))]


def add_marks(
    figure: go.Figure, name: str, style: Style, symbol: str, x: Sequence[float], found: Sequence[Estimate], **more
) -> None:
    """Adds a line with a mark at every estimate; an end of an interval that is not known is not drawn.

    Where an interval is known and no value, the mark stands in its middle and is open.

    Args:
      figure: to add to.
      name: of the line.
      style: of the line.
      symbol: of its marks.
      x: where the estimates stand.
      found: the estimates; one without a value or an interval leaves a gap.
      **more: of plotly's scatter, such as `text` and `hovertemplate`.
    """
    middles = [_middle(e) for e in found]
    symbols = [symbol if e.value is not None else f"{symbol}-open" for e in found]
    figure.add_scatter(
        x=x,
        y=middles,
        name=name,
        mode="lines+markers",
        line={"color": style.light, "dash": style.dash or "solid", "width": 2},
        marker={"color": style.light, "symbol": symbols, "size": 8},
        error_y={
            "type": "data",
            "array": [_reach(e.high, y) for e, y in zip(found, middles, strict=True)],
            "arrayminus": [_reach(y, e.low) for e, y in zip(found, middles, strict=True)],
            "thickness": 1.4,
            "width": 4,
            "color": style.light,
        },
        **more,
    )


def reading(e: Estimate) -> str:
    """Returns an effort as it is read out where it is pointed at."""
    if e.value is None:
        return f"more than {quantity(e.low)} {e.unit}"
    high = quantity(e.high) if math.isfinite(e.high) else "∞"
    return f"{quantity(e.value)} {e.unit} ({quantity(e.low)} to {high}), {e.worlds} worlds"


def _middle(e: Estimate) -> float | None:
    """Returns where an estimate is drawn: its value, or the middle of its interval."""
    if e.value is not None:
        return e.value
    return (e.low + e.high) / 2 if math.isfinite(e.high - e.low) else None


def _reach(upper: float | None, lower: float | None) -> float:
    """Length of an error bar; nothing where an end is not known."""
    if upper is None or lower is None or not math.isfinite(upper - lower):
        return 0.0
    return upper - lower
