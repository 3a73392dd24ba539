"""The run directory: whose it is, and what of the plan is written into it."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl

import regimax
from regimax.errors import UserError
from regimax.sweep import disk, store, table
from regimax.sweep.cost import Costs
from regimax.sweep.difference import changed, missing
from regimax.sweep.disk import Damaged
from regimax.sweep.environment import Environment, among
from regimax.sweep.environment import difference as difference_of
from regimax.sweep.plan import Plan

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "polars")


STRAY = r"\..*|.*~|#.*#|.*\.tmp"
"""Names that editors, file managers and cut-off commands leave: a folder of only those is as good as empty."""


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
    if (before := recorded(out, "resolved")) is not None:
        _compare_sweeps(before, plan, out, extend)
    elif store.checkpoint_steps(out):
        _compare_digest(plan, out)
    elif out.is_dir() and any(p.name not in store.OWN and not re.fullmatch(STRAY, p.name) for p in out.iterdir()):
        raise UserError(f"{str(out)!r} is not empty and not a run directory. Give another --out.")
    parent = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"cannot write to {str(parent)!r}. Give another --out.")


def recorded(out: Path, fact: str) -> Any:
    """Returns what sweep.json records of how a run began; None where it does not say, or not any more."""
    try:
        return store.read_sweep(out).get(fact)
    except UserError:
        return None


def optimization(out: Path) -> str | None:
    """Returns what the compiler was asked for when the run began; None where there is none yet."""
    for step in store.checkpoint_steps(out):
        with contextlib.suppress(Damaged):
            for one in store.read_manifest(out, step)["environments"][-1:]:
                return one["optimization"]
    return recorded(out, "optimization")


def blocks(out: Path) -> dict[str, int]:
    """Returns the blocks that were chosen when the run began, by program; none where there is none yet."""
    found = recorded(out, "blocks") or {}
    for step in store.checkpoint_steps(out):
        with contextlib.suppress(Damaged):
            return found | store.read_manifest(out, step)["blocks"]
    return found


def links(out: Path) -> dict[str, int]:
    """Returns the stages of a run directory's plan, with the updates at which they end; none where it has none."""
    with contextlib.suppress(UserError, KeyError):
        frame = disk.read_frame(*store.plan_file(out, store.read_sweep(out), store.STAGES), columns=["stage", "end"])
        return dict(frame.rows())
    return {}


def programs(out: Path, now: Callable[[], Environment], accepted: bool) -> dict[str, list[str]]:
    """Returns the identities of programs that a run directory was begun with, by regime, for `make_plan` to take over.

    Under other versions the same program may compile to another text, and so have another identity.

    Args:
      out: the run directory, there or not.
      now: gives this process's environment; called only where something was computed.
      accepted: whether another one than the run's is welcome.

    Returns:
      none where the run was begun under this environment, or this one is not welcome: identities must agree then.
    """
    before = recorded(out, "resolved")
    with contextlib.suppress(Damaged):
        environments = (store.newest_manifest(out) or {"environments": []})["environments"]
        if not before or not environments or among(now(), environments[:1]):
            return {}
        if accepted or among(now(), environments):
            return {name: [phase["program"] for phase in of] for name, of in before["regimes"].items()}
    return {}


def _compare_sweeps(before: dict[str, Any], plan: Plan, out: Path, extend: bool) -> None:
    if found := changed(before, plan.resolved):
        lost = missing(before, plan.resolved)
        if lost and extend:
            raise UserError(f"{str(out)!r} cannot be extended to this sweep: {lost}. Give another --out.")
        if not extend:
            hint = "Give another --out." if lost else "Give --extend to add the new cells, or another --out."
            raise UserError(f"{str(out)!r} holds another sweep: {found}. {hint}")


def _compare_digest(plan: Plan, out: Path) -> None:
    """Where sweep.json is gone, only the very sweep of the newest checkpoint can go on."""
    for step in store.checkpoint_steps(out):
        try:
            before = store.read_manifest(out, step)["sweep"]
        except Damaged:
            continue
        if before != disk.plain_digest(plan.resolved):
            raise UserError(
                f"{str(out)!r} holds another sweep, and its {store.SWEEP}, which would tell the difference, is missing "
                "or damaged. Type the very command of that run, or give another --out."
            )
        return


