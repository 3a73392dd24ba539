"""The sections of the page as HTML. Every string that comes from outside is escaped here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import polars as pl

from regimax.report.aggregate import paired
from regimax.report.canvas import Drawing
from regimax.report.compared import REGIME, Compared, Measure
from regimax.report.figures import Effort, Style
from regimax.report.quantities import UNKNOWN, difference, duration, fraction, quantity
from regimax.sweep.environment import mixed


def notice(table: pl.DataFrame, environments: Sequence[Mapping[str, str]] = ()) -> str:
    """Returns what the reader must know first: unfinished, cells that diverged, several environments; else nothing."""
    pending = table.filter(pl.col("status") == "pending").height
    diverged = table.filter(pl.col("status") == "diverged").height
    lines = []
    if pending:
        lines.append(
            f"This run is unfinished: {pending:,} of {_plural(table.height, 'cell')} "
            f"{'is' if pending == 1 else 'are'} pending and left out below. The same command goes on with it."
        )
    if diverged:
        verb = "was stopped because its" if diverged == 1 else "were stopped because their"
        lines.append(
            f"{_plural(diverged, 'cell')} {verb} numbers were no longer finite, and "
            f"{'counts as a failure' if diverged == 1 else 'count as failures'}."
        )
    if len(environments) > 1:
        lines.append(
            f"It went on under other versions or on another device, as was asked for: {escape(mixed(environments))}. "
            "Cells of one may differ from cells of another for that alone."
        )
    body = "".join(f"<p>{line}</p>" for line in lines)
    return f'<div class="notice" role="note">{body}</div>' if lines else ""


def rule(meta: Mapping[str, Any]) -> str:
    """Returns what counts as solved, in words."""
    if meta.get("threshold") is None:
        return "success at the sweep’s threshold"
    row = int(meta.get("consecutive", 1))
    return (
        f"success of {meta['threshold']:g} or more in {f'{row} evaluations in a row' if row > 1 else 'an evaluation'}"
    )


def answer(groups: pl.DataFrame, meta: Mapping[str, Any]) -> str:
    """Returns in a sentence which regime got to the threshold with the least effort, in the median; nothing too early.

    Args:
      groups: as :func:`regimax.report.summary` returns it.
      meta: `threshold`, where it is known.
    """
    finished = groups.filter(pl.col("finished") > 0)
    if not finished.height:
        return ""
    goal = "the threshold" if meta.get("threshold") is None else f"{meta['threshold']:g} success"
    there = finished.filter(~pl.col("threshold_censored"))
    if not there.height:
        best = finished.sort("success_median", descending=True, maintain_order=True).row(0, named=True)
        at = f", {escape(best['setting'])}" if best["setting"] else ""
        text = f"No regime got to {goal} in the median: <b>{_name(best['regime'])}</b> came to"
        return f'<p class="answer">{text} {fraction(best["success_median"])}{at}.</p>'
    told = [f"{what} to {goal}: {_least(there, column, unit)}" for what, column, unit in LEAST]
    return f'<p class="answer">{". ".join(told)}. {_nowhere(finished)}</p>'


LEAST = (
    ("Fewest environment steps", "threshold_env_steps", ""),
    ("Least compute", "threshold_flops", "FLOP"),
)
"""What is least, the column of its medians, and its unit."""


def _least(there: pl.DataFrame, column: str, unit: str) -> str:
    """The regimes that need the least, with the number of settings where they do; in one setting, with what it is."""
    ranked = there.sort(column, maintain_order=True)
    settings = ranked["setting"].n_unique()
    if settings == 1:
        of = [f"<b>{_name(row['regime'])}</b> ({quantity(row[column], unit)})" for row in ranked.iter_rows(named=True)]
        return ", then ".join(of[:2])
    firsts = ranked.filter(pl.col(column) == pl.col(column).min().over("setting"))  # several, where they are even
    counts = firsts.group_by("regime", maintain_order=True).len().sort("len", descending=True, maintain_order=True)
    of = [f"<b>{_name(regime)}</b> in {count}" for regime, count in counts.rows()]
    return f"{', '.join(of[:3])} of {settings} settings"


def _nowhere(finished: pl.DataFrame) -> str:
    """In how many settings nobody got there."""
    reached = finished.group_by("setting").agg((~pl.col("threshold_censored")).any().alias("reached"))["reached"]
    none = reached.len() - int(reached.sum() or 0)
    return f"In {_plural(none, 'setting')} nobody got there." if none else ""


def facts(meta: Mapping[str, Any], table: pl.DataFrame, regimes: int, settings: int) -> str:
    """Returns the line of numbers under the title, as the rows of a definition list."""
    done = table.filter(pl.col("status") != "pending")
    pending = table.height - done.height
    axes = ", ".join(f"<code>{escape(str(axis))}</code>" for axis in meta["axes"])
    seconds = meta.get("seconds")
    entries = [
        ("Cells", f"{table.height:,}", f"{pending:,} pending" if pending else "all finished"),
        ("Regimes", f"{regimes:,}", ""),
        ("Settings", f"{settings:,}", f"axes: {axes}" if axes else "no axes"),
        ("Seeds", f"{int(meta['seeds']):,}", "per regime and setting"),
        ("Effort of all cells", quantity(_sum(done, "flops"), "FLOP"), _steps(_sum(done, "env_steps"))),
        ("Device", escape(str(meta["device"])), "" if seconds is None else f"{duration(seconds)} wall clock"),
    ]
    return "\n".join(
        f"<div><dt>{name}</dt><dd>{value}{f'<small>{more}</small>' if more else ''}</dd></div>"
        for name, value, more in entries
    )


def provenance(meta: Mapping[str, Any]) -> str:
    """The command, when it was started, and the versions it ran with."""
    started = str(meta["started"]).replace("T", " ").split(".")[0]
    versions = ", ".join(f"{name}\u00a0{version}" for name, version in meta["versions"].items())
    rest = [f"started {started}" if started else "", versions]
    parts = [f'<span class="command">{escape(str(meta["command"]))}</span>']
    parts += [f"<span>{escape(text)}</span>" for text in rest if text]
    return f'<p class="provenance">{"".join(parts)}</p>'


def curves(
    table: pl.DataFrame,
    look: Mapping[str, Style],
    efforts: Sequence[Effort],
    settings: int,
    drawn: Sequence[str],
    meta: Mapping[str, Any],
) -> str:
    """Returns the controls, the legend and one empty frame per drawn setting, which the page's script fills.

    Args:
      table: one row per cell, for the number of seeds.
      look: the style of each regime, in order.
      efforts: the horizontal axes on offer, the default first.
      settings: how many could be drawn.
      drawn: the settings that are drawn; empty before the first evaluation.
      meta: `threshold`, where it is known.

    Returns:
      HTML.
    """
    if not drawn:
        empty = "No evaluation has been committed yet. The curves appear here once the first stage is done."
        return f'<h2 id="curves-title">Learning curves</h2><p class="empty">{empty}</p>'
    options = "".join(f'<option value="{e.column}">{escape(e.label)}</option>' for e in efforts)
    rest = ""
    if len(drawn) < settings:
        rest = f" Drawn are the first {len(drawn)} of {settings:,} settings; the tables hold all."
    goal = "" if meta.get("threshold") is None else f" The dotted line is the threshold, {meta['threshold']:g}."
    shared = '<input type="checkbox" id="shared" checked>'
    shared = f"<label>{shared} Same range in every panel</label>" if len(drawn) > 1 else f"<span hidden>{shared}</span>"
    columns = 2 if len(drawn) in (2, 4) else min(3, len(drawn))
    size = {1: " one", 2: " two"}.get(columns, "")
    sticky = " sticky" if len(drawn) > 3 else ""
    figures = "".join(_figure(i, escape(setting)) for i, setting in enumerate(drawn))
    return f"""<h2 id="curves-title">Success against {escape(efforts[0].label)}</h2>
