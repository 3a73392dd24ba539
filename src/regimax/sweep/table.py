"""Tidy results: one row per cell, and one row per cell and evaluation. Nothing of JAX.

Effort is added up along a cell's path as if it had run alone; `totals` has what the run really executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from regimax.sweep import environment, store

EFFORT = (
    "flops",
    "env_steps",
    "passive_steps",
    "rewards_delivered",
    "bits_sensory",
    "bits_abstraction",
    "bits_decision",
    "bits_reward",
    "bits_outcome",
    "present_sensory_bound",
)
SPLIT = ("flops_prediction", "flops_experience", "flops_reinforcement")
"""FLOPs by what they are spent on, whatever the phase: they add up to `flops`."""
FACTS = ("predictable_share", "floor_scratch", "floor_stream")
"""What is known of the world of a stage."""
COUNTS = ("env_steps", "passive_steps")
COMPUTED_UNDER = "computed_under"
"""Column of a run that was computed under several environments."""


def _paths(cells: pl.DataFrame, stages: pl.DataFrame) -> pl.DataFrame:
    """One row per cell and stage of its path, in order, with the effort of the stages before it."""
    told = [*(f"{name}_per_update" for name in (*EFFORT, *SPLIT)), *FACTS]
    lacking = [name for name in told if name not in stages.columns]  # in a run from before it was counted
    stages = stages.with_columns(pl.lit(None, pl.Float64).alias(name) for name in lacking)
    steps = (
        cells.with_row_index("order")
        .select("order", "cell", "stages")
        .with_columns(link=pl.int_ranges(pl.col("stages").list.len()))
        .explode("stages", "link")
        .rename({"stages": "stage"})
        .join(stages, on="stage", how="left")
        .sort("order", "link")
    )
    spent = (pl.col("updates_done").fill_null(pl.col("start")) - pl.col("start")).clip(lower_bound=0)
    steps = steps.with_columns(spent=spent)
    before = [
        (pl.col("spent") * pl.col(f"{name}_per_update")).cum_sum().over("cell")
        - pl.col("spent") * pl.col(f"{name}_per_update")
        for name in EFFORT
    ]
    return steps.with_columns(
        [expr.alias(f"{name}_before") for name, expr in zip(EFFORT, before, strict=True)]
        + [(pl.col("spent").cum_sum().over("cell") - pl.col("spent")).alias("updates_before")]
    )


def _total(name: str) -> pl.Expr:
    """What was spent of an effort on all stages; null where it was not counted."""
    each = pl.col(f"{name}_per_update")
    return pl.when(each.is_not_null().any()).then((pl.col("spent") * each).sum())


def columns(effort: Sequence[str]) -> frozenset[str]:
    """Returns the names of all columns that results have beside axes and metrics: an axis needs another.

    Args:
      effort: the fields of a stage's cost, as stages.parquet has them followed by ``_per_update``.
    """
    texts, numbers = ("cell", "regime", "setting"), ("seed", "world_seed")
    cells = pl.DataFrame(
        schema=dict.fromkeys(texts, pl.String) | dict.fromkeys(numbers, pl.Int64) | {"stages": pl.List(pl.String)}
    )
    texts, numbers = ("stage", "phase", "program", "parent", "status"), ("start", "end", "updates_done")
    costs = dict.fromkeys((*(f"{name}_per_update" for name in effort), *FACTS), pl.Float64)
    stages = pl.DataFrame(schema=dict.fromkeys(texts, pl.String) | dict.fromkeys(numbers, pl.Int64) | costs)
    curves = pl.DataFrame(schema={"stage": pl.String, "update": pl.Int64})
    rows = _by_cell(cells, stages, curves)
    results = _cell_table(cells, stages, rows, 1.0, 1)
    found = (*cells.columns, *_paths(cells, stages).columns, *rows.columns, *results.columns)
    return frozenset((*found, COMPUTED_UNDER, "environment"))


def cell_curves(run: Path) -> pl.DataFrame:
    """Returns one row per cell and evaluation, as far as the run is committed.

    Columns: `cell`, `regime`, `setting`, `seed`, the axes, `phase`, `update` (within the phase), `updates` (along the
    path), the cumulative effort `flops` (FLOPs), `env_steps`, `passive_steps` (steps), `rewards_delivered` (rewards),
    `bits_*` (bits), and the metrics.

    Raises:
      UserError: if `run` is not a run directory, or anything in it that is needed is damaged.
    """
    return _by_cell(*store.tables(run))


def cell_probes(run: Path) -> pl.DataFrame:
    """Returns one row per cell and measurement by its probes, as far as the run is committed.

    Columns: as of `cell_curves`, with what the probes measured in the place of the metrics: ``<probe>_<measure>``.

    Raises:
      UserError: if `run` is not a run directory, or anything in it that is needed is damaged.
    """
    return _by_cell(*store.tables(run, store.PROBES))


def _by_cell(cells: pl.DataFrame, stages: pl.DataFrame, curves: pl.DataFrame) -> pl.DataFrame:
    """Rows of stages as rows of the cells whose paths they lie on, with the effort spent until then."""
    steps = _paths(cells, stages)
    metrics = [name for name in curves.columns if name not in ("stage", "update")]
    rows = steps.join(curves, on="stage", how="inner", maintain_order="left_right").with_columns(
        inside=pl.col("update") - pl.col("start")
    )
    effort = [
        (pl.col(f"{name}_before") + pl.col("inside") * pl.col(f"{name}_per_update"))
        .cast(pl.Int64 if name in COUNTS else pl.Float64)
        .alias(name)
        for name in EFFORT
    ]
    rows = rows.select(
        "order",
        "link",
        "cell",
        "phase",
        "update",
        (pl.col("updates_before") + pl.col("inside")).alias("updates"),
        *effort,
        *(pl.col(name).cast(pl.Float64) for name in metrics),
    )
    labels = cells.drop("stages")
    return (
        labels.join(rows, on="cell", how="inner", maintain_order="left_right")
        .sort("order", "link", "update")
        .drop("order", "link")
    )


def cell_table(run: Path) -> pl.DataFrame:
    """Returns one row per cell, as far as the run is committed.

    Columns: `cell`, `regime`, `setting`, `seed`, the axes, `status`, the last evaluation's `success` and `return`, the
    effort along the cell's path, and when it was solved: `solved_at_*` is the first of the sweep's `consecutive`
    evaluations at or above its `threshold`; `censored` cells were not solved within their budget.
    `flops_without_env_steps` and `flops_rl` are the FLOPs of phases without and with steps of one's own;
    `flops_prediction`, `flops_experience` and `flops_reinforcement` what FLOPs of any phase are spent on (null in a run
    from before they were told apart). Of bits, `bits_*` are capacities. `present_sensory_bound` is what observations
    can at most have told about the concepts at work in them (null where the world does not know), `reward_bits_bound`
    and `outcome_bits_bound` what can at most have been present in the reward that arrived. `used_decision` is what
    decisions carried of what was seen. `rewards_delivered` are rewards that were told, `solved_at_reward` until it was
    solved, and `solved_at_reward_bits` what those can at most have told. Of the world `predictable_share` is known, how
    much of what a predictor is asked can be foretold, and the bits that rewards must tell, `floor_scratch` without and
    `floor_stream` with a stream; `information_efficiency` is the floor of the cell, with a stream if it predicts
    anything, over what it was told until it was solved. A run that went on under other versions, or on another kind of
    device, has `computed_under` besides: what tells the environments of the cell's stages from the run's others.

    Raises:
      UserError: if `run` is not a run directory, or anything in it that is needed is damaged.
    """
    cells, stages, curves = store.tables(run)
    resolved = store.read_sweep(run)["resolved"]
    rows = _by_cell(cells, stages, curves)
    found = _cell_table(cells, stages, rows, resolved["threshold"], resolved["consecutive"])
    environments, pairs = store.environments(run)
    if len(environments) < 2:
        return found
    return found.join(_computed_under(cells, environments, pairs), on="cell", how="left", maintain_order="left")


def _computed_under(
    cells: pl.DataFrame, environments: Sequence[Mapping[str, str]], pairs: pl.DataFrame
) -> pl.DataFrame:
    """One row per cell that has begun: `computed_under`, the labels of its environments in the order they came in."""
    names = pl.DataFrame({"environment": range(len(environments)), COMPUTED_UNDER: environment.labels(environments)})
    links = cells.select("cell", pl.col("stages").alias("stage")).explode("stage").join(pairs, on="stage")
    there = links.select("cell", "environment").unique().join(names, on="environment").sort("cell", "environment")
    return there.group_by("cell", maintain_order=True).agg(pl.col(COMPUTED_UNDER).str.join(" + "))


def _cell_table(
    cells: pl.DataFrame, stages: pl.DataFrame, curves: pl.DataFrame, threshold: float, consecutive: int
) -> pl.DataFrame:
    steps = _paths(cells, stages)
    own = pl.col("env_steps_per_update") > 0
    spent = steps.group_by("cell").agg(
        pl.col("spent").sum().alias("updates"),
        *(_total(name).cast(pl.Int64 if name in COUNTS else pl.Float64).alias(name) for name in (*EFFORT, *SPLIT)),
        (pl.col("spent") * pl.col("flops_per_update")).filter(~own).sum().alias("flops_without_env_steps"),
        (pl.col("spent") * pl.col("flops_per_update")).filter(own).sum().alias("flops_rl"),
        # What is asked for first is the stream, where there is one; what is asked for last is the task.
        pl.col("predictable_share").first().fill_nan(None),
        *(pl.col(name).last().fill_nan(None) for name in ("floor_scratch", "floor_stream")),
        (pl.col("status") == "diverged").any().fill_null(False).alias("diverged"),
        pl.col("status").last().fill_null("pending").alias("status"),
    )
    measured = [name for name in ("success", "return") if name in curves.columns]
    curves = curves.with_columns(_told(curves).alias("_told"))
    evaluated = curves.filter(pl.col("success").is_not_null()) if "success" in measured else curves.clear()
    last = evaluated.group_by("cell", maintain_order=True).agg(pl.col(name).last() for name in measured)
    solved = _solved(evaluated, threshold, consecutive) if "success" in measured else None
    table = cells.drop("stages").join(spent, on="cell", how="left", maintain_order="left")
    table = table.join(last, on="cell", how="left", maintain_order="left")
    if solved is not None:
        table = table.join(solved, on="cell", how="left", maintain_order="left")
    for name, dtype in {"success": pl.Float64, "return": pl.Float64, **SOLVED}.items():
        if name not in table.columns:
            table = table.with_columns(pl.lit(None, dtype).alias(name))
    # A stage that a stop rule ended reads "solved"; what is pending has no result yet.
    pending = pl.col("status") == "pending"
    table = table.with_columns(
        (pl.col("solved_at_update").is_null() & ~pending).alias("censored"),
        *(pl.when(pending).then(None).otherwise(pl.col(name)).alias(name) for name in ("success", "return")),
    )
    table = table.join(_measured(curves), on="cell", how="left", maintain_order="left")
    # Whoever predicts has a stream, of others or of its own, for a floor.
    floor = pl.when(pl.col("flops_prediction") > 0).then("floor_stream").otherwise("floor_scratch")
    told = pl.col("solved_at_reward_bits")
    efficiency = pl.when(told > 0).then(floor / told).alias("information_efficiency")
    front = [name for name in cells.columns if name != "stages"]
    return table.select(
        *front,
        "status",
        "success",
        "return",
        "updates",
        "env_steps",
        "passive_steps",
        "rewards_delivered",
        "flops",
        "flops_without_env_steps",
        "flops_rl",
        *SPLIT,
        "bits_sensory",
        "bits_abstraction",
        "bits_decision",
        "bits_reward",
        "bits_outcome",
        pl.col("present_sensory_bound").fill_nan(None),
        *MEASURED,
        *FACTS,
        *SOLVED,
        efficiency,
        "censored",
        "diverged",
    )


MEASURED = {
    "reward_bits_bound": "reward_bits_bound",
    "outcome_bits_bound": "outcome_bits_bound",
    "used_decision": "throughput",
}
"""Columns of bits that add up metrics in bits per step over the environment steps of a cell."""

SOLVED = {
    "solved_at_update": pl.Int64,
    "solved_at_env_step": pl.Int64,
    "solved_at_flops": pl.Float64,
    "solved_at_reward": pl.Float64,
    "solved_at_reward_bits": pl.Float64,
}


def _told(curves: pl.DataFrame) -> pl.Expr:
    """The bits that rewards can at most have told until each row of curves; null where that was not measured."""
    if "reward_bits_bound" not in curves.columns:
        return pl.lit(None, pl.Float64)
    steps = (pl.col("env_steps") - pl.col("env_steps").shift(1)).fill_null(0)  # within the cell, by the one below
    return (pl.col("reward_bits_bound").fill_nan(None) * steps).fill_null(0.0).cum_sum().over("cell")


def _measured(curves: pl.DataFrame) -> pl.DataFrame:
    """One row per cell: bits that were measured, each evaluation standing for the steps since the one before."""
    steps = (pl.col("env_steps") - pl.col("env_steps").shift(1).over("cell")).fill_null(0)
    known = {column: metric for column, metric in MEASURED.items() if metric in curves.columns}
    nothing = [pl.lit(None, pl.Float64).alias(column) for column in MEASURED if column not in known]
    sums = [
        pl.when(pl.col(metric).is_not_null().any())
        .then((pl.col(metric).fill_nan(None) * pl.col("steps")).sum())
        .alias(column)
        for column, metric in known.items()
    ]
    return curves.with_columns(steps=steps).group_by("cell", maintain_order=True).agg(*sums).with_columns(*nothing)


def first_reached(evaluated: pl.DataFrame, measure: str, threshold: float, consecutive: int) -> pl.DataFrame:
    """Returns of every cell that got there the row of the first of `consecutive` evaluations in a row at the threshold.

    Args:
      evaluated: one row per cell and evaluation, in order, with `cell` and the measure.
      measure: the column that must be at or above `threshold`.
      threshold: in the unit of the measure.
      consecutive: evaluations in a row.
    """
    reached = (pl.col(measure) >= threshold).cast(pl.Int64)
    # The window of evaluations that begins here, looked at from its end.
    window = reached.rolling_sum(consecutive).shift(-(consecutive - 1)).over("cell")
    full = evaluated.filter(window == consecutive)
    return full.group_by("cell", maintain_order=True).first()


def _solved(evaluated: pl.DataFrame, threshold: float, consecutive: int) -> pl.DataFrame:
    """One row per solved cell: effort at the first of `consecutive` evaluations in a row at or above `threshold`."""
    return first_reached(evaluated, "success", threshold, consecutive).select(
        "cell",
        pl.col("updates").alias("solved_at_update"),
        pl.col("env_steps").alias("solved_at_env_step"),
        pl.col("flops").alias("solved_at_flops"),
        pl.col("rewards_delivered").alias("solved_at_reward"),
        pl.col("_told").alias("solved_at_reward_bits"),
    )


def totals(run: Path) -> dict[str, Any]:
    """Returns what the run executed, shared stages once: stages, updates, env_steps, samples and FLOPs with padding."""
    _, stages = store.planned(run)
    spent = (pl.col("updates_done") - pl.col("start")).clip(lower_bound=0).fill_null(0)
    row = stages.select(
        pl.col("status").is_not_null().sum().alias("stages"),
        spent.sum().alias("updates"),
        (spent * pl.col("env_steps_per_update")).sum().alias("env_steps"),
        (spent * pl.col("passive_steps_per_update")).sum().alias("passive_steps"),
        (spent * pl.col("flops_executed_per_update")).sum().alias("flops_executed"),
    )
    return row.row(0, named=True)
