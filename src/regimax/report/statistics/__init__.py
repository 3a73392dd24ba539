"""From a run to a verdict: effort to the threshold, what arms save, and where the data leave it open.

`docs/statistics.md` has the definitions. Everything is numpy, scipy and polars on the host.
"""

from __future__ import annotations

from regimax.report.statistics._bootstrap import bootstrap
from regimax.report.statistics._power import power, worlds_needed
from regimax.report.statistics._times import Tables, scores, times
from regimax.report.statistics.assay import inside_grid, precise, room, seen
from regimax.report.statistics.comparator import best_arm
from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.exchange import break_even, exchange_rate
from regimax.report.statistics.intervals import median_interval, share
from regimax.report.statistics.paired import difference, effect, elasticity, ln_ratio, pairs, slopes
from regimax.report.statistics.performance import (
    best_setting,
    interquartile_mean,
    median_score,
    optimality_gap,
    probability_of_improvement,
    profile,
)
from regimax.report.statistics.phases import PhaseDiagram, break_even_map, phase_diagram
from regimax.report.statistics.regression import Fit, censored_regression
from regimax.report.statistics.shares import concept_share, recovery
from regimax.report.statistics.signed_rank import signed_rank_interval
from regimax.report.statistics.survival import kaplan_meier, median_time, restricted_mean, success_rate
from regimax.report.statistics.tasks import tasks_to_break_even
from regimax.report.statistics.verdict import Check, Verdict, above, below, decide, shared, within

__all__ = [
    "Check",
    "Estimate",
    "Fit",
    "PhaseDiagram",
    "Tables",
    "Verdict",
    "above",
    "below",
    "best_arm",
    "best_setting",
    "bootstrap",
    "break_even",
    "break_even_map",
    "censored_regression",
    "concept_share",
    "decide",
    "difference",
    "effect",
    "elasticity",
    "exchange_rate",
    "inside_grid",
    "interquartile_mean",
    "kaplan_meier",
    "ln_ratio",
    "median_interval",
    "median_score",
    "median_time",
    "optimality_gap",
    "pairs",
    "phase_diagram",
    "power",
    "precise",
    "probability_of_improvement",
    "profile",
    "recovery",
    "restricted_mean",
    "room",
    "scores",
    "seen",
    "share",
    "shared",
    "signed_rank_interval",
    "slopes",
    "success_rate",
    "tasks_to_break_even",
    "times",
    "within",
    "worlds_needed",
]
