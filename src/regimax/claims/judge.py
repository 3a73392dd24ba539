"""From the directories of claims to verdicts. What cannot be judged is inconclusive, with the reason.

One directory that is damaged costs the others nothing: its `damage` says what is wrong with it in a sentence.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import plotly.graph_objects as go
import polars as pl

from regimax.claims import folder
from regimax.claims.claim import Claim, Scale, load_claim
from regimax.claims.execute import result_sweep
from regimax.claims.tuning import Trial
from regimax.errors import UserError
from regimax.report.figures import Panel, available, panels
from regimax.report.statistics._times import read_once
from regimax.report.statistics.verdict import INCONCLUSIVE, Verdict
from regimax.sweep import store, table
from regimax.sweep.disk import Damaged
from regimax.sweep.loaded import Run, load_run

FIGURES = 4
"""Panels of learning curves that are drawn where a claim draws no figure of its own."""


class Judged(NamedTuple):
    """A claim, what was run for it, and what came out.

    Attributes:
      id: what the claim is called.
      name: of its file, and of its directory.
      question: what it asks.
      scale: 'small' or 'full'.
      verdict: by the rule that was fixed before the run.
      control: what must not show the effect, in words.
      null: where the favoured arm must not win, in words.
      cells: cells of the result and of the tuning, finished and in all.
      effort: executed for both: FLOPs with padding, environment steps, unlabelled steps, seconds of wall-clock.
      tuning: by name of the sweep: metric, summary, world seeds, and the trials with what was chosen.
      figures: what the claim shows.
      command: what was typed.
      notes: what a reader must know besides.
      damage: what is wrong with its directory, so that it could not be judged, in a sentence; empty where nothing is.
      assay: what shows that the run could have come out either way, in words.
    """

    id: str
    name: str
    question: str
    scale: str
    verdict: Verdict
    control: str
    null: str
    cells: dict[str, tuple[int, int]]
    effort: dict[str, float]
    tuning: dict[str, dict[str, Any]]
    figures: list[go.Figure]
    command: str
    notes: list[str]
    damage: str = ""
    assay: str = ""

    def record(self) -> dict[str, Any]:
        """Returns it in plain data for JSON, without its figures."""
        plain = {name: value for name, value in self._asdict().items() if name not in ("verdict", "figures")}
        plain["tuning"] = {n: t | {"trials": [x._asdict() for x in t["trials"]]} for n, t in self.tuning.items()}
        return plain | {"verdict": self.verdict.record()}


def inconclusive(reason: str, rule: str = "") -> Verdict:
    """Returns the verdict of what cannot be judged."""
    return Verdict(INCONCLUSIVE, None, -math.inf, math.inf, "", rule, (), (), 0, {}, reason, (), 0, "")


def judge_all(root: Path, current: bool = False, draw: bool = True, trust: bool = False) -> list[Judged]:
    """Judges every claim that a folder holds or was to hold, in order of their names.

    Args:
      root: a folder of claims' directories, or one of them.
      current: whether to judge by the claims' files as they are now, instead of as they were when their runs began.
      draw: whether to draw figures.
      trust: whether copies of claims' files are executed even where they are not what was registered.

    Raises:
      UserError: if there is no claim in it.
    """
    if not root.is_dir():
        raise UserError(f"no folder {str(root)!r}")
    if os.path.lexists(root / folder.FACTS):
        return [judge(root, current, draw, trust)]
    there = {p.parent.name: p.parent for p in root.glob(f"*/{folder.FACTS}") if not p.parent.name.startswith(".")}
    judged = []
    try:
        wanted = folder.wanted(root)
    except Damaged as error:
        wanted = {}
        judged = [_broken(folder.LIST, f"{error}. Claims that were not begun are not told of")]
    if not there and not wanted and not judged:
        raise UserError(f"{str(root)!r} holds no claim's directory: regimax run --all SWEEPS --out {root} makes them")
    for name in sorted({*there, *wanted}):
        judged.append(judge(there[name], current, draw, trust) if name in there else _missing(name, wanted[name]))
    return judged


def _missing(name: str, facts: Mapping[str, Any]) -> Judged:
    verdict = inconclusive("not begun" if not facts.get("error") else f"not begun: {facts['error']}", facts["rule"])
    words = (facts["question"], facts["scale"], verdict, facts["control"], facts["null"])
    return Judged(facts["id"], name, *words, {}, {}, {}, [], facts["command"], [])


def _broken(name: str, damage: str) -> Judged:
    """What is told of a directory, or a list, that cannot even be read."""
    return Judged(name, name, "", "small", inconclusive(damage), "", "", {}, {}, {}, [], "", [], damage)


def judge(out: Path, current: bool = False, draw: bool = True, trust: bool = False) -> Judged:
    """Judges one claim by the rule that its run began with. What is damaged is told of, not raised.

    Args:
      out: its directory.
      current: whether to judge by its file as it is now.
      draw: whether to draw its figures.
      trust: whether the copy of its file is executed even where it is not what was registered.

    Raises:
      UserError: if `out` is not a claim's directory.
    """
    try:
        facts = folder.read(out)
    except Damaged as error:
        return _broken(out.name, str(error))
    scale: Scale = facts["resolved"]["scale"]
    empty = Judged(
        facts["resolved"]["id"], out.name, facts["question"], scale, inconclusive(""), "", "", {}, {}, {}, [],
        facts["command"], [],
    )  # fmt: skip
    try:
        if not trust:
            folder.check_rule(out, facts)
        empty = empty._replace(notes=_changes(out, facts, current))
        claim = load_claim(Path(facts["file"])) if current else folder.stored(out, trust)
        known = empty._replace(question=claim.question, control=claim.control, null=claim.null, assay=claim.assay)
        runs = {kind: folder.run_dirs(out, claim, scale, kind) for kind in (folder.TUNING, folder.RESULT)}
        runs[folder.TUNING] = {name: runs[folder.TUNING][name] for name in claim.tunings(scale)}
        tried = folder.read_choices(out) or {}
        known = known._replace(
            cells={kind: _cells(list(there.values())) for kind, there in runs.items()},
            effort=_effort([path for there in runs.values() for path in there.values()]),
            tuning={
                name: {"metric": t.metric, "summary": t.summary, "seeds": list(t.seeds), "trials": tried.get(name, [])}
                for name, t in claim.tunings(scale).items()
            },
        )
        with read_once():
            return _ruled(known, claim, scale, runs[folder.RESULT], tried, draw)
    except Damaged as error:
        return empty._replace(verdict=inconclusive(str(error)), damage=str(error))
    except UserError as error:
        return empty._replace(verdict=inconclusive(str(error)))
    except Exception as error:  # whatever is wrong with one directory, the others are still judged
        text = f"{out} cannot be judged: {type(error).__name__}: {error}"
        return empty._replace(verdict=inconclusive(text), damage=text)


def _changes(out: Path, facts: Mapping[str, Any], current: bool) -> list[str]:
    """What to say of the claim's file as it is now."""
    file = Path(facts["file"])
    if not file.is_file():
        return [f"The claim's file {file.name} is not where it was; the copy that the run began with counts."]
    if folder.same_program((out / folder.SOURCE).read_text(), file.read_text()):
        return []
    if current:
        return ["Judged by the claim's file as it is now, which was changed after the run began."]
    return ["The claim's file was changed after the run began; the verdict is by the rule that it began with."]


