"""Scores over worlds: medians, interquartile means, optimality gaps, improvements, profiles, and the best setting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import scipy

from regimax.errors import UserError
from regimax.report.statistics._bootstrap import RESAMPLES, bootstrap, draws
from regimax.report.statistics.estimate import Estimate
from regimax.report.statistics.paired import effect


def median_score(frame: pl.DataFrame, confidence: float = 0.95) -> Estimate:
    """Returns the median over worlds of the scores themselves, for a rule that asks how good an arm is, not how much
    better.

    Args:
      frame: of :func:`scores` or :func:`times`, one arm at one setting.
      confidence: coverage, two-sided; kept for any number of worlds and any distribution.

    Returns:
      the estimate; learners of one world count as one, by their median, and what is not known bounds nothing.

    Raises:
      UserError: if a learner has two rows.
    """
    shown = {f"shown_{end}": pl.coalesce("reached", end) for end in ("low", "high")}
    return effect(frame.with_columns(**shown), confidence)


def interquartile_mean(frame: pl.DataFrame, confidence: float = 0.95, resamples: int = RESAMPLES) -> Estimate:
    """Returns the mean of the middle half of the scores: as robust as a median against few worlds, and less noisy.

    Args:
      frame: of :func:`scores`, one arm at one setting.
      confidence: coverage of the bootstrap over worlds, two-sided.
      resamples: of the bootstrap.

    Raises:
      UserError: where a score is not known.

    Reference:
      Agarwal et al. (2021), Deep reinforcement learning at the edge of the statistical precipice; a quarter is cut off
      on either side, by `scipy.stats.trim_mean`.
    """
    value = _values(frame)
    return bootstrap(
        lambda rows: float(scipy.stats.trim_mean(value[rows], 0.25)),
        frame["world_seed"].to_numpy(),
        unit=str(frame["unit"][0]),
        confidence=confidence,
        resamples=resamples,
    )


def optimality_gap(
    frame: pl.DataFrame, target: float = 1.0, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Estimate:
    """Returns by how much scores fall short of a target on average, what lies above it counting as there.

    Args:
      frame: of :func:`scores`, one arm.
      target: γ, in the unit of the scores.
      confidence: of the bootstrap over worlds, two-sided.
      resamples: of the bootstrap.

    Returns:
      the mean of max(γ − score, 0); 0 is best.

    Raises:
      UserError: where a score is not known.

    Reference:
      Agarwal et al. (2021), section 4.3; `rliable.metrics.aggregate_optimality_gap`.
    """
    short = np.maximum(target - _values(frame), 0.0)
    return bootstrap(
        lambda rows: float(short[rows].mean()),
        frame["world_seed"].to_numpy(),
        unit=str(frame["unit"][0]),
        confidence=confidence,
        resamples=resamples,
    )


def probability_of_improvement(
    one: pl.DataFrame, other: pl.DataFrame, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Estimate:
    """Returns P(X > Y) + P(X = Y)/2 for a cell of one arm and a cell of another, drawn apart from each other.

    Args:
      one: of :func:`scores`, the arm that may be better.
      other: of :func:`scores`, at the same settings.
      confidence: of the bootstrap over worlds, two-sided; a drawn world brings its cells of both arms.
      resamples: of the bootstrap.

    Returns:
      the mean over settings; ½ where neither is better.

    Raises:
      UserError: where a score is not known, or the arms have other settings.

    Reference:
      Mann and Whitney (1947); Agarwal et al. (2021), section 4.3; `rliable.metrics.probability_of_improvement`. How
      much better is :func:`difference`, which compares within worlds.
    """
    settings = one["setting"].unique(maintain_order=True).to_list()
    if set(settings) != set(other["setting"]):
        raise UserError("the arms have other settings: choose with where")
    score = np.concatenate([_values(one), _values(other)])
    setting = np.concatenate([one["setting"].to_numpy(), other["setting"].to_numpy()])
    first = np.arange(len(score)) < len(one)

    def improved(rows: np.ndarray) -> float:
        found = []
        for name in settings:
            here = rows[setting[rows] == name]
            x, y = score[here[first[here]]], score[here[~first[here]]]
            found.append(np.mean(np.heaviside(x[:, None] - y[None, :], 0.5)) if x.size and y.size else np.nan)
        return float(np.mean(found))

    worlds = np.concatenate([one["world_seed"].to_numpy(), other["world_seed"].to_numpy()])
    return bootstrap(improved, worlds, unit="probability", confidence=confidence, resamples=resamples)


def profile(
    frame: pl.DataFrame, at: Sequence[float], confidence: float = 0.95, resamples: int = RESAMPLES
) -> pl.DataFrame:
    """Returns the performance profile: the share of cells whose score exceeds τ, against τ.

    Args:
      frame: of :func:`scores`, one arm at one setting.
      at: the τ.
      confidence: of the pointwise band, bootstrapped over worlds.
      resamples: of the bootstrap.

    Returns:
      one row per τ: `score`, `share`, `low`, `high`.

    Raises:
      UserError: where a score is not known.

    Reference:
      Dolan and Moré (2002); Agarwal et al. (2021), equation 2.
    """
    above = _values(frame)[:, None] > np.asarray(at, float)[None, :]
    found = np.stack([above[rows].mean(0) for rows in draws(frame["world_seed"].to_numpy(), resamples)])
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return pl.DataFrame({"score": np.asarray(at, float), "share": above.mean(0), "low": low, "high": high})


def best_setting(
    frame: pl.DataFrame, setting: pl.Expr, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Estimate:
    """Returns the value of a setting at which the mean score is highest, such as the best share of FLOPs for
    pretraining.

    Args:
      frame: of :func:`scores`, one arm at several settings, every learner at all of them.
      setting: a polars expression over its columns.
      confidence: coverage of the bootstrap over worlds, which draws a world's scores at all settings together.
      resamples: of the bootstrap.

    Returns:
      the estimate; of equal means the smallest value counts, so that a claim of a larger one must be shown.

    Raises:
      UserError: where a score is not known, or a learner lacks a setting.
    """
    key = ["world_seed", "seed"]
    named = frame.select(*key, _setting=setting.cast(pl.Float64), reached="reached").sort("_setting")
    if named.select(*key, "_setting").is_duplicated().any():
        raise UserError("a learner has two scores at one setting: choose with where")
    wide = named.pivot("_setting", index=key, values="reached", sort_columns=False)
    levels = np.asarray([float(name) for name in wide.columns[2:]])
    table = wide.drop(key).to_numpy().astype(float)
    if np.isnan(table).any():
        raise UserError("a learner has no score at one of the settings")
    return bootstrap(
        lambda rows: float(levels[np.argmax(table[rows].mean(0))]),
        wide["world_seed"].to_numpy(),
        unit="setting",
        confidence=confidence,
        resamples=resamples,
    )


def _values(frame: pl.DataFrame) -> np.ndarray:
    if frame["reached"].null_count():
        raise UserError(f"{frame['reached'].null_count()} cells have no score: they are pending or censored")
    return frame["reached"].to_numpy()
