"""What a run leaves on disk, and how it is read. Nothing of JAX.

``RUN/sweep.json`` is the resolved sweep. It names, with their hashes, the files of its plan in ``RUN/plan/NNNNNN/``
(cells, stages, the sweep file) and, once the run is over, ``RUN/cells.parquet`` and ``RUN/stages.parquet``: the plan
with its results, for other programs; nothing here reads those two. ``RUN/curves/``, ``RUN/probes/`` and
``RUN/finished/`` hold immutable Parquet parts. Which of them count, with their hashes and the environment that computed
each, is said by the newest checkpoint's manifest. ``RUN/quarantine/`` holds what was found damaged.

Every file is read through its hash, see :mod:`regimax.sweep.disk`, and only names that are a run's own as a whole are
looked at: what an editor, a file manager or a person has left there is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from regimax.errors import UserError, nearest
from regimax.sweep import disk, sealed
from regimax.sweep.disk import Damaged

CURVES, FINISHED, PROBES, STATES, CHECKPOINTS = "curves", "finished", "probes", "states", "checkpoints"
PARTS = (CURVES, FINISHED, PROBES)
"""Kinds of rows that are kept in immutable parts."""
SWEEP, MANIFEST, PLAN = "sweep.json", "manifest.json", "plan"
CELLS, STAGES, SOURCE = "cells.parquet", "stages.parquet", "sweep.py"
FILES = {".lock", SWEEP, STAGES, CELLS, "report.html"}
OWN = {*FILES, *PARTS, STATES, CHECKPOINTS, PLAN, disk.QUARANTINE}
"""What a run directory may hold."""
PART = sealed.PART.pattern
STATE = r"(?:kept|parked)-[0-9]{6,}"
NUMBER = sealed.NUMBER.pattern
"""Names of parts, of files of states, and of the folders of checkpoints and plans."""

Part = dict[str, Any]
"""What a manifest says of a part: `sha256`; `environment`, an index into the manifest's `environments`; and `blocks`,
the lanes of the blocks in which it was computed."""


def read_sweep(run: Path) -> dict[str, Any]:
    """Returns the contents of RUN/sweep.json.

    Raises:
      UserError: if `run` is not a run directory.
      Damaged: if it is missing from one, or is not what was written.
    """
    path = run / SWEEP
    if not path.is_file() and not is_begun(run):
        raise UserError(f"{str(run)!r} is not a run directory: it has no {SWEEP}.{_meant(run)}")
    return disk.read_json(path, sealed.SWEEP)


def _meant(run: Path) -> str:
    """Names the run directory that was meant, as far as one lies in it, beside it, or where runs usually do."""
    folders = (run, run.parent, run.parent / "runs")
    try:
        there = [str(path.parent) for folder in folders for path in sorted(folder.glob(f"*/{SWEEP}"))]
    except OSError:  # of a folder that may not be looked into
        return ""
    return f" Did you mean {there[0]!r}?" if len(set(there)) == 1 else nearest(str(run), there)


def is_begun(run: Path) -> bool:
    """Returns whether a run has left anything here."""
    return (run / SWEEP).is_file() or bool(checkpoint_steps(run))


def plan_file(run: Path, facts: Mapping[str, Any], name: str) -> tuple[Path, str]:
    """Returns the path and the hash of a file of the plan.

    Args:
      run: the run directory.
      facts: the contents of its sweep.json.
      name: CELLS, STAGES or SOURCE.

    Raises:
      UserError: if the run keeps no such file.
    """
    if name not in facts["plan"]["files"]:
        raise UserError(f"{str(run)!r} keeps no {name}")
    return run / PLAN / facts["plan"]["folder"] / name, facts["plan"]["files"][name]


def write_sweep(run: Path, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Writes a plan: its files in a folder of their own, then the sweep.json that makes them count.

    Args:
      run: the run directory.
      facts: what sweep.json is to say besides.
      files: the bytes of CELLS, of STAGES and, where the sweep came from a file, of SOURCE.
    """
    before = disk.listed(run / PLAN, NUMBER, folders=True)
    name = f"{max(map(int, before), default=0) + 1:06d}"
    folder = run / PLAN / name
    disk.make(folder)
    digests = {file: disk.write(folder / file, data) for file, data in files.items()}
    disk.write_json(run / SWEEP, {**facts, "plan": {"folder": name, "files": digests}})
    for old in before:
        disk.remove(run / PLAN / old)
    for result in (CELLS, STAGES):  # of the plan before
        disk.remove(run / result)


# Checkpoints, as far as a reader needs them.


def checkpoint_folder(run: Path, step: int) -> Path:
    """Returns the folder of a checkpoint."""
    return run / CHECKPOINTS / f"{step:06d}"


def checkpoint_numbers(run: Path) -> list[int]:
    """Returns the numbers of the folders of checkpoints, whole or not, newest first."""
    found = map(int, disk.listed(run / CHECKPOINTS, NUMBER, folders=True))
    return sorted((n for n in found if checkpoint_folder(run, n).is_dir()), reverse=True)


def checkpoint_steps(run: Path) -> list[int]:
    """Returns the numbers of the committed checkpoints, newest first."""
    return [n for n in checkpoint_numbers(run) if (checkpoint_folder(run, n) / MANIFEST).is_file()]


def read_manifest(run: Path, step: int) -> dict[str, Any]:
    """Returns a checkpoint's manifest.

    Raises:
      Damaged: if it does not hold what it was written with.
    """
    return disk.read_json(checkpoint_folder(run, step) / MANIFEST, sealed.MANIFEST)


