"""A number with the interval that the data leave it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple


class Estimate(NamedTuple):
    """A number with its interval.

    Attributes:
      value: the number, in `unit`; None where the data do not say it, because what decides it was censored.
      low: lower end of the interval; -inf where nothing bounds it from below.
      high: upper end; inf where nothing bounds it from above.
      unit: of the three.
      worlds: independent worlds behind it.
      confidence: coverage that the interval promises, two-sided.
      method: how the interval was made, in a few words.
      again: makes the same estimate at another confidence; None where only this interval is known.
    """

    value: float | None
    low: float
    high: float
    unit: str
    worlds: int
    confidence: float = 0.95
    method: str = ""
    again: Callable[[float], Estimate] | None = None

    def at(self, confidence: float) -> Estimate | None:
        """Returns the same estimate with an interval of another coverage; None where that cannot be made.

        Example:
          >>> Estimate(0.9, 0.5, 1.2, "ln ratio", 16).at(0.99) is None
          True
        """
        if math.isclose(confidence, self.confidence):
            return self
        return None if self.again is None else self.again(confidence)

    @property
    def half_width(self) -> float:
        """Half of the interval's length, infinite where an end is open."""
        return (self.high - self.low) / 2 if self.low < self.high else 0.0

    def through(self, function: Callable[[float], float], unit: str) -> Estimate:
        """Returns the same under a monotone function, its ends in order.

        Args:
          function: rising or falling all the way, and defined at infinity where an end may lie there.
          unit: of what it returns.

        Example:
          >>> from math import exp, log
          >>> Estimate(log(4.0), log(2.0), log(8.0), "ln ratio", 16).through(lambda x: -x, "ln ratio").high
          -0.6931471805599453
        """
        low, high = sorted((function(self.low), function(self.high)))
        value, again = None if self.value is None else function(self.value), self.again
        remade = None if again is None else lambda confidence: again(confidence).through(function, unit)
        return self._replace(value=value, low=low, high=high, unit=unit, again=remade)

    def text(self) -> str:
        """Returns it as people read it; an end at infinity is left open.

        Example:
          >>> Estimate(None, 1.25, float("inf"), "ln ratio", 16).text()
          'above 1.25 ln ratio'
          >>> Estimate(23600.0, 20400.0, 26800.0, "episodes", 16).text()
          '23,600 episodes (20,400 to 26,800)'
        """
        unit = f" {self.unit}" if self.unit else ""
        low, high = math.isfinite(self.low), math.isfinite(self.high)
        if self.value is not None and math.isfinite(self.value):
            return f"{_number(self.value)}{unit} ({_number(self.low)} to {_number(self.high)})"
        if self.low == math.inf or self.high == -math.inf:
            return "beyond any number"
        if low and high:
            return f"between {_number(self.low)} and {_number(self.high)}{unit}"
        if low or high:
            return f"above {_number(self.low)}{unit}" if low else f"below {_number(self.high)}{unit}"
        return "not known"


def _number(x: float) -> str:
    """Three digits, or whole where there are more before the point."""
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    return (f"{x:,.0f}" if 1000 <= abs(x) < 1e7 else f"{x:.3g}").replace("-", "−")


def exp(x: float) -> float:
    """Returns e to the x, infinite where a float does not hold it."""
    return math.inf if x > 700 else math.exp(x)


def nothing(unit: str, worlds: int, confidence: float = 0.95, method: str = "") -> Estimate:
    """Returns the estimate of what the data say nothing about."""
    return Estimate(None, -math.inf, math.inf, unit, worlds, confidence, method)