<p class="caption">Vertical: success, the fraction of evaluation episodes that succeed. Lines are medians over
{_seeds(table)}, bands the middle half of the seeds.{_marks(table)}{goal} Bars below zero are
pretraining.{rest} Press a line to see its cells and their settings.</p>
<div class="controls">
<label>Horizontal axis <select id="effort">{options}</select></label>
<span class="segments" role="group" aria-label="Scale of the horizontal axis"><button type="button"
id="linear" aria-pressed="true">Linear</button><button type="button" id="log"
aria-pressed="false">Log</button></span>
{shared}
</div>
{_legend(look, sticky)}
<div class="panels{size}" style="--columns: {columns}">{figures}</div>"""


def compared(found: Compared, look: Mapping[str, Style], table: pl.DataFrame) -> str:
    """Returns the controls and the empty frame of the figure whose axes and facets the reader chooses.

    Args:
      found: what can be chosen.
      look: the style of each regime.
      table: one row per cell, for the number of seeds.

    Returns:
      HTML; nothing where there is nothing to draw.
    """
    if not found.measures:
        return ""
    kinds: dict[str, list[Measure]] = {}
    for measure in found.measures:
        kinds.setdefault(measure.kind, []).append(measure)
    vertical = "".join(
        f'<optgroup label="{kind}">{"".join(_option(one.column, one.label) for one in several)}</optgroup>'
        for kind, several in kinds.items()
    )
    against = "".join(_option(name, name) for name in (*found.axes, REGIME))
    facets = "".join(_option(name, label) for name, label in (("", "none"), *((name, name) for name in found.axes)))
    at = "".join(
        f'<label hidden>{escape(name)} <select data-at="{escape(name)}">'
        f"{''.join(_option(str(i), _value(value)) for i, value in enumerate(values))}</select></label>"
        for name, values in found.axes.items()
    )
    panels = f'<label>Panels <select id="facets">{facets}</select></label>' if len(found.axes) > 1 else ""
    fixed = f'<div class="controls fixed" role="group" aria-label="Settings held fixed">{at}</div>' if at else ""
    return f"""<section id="compared" aria-labelledby="compared-title">
