"""Checkpoints that can be trusted: Orbax for the arrays, a sealed manifest for all that counts.

A checkpoint is the folder ``RUN/checkpoints/NNNNNN``. Its manifest is written last and is the commit marker: it names
every part and every file that counts, with their hashes, and what a resumed run needs to know besides. The arrays are
what was in the lanes; where they are damaged the parts count all the same.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from regimax.sweep import disk, store
from regimax.sweep.disk import Damaged

KEEP = 2


def array_digest(array: np.ndarray) -> str:
    """Returns the SHA-256 of an array's type, shape and bytes."""
    array = np.ascontiguousarray(array)
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()


def save(run: Path, step: int, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """Commits checkpoint `step`, and removes the others but the newest of those that are whole.

    Args:
      run: the run directory.
      step: its number, larger than any before.
      arrays: host arrays by name; may be empty.
      facts: plain data that a resumed run needs.

    Raises:
      OSError: if the disk is full; nothing is left of it then.
    """
    folder = store.checkpoint_folder(run, step)
    disk.remove(folder)
    try:
        disk.make(folder)
        if arrays:
            _save_arrays((folder / "arrays").absolute(), dict(arrays))
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        digests = {str(path.relative_to(folder)): disk.file_digest(path) for path in files}
        arrays_of = {name: array_digest(array) for name, array in arrays.items()}
        disk.write_json(folder / store.MANIFEST, facts | {"step": step, "files": digests, "arrays": arrays_of})
    except OSError:
        with contextlib.suppress(OSError):
            disk.remove(folder)  # a full disk needs the room
        raise
    clear(run)


def clear(run: Path) -> None:
    """Removes all checkpoints but the newest of those that are whole; those that a kill has cut short go too."""
    there = store.checkpoint_numbers(run)
    kept = [number for number in there if is_whole(run, number)][:KEEP]
    for number in there:
        if kept and number not in kept:
            old = store.checkpoint_folder(run, number)
            # Without its marker first, so that a half-deleted folder is never taken for a checkpoint.
            disk.remove(old / store.MANIFEST)
            disk.remove(old)


def is_whole(run: Path, step: int) -> bool:
    """Returns whether a checkpoint has its marker and every file that this names; what is in them is not looked at."""
    folder = store.checkpoint_folder(run, step)
    try:
        return all((folder / name).is_file() for name in store.read_manifest(run, step)["files"])
    except Damaged:
        return False


def load_arrays(run: Path, manifest: dict[str, Any]) -> dict[str, np.ndarray]:
    """Returns the arrays of a checkpoint.

    Args:
      run: the run directory.
      manifest: the checkpoint's.

    Raises:
      Damaged: if any of its files is missing or not what was written.
    """
    folder = store.checkpoint_folder(run, manifest["step"])
    for name, expected in manifest["files"].items():
        disk.check(folder / name, expected)
    if not manifest["arrays"]:
        return {}
    loaded = _orbax().load((folder / "arrays").absolute())
    arrays = {name: np.asarray(array) for name, array in loaded.items()}
    if {name: array_digest(array) for name, array in arrays.items()} != manifest["arrays"]:
        raise Damaged(folder / "arrays", "is damaged: it is not what was written")
    return arrays


def last_number(run: Path) -> int:
    """Returns the largest number that a checkpoint has here, whole or not."""
    names = [name for kind in (True, False) for name in disk.listed(run / store.CHECKPOINTS, store.NUMBER, kind)]
    return max(map(int, names), default=0)


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
