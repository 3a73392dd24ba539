"""Which part of the effort is concept assembly, and how much of it prediction takes away."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regimax.report.median import middle
from regimax.report.statistics._bootstrap import RESAMPLES, draws, percentiles
from regimax.report.statistics.estimate import Estimate, exp, nothing
from regimax.report.statistics.paired import KEY, effect, ln_ratio, pairs

Floats = NDArray[np.float64]


def concept_share(scratch: pl.DataFrame, oracle: pl.DataFrame, confidence: float = 0.95) -> Estimate:
    """S = 1 - T_oracle / T_scratch: the part of the effort that whoever is given the concepts does not have.

    Args:
      scratch: of :func:`times`.
      oracle: the same of the oracle, which learns the task from the true latents.
      confidence: coverage, two-sided.

    Returns:
      the median over worlds. Where scratch never gets there only the lower end is known, 1 - T_oracle / budget; below 0
      where the oracle is the slower.
    """
    return ln_ratio(oracle, scratch, confidence).through(lambda x: 1.0 - exp(x), "concept share")


def recovery(
    scratch: pl.DataFrame,
    pretrained: pl.DataFrame,
    oracle: pl.DataFrame,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """ρ = (ln T_scratch - ln T_pretrained) / (ln T_scratch - ln T_oracle): 0 is scratch, 1 the oracle.

    Each T is the median over learners, known between two ends. ρ is monotone in each of the three, so its range over
    what they may be is that of the corners; where scratch is not bounded above, ρ tends to 1.

    Args:
      scratch: of :func:`times`.
      pretrained: the same of the arm in question.
      oracle: the same of the oracle.
      confidence: coverage, two-sided.
      resamples: of the bootstrap over worlds, which draws all three arms together.

    Returns:
      the estimate; with censoring its value is None and the interval holds what is possible. Nothing at all where
      scratch and oracle do not differ: where the exact interval of ln T_scratch - ln T_oracle holds 0.
    """
    gap = effect(pairs(scratch, oracle), confidence)
    if gap.low <= 0.0 <= gap.high:
        return nothing("recovery", gap.worlds, confidence, "none: scratch and oracle do not differ")
    arms = [_both_ends(frame, name) for name, frame in zip("spo", (scratch, pretrained, oracle), strict=True)]
    both = arms[0].join(arms[1], on=KEY).join(arms[2], on=KEY).sort(KEY)
    columns = {name: both[name].to_numpy() for name in both.columns}

    def corners(rows: NDArray[np.intp], end: str) -> tuple[float, float]:
        s, p, o = ([_log(middle(columns[f"{arm}_{end}{side}"][rows])) for side in ("low", "high")] for arm in "spo")
        return _range(s, p, o)

    worlds = columns["world_seed"]
    found = np.asarray([corners(rows, "") for rows in draws(worlds, resamples)])
    shown = corners(np.arange(len(worlds)), "shown_")
    value = shown[0] if math.isclose(*shown) else None
    count, method = len(np.unique(worlds)), f"bootstrap over worlds, {resamples:,} resamples"

    def at(confidence: float) -> Estimate:
        low, high = percentiles(found[:, 0], confidence)[0], percentiles(found[:, 1], confidence)[1]
        return Estimate(value, low, high, "recovery", count, confidence, method, at)

    return at(confidence)


def _both_ends(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    return frame.select(
        *KEY,
        pl.col("low").alias(f"{name}_low"),
        pl.col("high").alias(f"{name}_high"),
        pl.coalesce("reached", "low").alias(f"{name}_shown_low"),
        pl.coalesce("reached", "high").alias(f"{name}_shown_high"),
    )


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _range(s: list[float], p: list[float], o: list[float]) -> tuple[float, float]:
    """Least and largest ρ over the box of the three logarithms; nothing where scratch may not exceed the oracle."""
    if not s[0] > o[1] or math.isnan(s[0]):
        return -math.inf, math.inf
    found = [_recovery(x, y, z) for x in s for y in p for z in o]
    if any(math.isnan(x) for x in found):
        return -math.inf, math.inf
    return min(found), max(found)


def _recovery(s: float, p: float, o: float) -> float:
    """ρ at one corner, at infinity its limit."""
    if math.isinf(o):  # an oracle that is there at once
        return 0.0 if math.isfinite(p) and math.isfinite(s) else math.nan
    if math.isinf(s):
        return 1.0 if math.isfinite(p) else math.nan
    return (s - p) / (s - o)
