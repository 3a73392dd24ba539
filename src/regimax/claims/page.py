"""One self-contained page of all claims: what was asked, the verdicts, and how each was come by."""

from __future__ import annotations

import base64
import datetime
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

import regimax
from regimax.claims.judge import Judged
from regimax.report import page
from regimax.report.figures import PALETTE
from regimax.report.packed import packed, plotly
from regimax.report.quantities import UNKNOWN, duration, quantity
from regimax.report.statistics.verdict import SUPPORTED, Check, Verdict

MARKS = {"supported": "\u2713", "refuted": "\u2715", "inconclusive": "?", "invalid": "!"}
"""A sign beside the word, so that a verdict needs no colour."""
HOLDS = {True: "holds", False: "fails", None: "open"}
"""What became of a check."""


def render(judged: Sequence[Judged], name: str) -> str:
    """Renders the page.

    Args:
      judged: the claims, in order.
      name: of the folder, for the names of downloads.

    Returns:
      the HTML document. It holds its own script and styles, and a content policy that forbids every request.
    """
    figures = [figure.to_plotly_json() for one in judged for figure in one.figures]
    data = {
        "file": name,
        "figures": [_untitled(figure) for figure in figures],
        "palette": PALETTE,
        "claims": [one.record() for one in judged],
    }
    numbers, before = [], 0
    for one in judged:
        numbers.append(range(before, before + len(one.figures)))
        before += len(one.figures)
    return Template(_asset("claims.html")).substitute(
        css=page.asset("page.css") + "\n" + _asset("claims.css"),
        tally=_tally(judged),
        made=escape(f"regimax {regimax.__version__}, {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC"),
        rows="".join(_row(one) for one in judged),
        claims="".join(_section(one, plots) for one, plots in zip(judged, numbers, strict=True)),
        data=packed(page.as_json(data)),
        plotly=plotly(),
        unpack=page.asset("unpack.js"),
        script=_asset("claims.js"),
    )


def write(root: Path, judged: Sequence[Judged]) -> Path:
    """Writes ROOT/claims.html, whole or not at all, and returns its path."""
    path = root / "claims.html"
    page.write(path, render(judged, root.resolve().name or "claims"))
    return path


def _asset(name: str) -> str:
    return resources.files("regimax.claims").joinpath(name).read_text(encoding="utf-8").rstrip("\n")


