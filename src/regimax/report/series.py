"""Learning curves as the page carries them: each line once, whatever the panels that show it, and short."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from regimax.report.figures import Panel

DIGITS = 7
"""Of an effort, counted from the largest of its line."""


def curves_data(panels: Sequence[Panel]) -> dict[str, Any]:
    """Returns `series`, every line's numbers, and `panels`: how each is drawn, without the numbers.

    `curves.js` puts both together again.

    Args:
      panels: of one run.
    """
    numbers: dict[int, int] = {}
    series: list[dict[str, Any]] = []
    drawn = []
    for panel in panels:
        for one in panel.series.values():
            if id(one) not in numbers:
                numbers[id(one)] = len(series)
                series.append(one._asdict() | {"x": {column: in_steps(x) for column, x in one.x.items()}})
        figure = panel.figure.to_plotly_json()
        drawn.append(
            {
                "setting": panel.setting,
                "data": [_bare(trace) for trace in figure["data"]],
                "layout": figure["layout"],
                "series": {regime: numbers[id(one)] for regime, one in panel.series.items()},
                "templates": panel.templates,
                "low": panel.low,
                "ranges": panel.ranges,
            }
        )
    return {"series": series, "panels": drawn}


def in_steps(values: Sequence[float | None]) -> dict[str, Any]:
    """Returns numbers as `steps` of one `unit` from each to the next: of what grows evenly these repeat, and pack well.

    Example:
      >>> in_steps([0.0, 1.5, 3.0, None])
      {'unit': 1e-06, 'steps': [0, 1500000, 1500000, None]}
    """
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    power = math.floor(math.log10(largest)) + 1 - DIGITS if largest else 0
    steps: list[int | None] = []
    last = 0
    for value in values:
        at = None if value is None else round(value / 10**power)
        steps.append(None if at is None else at - last)
        last = last if at is None else at
    return {"unit": float(f"1e{power}"), "steps": steps}


def _bare(trace: dict[str, Any]) -> dict[str, Any]:
    """A trace without what the page's script makes of the series; bars of pretraining keep their place."""
    made = {"x", "customdata", "hovertemplate"}
    if trace["meta"]["role"] != "pretraining":
        made |= {"y", "text"}
    return {name: value for name, value in trace.items() if name not in made}
