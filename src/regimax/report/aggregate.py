"""From one row per cell to medians, intervals and paired differences over seeds.

Three rules hold everywhere in this file. A failure is never dropped: a cell that ran and did not reach the
threshold counts as "not reached", and a diverged cell without a last measure counts as success 0. A failure
is never set to the budget either: a median that the failures decide is given as a lower bound and flagged. A
cell that is still pending is left out and counted as such.
"""

from __future__ import annotations

import math

import polars as pl

from regimax.report.median import threshold_median

GROUP = ["regime", "setting"]
"""What seeds are pooled over: one group is one regime at one setting."""


def wilson(successes: int, trials: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Returns the Wilson score interval of a proportion.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n), with p = successes / trials and n = trials.

    Args:
      successes: how many trials succeeded.
      trials: how many trials there were.
      z: the normal quantile; the default is that of a 95 % interval.

    Returns:
      (low, high), fractions in [0, 1]; (0, 1) where there are no trials.

    Raises:
      ValueError: if `successes` is negative or exceeds `trials`.

    Reference:
      Wilson (1927), Probable inference, the law of succession, and statistical inference; without the
      continuity correction.

    Example:
      >>> low, high = wilson(8, 10)
      >>> round(low, 3), round(high, 3)
      (0.49, 0.943)
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"wilson: successes must lie in 0..trials, found {successes} of {trials}")
    if trials == 0:
        return 0.0, 1.0
    p, shrink = successes / trials, 1.0 + z * z / trials
    centre = (p + z * z / (2 * trials)) / shrink
    half = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials)) / shrink
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return low, high


