"""Every claim of a folder, one after the other; or its sweeps, where it holds no claim."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
from rich.console import Console

from regimax.claims import folder
from regimax.claims.claim import Claim, Scale, claim_of
from regimax.claims.execute import run_claim
from regimax.errors import UserError
from regimax.sweep import disk
from regimax.sweep.disk import Damaged
from regimax.sweep.display import duration, say
from regimax.sweep.files import load_file
from regimax.sweep.run import Interrupted, Options
from regimax.sweep.spec import Sweep


class Found(NamedTuple):
    """A file of the folder that is to be run, or that could not be read.

    Attributes:
      file: the file.
      claim: its claim; None of a sweep.
      error: what is wrong with it, or None.
    """

    file: Path
    claim: Claim | None
    error: str | None


class Ran(NamedTuple):
    """How one of the claims went.

    Attributes:
      name: its directory's.
      error: what stopped it, or None.
    """

    name: str
    error: str | None


def directory(file: Path, scale: Scale) -> str:
    """Returns the name of a claim's directory."""
    return file.stem if scale == "small" else f"{file.stem}-full"


def find(where: Path) -> list[Found]:
    """Returns the files of a folder that hold a claim, or a sweep where none does, or cannot be read, by name.

    Raises:
      UserError: if there is no such folder, or neither a claim nor a sweep in it.
    """
    if not where.is_dir():
        raise UserError(f"no folder {str(where)!r}")
    found = []
    for file in sorted(where.glob("*.py")):
        try:
            module = load_file(file)
            claim = claim_of(module, file)
        except UserError as error:
            found.append(Found(file, None, str(error)))
        else:
            if claim is not None or isinstance(getattr(module, "sweep", None), Sweep):
                found.append(Found(file, claim, None))
    if any(one.claim for one in found):
        return [one for one in found if one.claim is not None or one.error is not None]
    if all(one.error for one in found):
        broken = f" {found[0].error}" if found else ""
        raise UserError(f"{str(where)!r} holds no claim file and no sweep file.{broken}")
    return found


def run_all(
    found: Sequence[Found], scale: Scale, root: Path, options: Options, command: str, console: Console
) -> list[Ran]:
    """Runs what is left of every claim; one that fails does not stop the others.

    Args:
      found: the claims.
      scale: which of their sweeps.
      root: the folder for their directories, made when missing.
      options: how to run.
      command: what was typed.
      console: where progress is shown.

    Returns:
      how each went.

    Raises:
      UserError: if `root` cannot be written.
      Interrupted: after SIGINT or SIGTERM, once everything is committed.
    """
    try:
        disk.make(root)
        _list(found, scale, root, command)
    except OSError as error:
        raise UserError(f"cannot write to {str(root)!r}: {error.strerror}. Give another --out.") from error
    ran = []
    for i, one in enumerate(found):
        name, begun = directory(one.file, scale), time.monotonic()
        console.rule(f"{i + 1} of {len(found)}: {name}", align="left")
        error, done = one.error, None
        if one.claim is not None:
            try:
                done = run_claim(one.claim, scale, one.file, root / name, options, command, console)
            except UserError as refused:
                error = str(refused)
            except Interrupted:
                raise
            except Exception as broken:  # of one claim; the others are still run, and the exit code tells
                console.print_exception()
                error = f"{type(broken).__name__}: {broken}"
            jax.clear_caches()  # programs of one claim are of no use to the next
        took = "was finished" if done and done.already else f"finished in {duration(time.monotonic() - begun)}"
        say(console, f"{name}: {error or took}")
        ran.append(Ran(name, error))
        _note(root, name, error)
    return ran


def _list(found: Sequence[Found], scale: Scale, root: Path, command: str) -> None:
    """Writes which claims are to be there, so that one that is not begun is not forgotten."""
    try:
        before = folder.wanted(root)
    except Damaged:
        disk.put_aside(root, root / folder.LIST)
        before = {}
    wanted = dict(before)
    for one in found:
        facts: dict[str, Any] = {"id": one.file.stem, "question": "", "rule": "", "control": "", "null": ""}
        if one.claim is not None:
            facts = {name: getattr(one.claim, name) for name in ("id", "question", "control", "null")}
            facts["rule"] = one.claim.words()
        wanted[directory(one.file, scale)] = facts | {"scale": scale, "command": command, "error": one.error}
    if wanted != before:
        disk.write_json(root / folder.LIST, wanted)


def _note(root: Path, name: str, error: str | None) -> None:
    """Keeps what stopped a claim, for one that has no directory to tell."""
    wanted = folder.wanted(root)
    if wanted[name]["error"] != error:
        wanted[name]["error"] = error
        disk.write_json(root / folder.LIST, wanted)
