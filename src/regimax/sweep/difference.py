"""How two sweeps differ, in words, and whether one contains the other. Nothing of JAX."""

from __future__ import annotations

import json
from typing import Any


def difference(before: Any, now: Any, where: str = "") -> str | None:
    """Returns the first place at which two pieces of plain data differ, in words."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            path = f"{where}.{key}" if where else str(key)
            if key not in before or key not in now:
                return f"{path} is {'new' if key not in before else 'gone'}"
            if found := difference(before[key], now[key], path):
                return found
        return None
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return next(
            (d for i, (a, b) in enumerate(zip(before, now, strict=True)) if (d := difference(a, b, f"{where}[{i}]"))),
            None,
        )
    return None if before == now else f"{where} was {_short(before)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = f"{len(value)} entries" if isinstance(value, list | dict) and len(str(value)) > 60 else str(value)
    return text[:60]


CODE = ("program", "measures", "facts")
"""What stands for code: of a program, of its probes, and of what the host knows at a point."""


def _said(data: Any) -> Any:
    """What people wrote, without what stands for code."""
    if isinstance(data, dict):
        return {key: _said(value) for key, value in data.items() if key not in CODE}
    return [_said(value) for value in data] if isinstance(data, list) else data


def changed(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Returns the first thing in which two resolved sweeps differ, in words; None where they are the same."""
    if before == now:
        return None
    found = difference(_said(before), _said(now))
    return found or _code(before, now) or difference(before, now)


def missing(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Returns the first thing of a resolved sweep that another one does not contain, in words.

    Whole points are compared: a label with all that it stands for, a seed with its world.
    """
    for name in before["regimes"]:
        if name not in now["regimes"]:
            return f"the regime {name!r} is gone"
    kept = now | {name: {r: now[name][r] for r in before[name]} for name in ("regimes", "settings")}
    grown = ("seeds", "points", *(["keep_params"] if now["keep_params"] else []))
    old, new = ({k: _said(v) for k, v in data.items() if k not in grown} for data in (before, kept))
    if found := difference(old, new):
        return found

    def narrowed(point: dict[str, Any]) -> dict[str, Any]:
        """Returns a point without what is known of it for regimes that are new."""
        return point | {name: {r: point[name][r] for r in before["regimes"]} for name in ("derived", "facts")}

    points = {_named(point): narrowed(point) for point in now["points"]}
    for point in before["points"]:
        there = points.get(_named(point))
        if there is None:
            return f"the point {point['labels']} is gone"
        if found := difference(_said(point), _said(there)):
            return f"at the point {point['labels']}, {found}"
    worlds = {seed: world for world, seed in now["seeds"]}
    for world, seed in before["seeds"]:
        if seed not in worlds:
            return f"seed {seed} is gone"
        if worlds[seed] != world:
            return f"seed {seed} was in the world {world}, is in the world {worlds[seed]}"
    return _code(before, kept | {"points": [points[_named(point)] for point in before["points"]]})


def _named(point: dict[str, Any]) -> str:
    """What stands for a point, whatever the order of its axes."""
    return json.dumps(point["labels"], sort_keys=True)


def _code(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """The first thing that is computed otherwise than before, in words. Both hold the same points and regimes."""
    for regime, phases in before["regimes"].items():
        for phase, there in zip(phases, now["regimes"][regime], strict=True):
            where = f"the phase {phase['phase']!r} of {regime!r}"
            if phase["program"] != there["program"]:
                return f"{where} computes something else now: its code has changed, or the version of a library"
            if phase.get("measures") != there.get("measures"):
                return f"the probes of {where} compute something else now"
    for point, there in zip(before["points"], now["points"], strict=True):
        if point["facts"] != there["facts"]:
            words = "a world or a channel says something else of itself now (describe, unpadded, capacity)"
            return f"at the point {point['labels']}, {words}"
    return None
