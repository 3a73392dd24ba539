"""One way out for every target: into a folder that is there whole or not at all."""

from __future__ import annotations

import importlib
import json
import tempfile
from pathlib import Path

from regimax.errors import UserError, unknown
from regimax.export._rows import results
from regimax.sweep import disk

WRITERS = {
    "csv": (),
    "netcdf": ("xarray", "h5netcdf", "h5py"),
    "tensorboard": ("tensorboardX",),
    "wandb": ("wandb",),
}
"""What can be written, each by the module of this package of that name, and the libraries that it takes."""
MARK = "regimax-export.json"
"""File that tells an export from other folders: only an export is replaced."""


def export(run: str | Path, to: str, out: str | Path | None = None) -> Path:
    """Writes what a run has committed so far for another program.

    Args:
      run: the run directory.
      to: `csv`, `netcdf`, `tensorboard` or `wandb`.
      out: the folder; ``RUN-TO`` beside the run when not given. An earlier export there is replaced.

    Returns:
      the folder.

    Raises:
      UserError: for another target, or one whose library is not installed; if `run` is not a run directory, or
        anything in it that is needed is damaged; if `out` is something else than an export, or cannot be written.
    """
    if to not in WRITERS:
        raise unknown("target", to, WRITERS)
    _check_libraries(to)
    run = Path(run)
    found = results(run)
    folder = run.resolve().with_name(f"{found.name}-{to}") if out is None else Path(out)
    if folder.resolve().is_relative_to(run.resolve()):
        raise UserError(f"{str(folder)!r} is in the run directory, which holds the run alone: give another --out")
    if (folder.exists() or folder.is_symlink()) and not (folder / MARK).is_file():
        raise UserError(f"{str(folder)!r} exists and is not an export: it is left as it is. Give another --out")
    with disk.told(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as made:
            whole = Path(made) / "whole"
            whole.mkdir()
            importlib.import_module(f"regimax.export.{to}").write(found, whole)
            (whole / MARK).write_text(json.dumps({"run": str(run), "to": to}) + "\n")
            if folder.exists():
                folder.rename(Path(made) / "before")
            whole.rename(folder)
    return folder


def _check_libraries(to: str) -> None:
    for library in WRITERS[to]:
        try:
            importlib.import_module(library)
        except ImportError as error:
            text = f"--to {to} needs {library}, which cannot be imported ({error}): pip install 'regimax[export]'"
            raise UserError(text) from error
