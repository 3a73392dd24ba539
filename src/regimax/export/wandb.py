"""One Weights & Biases run per cell, offline: ``wandb sync`` takes them to where you want them."""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path

from regimax.export._rows import Results


def write(results: Results, folder: Path) -> None:
    """Writes offline runs into a folder. Nothing is sent.

    A cell's run keeps its id, so that an export made later, when the sweep has gone on, renews the runs of the first.
    """
    wandb = import_module("wandb")
    begun = f"{results.name} {results.facts.get('started')}"
    for cell, rows in results.by_cell():
        run = wandb.init(
            mode="offline",
            dir=folder,
            project=results.name,
            name=cell["cell"],
            id=hashlib.sha256(f"{begun} {cell['cell']}".encode()).hexdigest()[:16],
            group=cell["setting"] or None,
            job_type=cell["regime"],
            config={name: cell[name] for name in results.labels if name != "cell"},
            settings=wandb.Settings(silent=True, console="off", disable_git=True, save_code=False),
            reinit="finish_previous",
        )
        run.define_metric("*", step_metric="updates")
        for row in rows.iter_rows(named=True):
            run.log({"updates": row["updates"], **results.measured(row)})
        ended = {name: cell[name] for name in results.cells.columns if name not in results.labels}
        run.summary.update({name: value for name, value in ended.items() if value is not None})
        run.finish()
