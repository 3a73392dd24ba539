"""The regimes of a sweep bound to its world, and the values of their settings at every point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from regimax.errors import UserError
from regimax.regimes import BoundRegime, Program
from regimax.sweep import check
from regimax.sweep.axes import Point
from regimax.sweep.cost import Flops, described, signals, size, without_padding
from regimax.sweep.found import found, shared
from regimax.sweep.identity import digest, probes_identity, rounded
from regimax.sweep.spec import Sweep
from regimax.types import INT32, Setting, is_finite, number


class Head(NamedTuple):
    """A phase at a point, but for its seeds.

    Attributes:
      name: stands for it.
      settings: what it is given there.
      facts: stands for what is known of it there.
    """

    name: str
    settings: dict[str, float]
    facts: str


class Bound(NamedTuple):
    """A regime with its settings and the identities of its programs.

    Attributes:
      programs: the regime, bound.
      settings: by name.
      budgets: its own, by name.
      ids: what stands for its programs, one per phase.
      flops: of its programs.
      heads: what is known of its phases, by the values of the settings that each is given.
      worlds: what their worlds say of themselves, by the values of the settings of the world.
      checked: values of settings that were looked at.
    """

    programs: BoundRegime
    settings: dict[str, Setting]
    budgets: dict[str, int]
    ids: tuple[str, ...]
    flops: tuple[Flops, ...]
    heads: tuple[dict[tuple[float, ...], Head], ...]
    worlds: tuple[dict[tuple[float, ...], Any], ...]
    checked: dict[tuple[str, Any], Any]

    def head(self, phase: int, settings: Mapping[str, float]) -> Head:
        """Returns what stands for a phase at these settings of its regime, whatever its seeds."""
        program, identity = self.programs.programs[phase], self.ids[phase]
        projection = {name: settings[name] for name in program.settings}
        known = tuple(projection.values())
        if known not in self.heads[phase]:
            facts = self.facts(phase, projection)
            name = digest(identity, projection, sorted(program.phase.inherit), facts)
            self.heads[phase][known] = Head(name, projection, facts)
        return self.heads[phase][known]

    def facts(self, phase: int, settings: Mapping[str, float]) -> str:
        """Returns what stands for all that the host knows of a phase at its settings: its bits, and its own size."""
        program, worlds = self.programs.programs[phase], self.worlds[phase]
        # Thousands of points differ in what a world has no say in.
        own = tuple(value for name, value in settings.items() if name.startswith("world."))
        if own not in worlds:
            bare = without_padding(program, settings)  # refuses sizes that do not go together
            says = described(program, settings)
            worlds[own] = says, bare, [rounded(says), size(bare)]
        says, bare, known = worlds[own]
        known = [rounded(signals(program, settings, says, bare)), *known]
        if not type(program.world).__module__.startswith("regimax."):  # those are told by the version of regimax
            known.append(self.flops[phase].own(settings))
        return digest(known)


def bind_all(sweep: Sweep, adopted: Mapping[str, Sequence[str]]) -> list[Bound]:
    """Binds the regimes of a sweep, and checks what its axes and settings say against what they read.

    Args:
      sweep: the sweep.
      adopted: identities to be used instead of those of the traces, by the regime's name.

    Raises:
      UserError: if a regime does not fit the world, or a name or value does not fit the regimes.
    """
    with shared():
        each = [found(regime, sweep.world, sweep.precision) for regime in sweep.regimes]
    known = {name: setting for one in each for name, setting in one.bound.settings.items()}
    budgets = [_budgets(one.bound) for one in each]

    def more() -> set[str]:
        others = [found(regime, sweep.world).bound for regime in sweep.unused]
        return {name for bound in others for name in (*bound.settings, *_budgets(bound))}

    check.check_names(sweep, {*known, *(name for own in budgets for name in own)}, more)
    check.check_values(sweep, known)
    every = []
    for one, own in zip(each, budgets, strict=True):
        ids = adopted.get(one.bound.regime.name)
        heads, worlds = (tuple({} for _ in one.bound.programs) for _ in range(2))
        settings, ids = dict(one.bound.settings), one.ids if ids is None else tuple(ids)
        every.append(Bound(one.bound, settings, own, ids, one.flops, heads, worlds, {}))
    _check_shared(every)
    return every


def _budgets(bound: BoundRegime) -> dict[str, int]:
    return {f"{phase.name}.updates": phase.updates for phase in bound.regime.phases}


def _check_shared(bound: list[Bound]) -> None:
    """Refuses regimes that share a program but not its probes: their stages are the same stages."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for b in bound:
        for program, identity in zip(b.programs.programs, b.ids, strict=True):
            name, probes = b.programs.regime.name, probes_identity(program)
            other, others = found.setdefault(identity, (name, probes))
            if probes != others:
                raise UserError(
                    f"the phase {program.phase.name!r} is the same in the regimes {other!r} and {name!r}, but its "
                    "probes are not: give both the same"
                )


