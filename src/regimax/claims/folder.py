"""What a claim leaves on disk: ``claim.json``, ``claim.py``, ``tuning/``, ``choices.json`` and ``result/``.

``claim.py`` is the claim's file as it was before anything ran, so that the rule is fixed beforehand.
"""

from __future__ import annotations

import ast
import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import regimax
from regimax.claims.claim import MAIN, Claim, Scale, Tuning, load_claim
from regimax.claims.tuning import Trial
from regimax.errors import UserError
from regimax.sweep import store
from regimax.sweep.difference import difference

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


def compare(claim: Claim, scale: Scale, out: Path) -> None:
    """Refuses a directory that is something else or holds another claim, or the same one otherwise.

    Raises:
      UserError: if it is refused.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{str(out)!r} is a file, not a run directory")
    if (out / FACTS).is_file():
        found = difference(read(out)["resolved"], resolved(claim, scale))
        if found:
            raise UserError(f"{str(out)!r} holds another claim or another version of it: {found}. Give another --out.")
    elif out.is_dir() and any(p.name != ".lock" and p.suffix != ".tmp" for p in out.iterdir()):
        raise UserError(f"{str(out)!r} is not empty and not a claim's directory. Give another --out.")


def begin(claim: Claim, scale: Scale, out: Path, file: Path, command: str) -> bool:
    """Writes the claim's file and facts before anything runs, unless they are there.

    Returns:
      whether the file says the same as the one that the run began with.
    """
    text = file.read_text()
    if (out / FACTS).is_file():
        return same_program((out / SOURCE).read_text(), text)
    store.write_atomic(out / SOURCE, text.encode())
    store.write_json(
        out / FACTS,
        {
            "name": file.stem,
            "file": str(file.resolve()),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
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
    """
    if not (out / FACTS).is_file():
        raise UserError(f"{str(out)!r} is not a claim's directory: it has no {FACTS}")
    return json.loads((out / FACTS).read_text())


def stored(out: Path) -> Claim:
    """Returns the claim as its run began."""
    return load_claim(out / SOURCE, beside=Path(read(out)["file"]).parent)


def write_choices(out: Path, tried: Mapping[str, list[Trial]]) -> None:
    """Publishes what was tried and chosen, by name of the sweep, unless that is there."""
    if tried and read_choices(out) != dict(tried):
        store.write_json(out / CHOICES, {name: [trial._asdict() for trial in found] for name, found in tried.items()})


def read_choices(out: Path) -> dict[str, list[Trial]] | None:
    """Returns what was tried and chosen, or None before it was."""
    if not (out / CHOICES).is_file():
        return None
    found = json.loads((out / CHOICES).read_text())
    return {name: [Trial(**trial) for trial in tried] for name, tried in found.items()}


def wanted(root: Path) -> dict[str, dict[str, Any]]:
    """Returns which claims are to be in a folder, by name of their directory, with what is known of each."""
    return json.loads((root / LIST).read_text()) if (root / LIST).is_file() else {}


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
