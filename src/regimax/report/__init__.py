"""From the rows of a run to one page: aggregate over seeds, draw, render.

Everything here is a pure function of two frames, one row per cell and one row per cell and evaluation, and of
a small dictionary about the run. Nothing imports JAX.

Example:
  >>> from regimax import report
  >>> low, high = report.wilson(8, 10)
  >>> f"{low:.3f} to {high:.3f}"
  '0.490 to 0.943'
"""

from __future__ import annotations

from regimax.report._savings import savings
from regimax.report.aggregate import learning_curves, paired, pretraining, summary, wilson
from regimax.report.figures import EFFORTS, Effort, Panel, Style, available, panels, styles
from regimax.report.median import threshold_median
from regimax.report.page import render, write
from regimax.report.quantities import difference, duration, fraction, quantity
from regimax.report.run import write_report
from regimax.report.terminal import table

__all__ = [
    "EFFORTS",
    "Effort",
    "Panel",
    "Style",
    "available",
    "difference",
    "duration",
    "fraction",
    "learning_curves",
    "paired",
    "panels",
    "pretraining",
    "quantity",
    "render",
    "savings",
    "styles",
    "summary",
    "table",
    "threshold_median",
    "wilson",
    "write",
    "write_report",
]
