"""The one way in and out of a run directory: whole files, read through their hashes. Nothing of JAX.

A file is written to a temporary name, synced, renamed, and its folder synced, so that after a kill or a loss of power
it is there whole or not at all. What it holds is read together with its SHA-256, which another file tells: a manifest,
or for JSON that nothing else names the seal within it. What differs is :class:`Damaged`, never a result.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regimax.errors import UserError
from regimax.sweep.sealed import misfits

if TYPE_CHECKING:
    import polars as pl

QUARANTINE = "quarantine"
"""Folder of a run directory for what was damaged, by its path."""
SEAL = "seal"
"""Key of sealed JSON that holds the hash of all the rest."""
FULL = (errno.ENOSPC, errno.EDQUOT)
REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG, errno.ENOTDIR, errno.EISDIR)


class Damaged(UserError):
    """A file is missing, or is not what was written."""

    def __init__(self, path: Path, how: str, remedy: str = "Typing the command of its run again puts it right"):
        super().__init__(f"{path} {how}. {remedy}")
        self.path, self.how = path, how


# In.


def read(path: Path, expected: str | None = None) -> bytes:
    """Returns what a file holds.

    Args:
      path: the file.
      expected: its SHA-256; not looked at when None.

    Raises:
      Damaged: if it is missing, cannot be read or has another hash.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise Damaged(path, "is damaged: it is missing") from error
    except OSError as error:
        raise Damaged(path, f"is damaged: it cannot be read ({error.strerror})") from error
    if expected is not None and digest(data) != expected:
        raise Damaged(path, "is damaged: it is not what was written")
    return data


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file, however large.

    Raises:
      Damaged: if it is missing or cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise Damaged(path, "is damaged: it is missing") from error
    except OSError as error:
        raise Damaged(path, f"is damaged: it cannot be read ({error.strerror})") from error


def check(path: Path, expected: str) -> None:
    """Checks a file, however large.

    Raises:
      Damaged: as of `read`.
    """
    if file_digest(path) != expected:
        raise Damaged(path, "is damaged: it is not what was written")


def check_source(path: Path, registered: str, how: str) -> None:
    """Refuses Python of a run directory that is not what the run registered, before it is executed.

    Args:
      path: the file.
      registered: its SHA-256 as the run noted it.
      how: what to type where it is to be executed all the same.

    Raises:
      Damaged: if it is missing or was changed.
    """
    if digest(read(path)) != registered:
        remedy = f"It is not executed, unless you trust it: {how}"
        raise Damaged(path, "is not the file that its run registered", remedy)


class Sealed(dict[str, Any]):
    """What a sealed file holds; a key that it lacks is told as damage."""

    def __init__(self, data: dict[str, Any], path: Path):
        super().__init__(data)
        self.path = path

    def __missing__(self, key: str) -> Any:
        raise Damaged(self.path, f"is damaged, or of another version: it has no {key!r}")


def read_json(path: Path, forms: dict[str, Any] | None = None) -> Sealed:
    """Returns what a sealed file holds.

    Args:
      path: the file.
      forms: of what stands in it, by key, see :mod:`regimax.sweep.sealed`.

    Raises:
      Damaged: if it is missing, cannot be read, does not match its seal or is of another form.
    """
    try:
        data = json.loads(read(path))
        seal = data.pop(SEAL, None)
    except Damaged:
        raise
    except (ValueError, AttributeError, TypeError, RecursionError) as error:  # no JSON, or no dictionary
        raise Damaged(path, "is damaged: it is not what was written") from error
    if seal != digest(_canonical(data)):
        raise Damaged(path, "is damaged, or of an earlier version: it does not match its seal")
    if wrong := next(misfits(data, forms or {}), None):
        raise Damaged(path, f"is damaged, or of another version: {wrong} is not what this version writes")
    return Sealed(data, path)


