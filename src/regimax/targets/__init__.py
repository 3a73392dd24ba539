"""Chips that are not there: what a program compiled for one launches, and what memory it takes."""

from regimax.targets.chips import Chip, chip
from regimax.targets.hlo import Launches, launches

__all__ = ["Chip", "Launches", "chip", "launches"]
