"""The delay ladder: what an arm saves against how long an outcome is under way, on a simulated clock."""

from __future__ import annotations

import math
from collections.abc import Mapping

import plotly.graph_objects as go

from regimax.report.marks import add_marks, looks
from regimax.report.quantities import duration
from regimax.report.statistics import Estimate, ln_ratio, times
from regimax.report.statistics._times import Tables
from regimax.report.statistics.estimate import exp

RUNGS = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36_000.0, 86_400.0, 864_000.0)
"""Where the clock is read, s."""


def delay_ladder(
    run: Tables,
    column: str,
    gains: Mapping[str, tuple[str, str]],
    *,
    seconds: float,
    unit: str = "env_steps",
    measure: str = "success",
    threshold: float | None = None,
    consecutive: int | None = None,
    title: str = "",
) -> go.Figure:
    """Draws how many times less effort one arm needs than another, against the delay, on logarithmic axes.

    A mark is exp of the median over worlds of ln T_without - ln T_with, with its 95 % interval, of which an end that is
    not known is not drawn; 1 is no gain. Where budgets hide the median, a triangle stands at what the gain is known to
    exceed, or not to exceed.

    Args:
      run: the run.
      column: of the cells: decisions from the first that counts to the arrival of the outcome, above 0.
      gains: by name, the arm without and the arm with what is gained from.
      seconds: of a decision, on the simulated clock.
      unit: of effort, as of :func:`regimax.report.statistics.times`.
      measure: as there.
      threshold: as there.
      consecutive: as there.
      title: what is seen, in a sentence.

    Returns:
      the figure; its horizontal axis is in seconds, read in seconds, minutes, hours and days.
    """
    asked = {"unit": unit, "measure": measure, "threshold": threshold, "consecutive": consecutive}
    figure = go.Figure()
    delays = sorted(run.cells[column].unique().to_list())
    clock = [delay * seconds for delay in delays]
    for name, style, symbol in looks(gains):
        found = []
        for delay in delays:
            without, with_it = (times(run, arm, where={column: delay}, **asked) for arm in gains[name])
            found.append(ln_ratio(without, with_it).through(exp, "times less"))
        add_marks(
            figure,
            name,
            style,
            symbol,
            clock,
            # A ratio that nothing bounds from below ends at 0, and has no middle.
            [e if e.low > 0 or e.value is not None else e._replace(low=-math.inf) for e in found],
            text=[
                f"{duration(at)}, {delay:,} decisions<br>{e.text()}"
                for at, delay, e in zip(clock, delays, found, strict=True)
            ],
            hovertemplate=f"<b>{name}</b>, %{{text}}<extra></extra>",
        )
        bounds = [(at, *bound) for at, e in zip(clock, found, strict=True) for bound in _bounds(e)]
        if bounds:
            figure.add_scatter(
                x=[at for at, *_ in bounds],
                y=[end for _, end, *_ in bounds],
                name=f"{name}: bounds",
                mode="markers",
                marker={"color": style.light, "symbol": [mark for *_, mark in bounds], "size": 12},
                text=[f"{'more' if mark == 'triangle-up' else 'less'} than {end:.3g}" for _, end, mark in bounds],
                hovertemplate=f"<b>{name}</b>, %{{text}}<extra></extra>",
                showlegend=False,
            )
    figure.add_hline(y=1.0, line={"color": "#686f77", "dash": "dot", "width": 1.5})
    low, high = clock[0] / 2, clock[-1] * 2
    rungs = [rung for rung in RUNGS if low <= rung <= high]
    figure.update_layout(
        title_text=title or f"What is saved against {column}",
        xaxis={
            "title": {"text": "from the first decision to its outcome, on the simulated clock"},
            "type": "log",
            "range": [math.log10(low), math.log10(high)],
            "tickvals": rungs,
            "ticktext": [duration(rung) if rung >= 0.1 else f"{rung:g}\u00a0s" for rung in rungs],
        },
        yaxis={"title": {"text": "effort without ÷ effort with, median"}, "type": "log"},
        hovermode="closest",
    )
    return figure


def _bounds(e: Estimate) -> list[tuple[float, str]]:
    """The end of an estimate without a value that is known alone, and how it is marked."""
    if e.value is not None or (e.low > 0) == math.isfinite(e.high):
        return []
    return [(e.low, "triangle-up") if e.low > 0 else (e.high, "triangle-down")]
