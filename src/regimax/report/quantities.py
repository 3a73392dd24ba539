"""Numbers as people read them: three digits and an SI prefix."""

from __future__ import annotations

import math

UNKNOWN = "\u2013"
"""What stands in for a number that is not known."""
_SPACE = "\u00a0"
_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")


def quantity(value: float | None, unit: str = "") -> str:
    r"""An amount with an SI prefix and its unit.

    Args:
      value: the amount, in `unit`; None or NaN where it is unknown.
      unit: a symbol that takes a prefix, such as "FLOP" or "bit"; empty for a count.

    Returns:
      at most three significant digits, a no-break space, prefix and unit; a dash for an unknown amount.

    Example:
      >>> quantity(1_234_000_000, "FLOP"), quantity(48_000)
      ('1.23\xa0GFLOP', '48\xa0k')
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    power, scaled = 0, abs(value)
    while float(f"{scaled:.3g}") >= 1000 and power < len(_PREFIXES) - 1:
        power, scaled = power + 1, scaled / 1000
    digits = f"{float(f'{scaled:.3g}'):.10f}".rstrip("0").rstrip(".")
    symbol = _PREFIXES[power] + unit
    return ("\u2212" if value < 0 else "") + digits + (_SPACE + symbol if symbol else "")


def fraction(value: float | None) -> str:
    """Returns a fraction in [0, 1] with two decimals; a dash where it is unknown."""
    return UNKNOWN if value is None or not math.isfinite(value) else f"{value:.2f}"


def difference(value: float | None) -> str:
    """Returns a difference of two fractions with its sign and two decimals; a dash where it is unknown."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if abs(value) < 0.005:
        return "0.00"
    return ("+" if value > 0 else "\u2212") + f"{abs(value):.2f}"


def duration(seconds: float | None) -> str:
    """Returns a time span in its two largest units, such as "1 h 12 min"; a dash where it is unknown."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f}{_SPACE}s"
    whole = round(seconds)
    for size, unit, small, small_unit in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size}{_SPACE}{unit}" + (f" {rest}{_SPACE}{small_unit}" if rest else "")
    return f"{whole}{_SPACE}s"
