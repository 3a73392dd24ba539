"""What a ladder of widths says: where it bends, what binds there, and how the work scales over devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

NEAR = 0.95
"""Of the best rate: the knee is the narrowest width that reaches it."""
HALF = 0.5
"""Of a ceiling: from there on it is what binds."""
WAITING = 0.25
"""Of the devices' time: from there on the host binds."""
LANES = 4
"""How many times fewer lanes must take more than half a tick's time, where latency binds."""


class Seen(NamedTuple):
    """What the rules look at of one width.

    Attributes:
      lanes: all of them.
      block: lanes per vmapped product.
      devices: how many were used.
      rate: updates per second, all lanes together.
      tick_seconds: how long a device takes for a tick of one block, s.
      of_small: FLOP/s, of the ceiling of small products.
      of_memory: bytes/s that the state takes at least, of the ceiling of memory.
      waiting: of the devices' time, in which they stood still for the host.
    """

    lanes: int
    block: int
    devices: int
    rate: float
    tick_seconds: float
    of_small: float
    of_memory: float
    waiting: float


class Limit(NamedTuple):
    """What binds: a name, and why in a sentence."""

    name: str
    why: str


def knee(points: Sequence[Seen]) -> Seen:
    """Returns the narrowest width whose rate is at least `NEAR` of the best.

    Args:
      points: one at least.
    """
    enough = NEAR * max(point.rate for point in points)
    return min((p for p in points if p.rate >= enough), key=lambda p: (p.lanes, p.devices))


def limit(points: Sequence[Seen], full: bool) -> Limit:
    """Returns what binds at the knee: the first of these rules that holds.

    1. The devices wait for the host a quarter of their time or more: the host.
    2. The FLOP/s are half of the ceiling of small products or more: compute.
    3. The state's traffic is half of the ceiling of memory or more: bandwidth.
    4. The knee is the widest that fits into memory: memory's size.
    5. With a quarter of the lanes or fewer per device, a tick takes more than half as long: latency.
    6. Else the operations that are no products of that size.

    Args:
      points: one at least.
      full: whether the next width did not fit into memory.
    """
    at = knee(points)
    if at.waiting >= WAITING:
        return Limit("host", f"devices stand still for the host {at.waiting:.0%} of the time")
    if at.of_small >= HALF:
        return Limit("compute", f"{at.of_small:.0%} of what small products reach here")
    if at.of_memory >= HALF:
        return Limit("bandwidth", f"the state alone takes {at.of_memory:.0%} of what memory passes")
    if full and at.lanes == max(point.lanes for point in points):
        return Limit("memory size", "the rate still grows where memory ends")
    for point in points:
        fewer = point.devices == at.devices and point.block * LANES <= at.block
        if fewer and point.tick_seconds > HALF * at.tick_seconds:
            part = point.tick_seconds / at.tick_seconds
            why = f"{at.block // point.block} times fewer lanes per device take {part:.0%} of a tick's time"
            return Limit("latency", why)
    why = f"at the ceiling of small products its FLOPs would take {at.of_small:.0%} of the time"
    return Limit("other operations", why)


def scaling(points: Sequence[Seen]) -> dict[int, float]:
    """Returns, by number of devices, the rate against one device's with as many lanes per device.

    Where several widths have one device and others with as many lanes per device, it is the narrowest that counts.
    Empty where there are no two numbers of devices.
    """
    for alone in sorted((p for p in points if p.devices == 1), key=lambda p: p.lanes):
        same = {p.devices: p.rate for p in points if p.block == alone.block and p.lanes == p.devices * alone.lanes}
        if len(same) > 1:
            return {count: same[count] / alone.rate for count in sorted(same)}
    return {}
