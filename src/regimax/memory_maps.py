"""Memory maps, of which Linux grants a process so many: compiled code for a CPU takes hundreds of them on every device.

Without one left XLA ends the process, so that what is compiled ahead, and the number of devices of a CPU, keep to what
is granted. Elsewhere nothing is counted.
"""

from __future__ import annotations

import math
from pathlib import Path

from regimax.errors import UserError

PER_PROGRAM = 1_500
"""Maps that the code of a program takes on a device: 500 to 1,200 as measured, with some to spare."""

SHARE = 0.85
"""Of what is granted, what code may take."""

CROWDED = 1 / 3
"""Share of what is granted from which on code is let go that nothing is left to do for."""

ADVICE = "take fewer devices, or several processes (--backend processes), or have vm.max_map_count raised"
"""What can be done where they do not suffice."""

_counted: tuple[float, int] = (math.inf, 0)
"""Maps when they were last counted, and functions that were compiled since: a program has several."""

_MAPS, _GRANTED = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")


def granted() -> float:
    """Returns how many maps this process may have, 65,530 for most; infinitely many where nobody says."""
    try:
        return int(_GRANTED.read_text())
    except (OSError, ValueError):
        return math.inf


def taken() -> int:
    """Returns how many this process has; 0 where nobody says."""
    try:
        return _MAPS.read_bytes().count(b"\n")
    except OSError:
        return 0


def left() -> float:
    """Returns how many more code may take."""
    return SHARE * granted() - taken()


def crowded() -> bool:
    """Returns whether so many are taken that room should be made."""
    return taken() > CROWDED * granted()


def most_devices(wanted: int) -> int:
    """Returns on how many of the wanted devices of a CPU the code of a program can be at once."""
    return int(min(wanted, max(1, SHARE * granted() / PER_PROGRAM)))


def check() -> None:
    """Refuses to compile a function where the process would be ended for it.

    Counting takes milliseconds: it waits until what was compiled since the last time could have taken what was left.

    Raises:
      UserError: with what can be done.
    """
    global _counted
    (have, compiled), most = _counted, granted()
    if have + (compiled + 1) * PER_PROGRAM > (limit := (1 + SHARE) / 2 * most):
        have, compiled = taken(), 0
        if have > limit:
            raise UserError(f"compiled code has taken {have:,} of the {most:,} memory maps of this process: {ADVICE}")
    _counted = have, compiled + 1