def check_facts(bound: Sequence[Bound]) -> None:
    """Refuses regimes of which one program is known to cost different things: a stage has one row of the results.

    Raises:
      UserError: that names the phase and the regimes.
    """
    found: dict[tuple[str, tuple[float, ...]], tuple[str, str]] = {}
    for b in bound:
        for phase, identity in enumerate(b.ids):
            for known, head in b.heads[phase].items():
                name = b.programs.regime.name
                other, facts = found.setdefault((identity, known), (name, head.facts))
                if facts != head.facts:
                    which = b.programs.programs[phase].phase.name
                    raise UserError(
                        f"the phase {which!r} computes the same in the regimes {other!r} and {name!r}, but their "
                        "worlds or channels say different things of it (describe, unpadded, capacity): rename it"
                    )


def chooser(sweep: Sweep, regime: str) -> Callable[[Point], Mapping[str, Any]]:
    """Returns a function from a point to what choices set for a regime there, the later above the earlier."""
    groups: dict[tuple[str, ...], dict[tuple[Any, ...], list[tuple[int, Mapping[str, Any]]]]] = {}
    for order, choice in enumerate(sweep.choices):
        if choice.regime == regime:
            labels = tuple(number(label) for label in choice.where.values())
            groups.setdefault(tuple(choice.where), {}).setdefault(labels, []).append((order, choice.settings))

    def chosen(point: Point) -> Mapping[str, Any]:
        here = []
        for columns, by_labels in groups.items():
            here += by_labels.get(tuple(point.labels.get(column) for column in columns), [])
        return {name: value for _, settings in sorted(here, key=lambda x: x[0]) for name, value in settings.items()}

    return chosen


def resolve(
    sweep: Sweep, b: Bound, point: Point | None, chosen: Mapping[str, Any]
) -> tuple[dict[str, float], dict[str, int]]:
    """Returns every setting and every budget of a regime at a point, checked.

    Args:
      sweep: the sweep.
      b: the regime.
      point: the point; None for what holds apart from the axes, where nothing is derived.
      chosen: values above those of the point.

    Raises:
      UserError: for a value that is not allowed, or a function that fails.
    """
    values: dict[str, Any] = {name: setting.default for name, setting in b.settings.items()} | b.budgets
    given = (point.settings if point else {}) | dict(chosen)
    values |= {name: value for name, value in given.items() if name in values}
    if point is not None and sweep.derived:
        seen = {**point.labels, **given, **values}
        for name, function in sweep.derived.items():
            if name in values:
                try:
                    values[name] = seen[name] = number(function(seen))
                except Exception as error:
                    raise UserError(f"derived setting {name!r}: {type(error).__name__}: {error}") from error
    settings = {name: _checked(b, setting, values[name]) for name, setting in b.settings.items()}
    return settings, {name: _budget(name, values[name], program) for name, program in _by_budget(b)}


def _checked(b: Bound, setting: Setting, value: Any) -> float:
    """A value as it is traced; the same of thousands of points is looked at once."""
    if not isinstance(value, int | float):
        return setting.check(value, setting.name)
    if (setting.name, value) not in b.checked:
        b.checked[setting.name, value] = setting.check(value, setting.name)
    return b.checked[setting.name, value]


def _by_budget(b: Bound) -> list[tuple[str, Program]]:
    return [(f"{program.phase.name}.updates", program) for program in b.programs.programs]


def _budget(name: str, value: Any, program: Program) -> int:
    every, value = program.phase.evaluate.every, number(value)
    if not is_finite(value) or value != int(value) or value < every or value % every:
        raise UserError(f"{name} = {value!r} is not a positive multiple of the {every} updates between evaluations")
    if value > INT32:
        raise UserError(f"{name} = {value!r} is out of range: updates are counted up to {INT32}")
    return int(value)
