"""Is something else running here? What the load and the ceilings say, beside what they were on this machine before."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from regimax.backend import cores, user_cache
from regimax.bench.ceilings import Ceiling
from regimax.bench.machine import in_words
from regimax.errors import UserError
from regimax.sweep import disk

LOADED = 0.25
"""Of the cores: a load above it, before anything is measured, is somebody else's."""
FAR_BELOW = 0.7
"""Of the best that was ever seen here: a ceiling below it is told."""


def by_load(load: float, number: int) -> list[str]:
    """Returns a warning where the load says that others compute here.

    Args:
      load: average of the last minute, before anything was measured: processes that ran or wanted to.
      number: of cores.

    Example:
      >>> by_load(0.1, 2), by_load(3.7, 2)
      ([], ['busy: the load was 3.7 on 2 cores before anything was measured; figures may be too low'])
    """
    if load <= LOADED * number:
        return []
    return [f"busy: the load was {load:.1f} on {number} cores before anything was measured; figures may be too low"]


def load() -> list[str]:
    """Returns a warning where this machine's load is high; none where the system does not tell."""
    with contextlib.suppress(OSError, AttributeError):
        return by_load(os.getloadavg()[0], cores())
    return []


def by_ceilings(found: Sequence[Ceiling], facts: Mapping[str, Any]) -> list[str]:
    """Returns a warning for each kernel that is far below the best that was seen on this machine, and keeps the best.

    They are kept in the user's cache, in ``regimax/ceilings.json``, for every device and version of jax. What cannot be
    read or written there is passed over.

    Args:
      found: ceilings that were measured now.
      facts: of the machine.
    """
    path, known = _path(), _known()
    here = known.setdefault(f"{in_words(dict(facts))}, {facts['cores']} cores, jax {facts['versions']['jax']}", {})
    warnings = []
    for ceiling in found:
        name = f"{ceiling.name}, {ceiling.about}, {ceiling.devices} device{'s' if ceiling.devices > 1 else ''}"
        best = here.get(name, 0.0)
        if ceiling.best < FAR_BELOW * best:
            part = ceiling.best / best
            warnings.append(f"busy or throttled: {name}: {part:.0%} of the best that was seen here before")
        here[name] = max(best, ceiling.best)
    with contextlib.suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        disk.write(path, (json.dumps(known, indent=1) + "\n").encode(), shared=True)
    return warnings


def _path() -> Path:
    return user_cache() / "ceilings.json"


def _known() -> dict[str, dict[str, float]]:
    """By machine and kernel; none where the file is missing or is something else."""
    try:
        known = json.loads(_path().read_text())
        return {here: {name: float(best) for name, best in of.items()} for here, of in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
