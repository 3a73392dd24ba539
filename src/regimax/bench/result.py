"""What is measured, as plain data on disk, and how two of them compare."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from regimax.errors import UserError
from regimax.sweep import disk

KIND, FORMAT = "regimax bench", 1


class Ratio(NamedTuple):
    """A point of a workload here against the same point there.

    Attributes:
      workload: its name.
      lanes: as all that follow, the point's.
      block: lanes per product.
      devices: how many.
      before: updates per second there.
      now: updates per second here.
    """

    workload: str
    lanes: int
    block: int
    devices: int
    before: float
    now: float

    @property
    def ratio(self) -> float:
        """How many times faster it is here."""
        return self.now / self.before


def check_writable(path: Path | None) -> None:
    """Refuses a file that could not be written.

    Raises:
      UserError: if it is a folder, or its folder does not exist or cannot be written to.
    """
    if path is None:
        return
    if path.is_dir():
        raise UserError(f"{str(path)!r} is a folder, not a file")
    if not path.parent.is_dir():
        raise UserError(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}")
    trial = path.with_name(f".{path.name}.trial")
    try:  # what permissions say is not all that counts
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise UserError(f"cannot write {str(path)!r}: {error.strerror}") from error


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Writes a result whole or not at all."""
    disk.write(path, (json.dumps({"kind": KIND, "format": FORMAT, **found}, indent=1) + "\n").encode())


def read(path: Path) -> dict[str, Any]:
    """Reads a result.

    Raises:
      UserError: if the file cannot be read, is something else, or is damaged.
    """
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{str(path)!r} holds no JSON: it is not what `regimax bench --json` writes") from error
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise UserError(f"{str(path)!r} is not what `regimax bench --json` writes")
    if found.get("format") != FORMAT:
        raise UserError(f"{str(path)!r} has format {found.get('format')!r}; this regimax reads {FORMAT}")
    try:
        _points(found)
        for key in ("device", "platform", "cpu", "devices", "versions"):
            found["machine"][key]
        [(c["name"], c["unit"], c["devices"], c["best"]) for c in found["ceilings"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{str(path)!r} is damaged: {type(error).__name__} {error}") from error
    return found


def _points(found: Mapping[str, Any]) -> dict[tuple[str, int, int, int], float]:
    """Updates per second by workload, lanes, block and devices."""
    points = {}
    for name, workload in found["workloads"].items():
        int(workload["version"])
        for point in workload["points"]:
            rate = float(point["updates_per_second"])
            if not rate > 0 or math.isinf(rate):
                raise ValueError(f"{name} has a rate of {rate}")
            points[name, point["lanes"], point["block"], point["devices"]] = rate
    return points


def check_comparable(before: Mapping[str, Any], versions: Mapping[str, int], path: Path) -> None:
    """Refuses a result that has nothing to be compared with, or another version of a workload.

    Args:
      before: the result there.
      versions: of the workloads that are measured here, by name.
      path: where `before` was read.

    Raises:
      UserError: if it is refused.
    """
    common = [name for name in versions if name in before["workloads"]]
    if not common:
        there = ", ".join(before["workloads"]) or "none"
        raise UserError(f"{str(path)!r} has none of the workloads {', '.join(versions)}; it has {there}")
    for name in common:
        version = before["workloads"][name]["version"]
        if version != versions[name]:
            raise UserError(f"{str(path)!r} has version {version} of {name!r}, this regimax version {versions[name]}")


def ratios(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Ratio]:
    """Returns the points that both have, in the order of `now`."""
    there, here = _points(before), _points(now)
    return [Ratio(*point, there[point], rate) for point, rate in here.items() if point in there]


def only_in_one(before: Mapping[str, Any], now: Mapping[str, Any]) -> int:
    """Returns how many points of the workloads that both have are in one of them only."""
    common = before["workloads"].keys() & now["workloads"].keys()
    there, here = ({point for point in _points(found) if point[0] in common} for found in (before, now))
    return len(there ^ here)


def geometric_mean(numbers: Iterable[float]) -> float:
    """Returns the geometric mean of positive numbers, one at least."""
    logs = [math.log(number) for number in numbers]
    return math.exp(sum(logs) / len(logs))


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Returns what differs between the machines of two results, in words."""
    there, here = before["machine"], now["machine"]
    found = []
    for name in sorted({*there, *here} - {"versions"}):
        if there.get(name) != here.get(name):
            found.append(f"{name.replace('_', ' ')}: {there.get(name)} there, {here.get(name)} here")
    for name in sorted({*there["versions"], *here["versions"]}):
        a, b = there["versions"].get(name), here["versions"].get(name)
        if a != b:
            found.append(f"{name}: {a or 'not installed'} there, {b or 'not installed'} here")
    return found
