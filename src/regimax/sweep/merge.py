"""Joining the shares of a sweep that were run apart into one run directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from regimax.errors import UserError
from regimax.sweep import checkpoint, disk, rundir, store
from regimax.sweep.axes import Point
from regimax.sweep.difference import difference
from regimax.sweep.share import KEY


class Part(NamedTuple):
    """A run directory that holds a share.

    Attributes:
      path: of it.
      facts: its sweep.json.
      number: which share it is.
      manifest: of its newest checkpoint.
    """

    path: Path
    facts: dict[str, Any]
    number: int
    manifest: dict[str, Any]


def merge(paths: Sequence[Path], out: Path, partial: bool = False, facts: Mapping[str, Any] | None = None) -> int:
    """Joins shares into the run directory of the whole sweep, as one run of it would have left it.

    It is made beside, under another name, and appears as a whole.

    Args:
      paths: the shares' run directories.
      out: the run directory; not there yet.
      partial: whether shares that are missing or not finished are welcome: the rest is run when the command of the
        whole sweep is typed for `out`.
      facts: of sweep.json, in place of the first share's.

    Returns:
      the number of its cells.

    Raises:
      UserError: if the shares are not those of one sweep, were computed in blocks of other sizes, one is missing or not
        finished, or `out` is there.
      Damaged: if a file of a share is not what was written.
    """
    if out.exists():
        raise UserError(f"{str(out)!r} is there already: give another --out")
    parts = sorted((_part(path) for path in paths), key=lambda part: part.number)
    _check(parts, partial)
    beside = out.with_name(f".{out.name}.merging")
    disk.remove(beside)
    try:
        with disk.told(out):
            cells = _write(parts, beside, facts or {})
            disk.rename(beside, out)
    finally:
        disk.remove(beside)
    return cells


def _part(path: Path) -> Part:
    facts = store.read_sweep(path)
    share = facts["resolved"].get(KEY)
    if share is None:
        raise UserError(f"{str(path)!r} is no share of a sweep: run it with --part I/N")
    nothing = {kind: {} for kind in store.PARTS} | {"environments": [], "blocks": {}, "complete": False, "seconds": 0.0}
    return Part(path, facts, share[0], store.newest_manifest(path) or nothing)


def _check(parts: Sequence[Part], partial: bool) -> None:
    """Refuses shares that do not go together, or are not all."""
    first = parts[0]
    of = first.facts["resolved"][KEY][1]
    for part in parts:
        mine, theirs = (one.facts["resolved"] | {KEY: [0, one.facts["resolved"][KEY][1]]} for one in (part, first))
        if found := difference(theirs, mine):
            raise UserError(f"{str(part.path)!r} and {str(first.path)!r} are shares of different sweeps: {found}")
        for program, lanes in part.facts["blocks"].items():
            if lanes != first.facts["blocks"].get(program, lanes):
                raise UserError(
                    f"{str(part.path)!r} was computed in blocks of {lanes}, and {str(first.path)!r} in blocks of "
                    f"{first.facts['blocks'][program]}: last digits may depend on it. Run both with the same --block"
                )
    there = [part.number for part in parts]
    for number in there:
        if there.count(number) > 1:
            same = [str(part.path) for part in parts if part.number == number]
            raise UserError(f"{' and '.join(map(repr, same))} are the same share, {number} of {of}")
    if partial:
        return
    if lacking := [number for number in range(1, of + 1) if number not in there]:
        which = ", ".join(map(str, lacking))
        raise UserError(f"of {of} shares these are missing: {which}; --partial joins what is there")
    for part in parts:
        if not part.manifest["complete"]:
            raise UserError(
                f"{str(part.path)!r} is not finished: type its command again; --partial joins what is there"
            )


def _write(parts: Sequence[Part], run: Path, given: Mapping[str, Any]) -> int:
    for folder in (*store.PARTS, store.STATES, store.CHECKPOINTS, store.PLAN):
        disk.make(run / folder)
    environments: list[dict[str, str]] = []
    kinds: dict[str, dict[str, store.Part]] = {kind: {} for kind in store.PARTS}
    states: list[str] = []
    for part in parts:
        for environment in part.manifest["environments"]:
            if environment not in environments:
                environments.append(environment)
        moved = _copy_states(part, run, len(states))
        states += moved.values()
        for kind, files in kinds.items():
            for name, known in part.manifest[kind].items():
                into = f"part-{len(files) + 1:06d}.parquet"
                environment = environments.index(part.manifest["environments"][known["environment"]])
                frame = disk.read_frame(part.path / kind / name, known["sha256"])
                if kind == store.FINISHED and moved:
                    frame = frame.with_columns(pl.col("state_file").replace(moved))
                digest = disk.write_frame(run / kind / into, frame)
                files[into] = known | {"sha256": digest, "environment": environment}
    facts = {key: value for key, value in parts[0].facts.items() if key not in ("plan", "results", disk.SEAL)}
    resolved = {key: value for key, value in facts["resolved"].items() if key != KEY}
    blocks = {program: lanes for part in parts for program, lanes in part.facts["blocks"].items()}
    cells, stages = _cells(parts, resolved), _frames(parts, store.STAGES)
    complete = len(parts) == parts[0].facts["resolved"][KEY][1] and all(part.manifest["complete"] for part in parts)
    manifest = kinds | {
        store.STATES: sorted(states),
        "sweep": disk.plain_digest(resolved),
        "environments": environments,
        "blocks": blocks,
        "program": None,
        "slots": [],
        "updates": [],
        "complete": complete,
        "seconds": sum(part.manifest["seconds"] for part in parts),
    }
    # Parts are named by the checkpoint that came with them: what goes on from here makes others.
    checkpoint.save(run, max(map(len, kinds.values())), {}, manifest)
    stages = stages.sort(_order(cells, stages), maintain_order=True)
    files = {store.CELLS: disk.as_parquet(cells), store.STAGES: disk.as_parquet(stages)}
    source = parts[0].facts["plan"]["files"].get(store.SOURCE)
    if source is not None:
        files[store.SOURCE] = disk.read(store.plan_file(parts[0].path, parts[0].facts, store.SOURCE)[0], source)
    store.write_sweep(run, facts | {**given, "resolved": resolved, "blocks": blocks}, files)
    if complete:
        rundir.write_results(run)
    return len(cells)


def _copy_states(part: Part, run: Path, first: int) -> dict[str, str]:
    """Copies the states that a share keeps; their names here by those there. A state is checked when it is read."""
    moved = {}
    for number, name in enumerate(part.manifest.get(store.STATES, ()), first + 1):
        moved[name] = f"{name.partition('-')[0]}-{number:06d}"
        disk.write(run / store.STATES / moved[name], disk.read(part.path / store.STATES / name))
    return moved


def _frames(parts: Sequence[Part], name: str) -> pl.DataFrame:
    frames = [disk.read_frame(*store.plan_file(part.path, part.facts, name)) for part in parts]
    return pl.concat([frame for frame in frames if len(frame)], how="vertical_relaxed")


def _cells(parts: Sequence[Part], resolved: Mapping[str, Any]) -> pl.DataFrame:
    """The cells of all shares, in the order of the grid."""
    points = [Point(point["labels"], {}, point.get("regimes")) for point in resolved["points"]]
    named = [(point, point.name()) for point in points]
    names = [
        f"{'/'.join(filter(None, (regime, name)))}/{seed}"
        for regime in resolved["regimes"]
        for point, name in named
        if point.of(regime)
        for _, seed in resolved["seeds"]
    ]
    cells = _frames(parts, store.CELLS)
    place = pl.DataFrame({"cell": names}).with_row_index("place")
    return cells.join(place, on="cell", how="left").sort("place").drop("place")


def _order(cells: pl.DataFrame, stages: pl.DataFrame) -> pl.Series:
    """The place of each stage in the plan: phases in the order in which cells come to them, links of one in a row."""
    links = stages.filter(pl.col("inherit").is_null())
    link = dict(links.select("stage", "parent").rows())
    first: dict[str, str] = {}

    def phase(name: str) -> str:
        if name not in first:
            first[name] = phase(link[name]) if name in link else name
        return first[name]

    seen: dict[str, int] = {}
    for name in cells["stages"].explode():
        seen.setdefault(phase(name), len(seen))
    ends = dict(stages.select("stage", "end").rows())
    ranked = sorted(stages["stage"], key=lambda name: (seen[phase(name)], ends[name]))
    place = {name: i for i, name in enumerate(ranked)}
    return pl.Series([place[name] for name in stages["stage"]])