<h2 id="compared-title">Regimes and settings compared</h2>
<p class="caption"><span id="compared-marks"></span> {_seeds(table)}, bars <span
id="compared-bars"></span>.<span id="compared-note" aria-live="polite"></span> Press a mark to see its cells.</p>
<div class="controls">
<label>Vertical axis <select id="vertical">{vertical}</select></label>
<label>Horizontal axis <select id="against">{against}</select></label>
{panels}
</div>
{fixed}
{_legend(look)}
<div class="panels" id="compared-panels"></div>
<p class="empty" id="compared-empty" hidden>Nothing was measured there.</p></section>"""


def summary_rows(groups: pl.DataFrame, look: Mapping[str, Style]) -> list[str]:
    """Returns the rows of the table of regimes, with a heading before the first of each setting.

    Args:
      groups: as :func:`regimax.report.summary` returns it.
      look: the style of each regime.

    Returns:
      HTML, one text per row and heading.
    """
    rows, previous = [], ""
    for row in groups.iter_rows(named=True):
        if row["setting"] != previous:
            label = escape(row["setting"]) or "No setting"
            rows.append(f'<tr class="group-row"><th colspan="9" scope="rowgroup">{label}</th></tr>')
        previous = row["setting"]
        rows.append(f"<tr>{_summary_row(row, look)}</tr>")
    return rows


def summary_table(rows: Sequence[str], number: int, meta: Mapping[str, Any]) -> str:
    """Returns the table of regimes under a heading per setting; once sorted it is flat, with the setting as a column.

    Args:
      rows: as of `summary_rows`, the first of them; the page's script adds the others.
      number: of all of them.
      meta: `threshold` and `consecutive`, where they are known.

    Returns:
      HTML.
    """
    names = [("Setting", "left setting"), ("Regime", "left"), ("Success, median (quartiles)", "left")]
    names += [("Solved (95\u00a0% interval)", "left"), ("env. steps", ""), ("compute", "")]
    names += [("env. steps", ""), ("compute", ""), ("pretraining", ""), ("unlabelled", "")]
    head = "".join(
        f'<th scope="col" aria-sort="none" data-column="{i}" class="{side}"><button type="button">{name}</button></th>'
        for i, (name, side) in enumerate(names)
    )
    return f"""<div class="head"><div><h2 id="summary-title">What each regime reached, and what it cost</h2>
<p class="caption">Solved: {rule(meta)}. Effort is counted along the whole path of a cell, as if it had
run alone. “&gt;” marks a lower bound: no more than half of the seeds reached the threshold within it.
“Pretraining” is its share of the compute, “unlabelled” the number of observations seen without a task.</p></div>
<div class="buttons"><button type="button" id="download-summary">Download summary (CSV)</button></div></div>
<div class="scroll{_tall(number)}"><table id="summary-table" class="grouped"><thead>
<tr class="group"><td class="setting"></td><td colspan="3"></td>
<th colspan="2" scope="colgroup"><span>Effort to the threshold, median</span></th>
<th colspan="4" scope="colgroup"><span>Effort of a whole cell, median</span></th></tr>
<tr>{head}</tr></thead>
<tbody>{"".join(rows)}</tbody></table></div>"""


def paired_table(table: pl.DataFrame, regimes: Sequence[str]) -> str:
    """Every regime against the first, one row per setting; nothing where no seed has finished in both."""
    if len(regimes) < 2:
        return ""
    base, others = regimes[0], regimes[1:]
    found = {name: {row["setting"]: row for row in paired(table, name, base).iter_rows(named=True)} for name in others}
    settings = table["setting"].unique(maintain_order=True).to_list()
    settings = [s for s in settings if any(s in rows for rows in found.values())]
    if not settings:
        return ""
    head = "".join(f'<th scope="col">{_name(name)}</th>' for name in others)
    body = "".join(
        f'<tr class="first"><td class="left setting">{escape(setting) or "All cells"}</td>'
        f"{''.join(_paired_entry(found[name].get(setting)) for name in others)}</tr>"
        for setting in settings
    )
    return f"""<section id="paired" aria-labelledby="paired-title">