def read_frame(path: Path, expected: str, columns: list[str] | None = None) -> pl.DataFrame:
    """Returns a frame that was written with this hash.

    Raises:
      Damaged: as of `read`.
    """
    import polars as pl

    return pl.read_parquet(io.BytesIO(read(path, expected)), columns=columns)


def digest(data: bytes) -> str:
    """Returns the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def plain_digest(data: Any) -> str:
    """Returns the SHA-256 of plain data, the same before and after it went through JSON."""
    return digest(_canonical(json.loads(json.dumps(data))))


def listed(folder: Path, pattern: str, folders: bool = False) -> list[str]:
    """Returns the names in a folder that match a pattern as a whole, sorted; none where there is no folder.

    Args:
      folder: where.
      pattern: a regular expression.
      folders: whether folders are meant; else files are.
    """
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError:
        return []
    return sorted(name for name, is_folder in found if is_folder == folders and re.fullmatch(pattern, name))


# Out.


def write(path: Path, data: bytes, shared: bool = False) -> str:
    """Writes a file whole or not at all, for good.

    Args:
      path: the file.
      data: what it is to hold.
      shared: whether several processes may write it at once, as nothing in a run directory that is locked.

    Returns:
      its SHA-256.

    Raises:
      OSError: if it cannot be written; what stood there is then untouched, and nothing else is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp" if shared else f".{path.name}.tmp")
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(file, left) :]
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # a full disk needs the room
        raise
    _sync(path.parent)
    return digest(data)


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Writes plain data as JSON with its seal."""
    plain = json.loads(json.dumps(data))
    sealed = plain | {SEAL: digest(_canonical(plain))}
    write(path, (json.dumps(sealed, indent=1) + "\n").encode())


def write_frame(path: Path, frame: pl.DataFrame) -> str:
    """Writes a frame as Parquet. Returns its SHA-256."""
    return write(path, as_parquet(frame))


def as_parquet(frame: pl.DataFrame) -> bytes:
    """Returns a frame as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def make(folder: Path) -> None:
    """Makes a folder, and those it lies in, where they are missing."""
    if folder.is_dir():
        return
    make(folder.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder)
    _sync(folder.parent)


def remove(path: Path) -> None:
    """Removes a file, or a folder with all that is in it; nothing where there is none."""
    try:
        is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if not is_folder:
        os.unlink(path)
        return
    for name in sorted(os.listdir(path)):
        remove(path / name)
    os.rmdir(path)


def rename(old: Path, new: Path) -> None:
    """Gives a file or a folder another name, which nothing has yet."""
    os.rename(old, new)
    _sync(new.parent)


def put_aside(run: Path, path: Path) -> None:
    """Moves something of a run directory into its quarantine, under the path that it had; nothing where there is none.

    Args:
      run: the run directory.
      path: the file or folder.
    """
    if not os.path.lexists(path):
        return
    wanted = run / QUARANTINE / path.relative_to(run)
    make(wanted.parent)
    target, number = wanted, 1
    while os.path.lexists(target):
        number += 1
        target = wanted.with_name(f"{wanted.name}.{number}")
    os.rename(path, target)
    _sync(path.parent)


def clean(folder: Path, pattern: str) -> None:
    """Removes temporary files that a kill has left of files whose names match a pattern as a whole."""
    for name in listed(folder, rf"\.({pattern})\.tmp"):
        os.unlink(folder / name)


@contextlib.contextmanager
def told(out: Path) -> Iterator[None]:
    """Tells of a disk that is full or refuses in a sentence.

    Args:
      out: what is written to.

    Raises:
      UserError: in the place of such an `OSError`.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            text = f"no space is left for {str(out)!r}. What was committed is safe: free some, and type the same again."
            raise UserError(text) from error
        if error.errno in REFUSED:
            where = error.filename or str(out)
            text = f"cannot write to {str(where)!r}: {error.strerror}. What was committed is safe."
            raise UserError(text) from error
        raise


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True).encode()
