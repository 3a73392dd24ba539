"""From a run to a verdict: effort to the threshold, what arms save, and where the data leave it open.

`docs/statistics.md` has the definitions. Everything is numpy, scipy and polars on the host.
"""

from __future__ import annotations

from regimax.report.statistics.bootstrap import bootstrap
from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.intervals import median_interval
from regimax.report.statistics.times import scores, times
from regimax.report.statistics.verdict import Check, Verdict, above, below, decide, shared, within

__all__ = [
    "Check",
    "Estimate",
    "Verdict",
    "above",
    "below",
    "bootstrap",
    "decide",
    "median_interval",
    "scores",
    "shared",
    "times",
    "within",
]
