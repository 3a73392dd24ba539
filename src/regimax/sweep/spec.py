"""What a sweep file says: worlds, regimes, axes and seeds, as data."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from regimax.errors import UserError, nearest, unknown

Axis = Sequence[Any] | Mapping[str, Mapping[str, float]]


class Choice(NamedTuple):
    """Settings of one regime, such as a learning rate that suits it.

    Attributes:
      regime: its name.
      settings: what it sets, by dotted name; above what the sweep's settings and axes say.
      where: the labels of the cells that are meant, by column name; all cells of the regime when empty.
    """

    regime: str
    settings: Mapping[str, Any]
    where: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Sweep:
    """A grid of cells: regimes × axes × seeds.

    Attributes:
      world: the world of every cell, with the defaults of its settings.
      regimes: the arms, with different names.
      axes: what is varied; the grid is their product. A key is the dotted name of a setting or a budget
        (``reward.erasure``, ``rl.updates``) with its values; or a tuple of names with tuples of values, which go
        together; or a name of your own without a dot, with a mapping from labels to settings.
      settings: values that hold in every cell, by dotted name.
      choices: values that hold for one regime, everywhere or at some points of the axes.
      derived: settings computed from a cell's others: a function from its settings to a value, by dotted name.
      seeds: learner seeds, or their number.
      learners_per_world: learner seeds that share a world seed; 1 gives every seed its own world.
      threshold: success that counts as solved.
      consecutive: evaluations in a row that must reach it; the first of them is when it was solved.
      block: lanes per vmapped product: what floating-point results may depend on.
      optimization: what the compiler is asked for on a CPU: ``full`` for the fastest code; ``quick`` for code that is
        there in half the time; ``none`` in a fifth; ``auto`` for what is soonest over. Numbers differ in their last
        bits, so that it is chosen when a run begins and stays.
      keep_params: whether every cell's learner is kept as it was at the end of each phase; `load_run` reads it.
      question: one or two sentences for the report.
    """

    world: Any
    regimes: Sequence[Any]
    axes: Mapping[str | tuple[str, ...], Axis] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)
    choices: Sequence[Choice] = ()
    derived: Mapping[str, Callable[[Mapping[str, float]], float]] = field(default_factory=dict)
    seeds: int | Sequence[int] = 8
    learners_per_world: int = 1
    threshold: float = 0.9
    consecutive: int = 3
    block: int = 8
    optimization: str = "auto"
    keep_params: bool = False
    question: str = ""


class Point(NamedTuple):
    """A point of the axes.

    Attributes:
      labels: what each axis shows in tables, by column name.
      settings: what it sets, by dotted name.
    """

    labels: dict[str, Any]
    settings: dict[str, Any]


def load_file(path: Path) -> ModuleType:
    """Runs a Python file that describes what is to be run.

    Args:
      path: the file.

    Raises:
      UserError: if there is no such file, or it cannot be imported.
    """
    if not path.is_file():
        there = sorted(str(p) for p in path.parent.glob("*.py")) if path.parent.is_dir() else []
        raise UserError(f"no sweep file {str(path)!r}.{nearest(str(path), there)}")
    name = "regimax_sweep_" + path.stem
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise UserError(f"the sweep file {str(path)!r} is not a Python file (.py)")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    try:
        module_spec.loader.exec_module(module)
    except UserError as error:
        raise UserError(f"{path}{_line(error, path)}: {error}") from error
    except Exception as error:
        raise UserError(f"cannot import {path}{_line(error, path)}: {_explain(error)}") from error
    return module


def load(path: Path) -> Sweep:
    """Loads the object `sweep` of a sweep file.

    Args:
      path: a Python file.

    Raises:
      UserError: if there is no such file, it cannot be imported, or it holds no :class:`Sweep` of that name.
    """
    return sweep_of(load_file(path), path)


def sweep_of(module: ModuleType, path: Path) -> Sweep:
    """Returns the object `sweep` of a file that was run.

    Raises:
      UserError: if it holds no :class:`Sweep` of that name.
    """
    sweep = getattr(module, "sweep", None)
    if not isinstance(sweep, Sweep):
        found = "nothing of that name" if sweep is None else f"{type(sweep).__name__}"
        raise UserError(f"{path} must define sweep = regimax.Sweep(...), found {found}")
    if not sweep.question:
        sweep = replace(sweep, question=question(module))
    return sweep


def question(module: ModuleType) -> str:
    """Returns the first paragraph of a file's docstring."""
    return (inspect.getdoc(module) or "").split("\n\n")[0].replace("\n", " ")


def _line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    return f", line {lines[-1]}" if lines else ""