def _untitled(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure without its title, which stands above it as text."""
    layout = {key: value for key, value in figure["layout"].items() if key not in ("title", "template")}
    return {"data": _plain(figure["data"]), "layout": _plain(layout), "title": _title(figure)}


def _plain(value: Any) -> Any:
    """Plain data: arrays, packed by plotly or not, as lists; numbers that are not finite as null."""
    if isinstance(value, Mapping) and "bdata" in value:
        shape = [int(size) for size in str(value.get("shape", "-1")).split(",")]
        value = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"]).reshape(shape)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _title(figure: dict[str, Any]) -> str:
    return str(figure["layout"].get("title", {}).get("text") or "")


def _tally(judged: Sequence[Judged]) -> str:
    counts = Counter(one.verdict.outcome for one in judged)
    return "".join(f"<div><dt>{outcome}</dt><dd>{counts[outcome]}</dd></div>" for outcome in MARKS)


def _badge(verdict: Verdict) -> str:
    outcome = escape(verdict.outcome)
    return f'<span class="verdict {outcome}"><span aria-hidden="true">{MARKS[outcome]}</span> {outcome}</span>'


def effect(verdict: Verdict) -> str:
    """Returns the effect with its interval and unit, for people; a dash where there is none."""
    if verdict.effect is None and not math.isfinite(verdict.low) and not math.isfinite(verdict.high):
        return UNKNOWN
    middle = UNKNOWN if verdict.effect is None else number(verdict.effect)
    unit = f" {verdict.unit}" if verdict.unit else ""
    return f"{middle} ({number(verdict.low)} to {number(verdict.high)}){unit}"


def number(value: float) -> str:
    """Returns a number with three digits and a real minus sign."""
    text = "\u221e" if math.isinf(value) else f"{abs(value):.3g}"
    return ("\u2212" if value < 0 else "") + text


def checks(found: Sequence[Check]) -> str:
    """Returns how many of the checks hold, in a few words; a dash where there are none."""
    if not found:
        return UNKNOWN
    counts = Counter(HOLDS[check.holds] for check in found)
    if len(found) == 1:
        return next(iter(counts))
    return ", ".join(f"{counts[word]} {word}" for word in HOLDS.values() if counts[word])


def cells(one: Judged) -> str:
    """Returns the cells of a result, and how many of them are finished where not all are; a dash before it is begun."""
    done, total = one.cells.get("result", (0, 0))
    if not total:
        return UNKNOWN
    return f"{total:,}" if done == total else f"{done:,} of {total:,}"


def _row(one: Judged) -> str:
    verdict = one.verdict
    order = list(MARKS).index(verdict.outcome)
    columns = [
        ("left name", f'<a href="#{escape(one.name)}">{escape(one.id)}</a>', one.id),
        ("left", _badge(verdict), order),
        ("left question", escape(one.question), one.question),
        ("left", escape(effect(verdict)), verdict.effect),
        ("left", escape(checks(verdict.assay)), None),
        ("left", escape(checks(verdict.control)), None),
        ("left", escape(checks(verdict.null)), None),
        ("", f"{verdict.worlds or UNKNOWN}", verdict.worlds),
        ("", cells(one), one.cells.get("result", (0, 0))[1]),
        ("", quantity(one.effort.get("flops_executed"), "FLOP"), one.effort.get("flops_executed")),
    ]
    return f"<tr>{''.join(_td(*column) for column in columns)}</tr>"


def _td(classes: str, text: str, value: Any) -> str:
    kind = ' data-kind="text"' if isinstance(value, str) else ""
    return f'<td class="{classes}" data-value="{"" if value is None else escape(str(value))}"{kind}>{text}</td>'


def _section(one: Judged, plots: range) -> str:
    verdict = one.verdict
    notes = "".join(f"<p>{escape(note)}</p>" for note in one.notes)
    figures = "".join(_figure(i, figure.to_plotly_json()) for i, figure in zip(plots, one.figures, strict=True))
    parts = [
        f'<section class="claim" id="{escape(one.name)}" aria-labelledby="{escape(one.name)}-title">',
        f'<div class="head"><h2 id="{escape(one.name)}-title">{escape(one.id)}. {escape(one.question)}</h2>'
        f"{_badge(verdict)}</div>",
        f'<p class="why">{escape(_sentence(verdict))}</p>',
        f'<div class="notice" role="note">{notes}</div>' if notes else "",
        f'<div class="panels{" one" if len(plots) == 1 else " two"}" style="--columns: {min(2, len(plots))}">{figures}'
        "</div>" if plots else "",
        _checks_table(verdict),
        _words(one),
        "".join(_tuning(name, facts, len(one.tuning)) for name, facts in one.tuning.items()),
        f'<p class="provenance"><span class="command">{escape(one.command)}</span>'
        f"<span>{escape(_spent(one))}</span></p>",
        "</section>",
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def _sentence(verdict: Verdict) -> str:
    if verdict.outcome == SUPPORTED or not verdict.reason:
        return verdict.reason
    return verdict.reason[:1].upper() + verdict.reason[1:]


def _words(one: Judged) -> str:
    entries = [
        ("Rule, fixed before the run", one.verdict.rule),
        ("Assay", one.assay),
        ("Control", one.control),
        ("Null", one.null),
    ]
    entries += [("Would decide it", "; ".join(one.verdict.needs)), ("Errors", one.verdict.errors)]
    rows = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in entries if text)
    return f'<dl class="key">{rows}</dl>' if rows else ""


def _checks_table(verdict: Verdict) -> str:
    rows = []
    holds = {True: "\u2713 holds", False: "\u2715 fails", None: "? open"}
    for kind, check in verdict.checks():
        rows.append(
            f'<tr><td class="left">{kind}</td><td class="left setting">{escape(check.text)}</td>'
            f'<td class="left">{escape(check.estimate.text())}</td><td>{check.estimate.worlds or UNKNOWN}</td>'
            f'<td class="left">{holds[check.holds]}</td>'
            f'<td class="left setting">{escape(check.estimate.method)}</td></tr>'
        )
    if not rows:
        return ""
    heads = ("what it is of", "must be", "found, with interval", "worlds", "", "how")
    head = "".join(f'<th scope="col" class="{"" if h == "worlds" else "left"}">{h}</th>' for h in heads)
    return _table("checks", head, rows)


def _table(name: str, head: str, rows: Sequence[str]) -> str:
    return (
        f'<div class="scroll"><table class="{name}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _figure(index: int, figure: dict[str, Any]) -> str:
    title = escape(_title(figure).replace("<br>", " ")) or "Figure"
    return (
        f'<figure class="panel"><figcaption>{title}</figcaption>'
        f'<div class="plot" id="plot-{index}" role="img" aria-label="{title}"></div>'
        f'<div class="buttons below"><button type="button" data-download="{index}">Data of this figure (CSV)</button>'
        "</div></figure>"
    )


def _tuning(name: str, facts: dict[str, Any], several: int) -> str:
    """The grid with every score, one row per arm and place, one column per point of the grid."""
    title = "Tuning" if several == 1 else f"Tuning of {name}"
    found = facts["trials"]
    if not found:
        return f'<p class="caption">{escape(title)}: nothing is chosen yet.</p>'
    grid = list(dict.fromkeys(tuple(trial.grid.items()) for trial in found))
    arms = list(dict.fromkeys((trial.regime, tuple(trial.where.items())) for trial in found))
    by = {(t.regime, tuple(t.where.items()), tuple(t.grid.items())): t for t in found}
    head = "".join(f'<th scope="col">{_labels(point)}</th>' for point in grid)
    arm, rows = '<th class="left" scope="col">arm</th>', []
    for regime, where in arms:
        label = escape(regime) + (f"<small>{_labels(where)}</small>" if where else "")
        row = "".join(_score(by[regime, where, point]) for point in grid)
        rows.append(f'<tr><td class="left name">{label}</td>{row}</tr>')
    edges = sorted({f"{t.regime} ({', '.join(t.edge)})" for t in found if t.edge})
    edge = f" At an end of the grid: {escape('; '.join(edges))}." if edges else ""
    seeds = facts["seeds"]
    worlds = f"{len(seeds)} worlds of their own (seeds {seeds[0]} to {seeds[-1]})"
    summary = "mean over the evaluations" if facts["summary"] == "area" else "last evaluation"
    caption = f"Every arm on the same grid, on {worlds}; score: {facts['metric']}, {summary}. The choice is marked."
    return (
        f'<details class="tuning"><summary><h3>{escape(title)}: grid and choice</h3></summary>'
        f'<p class="caption">{escape(caption)}{edge}</p>{_table("grid", arm + head, rows)}</details>'
    )


def _labels(point: tuple[tuple[str, Any], ...]) -> str:
    return "<br>".join(f"{escape(str(name))} {escape(str(value))}" for name, value in point)


def _score(trial: Any) -> str:
    score = UNKNOWN if trial.score is None else f"{trial.score:.3f}"
    more = f"<small>{trial.diverged} diverged</small>" if trial.diverged else ""
    return f'<td class="chosen"><b>\u25b8 {score}</b>{more}</td>' if trial.chosen else f"<td>{score}{more}</td>"


def _spent(one: Judged) -> str:
    done = {kind: f"{count[0]:,} of {count[1]:,}" for kind, count in one.cells.items()}
    parts = [f"{one.scale}: {done['result']} cells" if "result" in done else one.scale]
    if one.tuning and "tuning" in done:
        parts.append(f"{done['tuning']} cells of tuning")
    if one.effort:
        parts.append(f"{quantity(one.effort['flops_executed'], 'FLOP')} executed")
        parts.append(f"{quantity(one.effort['env_steps'])} environment steps")
        parts.append(f"{quantity(one.effort['passive_steps'])} unlabelled steps")
        parts.append(f"{duration(one.effort['seconds'])} wall clock")
    return ", ".join(parts)
