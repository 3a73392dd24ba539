"""What a claim leaves on disk: ``claim.json``, ``claim.py``, ``tuning/``, ``choices.json`` and ``result/``.

``claim.py`` is the claim's file as it was before anything ran, so that the rule is fixed beforehand; ``claim.json``
registers it with its hash. To judge a claim executes that copy, and only where it still has this hash, unless it is
said to be trusted. The hash tells damage and afterthoughts; against someone who means ill and made the whole directory
it is no defence, so judge no stranger's.
"""

from __future__ import annotations

import ast
import datetime
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import regimax
from regimax.claims.claim import MAIN, Claim, Scale, Tuning, load_claim
from regimax.claims.tuning import Trial
from regimax.errors import UserError
from regimax.sweep import disk, rundir
from regimax.sweep.difference import difference
from regimax.sweep.disk import Damaged

FACTS, SOURCE, CHOICES, TUNING, RESULT = "claim.json", "claim.py", "choices.json", "tuning", "result"
LIST = "claims.json"
"""In a folder of claims: which of them are to be there."""


def run_dirs(out: Path, claim: Claim, scale: Scale, kind: str) -> dict[str, Path]:
    """Returns the run directories of a claim's sweeps by name; `kind` is TUNING or RESULT."""
    names = list(claim.sweeps(scale))
    one = claim.shaped(scale, dict.fromkeys(names, True)) is True
    return {MAIN: out / kind} if one else {name: out / kind / name for name in names}


def tuning_facts(tuning: Tuning) -> dict[str, Any]:
    """Returns a tuning in plain data."""
    axes = [
        [name, dict(values) if isinstance(values, Mapping) else list(values)] for name, values in tuning.axes.items()
    ]
    facts = asdict(tuning) | {"axes": axes, "seeds": list(tuning.seeds), "per": list(tuning.per)}
    facts["at"] = {column: list(labels) for column, labels in tuning.at.items()}
    return json.loads(json.dumps(facts))


def resolved(claim: Claim, scale: Scale) -> dict[str, Any]:
    """Returns what must be the same for a run to go on, besides its sweeps, which runs compare themselves."""
    return {
        "id": claim.id,
        "scale": scale,
        "sweeps": list(claim.sweeps(scale)),
        "tuning": {name: tuning_facts(tuning) for name, tuning in claim.tunings(scale).items()},
    }


def compare(claim: Claim, scale: Scale, out: Path, file: Path) -> None:
    """Refuses a directory that is something else or holds another claim, or the same one otherwise.

    Args:
      claim: the claim.
      scale: which of its sweeps.
      out: its directory, there or not.
      file: the claim's file.

    Raises:
      UserError: if it is refused.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{str(out)!r} is a file, not a run directory")
    if os.path.lexists(out / FACTS):
        before = _mendable(out, file)
        if before and (found := difference(before["resolved"], resolved(claim, scale))):
            raise UserError(f"{str(out)!r} holds another claim or another version of it: {found}. Give another --out.")
    elif out.is_dir() and any(not re.fullmatch(rundir.STRAY, p.name) for p in out.iterdir()):
        raise UserError(f"{str(out)!r} is not empty and not a claim's directory. Give another --out.")


def _mendable(out: Path, file: Path) -> dict[str, Any] | None:
    """A claim's facts, or None where they are damaged but the claim's file is still the one that the run keeps.

    Raises:
      Damaged: if they are damaged and the file is another one: which rule was registered cannot be told then.
    """
    try:
        return read(out)
    except Damaged:
        if not (out / SOURCE).is_file() or disk.read(out / SOURCE) != file.read_bytes():
            raise
        return None


def begin(claim: Claim, scale: Scale, out: Path, file: Path, command: str) -> bool:
    """Writes the claim's file and facts before anything runs, unless they are there and whole.

    Returns:
      whether the file says the same as the one that the run began with.

    Raises:
      Damaged: if one of the two is damaged and the claim's file is not the one that the run began with.
    """
    data = file.read_bytes()
    disk.clean(out, "|".join(map(re.escape, (FACTS, SOURCE, CHOICES))))
    if os.path.lexists(out / FACTS):
        if (facts := _mendable(out, file)) is None:
            disk.put_aside(out, out / FACTS)
        elif disk.digest(data) != facts["sha256"]:
            return same_program(disk.read(out / SOURCE, facts["sha256"]).decode(), data.decode())
        else:
            try:
                disk.check(out / SOURCE, facts["sha256"])
                return True
            except Damaged:
                disk.put_aside(out, out / SOURCE)
                disk.write(out / SOURCE, data)
                return True
    disk.write(out / SOURCE, data)
    disk.write_json(
        out / FACTS,
        {
            "name": file.stem,
            "file": str(file.resolve()),
            "sha256": disk.digest(data),
            "question": claim.question,
            "command": command,
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "version": regimax.__version__,
            "resolved": resolved(claim, scale),
        },
    )
    return True


def read(out: Path) -> dict[str, Any]:
    """Returns a claim's facts.

    Raises:
      UserError: if `out` is not a claim's directory.
      Damaged: if they are not what was written.
    """
    if not os.path.lexists(out / FACTS):
        raise UserError(f"{str(out)!r} is not a claim's directory: it has no {FACTS}")
    return disk.read_json(out / FACTS)


def check_rule(out: Path, facts: Mapping[str, Any]) -> None:
    """Refuses a copy of the claim's file that is not what the run registered.

    Args:
      out: the claim's directory.
      facts: what was registered.

    Raises:
      Damaged: if it is missing or was changed.
    """
    disk.check_source(out / SOURCE, facts["sha256"], "--trust")


def stored(out: Path, trust: bool = False) -> Claim:
    """Returns the claim as its run began, by executing the copy of its file that the directory keeps.

    Args:
      out: the claim's directory.
      trust: whether the copy is executed even where it is not the file that was registered.

    Raises:
      UserError: if it is not executed, or cannot be.
    """
    facts = read(out)
    if not trust:
        check_rule(out, facts)
    return load_claim(out / SOURCE, beside=Path(facts["file"]).parent)


def write_choices(out: Path, tried: Mapping[str, list[Trial]]) -> None:
    """Publishes what was tried and chosen, by name of the sweep, unless that is there."""
    if not tried:
        return
    try:
        if read_choices(out) == dict(tried):
            return
    except Damaged:
        disk.put_aside(out, out / CHOICES)
    found = {name: [trial._asdict() for trial in trials] for name, trials in tried.items()}
    disk.write_json(out / CHOICES, found)


def read_choices(out: Path) -> dict[str, list[Trial]] | None:
    """Returns what was tried and chosen, or None before it was.

    Raises:
      Damaged: if it is not what was written.
    """
    if not os.path.lexists(out / CHOICES):
        return None
    return {name: [Trial(**trial) for trial in tried] for name, tried in disk.read_json(out / CHOICES).items()}


def wanted(root: Path) -> dict[str, dict[str, Any]]:
    """Returns which claims are to be in a folder, by name of their directory, with what is known of each.

    Raises:
      Damaged: if the list is not what was written.
    """
    return disk.read_json(root / LIST) if os.path.lexists(root / LIST) else {}


def same_program(before: str, now: str) -> bool:
    """Returns whether two texts are the same Python, comments, layout and docstrings aside.

    Example:
      >>> same_program("x = 1", "x = 1  # one"), same_program("x = 1", "x = 2")
      (True, False)
    """
    if before == now:
        return True
    try:
        return _bare(before) == _bare(now)
    except SyntaxError:
        return False


def _bare(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
