"""The claims' results that are kept with the code: verdicts, cells and figures, and the page that shows them.

Command: python docs/results.py runs docs/results
It needs Chromium, through playwright.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from kept import keep
from svg import draw

import regimax as rx
from regimax.claims import folder
from regimax.claims.judge import Judged, judge_all
from regimax.claims.page import HOLDS, MARKS, effect
from regimax.report.quantities import duration, quantity

HEAD = """# What the claims' small runs gave

Made by `python docs/results.py RUNS docs/results` from runs of `regimax run --all sweeps/ --small --out RUNS`. Beside
this page lie `claims.json`, every verdict with its checks, its tuning and what it cost, and for each claim a Parquet
file of all its cells, `sweep` naming the sweep of several, and a folder from which `python docs/kept.py docs/results`
judges it again: cells, curves and probes of each sweep, what the tuning tried, commit, versions and processor. Each
claim's file says what its figures mean and what speaks against them.
"""


def cells(out: Path) -> pl.DataFrame:
    """The cells of a claim's result, `sweep` naming the sweep of several."""
    claim = folder.stored(out)
    runs = folder.run_dirs(out, claim, "small", folder.RESULT)
    frames = [rx.load_run(path).cells.with_columns(sweep=pl.lit(name)) for name, path in runs.items()]
    return pl.concat(frames, how="diagonal_relaxed")


def section(one: Judged, figures: Sequence[Path]) -> list[str]:
    """Lines on one claim."""
    rows = [
        f"| {kind} | {check.text} | {check.estimate.text()} | {check.estimate.worlds} | {HOLDS[check.holds]} |"
        for kind, check in one.verdict.checks()
    ]
    spent = f"{quantity(one.effort['flops_executed'], 'FLOP')}, {quantity(one.effort['env_steps'])} environment steps"
    return [
        f"\n## {one.id}. {one.question}\n",
        f"**{MARKS[one.verdict.outcome]} {one.verdict.outcome}** (`regimax run sweeps/{one.name}.py --small`, "
        f"{one.cells['result'][1]:,} cells and {one.cells['tuning'][1]:,} of tuning, {spent}, "
        f"{duration(one.effort['seconds'])}). Control: {one.control} Null: {one.null}\n",
        *(f"![{path.stem}]({path.name})\n" for path in figures),
        "| | must be | found, with interval | worlds | |",
        "|---|---|---|---|---|",
        *rows,
    ]


def main(root: Path, target: Path) -> None:
    """Writes everything anew, or nothing where a claim is missing."""
    judged = judge_all(root)
    missing = {path.stem for path in target.glob("c*.parquet")} - {one.name for one in judged}
    unfinished = [one.name for one in judged if one.cells.get("result", (0, 1))[0] < one.cells.get("result", (0, 1))[1]]
    if missing or unfinished:
        raise SystemExit(f"{root} lacks {', '.join(sorted({*missing, *unfinished}))}: nothing is written")
    with tempfile.TemporaryDirectory() as fresh:
        write(root, judged, Path(fresh))
        target.mkdir(parents=True, exist_ok=True)
        for old in target.glob("c[0-9][0-9]_*.*"):
            old.unlink()
        for old in target.glob("c[0-9][0-9]_*/"):
            shutil.rmtree(old)
        for new in Path(fresh).iterdir():
            shutil.move(new, target / new.name)


def write(root: Path, judged: Sequence[Judged], target: Path) -> None:
    """Writes everything into an empty folder."""
    figures = {
        one.name: [
            (target / f"{one.name}{f'_{i + 1}' if len(one.figures) > 1 else ''}.svg", figure)
            for i, figure in enumerate(one.figures)
        ]
        for one in judged
    }
    draw([pair for pairs in figures.values() for pair in pairs])
    records = [one.record() | {"command": f"regimax run sweeps/{one.name}.py --small", "notes": []} for one in judged]
    (target / "claims.json").write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    table = ["| claim | verdict | effect (interval) | worlds |", "|---|---|---|---|"]
    table += [
        f"| {one.id}. {one.question} | {one.verdict.outcome} | {effect(one.verdict)} | {one.verdict.worlds} |"
        for one in judged
    ]
    lines = [line for one in judged for line in section(one, [path for path, _ in figures[one.name]])]
    (target / "README.md").write_text("\n".join([HEAD, *table, *lines]) + "\n")
    for one in judged:
        keep(root / one.name, target / one.name)
        cells(root / one.name).write_parquet(target / f"{one.name}.parquet", compression="zstd")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
