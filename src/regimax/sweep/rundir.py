"""The run directory: whose it is, and what of the plan is written into it."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl

import regimax
from regimax.errors import UserError
from regimax.sweep import store, table
from regimax.sweep.cost import Costs
from regimax.sweep.difference import changed, missing
from regimax.sweep.plan import Plan

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "polars")


def compare(plan: Plan, out: Path, extend: bool) -> None:
    """Refuses a directory that is something else, holds another sweep or cannot be written.

    Args:
      plan: the plan.
      out: the run directory, there or not.
      extend: whether a sweep that the plan's contains is welcome.

    Raises:
      UserError: if it is refused.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{str(out)!r} is a file, not a run directory")
    if (out / "sweep.json").is_file():
        before = store.read_sweep(out)["resolved"]
        if found := changed(before, plan.resolved):
            lost = missing(before, plan.resolved)
            if lost and extend:
                raise UserError(f"{str(out)!r} cannot be extended to this sweep: {lost}. Give another --out.")
            if not extend:
                hint = "Give another --out." if lost else "Give --extend to add the new cells, or another --out."
                raise UserError(f"{str(out)!r} holds another sweep: {found}. {hint}")
    elif out.is_dir() and any(p.name not in store.OWN and p.suffix != ".tmp" for p in out.iterdir()):
        raise UserError(f"{str(out)!r} is not empty and not a run directory. Give another --out.")
    parent = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"cannot write to {str(parent)!r}. Give another --out.")


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Holds the run directory, or refuses it when another process does.

    Raises:
      UserError: if it is in use or cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = open(out / ".lock", "w")  # noqa: SIM115 - held until the run ends
    except OSError as error:
        raise UserError(f"cannot write to {str(out)!r}: {error.strerror}. Give another --out.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{str(out)!r} is in use by another process") from None
        yield


def recorded(out: Path, fact: str) -> Any:
    """Returns what a run directory records of how its run began; None where there is none yet."""
    return store.read_sweep(out).get(fact) if (out / "sweep.json").is_file() else None


def write_plan(plan: Plan, out: Path, costs: Costs, facts: dict[str, Any], source: str | None) -> None:
    """Writes stages.parquet, cells.parquet, the sweep file's source and sweep.json, unless they are there.

    Args:
      plan: the plan.
      out: the run directory.
      costs: of its stages.
      facts: plain data for sweep.json besides the resolved sweep.
      source: the text of the sweep file, if there is one.
    """
    for folder in (*store.PARTS, store.STATES, store.CHECKPOINTS):
        (out / folder).mkdir(exist_ok=True)
    if _is_written(plan, out):
        return
    axes = list(plan.cells[0].labels)
    store.write_frame(out / "stages.parquet", _stages_frame(plan, costs))
    store.write_frame(out / "cells.parquet", _cells_frame(plan, axes))
    if source is not None:
        store.write_atomic(out / store.SOURCE, source.encode())
    versions = {"regimax": regimax.__version__, "python": platform.python_version()}
    store.write_json(
        out / "sweep.json",
        facts
        | {
            "question": plan.sweep.question,
            "axes": axes,
            "regimes": [regime.name for regime in plan.sweep.regimes],
            "seeds": len(plan.resolved["seeds"]),
            "versions": versions | {name: metadata.version(name) for name in PACKAGES},
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "resolved": plan.resolved,
        },
    )


def _is_written(plan: Plan, out: Path) -> bool:
    """Whether the run directory holds this very plan, and not half of another one that it was extended from."""
    if not all((out / name).is_file() for name in ("sweep.json", "stages.parquet", "cells.parquet")):
        return False
    cells = pl.read_parquet(out / "cells.parquet", columns=["cell"])["cell"]
    stages = pl.read_parquet(out / "stages.parquet", columns=["stage"])["stage"]
    same = store.read_sweep(out)["resolved"] == plan.resolved
    return same and cells.to_list() == [cell.id for cell in plan.cells] and set(stages) == set(plan.stages)


def _stages_frame(plan: Plan, costs: Costs) -> pl.DataFrame:
    stages = list(plan.stages.values())
    found = [costs(stage) for stage in stages]
    columns: dict[str, Any] = {
        "stage": [s.id for s in stages],
        "phase": [s.phase for s in stages],
        "program": [s.program for s in stages],
        "parent": [s.parent for s in stages],
        "inherit": [s.inherit for s in stages],
        "start": [s.start for s in stages],
        "end": [s.end for s in stages],
        "world_seed": [s.world_seed for s in stages],
        "seed": [s.seed for s in stages],
    }
    columns |= {f"{name}_per_update": [getattr(c, name) for c in found] for name in found[0]._fields}
    return pl.DataFrame(columns, schema_overrides={"parent": pl.String, "inherit": pl.List(pl.String)})


def _cells_frame(plan: Plan, axes: Sequence[str]) -> pl.DataFrame:
    columns = {
        "cell": [c.id for c in plan.cells],
        "regime": [c.regime for c in plan.cells],
        "setting": [", ".join(f"{k}={v}" if "." in k else str(v) for k, v in c.labels.items()) for c in plan.cells],
        "seed": [c.seed for c in plan.cells],
        "world_seed": [c.world_seed for c in plan.cells],
        **{axis: [c.labels[axis] for c in plan.cells] for axis in axes},
        "stages": [list(c.path) for c in plan.cells],
    }
    return pl.DataFrame(columns, strict=False)


def write_results(out: Path) -> None:
    """Puts the results into stages.parquet and cells.parquet, unless they are there."""
    if "status" in pl.read_parquet_schema(out / "cells.parquet"):
        return
    cells, stages, _ = store.tables(out)
    results = table.cell_table(out)
    new = [name for name in results.columns if name not in cells.columns]
    store.write_frame(out / "stages.parquet", stages)
    store.write_frame(out / "cells.parquet", cells.join(results.select("cell", *new), on="cell", how="left"))
