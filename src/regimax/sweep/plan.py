"""The plan: every cell as a path of stages, each stage once.

A stage's identity is the hash of what can influence it: what its program compiles to, the projection of the settings
that the phase is given, what is known of the world at them, the seeds, the identity of the phase before it, and the
update at which it ends. Cells that agree so far share the stage. Budgets of one phase form a chain: the links are
run one after the other, and each ends where some cell forks off, or where a run directory has ended it before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from regimax.regimes import Program
from regimax.sweep import check, optimization
from regimax.sweep.axes import Point, points
from regimax.sweep.bound import Bound, bind_all, check_facts, chooser, resolve
from regimax.sweep.cost import Flops
from regimax.sweep.identity import hashed, plain, probes_identity
from regimax.sweep.spaces import check_number
from regimax.sweep.spec import Sweep, seed_list


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


class Share(NamedTuple):
    """That a plan is a share of another one.

    Attributes:
      number: which, from 1.
      of: how many there are.
      at_once: stages of each program that can run at once in a share, the same for all shares.
      whole: the other plan.
    """

    number: int
    of: int
    at_once: Mapping[str, int]
    whole: Plan


@dataclass
class Plan:
    """What a sweep will do.

    Attributes:
      sweep: the sweep.
      cells: in grid order.
      stages: by id, parents before children.
      programs: by identity, in the order of their first use.
      children: ids of the stages that begin from a stage.
      flops: those of the programs, by identity.
      resolved: the sweep in plain data, for comparison and for people.
      share: which share it is of a larger plan; None where it is whole.
    """

    sweep: Sweep
    cells: list[Cell]
    stages: dict[str, Stage]
    programs: dict[str, Program]
    flops: dict[str, Flops]
    resolved: dict[str, Any]
    children: dict[str, list[str]] = field(default_factory=dict)
    share: Share | None = None

    def updates_planned(self) -> int:
        """Updates that will be run."""
        return sum(stage.end - stage.start for stage in self.stages.values())

    def updates_without_sharing(self) -> int:
        """Updates that the cells would run one by one."""
        return sum(self.stages[s].end - self.stages[s].start for cell in self.cells for s in cell.path)


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


def make_plan(
    sweep: Sweep, adopted: Mapping[str, Sequence[str]] | None = None, links: Mapping[str, int] | None = None
) -> Plan:
    """Plans a sweep. Nothing is compiled and nothing is written.

    Args:
      sweep: the sweep.
      adopted: identities of the programs of regimes, by the regime's name and in the order of its phases, to be used
        instead of those that their traces give here: those of a run that was begun under another version of a library.
      links: stages that a run directory has already, by id, with the updates at which they end: a phase that goes on
        from where one of them ended becomes a chain of both.

    Returns:
      the plan, the same for the same sweep in every process.

    Raises:
      UserError: for anything in the sweep that cannot be run: unknown names, values out of range, empty axes.
    """
    check.check_form(sweep)
    grid, seeds = points(sweep), seed_list(sweep)
    check_number(len(grid) * len(sweep.regimes) * len(seeds), "cells")
    check.check_writers(sweep)
    check.check_columns(sweep)
    check.check_axes(sweep)
    check.check_points(grid)
    check.check_choices(sweep, grid)
    bound = bind_all(sweep, adopted or {})
    programs = {i: program for b in bound for i, program in zip(b.ids, b.programs.programs, strict=True)}
    flops = {i: f for b in bound for i, f in zip(b.ids, b.flops, strict=True)}

    # First the paths as (chain, end) pairs, where a chain is a phase with all that influences it but its length; then
    # the links, once every end of every chain is known.
    chains: dict[str, _Chain] = {}
    paths: list[tuple[str, str, Mapping[str, Any], int, int, tuple[tuple[str, int], ...]]] = []
    derived: list[dict[str, Any]] = [{} for _ in grid]
    facts: list[dict[str, Any]] = [{} for _ in grid]
    for b in bound:
        regime, chosen = b.programs.regime, chooser(sweep, b.programs.regime.name)
        for i, point in enumerate(grid):
            if not point.of(regime.name):
                continue
            settings, budgets = resolve(sweep, b, point, chosen(point))
            derived[i][regime.name] = {name: v for name, v in (settings | budgets).items() if name in sweep.derived}
            heads = [b.head(phase, settings) for phase in range(len(regime.phases))]
            facts[i][regime.name] = [head.facts for head in heads]
            ends = [budgets[f"{phase.name}.updates"] for phase in regime.phases]
            prefix = "/".join(filter(None, (regime.name, point.name())))
            for world_seed, seed in seeds:
                path, before = [], None
                for phase, identity, head, end in zip(regime.phases, b.ids, heads, ends, strict=True):
                    inherit = tuple(sorted(phase.inherit))
                    parent = before if inherit else None
                    name = hashed(f"{head.name} {world_seed} {seed} {parent}")
                    chain = chains.get(name)
                    if chain is None:
                        chain = _Chain(phase.name, identity, inherit, parent, head.settings, world_seed, seed, set())
                        chains[name] = chain
                    chain.ends.add(end)
                    before = _stage_id(name, end)
                    path.append((name, end))
                paths.append((f"{prefix}/{seed}", regime.name, point.labels, world_seed, seed, tuple(path)))

    check_facts(bound)
    _take_links(chains, links or {})
    kept = {end for *_, path in paths for end in path} if sweep.keep_params else set()
    stages: dict[str, Stage] = {}
    until: dict[tuple[str, int], tuple[str, ...]] = {}
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
            until[name, end] = so_far
            start, parent = end, stage.id
    cells = [
        Cell(name, regime, labels, world_seed, seed, tuple(s for link in path for s in until[link]))
        for name, regime, labels, world_seed, seed, path in paths
    ]
    children: dict[str, list[str]] = {}
    for stage in stages.values():
        if stage.parent is not None:
            children.setdefault(stage.parent, []).append(stage.id)
    return Plan(sweep, cells, stages, programs, flops, _resolved(sweep, bound, grid, derived, facts, seeds), children)


def _take_links(chains: Mapping[str, _Chain], links: Mapping[str, int]) -> None:
    """Lets chains end, too, where links of them have ended already that are shorter."""
    lengths = set(links.values())
    for name, chain in chains.items():
        longest = max(chain.ends)
        chain.ends.update(end for end in lengths if end < longest and _stage_id(name, end) in links)


def _stage_id(chain: str, end: int) -> str:
    return hashed(f"{chain} {end}")


def _resolved(
    sweep: Sweep,
    bound: list[Bound],
    grid: list[Point],
    derived: list[dict[str, Any]],
    facts: list[dict[str, Any]],
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
                **probes_identity(program),
            }
            for program, identity in zip(b.programs.programs, b.ids, strict=True)
        ]
        for b in bound
    }
    settings: dict[str, dict[str, float]] = {}
    for b in bound:
        known, budgets = resolve(sweep, b, None, sweep.settings)
        settings[b.programs.regime.name] = known | budgets
    data = {
        "world": sweep.world.spec,
        "regimes": regimes,
        "settings": settings,
        "points": [
            {"labels": point.labels, "settings": point.settings, "derived": values, "facts": known}
            | ({} if point.regimes is None else {"regimes": point.regimes})
            for point, values, known in zip(grid, derived, facts, strict=True)
        ],
        "derived": sorted(sweep.derived),
        "seeds": seeds,
        "threshold": sweep.threshold,
        "consecutive": sweep.consecutive,
        "block": sweep.block,
        "optimization": sweep.optimization,
        "keep_params": sweep.keep_params,
    }
    data |= optimization.numerics(sweep)
    if sweep.choices:
        data["choices"] = [choice._asdict() | {"where": dict(choice.where)} for choice in sweep.choices]
    return json.loads(json.dumps(data, default=plain))
