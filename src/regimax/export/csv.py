"""One file per table: `cells.csv`, `curves.csv` and, where there are probes, `probes.csv`."""

from __future__ import annotations

from pathlib import Path

from regimax.export._rows import Results


def write(results: Results, folder: Path) -> None:
    """Writes the tables into a folder."""
    for name in ("cells", "curves", "probes"):
        rows = getattr(results, name)
        if name != "probes" or len(rows):
            rows.write_csv(folder / f"{name}.csv")
