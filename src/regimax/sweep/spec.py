"""What a sweep file says: worlds, regimes, axes and seeds, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from regimax.errors import UserError, unknown
from regimax.sweep import form
from regimax.sweep.spaces import Only, check_number, lin_space, log_space
from regimax.types import count, is_finite, number

if TYPE_CHECKING:
    from regimax.sweep.loaded import Run

Axis = Sequence[Any] | Mapping[str, Mapping[str, float]] | Only


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
        together; or a name of your own without a dot, with a mapping from labels to settings. `regimax.only` makes an
        axis of some regimes, of which the others have no rows.
      settings: values that hold in every cell, by dotted name.
      choices: values that hold for one regime, everywhere or at some points of the axes.
      derived: settings computed from a cell's others, by dotted name: a function to a value, from its settings and,
        by column name, the labels of its axes.
      seeds: learner seeds, or their number.
      learners_per_world: learner seeds that share a world seed; 1 gives every seed its own world.
      threshold: success that counts as solved.
      consecutive: evaluations in a row that must reach it; the first of them is when it was solved.
      block: lanes per vmapped product: what the last bits of results may depend on. ``auto`` is 8 on a CPU; on an
        accelerator, for each program, what holds all that can run at once, see `regimax.sweep.block`. It is chosen when
        a run begins and stays.
      optimization: what the compiler is asked for: ``full`` for XLA's own settings; ``quick`` for code that is mostly
        there sooner, on a GPU in seconds for minutes; ``none``, on a CPU, for what is there soonest; ``auto`` for what
        is soonest over, on a GPU ``quick``. Numbers differ in their last bits, so that it is chosen when a run begins
        and stays.
      precision: of products of float32: ``default`` is the session's and the device's, which on newer GPUs means TF32,
        with 10 bits; ``high`` and ``highest`` ask for more and cost speed. Another precision is another program.
      deterministic: whether a GPU's compiler leaves out operations whose results differ from call to call.
      autotune: whether a GPU's compiler times products to choose the fastest code; what it chooses, and so the last
        bits, may differ from one compilation to the next.
      keep_params: whether every cell's learner is kept as it was at the end of each phase; `load_run` reads it.
      question: one or two sentences for the report.
      unused: regimes that are not run, but whose settings axes, settings and choices may name all the same.

    Raises:
      UserError: for a field of another kind; what else cannot be run is told when it is planned.

    Example:
      >>> import regimax as rx
      >>> sweep = Sweep(
      ...     world=rx.envs.Cipher(symbols=4, skills=2, length=2),
      ...     regimes=[rx.regimes.pure_rl(updates=400), rx.regimes.pretrain_rl(updates=(400, 400))],
      ...     axes={"reward.erasure": [0.0, 0.5]},
      ...     seeds=4,
      ... )
      >>> len(sweep.regimes) * len(sweep.axes["reward.erasure"]) * sweep.seeds  # cells
      16
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
    block: int | Literal["auto"] = "auto"
    optimization: str = "auto"
    precision: str = "default"
    deterministic: bool = False
    autotune: bool = True
    keep_params: bool = False
    question: str = ""
    unused: Sequence[Any] = ()

    def __post_init__(self) -> None:
        for one in fields(self):  # NumPy's and JAX's scalars are the numbers that they stand for
            object.__setattr__(self, one.name, number(getattr(self, one.name)))
        form.check(self)

    def run(
        self,
        out: str | PathLike[str],
        *,
        width: int | None = None,
        devices: int | None = None,
        extend: bool = False,
        yes: bool = False,
        accept_versions: bool = False,
        progress: bool = True,
    ) -> Run:
        """Runs it, or goes on where it was stopped: `regimax run` from Python, also in a notebook.

        Call `regimax.prepare_cpu()` first where a CPU is to be used whole. Where a run is extended it says first what
        is used again and what will run, and asks at a terminal where finished stages must be run a second time.

        Args:
          out: the run directory.
          width: lanes side by side; results do not depend on it.
          devices: number of local devices to use; all when None.
          extend: whether to add what this sweep has beyond the one that the directory holds.
          yes: whether to do so without asking.
          accept_versions: whether to go on with a run of other versions or another device.
          progress: whether to show it; without it nothing is asked either.

        Returns:
          the finished run, with `cells`, `curves` and `stages`.

        Raises:
          UserError: for anything that cannot be run, or where one who is asked says no, before anything is computed or
            written.

        Example:
          >>> import regimax as rx
          >>> small = {"network": rx.networks.mlp((2,)), "num_envs": 2, "evaluate": rx.regimes.Evaluate(1, 2)}
          >>> sweep = Sweep(rx.envs.Lock(depth=2, actions=2), [rx.regimes.pure_rl(1, **small)], seeds=2)
          >>> run = sweep.run(getfixture("tmp_path") / "lock", progress=False)
          >>> run.cells["status"].to_list()
          ['done', 'done']
        """
        from pathlib import Path

        from rich.console import Console

        from regimax.sweep.display import Progressing
        from regimax.sweep.extension import agreed
        from regimax.sweep.loaded import load_run
        from regimax.sweep.run import Options, execute, plan_for

        for name, given in {"width": width, "devices": devices}.items():
            if given is not None:
                count(given, name)
        folder = Path(out)
        facts = {"name": folder.name, "command": f"Sweep.run({str(out)!r})", "set": [], "seeds_given": None}
        options = Options(width=width, devices=devices, extend=extend, accept_versions=accept_versions, facts=facts)
        plan, console = plan_for(self, folder, options), Console(quiet=not progress)
        if extend and not agreed(plan, folder, console, ask=progress and not yes):
            raise UserError(f"{out!s} is left as it is")
        with Progressing(console) as display:
            execute(plan, folder, options, display)
        return load_run(folder, self)


def override(
    sweep: Sweep,
    assignments: Sequence[str],
    seeds: int | None = None,
    block: int | Literal["auto"] | None = None,
    numerics: Mapping[str, Any] | None = None,
) -> Sweep:
    """Applies ``AXIS=V1,V2`` assignments, and what else is said of a sweep on the command line.

    Args:
      sweep: the sweep of the file.
      assignments: each sets the values of one axis, replacing the file's axis or setting; ``regime=a,b`` keeps those
        regimes; an axis of labels keeps those labels. LOW..HIGH/N stands for N values with equal ratios.
      seeds: number of seeds, when given.
      block: lanes per vmapped product, when given.
      numerics: `precision`, `deterministic` and `autotune`, those that are given.

    Raises:
      UserError: for an assignment that is not of that form, is given twice, names a regime or label that does not
        exist, or one of several settings that go together in an axis.
    """
    axes, settings, given = dict(sweep.axes), dict(sweep.settings), set()
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        values = [part.strip() for part in text.split(",") if part.strip()]
        if not equals or not name.strip():
            raise UserError(f"--set {assignment!r} is not of the form AXIS=V1,V2")
        name = name.strip()
        if not values:
            raise UserError(f"--set {name}: no values")
        if name in given:
            raise UserError(f"--set {name} is given twice")
        given.add(name)
        if name == "regime":
            names = [regime.name for regime in sweep.regimes]
            for value in values:
                if value not in names:
                    raise unknown("regime", value, names)
            kept = [regime for regime in sweep.regimes if regime.name in values]
            unused = [*sweep.unused, *(regime for regime in sweep.regimes if regime.name not in values)]
            sweep = replace(sweep, regimes=kept, unused=unused)
        elif isinstance(labelled := _values(axes.get(name)), Mapping):
            known = {str(number(key)): key for key in labelled}  # 4 as well as "four"
            for value in values:
                if value not in known:
                    raise unknown(f"label of the axis {name!r}:", value, known)
            axes[name] = _in_place(axes[name], {known[value]: labelled[known[value]] for value in values})
        elif together := next((axis for axis in axes if isinstance(axis, tuple) and name in axis), None):
            raise UserError(
                f"--set {name}: its values go with those of {', '.join(one for one in together if one != name)} in one "
                "axis of the file; change them there"
            )
        else:
            settings.pop(name, None)
            axes[name] = _in_place(axes.get(name), [one for value in values for one in _numbers(name, value)])
    sweep = sweep if seeds is None else replace(sweep, seeds=seeds)
    sweep = sweep if block is None else replace(sweep, block=block)
    return replace(sweep, axes=axes, settings=settings, **(numerics or {}))


def _values(axis: Any) -> Any:
    return axis.values if isinstance(axis, Only) else axis


def _in_place(axis: Any, values: Any) -> Any:
    """Values in place of an axis's, for the regimes that it is of."""
    return replace(axis, values=values) if isinstance(axis, Only) else values


