"""What a claim file says: a question, the sweeps that answer it, how arms are tuned, and the rule, as data."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, Literal

from regimax.claims.pilot import Pilot
from regimax.errors import UserError, unknown
from regimax.sweep.files import load_file
from regimax.sweep.form import check_kinds
from regimax.sweep.spec import Sweep, seed_list

Scale = Literal["small", "full"]
MAIN = "main"
"""Name of the sweep of a claim that has only one."""


@dataclass(frozen=True)
class Tuning:
    """Equal tuning: every arm is tried on the same grid, in worlds apart from those of the result.

    Attributes:
      axes: the grid, as axes of a sweep: names of settings or budgets with their values. A setting that an arm does not
        have makes no difference to it, and costs nothing.
      seeds: world seeds, none of which the result uses.
      metric: what is compared: a measure of the evaluations, the higher the better.
      summary: of a cell's evaluations: ``area``, their mean, where one that stopped as solved counts on at its last
        value; or ``final``, the last. Arms are chosen by it and nothing else: no result is read from it.
      over: along what the area is taken: ``evaluations``, each alike; or an effort of the curves, such as
        ``env_steps``, so that what a phase costs that is not evaluated counts too, and its budget can be tuned.
      cap: above which the metric counts as just this: with the threshold that cells stop at, what counts is how soon
        they got there, and not what the last evaluation happened to show; no cap when None.
      at: labels of axes at which arms are tried, by column name; all of them where a column is not named.
      per: columns for whose labels the choice is made apart, for example of richness; else one choice serves all
        points, the best on average over them.
      settings: values that hold while tuning, for example a smaller budget.
    """

    axes: Mapping[str | tuple[str, ...], Any]
    seeds: Sequence[int]
    metric: str = "success"
    summary: Literal["area", "final"] = "area"
    over: str = "evaluations"
    cap: float | None = None
    at: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    per: Sequence[str] = ()
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """A claim that results may support or refute.

    Attributes:
      id: what it is called, for example "C5".
      question: one or two sentences.
      small: the sweep that answers it in minutes, or several by name.
      rule: turns the run, or the runs by name, into a verdict. Its docstring says the rule in words.
      full: the sweep for an accelerator, or several by name.
      tuning: how arms are tuned, for all sweeps or by name of the sweep; nothing is tuned when None.
      full_tuning: that of `full`, where it differs.
      figure: draws the run, or the runs by name: a figure or several; learning curves when None.
      control: what must not show the effect, in a sentence.
      null: the world in which the favoured arm must not win, in a sentence.
      assay: what shows that the run could have come out either way, in a sentence; the rule checks it.
      pilot: what is expected of each check of the claim, from which a plan says its power and the worlds it needs.

    Example:
      >>> import regimax as rx
      >>> from regimax.report import statistics as st
      >>> def rule(run):
      ...     '''Prediction saves more than half of the steps.'''
      ...     scratch, predicted = (st.times(run, arm) for arm in ("pure_rl", "pretrain_rl"))
      ...     saved = st.above("ln saved", st.ln_ratio(scratch, predicted), 0.69)
      ...     return st.decide([saved], assay=[st.seen("scratch", scratch)], cells=run.cells)
      >>> regimes = [rx.regimes.pure_rl(updates=400), rx.regimes.pretrain_rl(updates=(400, 400))]
      >>> claim = Claim("E1", "Does prediction help?", rx.Sweep(rx.envs.Cipher(), regimes, seeds=16), rule)
      >>> claim.words()
      'Prediction saves more than half of the steps.'
    """

    id: str
    question: str
    small: Sweep | Mapping[str, Sweep]
    rule: Callable[[Any], Any]
    full: Sweep | Mapping[str, Sweep] | None = None
    tuning: Tuning | Mapping[str, Tuning] | None = None
    full_tuning: Tuning | Mapping[str, Tuning] | None = None
    figure: Callable[[Any], Any] | None = None
    control: str = ""
    null: str = ""
    assay: str = ""
    pilot: Sequence[Pilot] = ()

    def sweeps(self, scale: Scale) -> dict[str, Sweep]:
        """Returns its sweeps by name.

        Raises:
          UserError: if it has none of that scale.
        """
        given = self.small if scale == "small" else self.full
        if given is None:
            raise UserError(f"the claim {self.id!r} has no full sweep")
        return {MAIN: given} if isinstance(given, Sweep) else dict(given)

    def tunings(self, scale: Scale) -> dict[str, Tuning]:
        """Returns how each sweep's arms are tuned, by name of the sweep; those that are not tuned are left out."""
        given = self.full_tuning if scale == "full" and self.full_tuning is not None else self.tuning
        if given is None:
            return {}
        return dict.fromkeys(self.sweeps(scale), given) if isinstance(given, Tuning) else dict(given)

    def shaped(self, scale: Scale, by_name: Mapping[str, Any]) -> Any:
        """Returns what belongs to sweeps in the form in which the sweeps were given: one thing, or several by name."""
        given = self.small if scale == "small" else self.full
        return by_name[MAIN] if isinstance(given, Sweep) else dict(by_name)

    def words(self) -> str:
        """Returns the rule in words: its docstring, unwrapped; the points of a list keep lines of their own."""
        lines: list[str] = []
        for line in (inspect.getdoc(self.rule) or "").splitlines():
            new = not line or not lines or not lines[-1] or re.match(r"(\d+\.|[-*•]) ", line)
            if new:
                lines.append(line)
            else:
                lines[-1] = f"{lines[-1]} {line.strip()}"
        return "\n".join(lines)