def _cells(runs: Sequence[Path]) -> tuple[int, int]:
    """Finished cells and cells in all, as far as they are known."""
    done = total = 0
    for run in runs:
        if store.is_begun(run):
            cells = table.cell_table(run)
            total += cells.height
            done += cells.filter(pl.col("status") != "pending").height
    return done, total


def _effort(runs: Sequence[Path]) -> dict[str, float]:
    effort: dict[str, float] = {"flops_executed": 0.0, "env_steps": 0.0, "passive_steps": 0.0, "seconds": 0.0}
    for run in runs:
        if store.is_begun(run):
            spent = table.totals(run)
            spent["seconds"] = (store.newest_manifest(run) or {"seconds": 0.0})["seconds"]
            effort = {name: effort[name] + float(spent[name]) for name in effort}
    return effort


def _ruled(
    known: Judged, claim: Claim, scale: Scale, where: Mapping[str, Path], tried: Mapping[str, list[Trial]], draw: bool
) -> Judged:
    """Applies the rule, where everything that it needs is there."""
    waiting = _unfinished(known, where)
    if waiting:
        return known._replace(verdict=inconclusive(waiting, claim.words()))
    runs = {
        name: load_run(path, result_sweep(claim, scale, name, tried.get(name) or None)) for name, path in where.items()
    }
    for name, run in runs.items():
        run.tried = tuple(tried.get(name) or ())
    given = claim.shaped(scale, runs)
    try:
        verdict = claim.rule(given)
    except Damaged:
        raise
    except Exception as error:  # whatever a rule does, the others are still judged
        verdict = inconclusive(f"its rule failed: {type(error).__name__}: {error}")
    if not isinstance(verdict, Verdict):
        verdict = inconclusive(f"its rule returned a {type(verdict).__name__}, not a Verdict")
    known = known._replace(verdict=verdict._replace(rule=claim.words()))
    if not draw:
        return known
    try:
        figures = _drawn(claim.figure(given)) if claim.figure else _curves(runs)
    except Damaged:
        raise
    except Exception as error:
        note = f"Its figure could not be drawn: {type(error).__name__}: {error}"
        return known._replace(notes=[*known.notes, note])
    return known._replace(figures=figures)


def _unfinished(known: Judged, where: Mapping[str, Path]) -> str:
    """Why there is nothing to judge yet, or an empty string."""
    for kind, noun in ((folder.TUNING, "the tuning"), (folder.RESULT, "the result")):
        done, total = known.cells[kind]
        if done < total:
            return f"unfinished: {total - done:,} of {total:,} cells of {noun} are pending"
    if not all(store.is_begun(path) for path in where.values()):
        return "unfinished: its result is not begun"
    return ""


def _drawn(given: Any) -> list[go.Figure]:
    """The figures that a claim returned: one or several, or panels of the report."""
    several = [given] if isinstance(given, go.Figure | Panel) else list(given)
    return [one.figure if isinstance(one, Panel) else go.Figure(one) for one in several]


def _curves(runs: Mapping[str, Run]) -> list[go.Figure]:
    """Learning curves of the first settings."""
    figures = []
    for name, run in runs.items():
        columns = ("regime", "setting")
        regimes, settings = (run.cells[column].unique(maintain_order=True).to_list() for column in columns)
        drawn = settings[: FIGURES - len(figures)]
        efforts = available(run.curves)[:1]
        for panel in panels(run.curves, table=run.cells, regimes=regimes, settings=drawn, efforts=efforts):
            title = ", ".join(filter(None, ["" if len(runs) == 1 else name, panel.setting]))
            panel.figure.update_layout(showlegend=True, title_text=f"Success against {efforts[0].label}: {title}")
            panel.figure.for_each_trace(lambda trace: trace.update(showlegend=trace.meta["role"] == "line"))
            figures.append(panel.figure)
    return figures
