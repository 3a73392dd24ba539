"""The report of a run directory."""

from __future__ import annotations

from pathlib import Path

from regimax.report import page
from regimax.sweep import store, table


def write_report(run: Path) -> Path:
    """Writes RUN/report.html from what the run has committed so far.

    Args:
      run: the run directory.

    Returns:
      the page's path.

    Raises:
      UserError: if `run` is not a run directory or cannot be written.
    """
    facts = store.read_sweep(run)
    manifest = store.newest_manifest(run)
    meta = {key: value for key, value in facts.items() if key != "resolved"}
    meta["seconds"] = manifest["seconds"] if manifest else None
    path = run / "report.html"
    page.write(path, page.render(meta, table.cell_table(run), table.cell_curves(run), table.cell_probes(run)))
    return path
