"""The plan: every cell as a path of stages, each stage once.

A stage's identity is the hash of what can influence it: the specs of its phase, the projection of the settings that
the phase is given, the seeds, the identity of the phase before it, the source of modules that are not regimax's, and
the update at which it ends. Cells that agree so far share the stage. Budgets of one phase form a chain: the links are
run one after the other, and each ends where some cell forks off.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from regimax.envs import Environment
from regimax.errors import UserError, unknown
from regimax.regimes import Program, Regime, RegimePrograms, bind_regime
from regimax.sweep import optimization
from regimax.sweep.spec import Point, Sweep, points, seed_list
from regimax.types import Setting


@dataclass(frozen=True)
class Cell:
    """One point of the grid: regime × settings × seed.

    Attributes:
      id: readable and stable under extension.
      regime: its regime's name.
      labels: what each axis shows, by column name.
      world_seed: draws its world.
      seed: draws its learner.
      path: ids of its stages, first to last.
    """

    id: str
    regime: str
    labels: Mapping[str, Any]
    world_seed: int
    seed: int
    path: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """One link of one phase, for all cells that agree so far.

    Attributes:
      id: its identity.
      phase: the phase's name.
      program: identity of the program that runs it.
      inherit: names of the parameter subtrees that it takes from `parent`; None for a link that goes on from `parent`.
      parent: id of the stage whose final state it begins from, or None.
      start: update at which it begins.
      end: update at which it ends.
      settings: the projection of the settings that its phase is given, by sweep name.
      world_seed: as of its cells.
      seed: as of its cells.
      keep: whether its final state is kept when the run is over.
    """

    id: str
    phase: str
    program: str
    inherit: tuple[str, ...] | None
    parent: str | None
    start: int
    end: int
    settings: Mapping[str, float]
    world_seed: int
    seed: int
    keep: bool


@dataclass
class Plan:
    """What a sweep will do.

    Attributes:
      sweep: the sweep.
      cells: in grid order.
      stages: by id, parents before children.
      programs: by identity, in the order of their first use.
      children: ids of the stages that begin from a stage.
      resolved: the sweep in plain data, for comparison and for people.
    """

    sweep: Sweep
    cells: list[Cell]
    stages: dict[str, Stage]
    programs: dict[str, Program]
    resolved: dict[str, Any]
    children: dict[str, list[str]] = field(default_factory=dict)

    def updates_planned(self) -> int:
        """Updates that will be run."""
        return sum(stage.end - stage.start for stage in self.stages.values())

    def updates_without_sharing(self) -> int:
        """Updates that the cells would run one by one."""
        return sum(self.stages[s].end - self.stages[s].start for cell in self.cells for s in cell.path)


class _Bound(NamedTuple):
    """A regime with its settings and the identities of its programs."""

    programs: RegimePrograms
    settings: dict[str, Setting]
    budgets: dict[str, int]
    ids: tuple[str, ...]


class _Chain(NamedTuple):
    """A phase with all that influences it but its length, and the updates at which its links end."""

    phase: str
    program: str
    inherit: tuple[str, ...]
    before: str | None
    settings: dict[str, float]
    world_seed: int
    seed: int
    ends: set[int]


def digest(*parts: Any) -> str:
    """Returns 16 hexadecimal digits that stand for nested plain data, the same in every process."""
    return _hash(json.dumps(parts, sort_keys=True, separators=(",", ":"), default=list))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def foreign_sources(program: Program) -> list[str]:
    """Returns hashes of the source files of those parts of a program that are not regimax's own."""
    learner, source = program.learner, program.learner.source
    return _foreign(
        type(program.world), learner.update, learner.network.apply, source.next, *(c.apply for c in source.channels)
    )


def _foreign(*parts: Any) -> list[str]:
    """Hashes of the source files of parts that are not regimax's own."""
    modules = sorted({part.__module__ for part in parts if part.__module__.split(".")[0] != "regimax"})
    return [hashlib.sha256(inspect.getsource(sys.modules[name]).encode()).hexdigest() for name in modules]


def _probes(program: Program) -> dict[str, Any]:
    """What a program's probes are, in plain data; nothing where there are none. No stage's identity holds it."""
    if not program.probes:
        return {}
    known = {probe.name: digest(probe.spec, _foreign(probe.measure)) for probe in program.probes}
    return {"probes": known, "probe_every": program.phase.probe_every}