def load_claim(path: Path, beside: Path | None = None) -> Claim:
    """Loads the object `claim` of a claim file.

    Args:
      path: a Python file.
      beside: where modules lie that it imports; its own folder when not given.

    Raises:
      UserError: if there is no such file, it cannot be imported, or its claim is not one that could be run and judged.
    """
    found = claim_of(load_file(path, beside), path)
    if found is None:
        raise UserError(f"{path} must define claim = regimax.Claim(...), found nothing of that name")
    return found


def claim_of(module: ModuleType, path: Path) -> Claim | None:
    """Returns the claim of a file that was run, checked, or None where the file has none.

    Raises:
      UserError: if its claim is not one that could be run and judged.
    """
    claim = getattr(module, "claim", None)
    if claim is None:
        return None
    if not isinstance(claim, Claim):
        raise UserError(f"{path}: claim is a {type(claim).__name__}, not a regimax.Claim")
    try:
        _check(claim)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return claim


_TEXT = (str, "a text")
_SWEEPS = "a regimax.Sweep, or several by name"
_TUNED = ((Tuning, Mapping, NoneType), "a regimax.Tuning, or several by name of the sweep")
_CLAIM = {
    **dict.fromkeys(("id", "question", "control", "null", "assay"), _TEXT),
    "small": ((Sweep, Mapping), _SWEEPS),
    "full": ((Sweep, Mapping, NoneType), _SWEEPS),
    "tuning": _TUNED,
    "full_tuning": _TUNED,
    "figure": ((Callable, NoneType), "a function"),
    "pilot": (Sequence, "a list of regimax.Pilot"),
}
_TUNING = {
    "axes": (Mapping, "a dictionary of axes"),
    "metric": _TEXT,
    "over": _TEXT,
    "cap": ((int, float, NoneType), "a number"),
    "at": (Mapping, "a dictionary of labels by column"),
    "per": (Sequence, "a list of columns"),
    "settings": (Mapping, "a dictionary of settings"),
}


def _check(claim: Claim) -> None:
    """Refuses fields of another kind, a claim without an id, an assay or a rule in words, and tuning on worlds of the
    result.
    """
    check_kinds(claim, _CLAIM)
    if not all(isinstance(one, Pilot) for one in claim.pilot):
        raise UserError(f"pilot = {claim.pilot!r} is not a list of regimax.Pilot")
    if not claim.id or not claim.question:
        raise UserError("a claim needs an id and a question")
    if not claim.assay:
        raise UserError(
            f"the claim {claim.id!r} has no assay: say in a sentence what shows that its run could come out "
            "either way, and check it in the rule, st.decide(…, assay=[…])"
        )
    if not callable(claim.rule) or not claim.words():
        raise UserError("rule must be a function whose docstring says the rule in words")
    for scale in ("small", "full"):
        if scale == "full" and claim.full is None:
            continue
        sweeps = claim.sweeps(scale)
        if not sweeps:
            raise UserError(f"{scale} holds no sweep")
        for name, sweep in sweeps.items():
            if not isinstance(sweep, Sweep):
                raise UserError(f"{scale}: {name!r} is a {type(sweep).__name__}, not a regimax.Sweep")
            if not isinstance(name, str) or not name.isidentifier():
                raise UserError(f"{scale}: {name!r} cannot be a sweep's name: give letters, digits and underscores")
        for name, tuning in claim.tunings(scale).items():
            if name not in sweeps:
                raise unknown("sweep that is tuned:", str(name), sweeps)
            if not isinstance(tuning, Tuning):
                raise UserError(f"tuning: {name!r} is a {type(tuning).__name__}, not a regimax.Tuning")
            check_kinds(tuning, _TUNING, "tuning.")
            _check_worlds(tuning, sweeps)


def _check_worlds(tuning: Tuning, sweeps: Mapping[str, Sweep]) -> None:
    """Refuses to tune on a world that any of the results uses."""
    if isinstance(tuning.seeds, int | str) or not tuning.seeds:
        raise UserError("tuning.seeds must list world seeds, for example range(1000, 1004)")
    try:
        seed_list(Sweep(None, (), seeds=tuning.seeds))
    except UserError as error:
        raise UserError(f"tuning.{error}") from error
    for name, sweep in sweeps.items():
        shared = sorted({world for world, _ in seed_list(sweep)} & set(tuning.seeds))
        if shared:
            raise UserError(f"tuning.seeds: the world {shared[0]} is one of the result ({name!r}); tune on others")
