"""Time to threshold and final scores of a run's cells, with what is known of each: the tables all else is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

import polars as pl

from regimax.errors import unknown
from regimax.factories import key_of
from regimax.sweep.table import first_reached


class Tables(Protocol):
    """What is read of a run; `regimax.load_run` returns one."""

    @property
    def cells(self) -> pl.DataFrame:
        """One row per cell."""
        ...

    @property
    def curves(self) -> pl.DataFrame:
        """One row per cell and evaluation."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was run; `resolved` has the `threshold` and how many evaluations in a row are asked for."""
        ...


UNITS = ("env_steps", "updates", "flops", "flops_rl", "passive_steps", "rewards_delivered", "episodes")
"""Units of effort beside the bits of the channels, `bits_*`."""

Where = Mapping[str, Any] | pl.Expr | None

F = TypeVar("F", bound=Callable[..., pl.DataFrame])

_known: ContextVar[dict[Any, tuple[Tables, pl.DataFrame]] | None] = ContextVar("known", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """While this lasts `times` that are asked for again are not read off anew: runs must stay as they are.

    A rule asks for most of its tables several times, C1's for each of them six times.
    """
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def _once(read: F) -> F:
    """Returns a reader that remembers what it read while `read_once` lasts."""

    @wraps(read)
    def remembered(run: Tables, arm: str, **options: Any) -> pl.DataFrame:
        known, key = _known.get(), (id(run), key_of((arm, options)))
        try:
            hash(key)
        except TypeError:  # an expression
            known = None
        if known is None:
            return read(run, arm, **options)
        if key not in known:
            known[key] = run, read(run, arm, **options)  # the run is kept: no other takes its place
        return known[key][1]

    return cast(F, remembered)


@_once
def times(
    run: Tables,
    arm: str,
    *,
    unit: str = "env_steps",
    steps: float | str = 1,
    where: Where = None,
    measure: str = "success",
    threshold: float | None = None,
    consecutive: int | None = None,
) -> pl.DataFrame:
    """Reads off the effort that each cell of an arm took to the threshold, between the ends that evaluations leave it.

    T is the effort at the first of `consecutive` evaluations in a row at or above the threshold. It lies above the
    evaluation before and not above that one; of a cell that never gets there it is only known to lie above its last
    evaluation below the threshold. A cell that diverged would never have got there: it is censored at the largest
    effort that any cell of its setting was given. What a pending cell has shown so far counts likewise.

    Args:
      run: the run.
      arm: a regime's name.
      unit: of effort, along the cell's path: `env_steps`, `episodes`, `updates`, `flops` (pretraining included),
        `flops_rl` (without it), `passive_steps`, `rewards_delivered`, or a channel's `bits_…`.
      steps: environment steps of an episode, for `episodes`: a number, or the column that holds it.
      where: which settings: values by column, or a polars expression over the cells.
      measure: the column of the curves that is compared; `train_success` with a tiny threshold and one evaluation
        gives the first success.
      threshold: what it must reach; the sweep's when not given.
      consecutive: evaluations in a row; the sweep's when not given.

    Returns:
      one row per cell: what names it (`cell`, `regime`, `setting`, `seed`, `world_seed`, the axes), `status`,
      `passive_steps`, `flops_without_env_steps`; `reached`, T or null; `low` and `high`, between which it lies, `high`
      infinite where `censored`; `unit`, that of the three.

    Raises:
      UserError: for a regime or unit that does not exist, or where no cell is left.

    Example:
      >>> from types import SimpleNamespace
      >>> names = {"cell": ["a"], "regime": ["pure_rl"], "seed": [0], "world_seed": [0], "setting": [""]}
      >>> run = SimpleNamespace(  # `rx.load_run("runs/…")` returns one
      ...     cells=pl.DataFrame({**names, "status": ["done"], "passive_steps": [0], "flops_without_env_steps": [0.0]}),
      ...     curves=pl.DataFrame(
      ...         {"cell": ["a"] * 3, "env_steps": [0, 50, 100], "flops": [0.0, 1e3, 2e3], "success": [0.0, 0.4, 1.0]}
      ...     ),
      ...     facts={"resolved": {"threshold": 0.9, "consecutive": 1}},
      ... )
      >>> times(run, "pure_rl").select("low", "reached", "high", "unit").row(0)
      (50.0, 100.0, 100.0, 'env_steps')
    """
    cells = _chosen(run.cells, arm, where)
    asked: Mapping[str, Any] = run.facts["resolved"] if threshold is None or consecutive is None else {}
    theta = float(asked["threshold"] if threshold is None else threshold)
    window = int(asked["consecutive"] if consecutive is None else consecutive)
    curves = run.curves.join(cells.select("cell", "flops_without_env_steps"), on="cell", maintain_order="left")
    if measure not in curves.columns:
        raise unknown("measure", measure, [name for name in curves.columns if curves[name].dtype == pl.Float64])
    evaluated = curves.with_columns(_effort(curves, unit, steps)).filter(pl.col(measure).fill_nan(None).is_not_null())
    effort = pl.col("_effort")
    evaluated = evaluated.with_columns(
        _before=effort.shift(1).over("cell").fill_null(0.0), _after=effort.shift(-1).over("cell")
    )
    # Who is at the threshold before doing anything has needed no more than the first stretch, and perhaps nothing.
    upper = pl.when(effort > 0).then(effort).otherwise(pl.coalesce("_after", effort))
    solved = first_reached(evaluated, measure, theta, window).select(
        "cell", reached=effort, _low=pl.col("_before"), _high=upper
    )
    shown = evaluated.group_by("cell").agg(_failed=effort.filter(pl.col(measure) < theta).last(), _spent=effort.last())
    table = cells.join(solved, on="cell", how="left", maintain_order="left").join(shown, on="cell", how="left")
    given = pl.col("_spent").max().over("setting")
    failed = pl.when(pl.col("status") == "diverged").then(given).otherwise("_failed").fill_null(0.0)
    return table.with_columns(
        low=pl.coalesce("_low", failed),
        high=pl.coalesce("_high", float("inf")),
        censored=pl.col("reached").is_null(),
        unit=pl.lit(unit),
    ).select(
        *_labels(run.cells), "passive_steps", "flops_without_env_steps", "reached", "low", "high", "censored", "unit"
    )


def scores(frame: pl.DataFrame, arm: str, measure: str = "success", *, where: Where = None) -> pl.DataFrame:
    """Reads off a measure of every cell of an arm, in the form of :func:`times`: both ends are the measure itself.

    Args:
      frame: one row per cell: `run.cells`, or the last rows of `run.probes` by cell.
      arm: a regime's name.
      measure: the column. Where a cell diverged and has none, it counts as 0; where a cell is pending, or has none for
        another reason, nothing is known.
      where: which settings.

    Returns:
      as :func:`times`, with the measure in `reached`.

    Raises:
      UserError: for a regime or measure that does not exist, or where no cell is left.
    """
    cells = _chosen(frame, arm, where)
    if measure not in cells.columns:
        raise unknown("measure", measure, [name for name in cells.columns if cells[name].dtype.is_numeric()])
    value = pl.col(measure).cast(pl.Float64).fill_nan(None)
    if "status" in cells.columns:
        lost = (pl.col("status") == "diverged") & value.is_null()
        value = pl.when(lost).then(0.0).when(pl.col("status") != "pending").then(value)
    inf = float("inf")
    return cells.with_columns(
        reached=value, low=value.fill_null(-inf), high=value.fill_null(inf), censored=value.is_null(),
        unit=pl.lit(measure),
    )  # fmt: skip


def _labels(cells: pl.DataFrame) -> list[str]:
    """What names a cell: the columns up to its status."""
    return cells.columns[: cells.columns.index("status") + 1]


def _chosen(cells: pl.DataFrame, arm: str, where: Where) -> pl.DataFrame:
    if arm not in cells["regime"]:
        raise unknown("regime", arm, cells["regime"].unique(maintain_order=True))
    chosen = cells.filter(pl.col("regime") == arm)
    if isinstance(where, Mapping):
        for name, value in where.items():
            if name not in cells.columns:
                raise unknown("column", name, cells.columns)
            kept = chosen.filter(pl.col(name) == value)
            if kept.is_empty():
                raise unknown(f"value of {name!r}:", str(value), map(str, chosen[name].unique(maintain_order=True)))
            chosen = kept
    elif where is not None:
        chosen = chosen.filter(where)
    if chosen.is_empty():
        raise unknown(f"cells of {arm!r} where", str(where), chosen.columns)
    return chosen


def _effort(curves: pl.DataFrame, unit: str, steps: float | str) -> pl.Expr:
    if unit == "episodes":
        effort = pl.col("env_steps") / (pl.col(steps) if isinstance(steps, str) else steps)
    elif unit == "flops_rl":
        effort = (pl.col("flops") - pl.col("flops_without_env_steps")).clip(lower_bound=0.0)
    elif unit in UNITS or (unit.startswith("bits_") and unit in curves.columns):
        effort = pl.col(unit)
    else:
        raise unknown("unit", unit, [*UNITS, *(name for name in curves.columns if name.startswith("bits_"))])
    return effort.cast(pl.Float64).alias("_effort")
