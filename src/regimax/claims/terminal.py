"""Verdicts in a table, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from regimax.claims.judge import Judged
from regimax.claims.page import MARKS, cells, checks, effect
from regimax.report.quantities import quantity
from regimax.sweep.display import say

WIDTH = 140
"""Columns where there is no terminal."""
STYLES = {"supported": "green", "refuted": "red", "inconclusive": "dim", "invalid": "yellow"}


def show(console: Console, judged: Sequence[Judged]) -> None:
    """Prints a row per claim, then a line with the reason of each.

    Args:
      console: where to.
      judged: the claims, in order.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("claim", "verdict", "effect (interval)", "assay", "control", "null"):
        table.add_column(name, no_wrap=name in ("claim", "verdict"))
    for name in ("worlds", "cells", "compute"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in judged:
        verdict = one.verdict
        table.add_row(
            one.id,
            Text(f"{MARKS[verdict.outcome]} {verdict.outcome}", style=STYLES[verdict.outcome]),
            effect(verdict),
            checks(verdict.assay),
            checks(verdict.control),
            checks(verdict.null),
            f"{verdict.worlds:,}" if verdict.worlds else "",
            cells(one),
            quantity(one.effort["flops_executed"], "FLOP") if one.effort else "",
        )
    console.print(table)
    for one in judged:
        say(console, f"{one.id}: {one.verdict.reason}")
        for needed in one.verdict.needs:
            say(console, f"  would decide it: {needed}")
        for note in one.notes:
            say(console, f"  {note}")
