"""Blank modules in the place of those that gymnax draws with, where they are not installed.

gymnax imports matplotlib and seaborn, and with them pandas, when it is imported; what is measured here draws nothing.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

DRAWING = ("matplotlib", "matplotlib.animation", "matplotlib.colors", "matplotlib.pyplot", "seaborn")


def _anything(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return object


def stand_in() -> list[str]:
    """Puts a blank module in the place of each that is missing, for this process.

    Returns:
      their names.
    """
    missing = [name for name in DRAWING if importlib.util.find_spec(name.partition(".")[0]) is None]
    for name in missing:
        sys.modules[name] = blank = ModuleType(name)
        blank.__getattr__ = _anything  # type: ignore[method-assign] - types that signatures name
        folder, _, last = name.rpartition(".")
        if folder:
            setattr(sys.modules[folder], last, sys.modules[name])
    return missing