def learning_curves(
    curves: pl.DataFrame, effort: str, *, measure: str = "success", table: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Median and quartiles of a measure over seeds, at each evaluation of each regime and setting.

    Nothing is extrapolated. With `table`, a cell that stopped because it was solved counts from then on as above
    every other: no value stands for what it did not show, and the order statistics of its group stay exact as long as
    they fall on cells that went on. A curve ends where its median no longer does, which is where half of the cells
    have stopped as solved, and a quartile is null where it alone does not. A median over the cells that went on would
    be one over the slowest. A diverged cell goes on counting at its final success (0 if it has none), since a median
    over the others would be one over the survivors. Without `table`, and where a run is unfinished, a cell that ended
    simply leaves the median, so `n` falls.

    Args:
      curves: one row per cell and evaluation, with `cell`, `regime`, `setting`, `phase`, `update`, the effort
        column and the measure. Rows whose measure is null or NaN (a prediction phase, say) are left out.
      effort: the column that is to be the horizontal axis, cumulative along the cell's path.
      measure: the column to take the median of.
      table: one row per cell, with `cell`, `status` and the measure; says why a curve ended.

    Returns:
      one row per regime, setting, phase and update, in the order of first appearance and then along the path:
      `effort` (median over the cells measured there, unit of the column), `median`, `q25`, `q75` (unit of the
      measure), `n` (cells measured there), `solved` (cells that have stopped as solved by there), `diverged` (cells
      that diverged before), `seeds` (cells of the group that were ever measured).
    """
    point = [*GROUP, "phase", "update"]
    rows = _in_order(curves).with_columns(_finite(effort), _finite(measure))
    phases = rows.group_by([*GROUP, "phase"]).agg(
        _phase_start=pl.col("flops").min() if "flops" in rows.columns else pl.lit(None, pl.Float64),
        _phase_row=pl.col("_row").min(),
    )
    measured = rows.filter(pl.col(measure).is_not_null()).join(phases, on=[*GROUP, "phase"])
    ranked = (
        measured.select([*point, "_phase_start", "_phase_row"])
        .unique()
        .sort([*GROUP, "_phase_start", "_phase_row", "update"])
        .with_columns(_rank=pl.int_range(pl.len()).over(GROUP))
        .select([*point, "_rank"])
    )
    measured = measured.join(ranked, on=point).select(
        [*point, "_rank", "cell", effort, measure], _why=pl.lit(None, pl.String), _solved=pl.lit(False)
    )
    if table is not None:
        measured = _with_ended(measured, ranked, table, effort, measure)
    order = rows.group_by(GROUP).agg(_first=pl.col("_row").min())
    seeds = measured.group_by(GROUP).agg(seeds=pl.col("cell").n_unique().cast(pl.Int64))
    return (
        measured.group_by([*point, "_rank"])
        .agg(
            effort=pl.col(effort).median().cast(pl.Float64),
            **_quartiles(measure),
            n=pl.col("_why").is_null().sum().cast(pl.Int64),
            solved=pl.col("_solved").sum().cast(pl.Int64),
            diverged=(pl.col("_why") == "diverged").sum().cast(pl.Int64),
        )
        .filter(pl.col("median").is_not_null())
        .join(seeds, on=GROUP)
        .join(order, on=GROUP)
        .sort(["_first", "_rank"])
        .select([*point, "effort", "median", "q25", "q75", "n", "solved", "diverged", "seeds"])
    )


def _with_ended(
    measured: pl.DataFrame, ranked: pl.DataFrame, table: pl.DataFrame, effort: str, measure: str
) -> pl.DataFrame:
    """The rows, with one more for every cell that ended before its group and every evaluation it had no part in.

    A solved cell stands there as infinite: above every other, at no value; one that was solved in a phase and went on
    with the next stands so in the rest of that phase. `_why` says why a row was added, `_solved` whether its cell has
    stopped as solved by then.
    """
    ended = table.with_columns(_finite(measure)).select("cell", "status", _final=pl.col(measure).fill_null(0.0))
    # Who goes on with the next phase has left this one before others, solved, or with them, at the end of its budget.
    early = pl.col("_last") < pl.col("_last").max().over([*GROUP, "_phase"])
    goes_on = pl.col("_last") < pl.col("_last").max().over("cell")
    last = (
        measured.group_by([*GROUP, "cell", pl.col("phase").alias("_phase")])
        .agg(_last=pl.col("_rank").max())
        .join(ended, on="cell")
        .with_columns(_why=pl.when(goes_on & early).then(pl.lit("solved")).otherwise("status"))
        .filter(pl.col("_why").is_in(["solved", "diverged"]), early | ~goes_on)
    )
    solved = pl.col("_why") == "solved"
    added = (
        last.join(ranked, on=GROUP)
        .filter(pl.col("_rank") > pl.col("_last"), ~solved | (pl.col("phase") == pl.col("_phase")))
        .with_columns(
            pl.when(solved).then(math.inf).otherwise("_final").alias(measure),
            pl.lit(None, pl.Float64).alias(effort),
            _solved=solved,
        )
    )
    stopped = last.filter(solved).select("cell", _rank="_last", _stopped=True)
    measured = measured.join(stopped, on=["cell", "_rank"], how="left").with_columns(
        _solved=pl.col("_stopped").fill_null(False)
    )
    columns = [*GROUP, "phase", "update", "_rank", "cell", effort, measure, "_why", "_solved"]
    return pl.concat([measured.select(columns), added.select(columns)])


def pretraining(curves: pl.DataFrame, effort: str, *, measure: str = "success") -> pl.DataFrame:
    """Returns what each group had spent before its first evaluation: the offset at which its learning curve starts.

    Args:
      curves: one row per cell and evaluation, as for :func:`learning_curves`.
      effort: the effort column.
      measure: the column that is null in phases that cannot be evaluated.

    Returns:
      one row per regime and setting with such a phase, in order of first appearance: `effort`, the median
        over
      cells of the effort at the end of the unmeasured phases.
    """
    rows = _in_order(curves).with_columns(_finite(effort), _finite(measure))
    measured_phases = rows.filter(pl.col(measure).is_not_null()).select([*GROUP, "phase"]).unique()
    spent = (
        rows.join(measured_phases, on=[*GROUP, "phase"], how="anti")
        .group_by([*GROUP, "cell"])
        .agg(pl.col(effort).max(), pl.col("_row").min())
    )
    offsets = spent.group_by(GROUP).agg(effort=pl.col(effort).median().cast(pl.Float64), _row=pl.col("_row").min())
    return offsets.sort("_row").drop("_row")


def summary(table: pl.DataFrame) -> pl.DataFrame:
    """Returns one row per regime and setting: how many seeds solved it, and what it cost them.

    Args:
      table: one row per cell, as `regimax table` prints it, with `setting` and `status`. Pending cells may
        hold nulls.

    Returns:
      one row per group, in order of first appearance (setting first): `setting`, `regime`; `seeds` (cells),
      `finished`, `diverged` (of them); `success_median`, `success_q25`, `success_q75` over finished cells
      (null while there are none); `solved` (cells), `solved_fraction`, `solved_low`, `solved_high` (Wilson 95
      %); `threshold_env_steps` and `threshold_flops`, the median effort to the threshold, or a lower bound
      where `threshold_censored` is true (see :func:`threshold_median`); and the median effort of a cell along
      its whole
      path: `env_steps`, `flops`, `flops_without_env_steps`, `passive_steps` (unlabelled observations).
    """
    rows = outcomes(table)
    order = rows.group_by(["setting"], maintain_order=True).agg(pl.col("_row").min().alias("_setting"))
    records = []
    for (regime, setting), group in rows.group_by(GROUP, maintain_order=True):
        done = group.filter(pl.col("status") != "pending")
        solved = int(done["_solved"].sum())
        low, high = wilson(solved, done.height)
        env_steps, censored = to_threshold(done, "solved_at_env_step", "env_steps")
        flops, _ = to_threshold(done, "solved_at_flops", "flops")
        success = done["success"].drop_nulls()
        records.append(
            {
                "setting": setting,
                "regime": regime,
                "seeds": group.height,
                "finished": done.height,
                "diverged": int(done["diverged"].sum()),
                "success_median": success.median(),
                "success_q25": success.quantile(0.25, "linear"),
                "success_q75": success.quantile(0.75, "linear"),
                "solved": solved,
                "solved_fraction": solved / done.height if done.height else None,
                "solved_low": low if done.height else None,
                "solved_high": high if done.height else None,
                "threshold_env_steps": env_steps,
                "threshold_flops": flops,
                "threshold_censored": censored,
                **{
                    name: done[name].median()
                    for name in ("env_steps", "flops", "flops_without_env_steps", "passive_steps")
                },
                "_row": group["_row"].min(),
            }
        )
    return (
        pl.DataFrame(records, schema=_SUMMARY_SCHEMA)
        .join(order, on="setting")
        .sort(["_setting", "_row"])
        .drop("_setting", "_row")
    )


def to_threshold(done: pl.DataFrame, reached: str, spent: str) -> tuple[float | None, bool]:
    """Returns the median effort to the threshold of cells that have run, see :func:`threshold_median`.

    Args:
      done: one row per cell.
      reached: the column of the effort at which each got there, null where it did not.
      spent: that of what each spent in all.
    """
    return threshold_median(done[reached].to_list(), done.select(given(spent)).to_series().to_list())


def given(spent: str) -> pl.Expr:
    """Returns up to which effort a cell is known not to have got there, if it has not.

    One that diverged would never have, whatever its setting was given.

    Args:
      spent: the column of what each spent in all.
    """
    return pl.when("diverged").then(pl.col(spent).max()).otherwise(spent)


_SUMMARY_SCHEMA: dict[str, type[pl.DataType]] = {
    "setting": pl.String,
    "regime": pl.String,
    "seeds": pl.Int64,
    "finished": pl.Int64,
    "diverged": pl.Int64,
    "success_median": pl.Float64,
    "success_q25": pl.Float64,
    "success_q75": pl.Float64,
    "solved": pl.Int64,
    "solved_fraction": pl.Float64,
    "solved_low": pl.Float64,
    "solved_high": pl.Float64,
    "threshold_env_steps": pl.Float64,
    "threshold_flops": pl.Float64,
    "threshold_censored": pl.Boolean,
    "env_steps": pl.Float64,
    "flops": pl.Float64,
    "flops_without_env_steps": pl.Float64,
    "passive_steps": pl.Float64,
    "_row": pl.Int64,
}


def paired(table: pl.DataFrame, a: str, b: str) -> pl.DataFrame:
    """Returns the difference in final success between two regimes, seed by seed.

    The same seed is the same world and the same initial network in every regime, so the difference is free of
    what they share. Only seeds that have finished in both count; cells that share a seed (a column
    `world_seed`, if there is one, is part of it) are averaged first.

    Args:
      table: one row per cell, as for :func:`summary`.
      a: a regime's name.
      b: the name of the regime to subtract.

    Returns:
      one row per setting that has pairs, in order of first appearance: `setting`, `pairs` (seeds),
        `difference`
      (median over seeds of success of a minus that of b), `q25`, `q75`, `wins` (seeds where a > b), `losses`
      (where a < b); the rest are ties.
    """
    rows = outcomes(table).filter(pl.col("status") != "pending", pl.col("success").is_not_null())
    key = ["setting", "seed", *(["world_seed"] if "world_seed" in rows.columns else [])]

    def arm(regime: str, name: str) -> pl.DataFrame:
        return (
            rows.filter(pl.col("regime") == regime)
            .group_by(key)
            .agg(pl.col("success").mean().alias(name), pl.col("_row").min().alias(f"_row_{name}"))
        )

    difference = pl.col("a") - pl.col("b")
    return (
        arm(a, "a")
        .join(arm(b, "b"), on=key)
        .with_columns(_difference=difference)
        .group_by("setting")
        .agg(
            pairs=pl.len().cast(pl.Int64),
            difference=pl.col("_difference").median(),
            q25=pl.col("_difference").quantile(0.25, "linear"),
            q75=pl.col("_difference").quantile(0.75, "linear"),
            wins=(pl.col("_difference") > 0).sum().cast(pl.Int64),
            losses=(pl.col("_difference") < 0).sum().cast(pl.Int64),
            _row=pl.min_horizontal(pl.col("_row_a").min(), pl.col("_row_b").min()),
        )
        .sort("_row")
        .drop("_row")
    )


def _finite(name: str) -> pl.Expr:
    """A column as floats, with null for NaN."""
    return pl.col(name).cast(pl.Float64).fill_nan(None)


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop("_row", strict=False).with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))


def _quartiles(measure: str) -> dict[str, pl.Expr]:
    """Median and quartiles, null where they are not finite."""
    found = {"median": pl.col(measure).median()}
    found |= {name: pl.col(measure).quantile(q, "linear") for name, q in (("q25", 0.25), ("q75", 0.75))}
    return {name: pl.when(value.is_finite()).then(value) for name, value in found.items()}


def outcomes(table: pl.DataFrame) -> pl.DataFrame:
    """The table with NaN as null, a diverged cell's missing success as 0, and whether it was solved."""
    names = ["success", "env_steps", "flops", "flops_without_env_steps", "passive_steps"]
    names += ["solved_at_update", "solved_at_env_step", "solved_at_flops"]
    frame = _in_order(table).with_columns(*map(_finite, names), pl.col("diverged").cast(pl.Boolean).fill_null(False))
    lost = pl.col("success").is_null() & pl.col("diverged")
    return frame.with_columns(
        success=pl.when(lost).then(0.0).otherwise("success"),
        _solved=pl.col("solved_at_update").is_not_null(),
    )
