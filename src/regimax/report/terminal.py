"""Results as a table for people: medians per setting, or cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.table import Table
from rich.text import Text

from regimax.errors import unknown
from regimax.report.aggregate import GROUP, summary, to_threshold
from regimax.report.quantities import UNKNOWN, fraction, quantity

if TYPE_CHECKING:
    from regimax.sweep.loaded import Run

CELL = (
    "cell", "status", "success", "env_steps", "flops", "solved_at_env_step", "solved_at_reward", "solved_at_flops",
)  # fmt: skip
"""Columns of a cell that matter most."""


def table(run: Run, *columns: str) -> Table:
    """Returns the results of a run as a table that terminals and notebooks show: medians per setting.

    Args:
      run: of `regimax.load_run` or `Sweep.run`.
      *columns: of `run.cells`, numbers; those that matter most when none is named.

    Raises:
      UserError: for a column that does not exist, or has no numbers.
    """
    return per_setting(run.cells, run.facts["resolved"]["threshold"], columns)


def per_setting(cells: pl.DataFrame, threshold: float, columns: Sequence[str] = ()) -> Table:
    """Returns a table with a row per setting and regime: medians over seeds.

    Args:
      cells: one row per cell, see :func:`regimax.sweep.table.cell_table`.
      threshold: the success that counts as competent.
      columns: of `cells`, numbers, whose medians are shown instead of the usual ones.

    Returns:
      success with its quartiles, how many cells got to the threshold, and what it took: steps, rewards and FLOPs, a
      lower bound behind “>” where failures decide the median.

    Raises:
      UserError: for a column that does not exist, or has no numbers.
    """
    if columns:
        return _medians(cells, columns)
    rows = []
    for row in summary(cells).iter_rows(named=True):
        group = cells.filter(pl.col("setting") == row["setting"], pl.col("regime") == row["regime"])
        group = group.filter(pl.col("status") != "pending")
        spread = f"{fraction(row['success_q25'])}–{fraction(row['success_q75'])}"
        rewards = to_threshold(group, "solved_at_reward", "rewards_delivered")
        success = f"{fraction(row['success_median'])} ({spread})" if row["finished"] else "pending"
        steps, flops = (_bound(row[f"threshold_{unit}"], row["threshold_censored"]) for unit in ("env_steps", "flops"))
        solved = f"{row['solved']}/{row['finished']}"
        rows.append((row["setting"], row["regime"], success, solved, steps, _bound(*rewards), flops))
    table = _table(("setting", "regime", "success", "solved", "steps", "rewards", "FLOP"), rows)
    table.caption = f"medians (quartiles); steps, rewards and FLOP to {threshold:g}; > a lower bound"
    table.caption_justify = "left"
    return table


def per_cell(cells: pl.DataFrame, columns: Sequence[str] = CELL) -> Table:
    """Returns a table with a row per cell.

    Args:
      cells: one row per cell.
      columns: of `cells`, those that are shown.

    Raises:
      UserError: for a column that does not exist.
    """
    check_columns(cells, columns)
    text = [name for name in columns if not cells.schema[name].is_numeric()]
    return _table(columns, [[_entry(value) for value in row] for row in cells.select(columns).rows()], text)


def check_columns(cells: pl.DataFrame, columns: Sequence[str]) -> None:
    """Refuses names that no column has."""
    for name in columns:
        if name not in cells.columns:
            raise unknown("column", name, cells.columns)


def _medians(cells: pl.DataFrame, columns: Sequence[str]) -> Table:
    check_columns(cells, columns)
    for name in columns:
        if not (cells.schema[name].is_numeric() or cells.schema[name] == pl.Boolean):
            numbers = [known for known, dtype in cells.schema.items() if dtype.is_numeric()]
            raise unknown("column of numbers, for medians,", name, numbers)
    head = ("setting", "regime", *columns)
    groups = cells.group_by(GROUP, maintain_order=True).agg(pl.col(name).cast(pl.Float64).median() for name in columns)
    rows = [[_entry(row[name]) for name in (*head[:2], *columns)] for row in groups.iter_rows(named=True)]
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str] = ("setting", "regime")) -> Table:
    """A table whose words are whole: names fold between words only, numbers not at all."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for i, name in enumerate(head):
        entries = [row[i] for row in rows]
        if name in left:
            longest = max(len(word) for text in (name, *entries) for word in text.split(" "))
            table.add_column(name, min_width=longest)
        else:
            table.add_column(name, width=max(map(len, [name, *entries])), justify="right")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _bound(effort: float | None, censored: bool) -> str:
    return UNKNOWN if effort is None else "> " * censored + quantity(effort)


def _entry(value: Any) -> str:
    """A value as it is shown: numbers in four digits, nothing as a dash."""
    if value is None:
        return UNKNOWN
    if isinstance(value, float):
        return quantity(value) if abs(value) >= 1e4 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