<h2 id="paired-title">Seed by seed against {escape(base)}</h2>
<p class="caption">Median over seeds of the final success minus that of <code>{escape(base)}</code> on the
same seed, and on how many seeds it is better. The same seed is the same world and the same initial
network.</p>
<div class="scroll{_tall(len(settings))}"><table>
<thead><tr><th class="left" scope="col">Setting</th>{head}</tr></thead>
<tbody>{body}</tbody></table></div></section>"""


def split(drawing: Drawing | None) -> str:
    """Returns the frame of the split of compute; nothing where it is not known."""
    if drawing is None:
        return ""
    return f"""<section id="split" aria-labelledby="split-title">
<h2 id="split-title">{escape(drawing.caption)}</h2>
<p class="caption">Of all cells of a regime together, in every phase.</p>
<div class="wide" id="split-plot" role="img" aria-label="{escape(drawing.caption)}"></div></section>"""


def probes(drawn: Sequence[Drawing], number: int, look: Mapping[str, Style]) -> str:
    """Returns the frames of what probes measured, the first of `number`; nothing where nothing was measured.

    Args:
      drawn: the drawings that the page holds.
      number: of all.
      look: the style of each regime.
    """
    if not drawn:
        return ""
    rest = f" Drawn are the first {len(drawn)} of {number:,}." if number > len(drawn) else ""
    legend = "".join(f"<span>{_swatch(style)} {escape(name)}</span>" for name, style in look.items())
    figures = "".join(
        f'<figure class="panel"><figcaption>{escape(one.caption)}</figcaption>'
        f'<div class="plot" id="probe-{i}" role="img" aria-label="{escape(one.caption)}"></div></figure>'
        for i, one in enumerate(drawn)
    )
    return f"""<section id="probes" aria-labelledby="probes-title">
<h2 id="probes-title">What probes measured against updates</h2>
<p class="caption">Medians over the seeds measured there, without those that have stopped, at the beginning and end of
every phase and as often between as was asked for. A line breaks where a phase ends. Each panel has a range of its
own.{rest}</p>
<div class="key-row">{legend}</div>
<div class="panels" style="--columns: {min(3, len(drawn))}">{figures}</div></section>"""


def cells_note(cells: int, held: int) -> str:
    """Says that the page holds only the first `held` of `cells` cells, where that is so."""
    if cells <= held:
        return ""
    text = f"This page holds the first {held:,} of {cells:,} cells; <code>regimax table</code> prints them all."
    return f'<p class="caption">{text}</p>'


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _name(text: str) -> str:
    """A name that may be broken after an underscore, and only there."""
    return escape(text).replace("_", "_<wbr>")


def _tall(rows: int) -> str:
    """A class that gives a long table a height and a scroll bar of its own."""
    return " tall" if rows > 80 else ""


def _sum(frame: pl.DataFrame, name: str) -> float:
    return math.fsum(frame[name].cast(pl.Float64).fill_nan(None).drop_nulls())


def _steps(count: float) -> str:
    return f"{quantity(count)} environment steps"


def _seeds(table: pl.DataFrame) -> str:
    counts = table.group_by(["regime", "setting"]).len()["len"].to_list()
    low, high = min(counts), max(counts)
    return _plural(high, "seed") if low == high else f"{low:,} to {_plural(high, 'seed')}"


def _marks(table: pl.DataFrame) -> str:
    """What the marks on a line mean, where there are any, and how many cells they stand for."""
    solved = table.filter(pl.col("status") == "solved").height
    if not solved:
        return ""
    mark = '<svg class="mark" viewBox="0 0 12 12" aria-hidden="true"><circle class="{}" cx="6" cy="6" r="4"/></svg>'
    verb = "has" if solved == 1 else "have"
    return (
        f" {solved:,} of {_plural(table.height, 'cell')} {verb} stopped as solved: {mark.format('ring')} the first seed"
        f" of a line, {mark.format('disc')} half of its seeds, where the line ends."
    )


def _swatch(style: Style) -> str:
    """A short piece of the regime's line; the style sheet shows the colour that suits the page."""
    dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
    line = '<line class="{}" x1="0" y1="5" x2="34" y2="5" stroke="{}"' + dash + "/>"
    both = line.format("light", style.light) + line.format("dark", style.dark)
    return f'<svg class="swatch" aria-hidden="true">{both}</svg>'