def _check_probes(bound: list[_Bound]) -> None:
    """Refuses regimes that share a program but not its probes: their stages are the same stages."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for b in bound:
        for program, identity in zip(b.programs.programs, b.ids, strict=True):
            name, probes = b.programs.regime.name, _probes(program)
            other, others = found.setdefault(identity, (name, probes))
            if probes != others:
                raise UserError(
                    f"the phase {program.phase.name!r} is the same in the regimes {other!r} and {name!r}, but its "
                    "probes are not: give both the same"
                )


def _bind(sweep: Sweep, recorded: Mapping[str, Sequence[str]]) -> list[_Bound]:
    for regime in sweep.regimes:
        if not isinstance(regime, Regime):
            raise UserError(f"regimes holds {regime!r}: give regimes, for example regimax.regimes.pure_rl()")
    if not isinstance(sweep.world, Environment):
        raise UserError(f"world = {sweep.world!r} is not a world, for example regimax.envs.Cipher()")
    names = [regime.name for regime in sweep.regimes]
    if not names:
        raise UserError("regimes is empty: give at least one")
    if len(set(names)) < len(names):
        raise UserError(f"regimes need different names, found {names}")
    bound = []
    for regime in sweep.regimes:
        programs = bind_regime(regime, sweep.world)
        budgets = {f"{phase.name}.updates": phase.updates for phase in regime.phases}
        ids = tuple(digest(program.spec, foreign_sources(program)) for program in programs.programs)
        if len(taken := recorded.get(regime.name, ())) == len(ids):
            ids = tuple(taken)
        bound.append(_Bound(programs, dict(programs.settings), budgets, ids))
    _check_probes(bound)
    return bound


def _check_names(sweep: Sweep, bound: list[_Bound]) -> None:
    known = sorted({name for b in bound for name in (*b.settings, *b.budgets)})
    flat: list[str] = []
    for axis, values in sweep.axes.items():
        if isinstance(values, Mapping):
            flat += [name for settings in values.values() for name in settings]
        else:
            flat += axis if isinstance(axis, tuple) else (axis,)
    chosen = [name for choice in sweep.choices for name in choice.settings]
    kinds = [("axis", flat), ("setting", list(sweep.settings)), ("chosen setting", chosen)]
    for kind, names in (*kinds, ("derived setting", list(sweep.derived))):
        for name in names:
            if name not in known:
                raise unknown(kind, name, known)


def _check_choices(sweep: Sweep, grid: list[Point]) -> None:
    """Refuses choices for regimes, columns or labels that the sweep does not have."""
    for choice in sweep.choices:
        if choice.regime not in (names := [regime.name for regime in sweep.regimes]):
            raise unknown("regime of a choice", choice.regime, names)
        for column, label in choice.where.items():
            if column not in grid[0].labels:
                raise unknown("axis of a choice", column, grid[0].labels)
            if label not in (labels := list(dict.fromkeys(point.labels[column] for point in grid))):
                raise UserError(f"choice for {choice.regime!r}: {column!r} is never {label!r}, only one of {labels}")


def _chosen(sweep: Sweep, regime: str, point: Point) -> dict[str, Any]:
    """What the sweep's choices set for a regime at a point."""
    found: dict[str, Any] = {}
    for choice in sweep.choices:
        there = all(name in point.labels and point.labels[name] == label for name, label in choice.where.items())
        if choice.regime == regime and there:
            found |= choice.settings
    return found


def _resolve(sweep: Sweep, b: _Bound, point: Point) -> tuple[dict[str, float], dict[str, int]]:
    """Returns every setting and every budget of a regime at a point, checked."""
    values = {name: setting.default for name, setting in b.settings.items()} | b.budgets
    given = point.settings | _chosen(sweep, b.programs.regime.name, point)
    values |= {name: value for name, value in given.items() if name in values}
    for name, function in sweep.derived.items():
        if name in values:
            try:
                values[name] = function(values)
            except Exception as error:
                raise UserError(f"derived setting {name!r}: {type(error).__name__}: {error}") from error
    settings = {name: setting.check(values[name], name) for name, setting in b.settings.items()}
    budgets = {}
    for program in b.programs.programs:
        name, every = f"{program.phase.name}.updates", program.phase.evaluate.every
        value = values[name]
        if not isinstance(value, int | float) or value != int(value) or value < every or value % every:
            raise UserError(f"{name} = {value!r} is not a positive multiple of the {every} updates between evaluations")
        budgets[name] = int(value)
    return settings, budgets


