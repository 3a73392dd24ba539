"""The report of a run directory."""

from __future__ import annotations

from pathlib import Path

from regimax.report import page
from regimax.sweep import disk, store, table


def write_report(run: Path) -> Path:
    """Writes RUN/report.html from what the run has committed so far.

    Args:
      run: the run directory.

    Returns:
      the page's path.

    Raises:
      UserError: if `run` is not a run directory, anything in it that is needed is damaged, or it cannot be written.
    """
    facts = store.read_sweep(run)
    manifest = store.newest_manifest(run)
    meta = {key: value for key, value in facts.items() if key != "resolved"}
    meta["seconds"] = manifest["seconds"] if manifest else None
    meta["environments"] = manifest["environments"] if manifest else []
    path = run / "report.html"
    html = page.render(meta, table.cell_table(run), table.cell_curves(run), table.cell_probes(run))
    with disk.told(run):
        page.write(path, html)
    return path
