"""The report of a run directory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from regimax.report import page
from regimax.sweep import disk, store, table

TOLD = ("name", "question", "axes", "regimes", "seeds", "command", "device", "versions", "started")
"""What a page tells of sweep.json."""


def write_report(run: Path, refresh: int | None = None) -> Path:
    """Writes RUN/report.html from what the run has committed so far.

    Args:
      run: the run directory.
      refresh: seconds after which a browser loads the page anew, where the run goes on; never when None.

    Returns:
      the page's path.

    Raises:
      UserError: if `run` is not a run directory, anything in it that is needed is damaged, or it cannot be written.
    """
    facts = store.read_sweep(run)
    manifest = store.newest_manifest(run)
    meta: dict[str, Any] = {name: facts[name] for name in TOLD}
    meta |= {name: facts["resolved"][name] for name in ("threshold", "consecutive")}
    meta["seconds"] = manifest["seconds"] if manifest else None
    meta["environments"] = manifest["environments"] if manifest else []
    path = run / "report.html"
    refresh = None if manifest and manifest["complete"] else refresh
    html = page.render(meta, table.cell_table(run), table.cell_curves(run), table.cell_probes(run), refresh)
    with disk.told(run):
        page.write(path, html)
    return path


def renewals(run: Path, every: float = 2.0, refresh: int = 10) -> Iterator[Path]:
    """Writes the report, and again whenever the run has committed more, until it is complete.

    Args:
      run: the run directory.
      every: seconds between two looks at it.
      refresh: seconds after which a browser loads the page anew.

    Yields:
      the page's path, each time that it was written.

    Raises:
      UserError: as :func:`write_report`.
    """
    seen: Any = ()  # nothing, and not None: a run may have committed nothing yet
    while True:
        manifest = store.newest_manifest(run)
        if manifest != seen:
            yield write_report(run, refresh)
        if manifest is not None and manifest["complete"]:
            return
        seen = manifest
        time.sleep(every)
