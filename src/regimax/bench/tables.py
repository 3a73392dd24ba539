"""Results in tables of 100 columns, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from regimax.bench import result
from regimax.bench.ceilings import Ceiling
from regimax.bench.machine import in_words
from regimax.bench.measure import AS_ASKED
from regimax.sweep.display import human, say

WIDTH = 100
"""Columns that a table takes at most."""
BAR = 8
"""Columns of a bar."""
STEADY = 0.8
"""Of a width's median rate, that of its slowest repetition: below it users are told."""
_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(part: float, width: int = BAR) -> str:
    """Returns a bar that fills `part` of `width` columns.

    Example:
      >>> bar(0.5, 4), bar(1.0, 4), bar(0.3, 4)
      ('██  ', '████', '█▎  ')
    """
    eighths = round(8 * width * min(max(part, 0.0), 1.0))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def rate(number: float, unit: str = "") -> str:
    """Returns a number per second, for example "48.2 k/s" or "1.2 GFLOP/s"."""
    return human(number, unit) + "/s"


def machine(console: Console, facts: Mapping[str, Any]) -> None:
    """Prints what figures depend on besides the code."""
    shown = [name for name in ("regimax", "python", "jax", "jaxlib", "flax", "optax") if name in facts["versions"]]
    versions = " · ".join(f"{name} {facts['versions'][name]}" for name in shown)
    lines = [
        f"[bold]{in_words(dict(facts))}[/bold], {facts['cores']} cores, {facts['system']}",
        f"driver {facts['driver']} · {facts['dtype']} · precision of products: {facts['matmul_precision']}",
        versions,
    ]
    lines += [f"XLA_FLAGS {flag}" for flag in (facts["xla_flags"] or "").split()]
    for line in lines:
        say(console, line, markup=True)


