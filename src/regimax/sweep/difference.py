"""How two sweeps differ, in words, and whether one contains the other. Nothing of JAX."""

from __future__ import annotations

import json
from collections.abc import Sequence
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


GROWING = ("seeds", "points", "settings", "derived", "threshold", "consecutive")
"""What of a resolved sweep may be otherwise in a larger one; settings are compared point by point."""


def missing(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Returns the first thing of a resolved sweep that another one does not contain, in words.

    Whole points are compared: a label with all that it stands for, a seed with its world. A point of before is one of
    now that sets the same; an axis that is new must have a value that sets what was set without it. A phase that no
    other one goes on from may be longer. The threshold changes what tables say, and nothing that was run.
    """
    for name in before["regimes"]:
        if name not in now["regimes"]:
            return f"the regime {name!r} is gone"
    kept = now | {"regimes": {name: now["regimes"][name] for name in before["regimes"]}}
    grown = (*GROWING, *(["keep_params"] if now["keep_params"] else []))
    old, new = ({k: _said(v) for k, v in data.items() if k not in grown} for data in (before, kept))
    if found := difference(old, new):
        return found
    there, found = _points(before, now)
    if found:
        return found
    worlds = {seed: world for world, seed in now["seeds"]}
    for world, seed in before["seeds"]:
        if seed not in worlds:
            return f"seed {seed} is gone"
        if worlds[seed] != world:
            return f"seed {seed} was in the world {world}, is in the world {worlds[seed]}"
    return _code(before, kept | {"points": there})


def _points(before: dict[str, Any], now: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """Returns the points of now that are those of before, in their order, or what is in the way of the first."""
    alike: dict[tuple[str, ...], dict[str, list[dict[str, Any]]]] = {}
    found = []
    for point in before["points"]:
        axes, regimes = tuple(sorted(point["labels"])), point.get("regimes", list(before["regimes"]))
        if axes not in alike:
            alike[axes] = _by_labels(now["points"], axes)
        ways = []
        for there in alike[axes].get(_named(point["labels"]), []):
            if set(regimes) - set(there.get("regimes", now["regimes"])):
                continue
            if (way := _otherwise(before, now, regimes, point, there)) is None:
                found.append(_narrowed(there, regimes))
                break
            ways.append((way, [axis for axis in there["labels"] if axis not in axes]))
        else:
            if not ways:
                return [], f"the point {point['labels']} is gone"
            way, more = ways[0]
            without = f" and no value of {', '.join(map(repr, more))} is what was run without it:" if more else ","
            return [], f"at the point {point['labels']}{without} {way}"
    return found, None


def _by_labels(points: Sequence[dict[str, Any]], axes: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Points by their labels on some axes, those that have them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for point in points:
        if all(axis in point["labels"] for axis in axes):
            found.setdefault(_named({axis: point["labels"][axis] for axis in axes}), []).append(point)
    return found


def _otherwise(
    before: dict[str, Any], now: dict[str, Any], regimes: Sequence[str], point: dict[str, Any], there: dict[str, Any]
) -> str | None:
    """The first thing that regimes are given otherwise at a point of now than at one of before, in words."""
    for regime in regimes:
        phases = before["regimes"][regime]
        given, gets = _given(before, regime, point), _given(now, regime, there)
        for phase, after in zip(phases, [*phases[1:], None], strict=True):
            name = f"{phase['phase']}.updates"
            if gets.get(name, 0) > given[name]:
                if after and after["inherit"]:
                    return (
                        f"{regime}.{name} was {given[name]}, is {gets[name]}, and {after['phase']!r} went on from "
                        "where it ended: give both as values of an axis"
                    )
                gets[name] = given[name]
        if given != gets:
            return difference(given, gets, regime)
    return None


def _given(resolved: dict[str, Any], regime: str, point: dict[str, Any]) -> dict[str, Any]:
    """The settings and budgets of a regime at a point, but for what choices set."""
    usual = resolved["settings"][regime]
    own = {name: value for name, value in point["settings"].items() if name in usual}
    return usual | own | point["derived"].get(regime, {})


def _narrowed(point: dict[str, Any], regimes: Sequence[str]) -> dict[str, Any]:
    """Returns a point without what is known of it for other regimes."""
    return point | {name: {regime: point[name][regime] for regime in regimes} for name in ("derived", "facts")}


def _named(labels: dict[str, Any]) -> str:
    """What stands for a point, whatever the order of its axes."""
    return json.dumps(labels, sort_keys=True)


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
