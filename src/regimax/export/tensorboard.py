"""One TensorBoard run per cell: curves and probes by updates along its path, settings and results as hparams."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from regimax.export._rows import Results

ENDED = ("success", "return", "flops", "env_steps")
"""What a cell has come to, as metrics of its hparams."""
LONGEST = 120
"""Characters of a folder's name: systems of files take 255 bytes."""


def write(results: Results, folder: Path) -> None:
    """Writes event files into a folder, for ``tensorboard --logdir``."""
    writers, hparams = import_module("tensorboardX"), import_module("tensorboardX.summary").hparams
    Summary = import_module("tensorboardX.proto.summary_pb2").Summary

    def told(values: Mapping[str, float]) -> Any:
        return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])

    taken: set[str] = set()
    for cell, rows in results.by_cell():
        settings = {name: cell[name] for name in results.labels if name != "cell" and cell[name] is not None}
        ended = {f"end/{name}": cell[name] for name in ENDED if cell[name] is not None}
        with writers.SummaryWriter(str(folder / run_name(cell["cell"], taken))) as writer:
            # No clock is kept with results: only steps mean something. An event for a whole row is ten times as fast.
            for summary in (*hparams(settings, ended), told(ended)):
                writer.file_writer.add_summary(summary, cell["updates"], walltime=0.0)
            for row in rows.iter_rows(named=True):
                writer.file_writer.add_summary(told(results.measured(row)), row["updates"], walltime=0.0)


def run_name(cell: str, taken: set[str]) -> str:
    """Returns a path for a cell's run that any system takes, and adds it to those that are taken."""
    parts = [re.sub(r"[^\w=.,+() -]|^\.+", "_", part)[:LONGEST] for part in cell.split("/")]
    name, n = "/".join(parts), 1
    while name in taken:
        n += 1
        name = "/".join([*parts[:-1], f"{parts[-1]} ({n})"])
    taken.add(name)
    return name
