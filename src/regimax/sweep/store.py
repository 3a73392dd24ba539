"""What a run leaves on disk, and how it is read. Nothing of JAX.

``RUN/sweep.json`` is the resolved sweep, ``RUN/sweep.py`` the file it came from. ``RUN/curves/``, ``RUN/probes/`` and
``RUN/finished/`` hold immutable Parquet parts, written whole, synced and renamed; which of them count is said by the
newest checkpoint's manifest. ``RUN/stages.parquet`` and ``RUN/cells.parquet`` hold the plan, and the results once the
run is over.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from regimax.errors import UserError

CURVES, FINISHED, PROBES, STATES, CHECKPOINTS = "curves", "finished", "probes", "states", "checkpoints"
PARTS = (CURVES, FINISHED, PROBES)
"""Kinds of rows that are kept in immutable parts."""
MANIFEST, SOURCE = "manifest.json", "sweep.py"
FILES = {".lock", "sweep.json", SOURCE, "stages.parquet", "cells.parquet", "report.html"}
OWN = {*FILES, *PARTS, STATES, CHECKPOINTS}
"""What a run directory may hold."""


def write_atomic(path: Path, data: bytes) -> str:
    """Writes a file whole: to a temporary name, synced, renamed, the folder synced. Returns its SHA-256."""
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return hashlib.sha256(data).hexdigest()


def write_json(path: Path, data: Any) -> str:
    """Writes plain data as JSON, atomically."""
    return write_atomic(path, (json.dumps(data, indent=1) + "\n").encode())


def write_frame(path: Path, frame: pl.DataFrame) -> str:
    """Writes a frame as Parquet, atomically. Returns its SHA-256."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return write_atomic(path, buffer.getvalue())


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_sweep(run: Path) -> dict[str, Any]:
    """Returns the contents of RUN/sweep.json.

    Raises:
      UserError: if `run` is not a run directory.
    """
    path = run / "sweep.json"
    if not path.is_file():
        raise UserError(f"{str(run)!r} is not a run directory: it has no sweep.json")
    return json.loads(path.read_text())


def checkpoint_steps(run: Path) -> list[int]:
    """Returns the numbers of the committed checkpoints, newest first."""
    return sorted((int(p.parent.name) for p in (run / CHECKPOINTS).glob(f"[0-9]*/{MANIFEST}")), reverse=True)


def read_manifest(run: Path, step: int) -> dict[str, Any]:
    """Returns a checkpoint's manifest.

    Raises:
      ValueError: if it does not hold what it was written with.
    """
    data = json.loads((run / CHECKPOINTS / f"{step:06d}" / MANIFEST).read_text())
    seal = data.pop("seal", None)
    if seal != manifest_seal(data):
        raise ValueError("its manifest does not match its seal")
    return data


def manifest_seal(manifest: dict[str, Any]) -> str:
    """Returns the hash that seals a manifest."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def newest_manifest(run: Path) -> dict[str, Any] | None:
    """Returns the newest manifest that is whole, or None."""
    for step in checkpoint_steps(run):
        try:
            return read_manifest(run, step)
        except ValueError:
            continue
    return None


def read_parts(run: Path, kind: str, names: Iterable[str]) -> pl.DataFrame | None:
    """Returns the rows of those parts, or None where there are none."""
    frames = [pl.read_parquet(run / kind / name) for name in names]
    return pl.concat(frames, how="diagonal_relaxed") if frames else None


def tables(run: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Returns a run's cells, stages and curves, as far as they are committed.

    Returns:
      cells: one row per cell: `cell`, `regime`, `setting`, `seed`, one column per axis, `stages` (its path).
      stages: one row per stage: what was planned, its cost per update, and `status`, `updates_done` once finished.
      curves: one row per stage and evaluation: `stage`, `update`, one column per metric.

    Raises:
      UserError: if `run` is not a run directory.
    """
    axes = read_sweep(run)["axes"]
    manifest = newest_manifest(run) or {CURVES: {}, FINISHED: {}}
    planned = ["cell", "regime", "setting", "seed", "world_seed", *axes, "stages"]
    cells = pl.read_parquet(run / "cells.parquet", columns=planned)
    stages = pl.read_parquet(run / "stages.parquet")
    finished = read_parts(run, FINISHED, manifest[FINISHED])
    if finished is None:
        finished = pl.DataFrame(schema={"stage": pl.String, "status": pl.String, "updates_done": pl.Int64})
    stages = stages.drop("status", "updates_done", strict=False)
    # A stage that was run again, because its parked state was damaged, stands twice with equal rows.
    finished = finished.unique("stage", keep="last")
    stages = stages.join(finished.select("stage", "status", "updates_done"), on="stage", how="left")
    return cells, stages, _rows(run, CURVES, stages, manifest)


def probe_rows(run: Path) -> pl.DataFrame:
    """Returns what a run's probes measured, as far as it is committed: `stage`, `update`, one column per measure.

    Raises:
      UserError: if `run` is not a run directory.
    """
    _, stages, _ = tables(run)
    return _rows(run, PROBES, stages, newest_manifest(run) or {})


def _rows(run: Path, kind: str, stages: pl.DataFrame, manifest: dict[str, Any]) -> pl.DataFrame:
    """The rows by stage and update that count, sorted."""
    rows = read_parts(run, kind, manifest.get(kind, {}))
    if rows is None:
        rows = pl.DataFrame(schema={"stage": pl.String, "update": pl.Int64})
    # A stage that began earlier in a smaller sweep has rows that belong to the links before it now.
    starts = stages.select("stage", "start")
    inside = (pl.col("update") > pl.col("start")) | (pl.col("start") == 0)
    rows = rows.join(starts, on="stage", how="inner").filter(inside).drop("start")
    return rows.unique(["stage", "update"], keep="last").sort("stage", "update")