def _table(*columns: str, left: int = 0) -> Table:
    """An empty table; the first `left` columns are text, the others numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i < left else "right", no_wrap=True)
    return table


def ceilings(console: Console, found: Sequence[Ceiling]) -> None:
    """Prints what the devices reach, by number of devices, each the best repetition."""
    console.print("\n[bold]ceilings[/bold], measured in this run", highlight=False)
    counts = sorted({ceiling.devices for ceiling in found})
    counts = counts if len(counts) <= 3 else [counts[0], counts[-1]]
    table = _table("kernel", "shapes", *(f"{n} device{'s' if n > 1 else ''}" for n in counts), left=2)
    for name, about in dict.fromkeys((c.name, c.about) for c in found):
        rates = {c.devices: rate(c.best, c.unit) for c in found if (c.name, c.about) == (name, about)}
        if set(rates) & set(counts):
            table.add_row(name, about, *(rates.get(count, "") for count in counts))
    console.print(table)


def warnings(console: Console, sentences: Sequence[str]) -> None:
    """Prints what makes figures doubtful, a line each."""
    for sentence in sentences:
        say(console, f"[bold yellow]{sentence}[/]", markup=True)


def workload(console: Console, name: str, found: Mapping[str, Any]) -> None:
    """Prints a workload that was measured width by width."""
    points = found["points"]
    _title(console, name, found)
    if not points:
        console.print("not even the narrowest width fits into memory", highlight=False)
        return
    several = len({point["block"] for point in points}) > 1
    facts = [
        f"per update {human(found['flops_per_update'], 'FLOP')}, {found['steps_per_update']} steps",
        f"per lane {human(found['bytes_per_lane'], 'B')} "
        f"+ {human(max(p['temporary_bytes_per_lane'] for p in points), 'B')} while it runs",
    ]
    if not several:
        facts.append(f"compiled in {points[0]['compile_seconds']:.1f} s")
    console.print(" · ".join(facts), highlight=False)
    best = max(point["steps_per_second"] for point in points)
    own = "steps/s" if found["steps"] == "own" else "samples/s"
    table = _table(
        "lanes", "block", "dev.", own, "", "worst", "updates/s", "FLOP/s", "large", "small", "host",
        *(["compiled, s"] if several else []),
    )  # fmt: skip
    for point in points:
        at_knee = all(point[key] == found["knee"][key] for key in ("lanes", "block", "devices"))
        table.add_row(
            f"{point['lanes']:,}",
            f"{point['block']:,}",
            str(point["devices"]),
            human(point["steps_per_second"]),
            Text(bar(point["steps_per_second"] / best), style="green" if at_knee else "cyan"),
            human(point["steps_per_second_worst"]),
            human(point["updates_per_second"]),
            human(point["flops_per_second"]),
            f"{point['of_large_product']:.0%}",
            f"{point['of_small_products']:.0%}",
            f"{point['waiting']:.0%}",
            *([f"{point['compile_seconds']:.1f}"] if several else []),
        )
    console.print(table)
    for line in verdict(found):
        console.print(line, highlight=False)


def verdict(found: Mapping[str, Any]) -> list[str]:
    """Returns what a ladder says, in sentences."""
    share = max(point["evaluation_at_most"] for point in found["points"])
    knee, limit = found["knee"], found["limit"]
    lines = [
        f"knee: {knee['lanes']:,} lanes on {knee['devices']} device{'s' if knee['devices'] > 1 else ''}",
        f"binds there: [bold]{limit['name']}[/bold], {limit['why']}",
    ]
    if found["scaling"]:
        parts = [f"{count}: {times:.2f}×" for count, times in found["scaling"].items()]
        lines.append(f"rate by devices, as many lanes on each: {', '.join(parts)}")
    if found["ended"] != AS_ASKED:
        lines.append(f"the ladder ended: {found['ended']}")
    if diverged := sum(point["diverged"] for point in found["points"]):
        lines.append(f"{diverged} lanes diverged: they went on computing, and learnt nothing")
    lines.append(
        f"evaluations, which count for nothing, are {found['evaluation_flops']:.1%} of the FLOPs and take at most "
        f"{share:.0%} of the time"
    )
    slowest = min(point["updates_per_second_worst"] / point["updates_per_second"] for point in found["points"])
    if slowest < STEADY:
        lines.append(f"not steady: a repetition took {1 / slowest:.1f} times the median; was something else running?")
    return lines


def sweep(console: Console, name: str, found: Mapping[str, Any]) -> None:
    """Prints a whole sweep."""
    _title(console, name, found)
    console.print(
        f"{found['cells']} cells in {found['stages']} stages · {found['sharing']:.2f}× fewer updates than cell by cell "
        f"· compiled in {found['points'][0]['compile_seconds']:.1f} s",
        highlight=False,
    )
    table = _table(
        "lanes", "devices", "seconds", "worst", "updates/s", "FLOP/s", "lanes busy", "host", "no work", "saving"
    )
    for point in found["points"]:
        table.add_row(
            f"{point['lanes']:,}",
            str(point["devices"]),
            f"{point['updates'] / point['updates_per_second']:.2f}",
            f"{max(point['seconds']):.2f}",
            human(point["updates_per_second"]),
            human(point["flops_per_second"]),
            *(f"{point[key]:.0%}" for key in ("occupancy", "waiting", "idle", "saving")),
        )
    console.print(table)


def _title(console: Console, name: str, found: Mapping[str, Any]) -> None:
    console.print(f"\n[bold]{name}[/bold] version {found['version']}", highlight=False)
    console.print(found["about"], highlight=False)


LEGEND = (
    "steps/s, updates/s: median of the repetitions, each waited for; worst: the slowest one. Compiling is apart. "
    "samples/s: others' steps that were observed. FLOP/s: of the traced update; evaluations take time and count for "
    "nothing. large, small: FLOP/s, of the best that large and small products reach on as many devices. host: of the "
    "devices' time, in which they stood still for the host.",
    "knee: the narrowest width within 5% of the best rate. What binds there is the first of these that holds: the host "
    "(devices wait for it 25% of the time), compute (50% of small products), bandwidth (the state alone takes 50% of "
    "memory's), memory size (the rate still grows at the widest that fits), latency (with 4 times fewer lanes on a "
    "device a tick takes more than 50% as long), other operations.",
)


def comparison(console: Console, path: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Prints a result against another one, point by point."""
    console.print(f"\n[bold]against {path}[/bold], measured on {in_words(before['machine'])}", highlight=False)
    for line in result.differences(before, now):
        console.print(f"differs: {line}", highlight=False)
    _ceilings_compared(console, before, now)
    found = result.ratios(before, now)
    table = _table("workload", "lanes", "block", "devices", "updates/s there", "here", "ratio", left=1)
    for ratio in found:
        cells = (f"{ratio.lanes:,}", f"{ratio.block:,}", str(ratio.devices), human(ratio.before), human(ratio.now))
        table.add_row(ratio.workload, *cells, f"{ratio.ratio:.2f}×")
    if found:
        console.print(table)
        for name in dict.fromkeys(ratio.workload for ratio in found):
            mean = result.geometric_mean(r.ratio for r in found if r.workload == name)
            console.print(f"{name}: {mean:.2f}× (geometric mean)", highlight=False)
    if missing := result.only_in_one(before, now):
        console.print(f"{missing} widths are in one of the two only and are not compared", highlight=False)


def _ceilings_compared(console: Console, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    there = {(c["name"], c["devices"]): c for c in before["ceilings"]}
    table = _table("ceiling", "devices", "there", "here", "ratio", left=1)
    for ceiling in now["ceilings"]:
        if old := there.get((ceiling["name"], ceiling["devices"])):
            rates = (rate(c["best"], c["unit"]) for c in (old, ceiling))
            table.add_row(ceiling["name"], str(ceiling["devices"]), *rates, f"{ceiling['best'] / old['best']:.2f}×")
    if table.row_count:
        console.print(table)