def newest_manifest(run: Path) -> dict[str, Any] | None:
    """Returns the newest checkpoint's manifest, or None where there is no checkpoint.

    Raises:
      Damaged: if it is not what was written; an older one would tell of fewer results.
    """
    steps = checkpoint_steps(run)
    while steps:
        try:
            return read_manifest(run, steps[0])
        except Damaged:
            now = checkpoint_steps(run)  # it may have gone meanwhile, two commits having been made
            if now == steps:
                raise
            steps = now
    return None


# Rows.


def read_parts(run: Path, kind: str, parts: Mapping[str, Part]) -> pl.DataFrame | None:
    """Returns the rows of those parts in their order, with `environment` of each; None where there are no parts.

    Raises:
      Damaged: if one is missing or not what was written.
    """
    frames = [
        disk.read_frame(run / kind / name, part["sha256"]).with_columns(
            environment=pl.lit(part["environment"], pl.Int64)
        )
        for name, part in parts.items()
    ]
    return pl.concat(frames, how="diagonal_relaxed") if frames else None


def finished_rows(run: Path, manifest: Mapping[str, Any] | None) -> pl.DataFrame:
    """Returns one row per stage that ended: `stage`, `status`, `updates_done`, where its state lies.

    Raises:
      Damaged: if a part is.
    """
    rows = read_parts(run, FINISHED, (manifest or {}).get(FINISHED, {}))
    if rows is None:
        return pl.DataFrame(schema={"stage": pl.String, "status": pl.String, "updates_done": pl.Int64})
    # A stage that was run again, because its parked state was damaged, stands twice with equal rows.
    return rows.unique("stage", keep="last", maintain_order=True)


def planned(run: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Returns a run's cells and stages, and how these ended as far as that is committed.

    Returns:
      cells: one row per cell: `cell`, `regime`, `setting`, `seed`, one column per axis, `stages` (its path).
      stages: one row per stage: what was planned, its cost per update, and `status`, `updates_done` once finished.

    Raises:
      UserError: if `run` is not a run directory.
      Damaged: if anything in it that is needed is not what was written.
    """
    return _planned(run)[:2]


def tables(run: Path, kind: str = CURVES) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Returns a run's cells, stages and rows, as far as they are committed.

    Args:
      run: the run directory.
      kind: of the rows: CURVES, or PROBES for what was measured by its probes.

    Returns:
      cells, stages: as of `planned`.
      rows: one row per stage and evaluation or measurement: `stage`, `update`, one column per metric or measure.

    Raises:
      UserError: if `run` is not a run directory.
      Damaged: if anything in it that is needed is not what was written.
    """
    cells, stages, manifest = _planned(run)
    return cells, stages, _rows(run, kind, stages, manifest)


def environments(run: Path) -> tuple[list[dict[str, str]], pl.DataFrame]:
    """Returns under what a run was computed, and which of it each stage was.

    Returns:
      environments: in the order in which they came, see :mod:`regimax.sweep.environment`.
      stages: `stage` and `environment`, an index; several rows for a stage that was begun under one and went on under
        another.

    Raises:
      Damaged: if anything in the run that is needed is not what was written.
    """
    manifest = newest_manifest(run)
    pairs = pl.DataFrame(schema={"stage": pl.String, "environment": pl.Int64})
    if manifest is None:
        return [], pairs
    if len(manifest["environments"]) > 1:
        for kind in PARTS:
            if (rows := read_parts(run, kind, manifest[kind])) is not None:
                pairs = pl.concat([pairs, rows.select("stage", "environment").unique()])
    return manifest["environments"], pairs.unique().sort("stage", "environment")


def _planned(run: Path) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any] | None]:
    """Cells, stages with how they ended, and the manifest that says so."""
    facts, manifest = read_sweep(run), newest_manifest(run)
    cells = disk.read_frame(*plan_file(run, facts, CELLS))
    stages = disk.read_frame(*plan_file(run, facts, STAGES))
    ended = finished_rows(run, manifest).select("stage", "status", "updates_done")
    return cells, stages.join(ended, on="stage", how="left", maintain_order="left"), manifest


def _rows(run: Path, kind: str, stages: pl.DataFrame, manifest: Mapping[str, Any] | None) -> pl.DataFrame:
    """The rows by stage and update that count, sorted."""
    rows = read_parts(run, kind, (manifest or {}).get(kind, {}))
    if rows is None:
        rows = pl.DataFrame(schema={"stage": pl.String, "update": pl.Int64, "environment": pl.Int64})
    return counted(rows.drop("environment"), stages)


def counted(rows: pl.DataFrame, stages: pl.DataFrame) -> pl.DataFrame:
    """Returns the rows that count, sorted and each once.

    Args:
      rows: `stage`, `update` and whatever else, as they were committed.
      stages: `stage` and `start`.
    """
    # A stage that began earlier in a smaller sweep has rows that belong to the links before it now.
    starts = stages.select("stage", "start")
    inside = (pl.col("update") > pl.col("start")) | (pl.col("start") == 0)
    rows = rows.join(starts, on="stage", how="inner", maintain_order="left").filter(inside).drop("start")
    names = sorted(name for name in rows.columns if name not in ("stage", "update"))  # whichever part came first
    rows = rows.select("stage", "update", *names)
    return rows.unique(["stage", "update"], keep="last", maintain_order=True).sort("stage", "update")