def check_environment(out: Path, environments: Sequence[Environment], now: Environment, accepted: bool) -> None:
    """Refuses to go on under another environment than those under which a run was computed so far.

    Args:
      out: the run directory.
      environments: under which its parts were computed.
      now: this process's.
      accepted: whether another one is welcome.

    Raises:
      UserError: if it is refused.
    """
    if environments and not among(now, environments) and not accepted:
        raise UserError(
            f"{str(out)!r} was computed under another environment: {difference_of(environments[-1], now)}. Results may "
            "differ in their last digits or more. Give --accept-versions to go on all the same, or another --out."
        )


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Holds the run directory, or refuses it when another process does.

    Raises:
      UserError: if it is in use or cannot be written.
    """
    try:
        disk.make(out)
        file = open(out / ".lock", "w")  # noqa: SIM115 - held until the run ends
    except OSError as error:
        raise UserError(f"cannot write to {str(out)!r}: {error.strerror}. Give another --out.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{str(out)!r} is in use by another process") from None
        yield


def write_plan(
    plan: Plan,
    out: Path,
    costs: Costs,
    facts: dict[str, Any],
    source: str | None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Writes the plan and sweep.json, unless they are there and whole.

    Args:
      plan: the plan.
      out: the run directory.
      costs: of its stages.
      facts: plain data for sweep.json besides the resolved sweep.
      source: the text of the sweep file, if there is one.
      say: tells the user of damage.
    """
    for folder in (*store.PARTS, store.STATES, store.CHECKPOINTS, store.PLAN):
        disk.make(out / folder)
    disk.clean(out, "|".join(map(re.escape, store.FILES)))
    before = None
    if os.path.lexists(out / store.SWEEP):
        try:
            before = store.read_sweep(out)
            if _is_written(plan, out, before):
                return
        except UserError as error:
            say(f"{error}: the plan is written again")
            disk.put_aside(out, error.path if isinstance(error, Damaged) else out / store.SWEEP)
    axes = list({axis: None for cell in plan.cells for axis in cell.labels})
    versions = {"regimax": regimax.__version__, "python": platform.python_version()}
    now = {
        "versions": versions | {name: metadata.version(name) for name in PACKAGES},
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    first = {name: before[name] for name in ("versions", "started", "device")} if before else {}
    files = {
        store.STAGES: disk.as_parquet(_stages_frame(plan, costs)),
        store.CELLS: disk.as_parquet(_cells_frame(plan, axes)),
        **({store.SOURCE: source.encode()} if source is not None else {}),
    }
    resolved = {
        "question": plan.sweep.question,
        "axes": axes,
        "regimes": [regime.name for regime in plan.sweep.regimes],
        "seeds": len(plan.resolved["seeds"]),
        "resolved": plan.resolved,
    }
    store.write_sweep(out, {**now, **facts, **resolved, **first}, files)


def _is_written(plan: Plan, out: Path, facts: dict[str, Any]) -> bool:
    """Whether the run directory holds this very plan.

    Raises:
      Damaged: if a file of it is not what was written.
    """
    for name in facts["plan"]["files"]:
        disk.check(*store.plan_file(out, facts, name))
    cells = disk.read_frame(*store.plan_file(out, facts, store.CELLS), columns=["cell"])["cell"]
    stages = disk.read_frame(*store.plan_file(out, facts, store.STAGES), columns=["stage"])["stage"]
    same = facts["resolved"] == plan.resolved
    return same and cells.to_list() == [cell.id for cell in plan.cells] and set(stages) == set(plan.stages)


def _stages_frame(plan: Plan, costs: Costs) -> pl.DataFrame:
    stages = list(plan.stages.values())
    found, facts = [costs(stage) for stage in stages], [costs.facts(stage) for stage in stages]
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
    columns |= {name: [getattr(f, name) for f in facts] for name in facts[0]._fields}
    return pl.DataFrame(columns, schema_overrides={"parent": pl.String, "inherit": pl.List(pl.String)})


def _cells_frame(plan: Plan, axes: Sequence[str]) -> pl.DataFrame:
    columns = {
        "cell": [c.id for c in plan.cells],
        "regime": [c.regime for c in plan.cells],
        "setting": [", ".join(f"{k}={v}" if "." in k else str(v) for k, v in c.labels.items()) for c in plan.cells],
        "seed": [c.seed for c in plan.cells],
        "world_seed": [c.world_seed for c in plan.cells],
        **{axis: [c.labels.get(axis) for c in plan.cells] for axis in axes},
        "stages": [list(c.path) for c in plan.cells],
    }
    return pl.DataFrame(columns, strict=False)


def write_results(out: Path) -> None:
    """Writes RUN/stages.parquet and RUN/cells.parquet, the plan with its results, unless they are there and whole."""
    facts = store.read_sweep(out)
    with contextlib.suppress(Damaged, KeyError):
        for name in (store.STAGES, store.CELLS):
            disk.check(out / name, facts["results"][name])
        return
    cells, stages = store.planned(out)
    results = table.cell_table(out)
    new = [name for name in results.columns if name not in cells.columns]
    whole = cells.join(results.select("cell", *new), on="cell", how="left", maintain_order="left")
    for name in (store.STAGES, store.CELLS):
        if name in facts.get("results", {}):
            disk.put_aside(out, out / name)  # damaged
    digests = {store.STAGES: disk.write_frame(out / store.STAGES, stages)}
    digests[store.CELLS] = disk.write_frame(out / store.CELLS, whole)
    disk.write_json(out / store.SWEEP, facts | {"results": digests})
