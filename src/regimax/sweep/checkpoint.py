"""Checkpoints that can be trusted: Orbax for the arrays, a sealed manifest for all that counts.

A checkpoint is the folder ``RUN/checkpoints/NNNNNN``. Its manifest is written last and is the commit marker; it holds
the hash of every file and of every array, and what a resumed run needs to know besides. A folder without a whole
manifest, or that differs from the hashes, is passed over for the one before.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from regimax.sweep import store

KEEP = 2


def array_digest(array: np.ndarray) -> str:
    """Returns the SHA-256 of an array's type, shape and bytes."""
    array = np.ascontiguousarray(array)
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()


def save(run: Path, step: int, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """Commits checkpoint `step` and removes those before the last two.

    Args:
      run: the run directory.
      step: its number, larger than any before.
      arrays: host arrays by name; may be empty.
      facts: plain data that a resumed run needs.

    Raises:
      OSError: if the disk is full.
    """
    folder = run / store.CHECKPOINTS / f"{step:06d}"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    if arrays:
        _save_arrays((folder / "arrays").absolute(), dict(arrays))
    manifest = facts | {
        "step": step,
        "files": {str(p.relative_to(folder)): store.file_digest(p) for p in sorted(folder.rglob("*")) if p.is_file()},
        "arrays": {name: array_digest(array) for name, array in arrays.items()},
    }
    store.write_json(folder / store.MANIFEST, manifest | {"seal": store.manifest_seal(manifest)})
    for old in sorted((run / store.CHECKPOINTS).glob("[0-9]*"))[:-KEEP]:
        # Without its marker first, so that a half-deleted folder is never taken for a checkpoint.
        (old / store.MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(old, ignore_errors=True)


def load(run: Path, step: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns the arrays and the manifest of checkpoint `step`.

    Raises:
      ValueError: if anything in it, or a part that it names, is missing or is not what was written.
    """
    manifest = store.read_manifest(run, step)
    for kind in store.PARTS:
        for name, expected in manifest.get(kind, {}).items():
            path = run / kind / name
            if not path.is_file() or store.file_digest(path) != expected:
                raise ValueError(f"{kind}/{name} is missing or damaged")
    folder = run / store.CHECKPOINTS / f"{step:06d}"
    for name, expected in manifest["files"].items():
        if not (folder / name).is_file() or store.file_digest(folder / name) != expected:
            raise ValueError(f"its file {name} is missing or damaged")
    arrays: dict[str, np.ndarray] = {}
    if manifest["arrays"]:
        loaded = _orbax().load((folder / "arrays").absolute())
        arrays = {name: np.asarray(array) for name, array in loaded.items()}
    found = {name: array_digest(array) for name, array in arrays.items()}
    if found != manifest["arrays"]:
        raise ValueError("its arrays do not match their hashes")
    return arrays, manifest


def last_number(run: Path) -> int:
    """Returns the largest number that a checkpoint's folder ever had here, whole or not."""
    return max((int(path.name) for path in (run / store.CHECKPOINTS).glob("[0-9]*")), default=0)


def load_newest(run: Path, say: Callable[[str], None]) -> tuple[dict[str, np.ndarray], dict[str, Any] | None]:
    """Returns the arrays and the manifest of the newest checkpoint that is whole; none and None where there is none.

    Args:
      run: the run directory.
      say: tells of every one that is damaged.
    """
    for step in store.checkpoint_steps(run):
        try:
            return load(run, step)
        except ValueError as error:
            say(f"checkpoint {step} is damaged: {error}; going back to the one before")
    return {}, None


def _save_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    try:
        _orbax().save(folder, arrays)
    except Exception as error:
        # Orbax speaks of a full disk as RESOURCE_EXHAUSTED, as XLA does of a full device.
        for number in (errno.ENOSPC, errno.EDQUOT):
            if os.strerror(number) in str(error):
                raise OSError(number, os.strerror(number), str(folder)) from error
        raise


def _orbax() -> Any:
    # Imported late: it costs a second, and reading results does not need it.
    from orbax.checkpoint import v1

    logging.getLogger("absl").setLevel(logging.ERROR)
    return v1