def _label(point: Point) -> str:
    return ", ".join(f"{name}={_plain(value)}" for name, value in point.labels.items())


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def make_plan(sweep: Sweep, recorded: Mapping[str, Sequence[str]] | None = None) -> Plan:
    """Plans a sweep. Nothing is compiled and nothing is written.

    Args:
      sweep: the sweep.
      recorded: identities of programs by regime, phase by phase, to take in the place of those computed here: those of
        a run that was begun under other versions, under which the same program has another identity.

    Returns:
      the plan, the same for the same sweep in every process.

    Raises:
      UserError: for anything in the sweep that cannot be run: unknown names, values out of range, empty axes.
    """
    if sweep.block < 1:
        raise UserError(f"block = {sweep.block!r} is below 1")
    optimization.check(sweep.optimization)
    if not 0 < sweep.threshold <= 1 or sweep.consecutive < 1:
        raise UserError("threshold must be in (0, 1] and consecutive at least 1")
    bound, grid, seeds = _bind(sweep, recorded or {}), points(sweep), seed_list(sweep)
    _check_names(sweep, bound)
    _check_choices(sweep, grid)

    # First the paths as (chain, end) pairs, where a chain is a phase with all that influences it but its length; then
    # the links, once every end of every chain is known.
    chains: dict[str, _Chain] = {}
    cells: list[Cell] = []
    derived: list[dict[str, Any]] = [{} for _ in grid]
    for b in bound:
        regime = b.programs.regime
        phases = list(zip(regime.phases, b.programs.programs, b.ids, strict=True))
        for i, point in enumerate(grid):
            settings, budgets = _resolve(sweep, b, point)
            derived[i][regime.name] = {name: v for name, v in (settings | budgets).items() if name in sweep.derived}
            projections = [{name: settings[name] for name in program.settings} for _, program, _ in phases]
            for (_, program, _), projection in zip(phases, projections, strict=True):
                if projection:
                    program.world.unpadded(projection)  # refuses sizes that do not go together
            heads = [
                digest(program_id, projection, sorted(phase.inherit))
                for (phase, _, program_id), projection in zip(phases, projections, strict=True)
            ]
            prefix = "/".join(filter(None, (regime.name, _label(point))))
            for world_seed, seed in seeds:
                path, before = [], None
                for (phase, _, program_id), projection, head in zip(phases, projections, heads, strict=True):
                    inherit = tuple(sorted(phase.inherit))
                    parent = before if inherit else None
                    name = _hash(f"{head} {world_seed} {seed} {parent}")
                    end = budgets[f"{phase.name}.updates"]
                    if name not in chains:
                        chains[name] = _Chain(
                            phase.name, program_id, inherit, parent, projection, world_seed, seed, set()
                        )
                    chains[name].ends.add(end)
                    before = _stage_id(name, end)
                    path.append((name, end))
                cells.append(Cell(f"{prefix}/{seed}", regime.name, point.labels, world_seed, seed, tuple(path)))  # type: ignore[arg-type]

    kept = {end for cell in cells for end in cell.path} if sweep.keep_params else set()
    stages: dict[str, Stage] = {}
    links: dict[tuple[str, int], tuple[str, ...]] = {}
    for name, chain in chains.items():
        start, parent, so_far = 0, chain.before, ()
        for end in sorted(chain.ends):
            stage = Stage(
                id=_stage_id(name, end),
                phase=chain.phase,
                program=chain.program,
                inherit=chain.inherit if start == 0 else None,
                parent=parent,
                start=start,
                end=end,
                settings=chain.settings,
                world_seed=chain.world_seed,
                seed=chain.seed,
                keep=(name, end) in kept,
            )
            stages[stage.id] = stage
            so_far = (*so_far, stage.id)
            links[name, end] = so_far
            start, parent = end, stage.id
    cells = [
        Cell(c.id, c.regime, c.labels, c.world_seed, c.seed, tuple(s for link in c.path for s in links[link]))  # type: ignore[index]
        for c in cells
    ]
    children: dict[str, list[str]] = {}
    for stage in stages.values():
        if stage.parent is not None:
            children.setdefault(stage.parent, []).append(stage.id)
    programs = {i: program for b in bound for i, program in zip(b.ids, b.programs.programs, strict=True)}
    return Plan(sweep, cells, stages, programs, _resolved(sweep, bound, grid, derived, seeds), children)


def _stage_id(chain: str, end: int) -> str:
    return _hash(f"{chain} {end}")


def _resolved(
    sweep: Sweep,
    bound: list[_Bound],
    grid: list[Point],
    derived: list[dict[str, Any]],
    seeds: list[tuple[int, int]],
) -> dict[str, Any]:
    """The sweep in plain data. Two sweeps with equal data run the same cells."""
    regimes = {
        b.programs.regime.name: [
            {
                "phase": program.phase.name,
                "program": identity,
                "inherit": list(program.phase.inherit),
                "freeze": list(program.phase.freeze),
                "evaluate": program.phase.evaluate._asdict(),
                "stop": program.phase.stop._asdict() if program.phase.stop else None,
                **_probes(program),
            }
            for program, identity in zip(b.programs.programs, b.ids, strict=True)
        ]
        for b in bound
    }
    settings: dict[str, dict[str, float]] = {}
    for b in bound:
        known, budgets = _resolve(sweep, b, Point({}, dict(sweep.settings)))
        settings[b.programs.regime.name] = known | budgets
    data = {
        "world": sweep.world.spec,
        "regimes": regimes,
        "settings": settings,
        "points": [
            {"labels": point.labels, "settings": point.settings, "derived": values}
            for point, values in zip(grid, derived, strict=True)
        ],
        "derived": sorted(sweep.derived),
        "seeds": seeds,
        "threshold": sweep.threshold,
        "consecutive": sweep.consecutive,
        "block": sweep.block,
        "optimization": sweep.optimization,
        "keep_params": sweep.keep_params,
    }
    if sweep.choices:  # no key of its own where there are none: runs from before there were any go on
        data["choices"] = [choice._asdict() | {"where": dict(choice.where)} for choice in sweep.choices]
    return json.loads(json.dumps(data))