def _legend(look: Mapping[str, Style], classes: str = "") -> str:
    """Every regime as a button that hides it."""
    buttons = "".join(
        f'<button type="button" aria-pressed="true" data-regime="{escape(name)}">{_swatch(style)}'
        f"<span>{escape(name)}</span></button>"
        for name, style in look.items()
    )
    return f'<div class="legend{classes}" role="group" aria-label="Regimes; press one to hide it">{buttons}</div>'


def _value(value: Any) -> str:
    """A value of an axis as the page's script writes it: 0 and not 0.0."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _option(value: str, label: str) -> str:
    return f'<option value="{escape(value)}">{escape(label)}</option>'


def _figure(index: int, setting: str) -> str:
    label = f"Learning curves: {setting or 'all cells'}"
    return (
        f'<figure class="panel"><figcaption>{setting or "All cells"}</figcaption>'
        f'<div class="plot" id="plot-{index}" role="img" aria-label="{label}"></div></figure>'
    )


def _bar(middle: float, low: float, high: float) -> str:
    """A dot with its interval on a track from 0 to 1."""
    start, end, dot = (f"{4 + 84 * value:.1f}" for value in (low, high, middle))
    return (
        '<svg class="bar" viewBox="0 0 92 12" aria-hidden="true">'
        '<line class="track" x1="4" x2="88" y1="6" y2="6"/>'
        f'<line class="interval" x1="{start}" x2="{end}" y1="6" y2="6"/>'
        f'<circle cx="{dot}" cy="6" r="3.6"/></svg>'
    )


def _td(text: str, value: Any, *, classes: str = "") -> str:
    """A table cell that remembers what to sort by: `value`, or nothing."""
    raw = "" if value is None else escape(str(value))
    kind = ' data-kind="text"' if isinstance(value, str) else ""
    return f'<td class="{classes}" data-value="{raw}"{kind}>{text}</td>'


def _summary_row(row: Mapping[str, Any], look: Mapping[str, Style]) -> str:
    pending = row["seeds"] - row["finished"]
    more = f"<small>{pending} pending</small>" if 0 < pending < row["seeds"] else ""
    label = f"{_swatch(look[row['regime']])}<span>{_name(row['regime'])}{more}</span>"
    cells = [
        _td(escape(row["setting"]) or UNKNOWN, row["setting"], classes="left setting"),
        _td(f'<span class="regime">{label}</span>', row["regime"], classes="left name"),
    ]
    if row["finished"] == 0:
        cells.append(_td(UNKNOWN, None, classes="left"))
        cells.append(_td(f"{pending} pending", None, classes="left"))
        return "".join([*cells, *[_td(UNKNOWN, None)] * 6])
    quartiles = f"({fraction(row['success_q25'])} {UNKNOWN} {fraction(row['success_q75'])})"
    success = f"{fraction(row['success_median'])}<small>{quartiles}</small>"
    interval = f"({row['solved_low']:.2f} {UNKNOWN} {row['solved_high']:.2f})"
    bar = _bar(row["solved_fraction"], row["solved_low"], row["solved_high"])
    solved = f"{bar}{row['solved']} of {row['finished']}<small>{interval}</small>"
    bound = "&gt;\u00a0" if row["threshold_censored"] else ""
    share = None
    if row["flops"] and row["flops_without_env_steps"] is not None:
        share = row["flops_without_env_steps"] / row["flops"]
    cells += [
        _td(success, row["success_median"], classes="left"),
        _td(solved, row["solved_fraction"], classes="left"),
        _td(bound + quantity(row["threshold_env_steps"]), row["threshold_env_steps"]),
        _td(bound + quantity(row["threshold_flops"], "FLOP"), row["threshold_flops"]),
        _td(quantity(row["env_steps"]), row["env_steps"]),
        _td(quantity(row["flops"], "FLOP"), row["flops"]),
        _td(UNKNOWN if share is None else f"{100 * share:.0f}\u00a0%", share),
        _td(quantity(row["passive_steps"]), row["passive_steps"]),
    ]
    return "".join(cells)


def _paired_entry(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return f"<td>{UNKNOWN}</td>"
    wins = f"{row['wins']} of {row['pairs']} better"
    return f"<td>{difference(row['difference'])}<small>{wins}</small></td>"