def _explain(error: Exception) -> str:
    text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if isinstance(error, AttributeError) and error.obj is not None:
        names = [name for name in dir(error.obj) if not name.startswith("_")]
        public = getattr(error.obj, "__all__", names)
        return f"{text.rstrip('.')}.{nearest(error.name or '', names)} Allowed: {', '.join(public)}"
    return text


def override(sweep: Sweep, assignments: Sequence[str], seeds: int | None = None) -> Sweep:
    """Applies ``AXIS=V1,V2`` assignments from the command line.

    Args:
      sweep: the sweep of the file.
      assignments: each sets the values of one axis, replacing the file's; ``regime=a,b`` keeps those regimes; an axis
        of labels keeps those labels.
      seeds: number of seeds, when given.

    Raises:
      UserError: for an assignment that is not of that form, or names a regime or label that does not exist.
    """
    axes = dict(sweep.axes)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        values = [part.strip() for part in text.split(",") if part.strip()]
        if not equals or not name.strip():
            raise UserError(f"--set {assignment!r} is not of the form AXIS=V1,V2")
        name = name.strip()
        if not values:
            raise UserError(f"--set {name}: no values")
        if name == "regime":
            names = [regime.name for regime in sweep.regimes]
            for value in values:
                if value not in names:
                    raise unknown("regime", value, names)
            choices = [choice for choice in sweep.choices if choice.regime in values]
            sweep = replace(sweep, regimes=[r for r in sweep.regimes if r.name in values], choices=choices)
        elif isinstance(labelled := axes.get(name), Mapping):
            for value in values:
                if value not in labelled:
                    raise unknown(f"label of the axis {name!r}:", value, labelled)
            axes[name] = {value: labelled[value] for value in values}
        else:
            axes[name] = [_number(name, value) for value in values]
    return replace(sweep, axes=axes, seeds=sweep.seeds if seeds is None else seeds)


def _number(name: str, text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise UserError(f"--set {name}: {text!r} is not a number") from None
    return int(number) if number == int(number) and "." not in text and "e" not in text.lower() else number


def seed_list(sweep: Sweep) -> list[tuple[int, int]]:
    """Returns (world seed, learner seed) of every replicate.

    Raises:
      UserError: for fewer than one seed, a repeated seed, or one outside 0 … 2³² − 1.
    """
    seeds = list(range(sweep.seeds)) if isinstance(sweep.seeds, int) else list(sweep.seeds)
    if not seeds:
        raise UserError(f"seeds = {sweep.seeds!r}: at least one is needed")
    if sweep.learners_per_world < 1:
        raise UserError(f"learners_per_world = {sweep.learners_per_world!r} is below 1")
    if len(set(seeds)) < len(seeds) or not all(isinstance(s, int) and 0 <= s < 2**32 for s in seeds):
        raise UserError("seeds must be different whole numbers from 0 to 4294967295")
    return [(seed // sweep.learners_per_world, seed) for seed in seeds]


def points(sweep: Sweep) -> list[Point]:
    """Returns the product of the axes, the last varying fastest.

    Raises:
      UserError: for an empty axis, a repeated value, or values of another form than the axis's key.
    """
    choices = [_choices(name, values) for name, values in sweep.axes.items()]
    found = []
    for combination in itertools.product(*choices):
        labels, settings = {}, dict(sweep.settings)
        for point in combination:
            labels |= point.labels
            settings |= point.settings
        found.append(Point(labels, settings))
    return found


def _choices(name: str | tuple[str, ...], values: Axis) -> list[Point]:
    shown = ", ".join(name) if isinstance(name, tuple) else name
    if isinstance(values, str) or not isinstance(values, Sequence | Mapping):
        raise UserError(f"axis {shown!r}: {values!r} is not a list of values")
    if len(values) == 0:
        raise UserError(f"axis {shown!r} is empty: give at least one value")
    if isinstance(values, Mapping):
        if not isinstance(name, str) or "." in name:
            raise UserError(f"axis {shown!r}: labels need an axis name of your own, without a dot")
        return [Point({name: label}, dict(settings)) for label, settings in values.items()]
    values = list(values)
    if any(value in values[:i] for i, value in enumerate(values)):
        raise UserError(f"axis {shown!r} repeats a value: {values}")
    if isinstance(name, tuple):
        for value in values:
            if not isinstance(value, Sequence) or len(value) != len(name):
                raise UserError(f"axis {shown!r}: {value!r} does not hold {len(name)} values")
        return [Point(dict(zip(name, v, strict=True)), dict(zip(name, v, strict=True))) for v in values]
    return [Point({name: value}, {name: value}) for value in values]
