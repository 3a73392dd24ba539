"""One self-contained HTML page of a run. It opens offline and asks the network for nothing."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
from collections.abc import Mapping
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import polars as pl

from regimax.report import sections
from regimax.report.aggregate import summary
from regimax.report.canvas import Drawing, canvas
from regimax.report.compared import MAX_FACETS, compared, first
from regimax.report.facets import panel_settings, together
from regimax.report.figures import Panel, available, panels, styles
from regimax.report.marks import SYMBOLS
from regimax.report.packed import packed, plotly
from regimax.report.probed import probe_drawings
from regimax.report.series import curves_data
from regimax.report.split import compute_split
from regimax.sweep import disk

MAX_PANELS = 48
"""Settings whose curves are drawn; the tables hold all of them."""
MAX_BYTES = 2_000_000
"""Size of the page: cells travel with it as far as they fit; `regimax table` prints all of them."""
HELD_ROWS = 40
"""Rows of the summary that stand in the page as they are; all others travel packed, since they are long."""
SHOWN_CELLS = 500
"""Rows of the per-cell table that are on screen at once."""


MAX_PROBES = 36
"""Drawings of what probes measured."""


def render(
    meta: Mapping[str, Any],
    table: pl.DataFrame,
    curves: pl.DataFrame,
    probes: pl.DataFrame | None = None,
    refresh: int | None = None,
) -> str:
    """Renders the report of a run, finished or not.

    Args:
      meta: `name`, `question`, `axes` (dotted names), `regimes` (in order), `seeds`, `command`, `device`,
        `versions` (name to version), `started` (ISO 8601), `seconds` (or None); and `environments`, where there were
        several, see :mod:`regimax.sweep.environment`; `threshold` and `consecutive`, what counts as solved.
      table: one row per cell, as `regimax table` prints it, with `setting` and `status`; pending cells hold
        nulls.
      curves: one row per cell and evaluation, effort cumulative along the cell's path.
      probes: one row per cell and measurement by its probes, in the same form; None where there are none.
      refresh: seconds after which a browser loads the page anew; never when None.

    Returns:
      the HTML document. It holds its own script and styles, and a content policy that forbids every request.
    """
    found = table["regime"].unique(maintain_order=True).to_list()
    regimes = list(dict.fromkeys([*meta["regimes"], *found]))
    settings = table["setting"].unique(maintain_order=True).to_list()
    look = styles(regimes)
    groups = summary(table)
    efforts = available(curves)
    members = panel_settings(table, meta["axes"])
    drawn = list(members)[:MAX_PANELS] if _evaluated(curves) else []
    figures: list[Panel] = []
    if drawn:
        figures = panels(curves, table=table, regimes=regimes, settings=drawn, efforts=efforts, members=members)
    parts = compute_split(table, regimes)
    measured = [] if probes is None else probe_drawings(probes, table, regimes, members)
    held = measured[:MAX_PROBES]
    choices = compared(table, meta["axes"])
    rows = sections.summary_rows(groups, look)
    data = {
        "file": re.sub(r"[^A-Za-z0-9._-]+", "-", str(meta["name"])).strip("-.") or "regimax",
        "shown": SHOWN_CELLS,
        "threshold": meta.get("threshold"),
        "styles": {
            name: {**style._asdict(), "symbol": symbol}
            for (name, style), symbol in zip(look.items(), itertools.cycle(SYMBOLS))
        },
        "efforts": [effort._asdict() for effort in efforts] if drawn else [],
        **curves_data(figures),
        "compared": {
            "axes": choices.axes,
            "measures": [measure._asdict() for measure in choices.measures],
            "groups": choices.groups,
            "first": first(choices),
            "panels": MAX_FACETS,
            "layout": canvas({"title": "", "automargin": True}, {"title": "", "automargin": True}).to_plotly_json(),
        },
        "drawings": ([] if parts is None else [_drawing("split-plot", parts)])
        + [_drawing(f"probe-{i}", one) for i, one in enumerate(held)],
        "summary": _columns(groups),
        "rows": "".join(rows[HELD_ROWS:]),
    }

    def page(cells: int) -> str:
        return Template(asset("page.html")).substitute(
            title=escape(str(meta["name"])),
            refresh="" if refresh is None else f'<meta http-equiv="refresh" content="{refresh}">\n',
            question=escape(str(meta["question"])),
            answer=sections.answer(together(groups, members), meta),
            rule=sections.rule(meta),
            css=asset("page.css"),
            notice=sections.notice(table, meta.get("environments", [])),
            facts=sections.facts(meta, table, len(regimes), len(settings)),
            provenance=sections.provenance(meta),
            curves=sections.curves(table, look, efforts, len(members), drawn, meta),
            compared=sections.compared(choices, look, table),
            summary=sections.summary_table(rows[:HELD_ROWS], len(rows), meta),
            paired=sections.paired_table(together(table, members), regimes),
            split=sections.split(parts),
            probes=sections.probes(held, len(measured), look),
            cells_title="The one cell" if table.height == 1 else f"All {table.height:,} cells",
            cells_note=sections.cells_note(table.height, cells),
            data=packed(as_json({**data, "cells": _columns(table.head(cells))})),
            plotly=plotly(),
            unpack=asset("unpack.js"),
            script="\n".join(asset(name) for name in SCRIPTS),
        )

    cells, html = table.height, page(table.height)
    while cells and (over := len(html.encode()) - MAX_BYTES) > 0:
        # What is over goes by what a cell takes, and a little more: cells are not of one length.
        each = len(packed(as_json(_columns(table.head(cells))))) / cells
        cells = max(0, min(cells - 1, cells - math.ceil(1.05 * over / each)))
        html = page(cells)
    return html


SCRIPTS = ("shared.js", "hash.js", "curves.js", "compared.js", "drawings.js", "tables.js", "page.js")


def write(path: str | os.PathLike[str], html: str) -> None:
    """Writes a page whole or not at all: a temporary file beside it, synced, then renamed over it.

    Args:
      path: where the page goes; its folder must exist.
      html: the document.

    Raises:
      OSError: if the folder does not exist or cannot be written to; what stood at `path` is then untouched.
    """
    disk.write(Path(path), html.encode(), shared=True)


def asset(name: str) -> str:
    """Returns the text of a file beside this one."""
    return resources.files("regimax.report").joinpath(name).read_text(encoding="utf-8").rstrip("\n")


def _evaluated(curves: pl.DataFrame) -> bool:
    """Whether any success was measured."""
    return "success" in curves.columns and bool(curves["success"].cast(pl.Float64).is_finite().any())


def _drawing(place: str, drawing: Drawing) -> dict[str, Any]:
    drawn = drawing.figure.to_plotly_json()
    return {"id": place, "data": drawn["data"], "layout": drawn["layout"]}


def as_json(value: Any) -> str:
    """JSON that may stand inside a script element: no "<" can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _columns(frame: pl.DataFrame) -> dict[str, Any]:
    """A frame as column names, how to print each, and rows; NaN and infinity become null."""

    def plain(value: Any) -> Any:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    kinds = [{"name": name, "kind": _kind(name, dtype)} for name, dtype in frame.schema.items()]
    return {"columns": kinds, "rows": [[plain(value) for value in row] for row in frame.iter_rows()]}


def _kind(name: str, dtype: pl.DataType) -> str:
    if dtype == pl.String:
        return "text"
    if name.startswith(("bits_", "present_", "used_")):
        return "bits"
    if "flops" in name:
        return "flops"
    if name.startswith("success"):
        return "fraction"
    counts = ("updates", "env_steps", "passive_steps", "solved_at_update", "solved_at_env_step")
    return "count" if name in counts else "plain"
