"""What is exported of a run, and what its columns are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from regimax.sweep import store, table

UNITS = {
    "flops": "FLOP",
    "solved_at_flops": "FLOP",
    "bits": "bit",
    "present_sensory_bound": "bit",
    "reward_bits_bound": "bit",
    "outcome_bits_bound": "bit",
    "solved_at_reward_bits": "bit",
    "env_steps": "environment step",
    "solved_at_env_step": "environment step",
    "passive_steps": "unlabelled step",
    "rewards_delivered": "reward",
    "solved_at_reward": "reward",
    "updates": "update",
    "update": "update",
    "solved_at_update": "update",
}
"""Units by the name of a column, or by what it begins with before an underscore."""


class Results(NamedTuple):
    """What is exported of a run.

    Attributes:
      name: what the run directory is called.
      facts: the contents of its sweep.json.
      cells: one row per cell, see :func:`regimax.sweep.table.cell_table`.
      curves: one row per cell and evaluation.
      probes: one row per cell and measurement by its probes; none where there are no probes.
    """

    name: str
    facts: Mapping[str, Any]
    cells: pl.DataFrame
    curves: pl.DataFrame
    probes: pl.DataFrame

    @property
    def labels(self) -> list[str]:
        """Columns that tell cells apart: what names them, and the axes."""
        return self.curves.columns[: self.curves.columns.index("phase")]

    def metrics(self, rows: pl.DataFrame) -> list[str]:
        """Columns of `curves` or `probes` that were measured; the others name the row or tell its effort."""
        return [
            name for name in rows.columns if name not in {*self.labels, "phase", "update", "updates", *table.EFFORT}
        ]

    def by_cell(self) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
        """Yields every cell that has begun, its row of `cells` and its rows of `curves` and `probes` by `updates`."""
        both = pl.concat([self.curves, self.probes], how="diagonal_relaxed") if len(self.probes) else self.curves
        rows = both.partition_by("cell", as_dict=True, maintain_order=True)
        for cell in self.cells.iter_rows(named=True):
            if (cell["cell"],) in rows:
                yield cell, rows[(cell["cell"],)].sort("updates", maintain_order=True)

    def measured(self, row: Mapping[str, Any]) -> dict[str, float]:
        """What a row of `by_cell` tells, by `PHASE/METRIC`, and by `effort/NAME` the effort until then."""
        known = {*self.metrics(self.curves), *self.metrics(self.probes)}
        found = {f"{row['phase']}/{name}": row[name] for name in known}
        found |= {f"effort/{name}": row[name] for name in table.EFFORT}
        return {name: found[name] for name in sorted(found) if found[name] is not None}


def results(run: Path) -> Results:
    """Reads what a run has committed so far.

    Raises:
      UserError: if `run` is not a run directory, or anything in it that is needed is damaged.
    """
    facts = store.read_sweep(run)
    tables = (table.cell_table(run), table.cell_curves(run), table.cell_probes(run))
    return Results(run.resolve().name, facts, *tables)


def unit(column: str) -> str | None:
    """Returns the unit of a column, where it has one."""
    return UNITS.get(column, UNITS.get(column.partition("_")[0]))
