"""Of what form the sealed files of a run are: a seal tells that nothing has changed, not that this version wrote it.

A form is a type or several; a predicate; a list of one form, of everything in a list; a dictionary of forms by key, all
of which must be there; or :class:`Each`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import UnionType
from typing import Any, NamedTuple

HASH = re.compile(r"[0-9a-f]{64}")
NUMBER = re.compile(r"[0-9]{6,}")
PART = re.compile(r"part-[0-9]{6,}\.parquet")


class Each(NamedTuple):
    """Of a dictionary with any keys.

    Attributes:
      form: of everything in it.
      name: of its keys as a whole.
    """

    form: Any
    name: re.Pattern[str] = re.compile(r"(?s).*")


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value <= 1


def _positive(value: Any) -> bool:
    return isinstance(value, int) and value > 0


_PARTS = Each({"sha256": HASH, "environment": int}, PART)
_TEXTS = ("name", "question", "command", "started", "device", "folder")
SWEEP = {
    "plan": {"folder": NUMBER, "files": Each(HASH)},
    "resolved": {"threshold": _share, "consecutive": _positive},
    "results": Each(HASH),
    "axes": [str],
    "regimes": [str],
    "seeds": int,
    "versions": Each(str),
    "set": [str],
    **dict.fromkeys(_TEXTS, str),
}
"""Of sweep.json, by key."""
MANIFEST = {
    "complete": bool,
    "seconds": int | float,
    "environments": [Each(str)],
    "blocks": Each(int),
    "curves": _PARTS,
    "finished": _PARTS,
    "probes": _PARTS,
    "files": Each(HASH),
}
"""Of a checkpoint's manifest, by key."""


def misfits(data: dict[str, Any], forms: dict[str, Any]) -> Iterator[str]:
    """Yields the places, in words, of what is not of its form; a key that is not there has none.

    Args:
      data: what a file holds.
      forms: by key.
    """
    for name, form in forms.items():
        if name in data:
            yield from _misfits(data[name], form, name)
    environments = data.get("environments")
    if not isinstance(environments, list):
        return
    for kind, form in forms.items():
        parts = data.get(kind) if form is _PARTS else None
        for name, part in parts.items() if isinstance(parts, dict) else ():
            index = part.get("environment") if isinstance(part, dict) else None
            if isinstance(index, int) and not 0 <= index < len(environments):
                yield f"{kind}.{name}.environment"


def _misfits(value: Any, form: Any, place: str) -> Iterator[str]:
    if isinstance(form, type | UnionType):
        fits = isinstance(value, form)
    elif isinstance(form, re.Pattern):
        fits = isinstance(value, str) and form.fullmatch(value) is not None
    elif isinstance(form, list):
        fits = isinstance(value, list)
        for i, one in enumerate(value if fits else ()):
            yield from _misfits(one, form[0], f"{place}[{i}]")
    elif isinstance(form, Each):
        fits = isinstance(value, dict) and all(form.name.fullmatch(key) for key in value)
        for key, one in value.items() if fits else ():
            yield from _misfits(one, form.form, f"{place}.{key}")
    elif isinstance(form, dict):
        fits = isinstance(value, dict) and form.keys() <= value.keys()
        for key, one in form.items() if fits else ():
            yield from _misfits(value[key], one, f"{place}.{key}")
    else:
        fits = form(value)
    if not fits:
        yield place