def _numbers(name: str, text: str) -> list[float] | list[int]:
    """What was typed for one value, or for several: LOW..HIGH/N with equal ratios, LOW..HIGH/N/lin with differences."""
    ends, slash, rest = text.partition("/")
    low, dots, high = ends.partition("..")
    if not slash or not dots:
        return [_number(name, text)]
    n, _, kind = rest.partition("/")
    if not n.isdecimal() or kind not in ("", "lin"):
        raise UserError(f"--set {name}: {text!r} is not of the form LOW..HIGH/N or LOW..HIGH/N/lin")
    try:
        return (lin_space if kind else log_space)(_number(name, low), _number(name, high), int(n))
    except UserError as error:
        raise UserError(f"--set {name}: {text!r}: {error}") from error


def _number(name: str, text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        raise UserError(f"--set {name}: {text!r} is not a number") from None
    if not is_finite(found):
        raise UserError(f"--set {name}: {text!r} is not a finite number")
    return found


def seed_list(sweep: Sweep) -> list[tuple[int, int]]:
    """Returns (world seed, learner seed) of every replicate.

    Raises:
      UserError: for fewer than one seed, a million, a repeated seed, or one outside 0 … 2³² − 1.
    """
    wrong = UserError("seeds must be different whole numbers from 0 to 4294967295")
    if isinstance(sweep.seeds, int):
        if not 0 <= sweep.seeds <= 2**32:
            raise wrong if sweep.seeds > 0 else UserError(f"seeds = {sweep.seeds!r}: at least one is needed")
        check_number(sweep.seeds, "seeds")
        seeds = list(range(sweep.seeds))
    else:
        try:
            given = sweep.seeds.tolist() if hasattr(sweep.seeds, "tolist") else sweep.seeds  # type: ignore[attr-defined]
            seeds = [number(seed) for seed in given]
        except TypeError:
            raise UserError(f"seeds = {sweep.seeds!r} is neither a whole number nor a list of them") from None
    if not seeds:
        raise UserError(f"seeds = {sweep.seeds!r}: at least one is needed")
    shared = sweep.learners_per_world
    if not isinstance(shared, int) or shared < 1:
        raise UserError(f"learners_per_world = {shared!r} is not a whole number above 0")
    if not all(isinstance(s, int) and 0 <= s < 2**32 for s in seeds) or len(set(seeds)) < len(seeds):
        raise wrong
    return [(seed // shared, int(seed)) for seed in seeds]
