"""Reads the scheduled HLO of a compiled program: what one call of it launches on the chip."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

FREE = frozenset(
    "parameter constant tuple get-tuple-element bitcast after-all add-dependency opt-barrier domain partition-id "
    "replica-id".split()
)
"""Operations that stand for where a value lies: nothing runs."""

_HEAD = re.compile(r"(ENTRY )?%?([\w.\-]+) \(.*\{")
_OPERATION = re.compile(r"\s*([\w\-]+)\(")
_BRANCHES = "branch_computations|true_computation|false_computation"
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"')


@dataclass
class Launches:
    """What one call of a program launches, one after the other.

    Attributes:
      kinds: number by kind: an operation's name, a fusion's with its kind, a library's call with what it calls.
      open_loops: loops whose number of turns was not known when compiled; each counts as one turn.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    open_loops: int = 0

    def add(self, other: Launches, times: int = 1) -> None:
        """Adds what another piece of the program launches, so many times."""
        for kind, number in other.kinds.items():
            self.kinds[kind] += number * times
        self.open_loops += other.open_loops

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.kinds.values())


def launches(text: str) -> Launches:
    """Counts what one call of a program launches at least.

    A loop counts as often as it turns; its condition does not where the number of turns is known, since the host then
    counts them. Of the branches of a condition that which launches least counts.

    Args:
      text: scheduled HLO, as `jax.stages.Compiled.as_text` gives it.

    Raises:
      ValueError: for a text without an entry, or with an operation that cannot be read.

    Example:
      >>> launches('''
      ... ENTRY %main (x: f32[8]) -> f32[8] {
      ...   %x = f32[8]{0} parameter(0)
      ...   %y = f32[8]{0} fusion(%x), kind=kLoop, calls=%fused
      ...   ROOT %z = f32[8]{0} copy(%y)
      ... }''').kinds
      Counter({'loop fusion': 1, 'copy': 1})
    """
    bodies, entry = _computations(text)
    found: dict[str, Launches] = {}

    def of(name: str) -> Launches:
        if name not in found:
            found[name] = total = Launches()
            for line in bodies[name]:
                total.add(_of_line(line, of))
        return found[name]

    return of(entry)


def _computations(text: str) -> tuple[dict[str, list[str]], str]:
    """The operations of every computation, a line each, and the name of the one that is called."""
    bodies: dict[str, list[str]] = {}
    current, entry = None, None
    for line in text.splitlines():
        if head := _HEAD.fullmatch(line):
            current = bodies.setdefault(head[2], [])
            entry = head[2] if head[1] else entry
        elif line.startswith("}"):
            current = None
        elif current is not None and " = " in line:
            current.append(re.sub(r"/\*.*?\*/", "", line))
    if entry is None:
        raise ValueError("this HLO has no entry")
    return bodies, entry


def _of_line(line: str, of: Callable[[str], Launches]) -> Launches:
    """What one operation launches; `of` tells what a computation does that it calls."""
    operation = _operation(line)
    if operation in FREE or operation.endswith(("-done", "-update")):  # the end of what was launched before
        return Launches()
    if operation == "while":
        return _of_loop(line, of)
    if operation == "conditional":
        return min((of(name) for name in _called(line, _BRANCHES)), key=lambda branch: branch.total)
    if operation in ("call", "async-start", "call-start"):
        total = Launches()
        for name in _called(line, "to_apply|calls|called_computations"):
            total.add(of(name))
        return total
    return Launches(Counter([_kind(operation.removesuffix("-start"), line)]))


def _of_loop(line: str, of: Callable[[str], Launches]) -> Launches:
    [body], [condition] = _called(line, "body"), _called(line, "condition")
    total = Launches()
    if trips := _TRIPS.search(line):
        total.add(of(body), int(trips[1]))
    else:
        total.add(of(body))
        total.add(of(condition))
        total.open_loops += 1
    return total


def _called(line: str, attributes: str) -> list[str]:
    """The computations that these attributes of an operation name."""
    lists = re.findall(rf"[ ,](?:{attributes})=(\{{[^}}]*\}}|%?[\w.\-]+)", line)
    return [name for each in lists for name in re.findall(r"[\w.\-]+", each)]


def _operation(line: str) -> str:
    """The name of an operation: what stands after the shape of its result."""
    rest, depth, end = line.split(" = ", 1)[1], 0, 0
    while end < len(rest) and (depth > 0 or rest[end] != " "):
        depth += (rest[end] in "({[") - (rest[end] in ")}]")
        end += 1
    match = _OPERATION.match(rest, end)
    if match is None:
        raise ValueError(f"no operation can be read in {line.strip()[:100]!r}")
    return match[1]


def _kind(operation: str, line: str) -> str:
    if operation == "fusion" and (kind := re.search(r" kind=k(\w+)", line)):
        return f"{kind[1].lower()} fusion"
    if operation == "custom-call" and (target := re.search(r' custom_call_target="([^"]*)"', line)):
        return f"call of {target[1]}"
    return operation
