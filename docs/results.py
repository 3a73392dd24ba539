"""The claims' results that are kept with the code: verdicts, cells and figures, and the page that shows them.

Command: python docs/results.py runs docs/results
It renews the claims that were run, and leaves the others as they are. It needs Chromium, through playwright.
"""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from kept import checks, entry, keep
from svg import draw

import regimax as rx
from regimax.claims import folder
from regimax.claims.judge import Judged, judge_all
from regimax.claims.page import MARKS
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
    spent = f"{quantity(one.effort['flops_executed'], 'FLOP')}, {quantity(one.effort['env_steps'])} environment steps"
    return [
        f"\n## {one.id}. {one.question}\n",
        f"**{MARKS[one.verdict.outcome]} {one.verdict.outcome}** (`regimax run sweeps/{one.name}.py --small`, "
        f"{one.cells['result'][1]:,} cells and {one.cells['tuning'][1]:,} of tuning, {spent}, "
        f"{duration(one.effort['seconds'])}). Control: {one.control} Null: {one.null}\n",
        *(f"![{path.stem}]({path.name})\n" for path in figures),
        *checks(one.verdict),
    ]


def main(root: Path, target: Path) -> None:
    """Writes what was run anew, or nothing where a run is not finished."""
    judged = judge_all(root)
    unfinished = [one.name for one in judged if one.cells.get("result", (0, 1))[0] < one.cells.get("result", (0, 1))[1]]
    if unfinished:
        raise SystemExit(f"{root} lacks {', '.join(sorted(unfinished))}: nothing is written")
    with tempfile.TemporaryDirectory() as fresh:
        write(root, judged, target, Path(fresh))
        target.mkdir(parents=True, exist_ok=True)
        for one in judged:
            for old in [*target.glob(f"{one.name}.*"), *target.glob(f"{one.name}_[0-9].*")]:
                old.unlink()
            shutil.rmtree(target / one.name, ignore_errors=True)
        for new in Path(fresh).iterdir():
            shutil.move(new, target / new.name)


def write(root: Path, judged: Sequence[Judged], kept: Path, target: Path) -> None:
    """Writes everything into an empty folder; of claims that were not run what is kept is taken over."""
    figures = {
        one.name: [
            (target / f"{one.name}{f'_{i + 1}' if len(one.figures) > 1 else ''}.svg", figure)
            for i, figure in enumerate(one.figures)
        ]
        for one in judged
    }
    draw([pair for pairs in figures.values() for pair in pairs])
    told = kept / "claims.json"
    records = {record["id"]: record for record in (json.loads(told.read_text()) if told.exists() else [])}
    entries, sections = page(kept / "README.md")
    for one in judged:
        records[one.id] = one.record() | {"command": f"regimax run sweeps/{one.name}.py --small", "notes": []}
        entries[one.id] = entry(one.id, one.question, one.verdict)
        sections[one.id] = "\n".join(section(one, [path for path, _ in figures[one.name]])).strip("\n")
        keep(root / one.name, target / one.name)
        cells(root / one.name).write_parquet(target / f"{one.name}.parquet", compression="zstd")
    order = sorted(records, key=lambda name: records[name]["name"])
    text = json.dumps([records[name] for name in order], indent=1, ensure_ascii=False)
    (target / "claims.json").write_text(text + "\n")
    table = [
        "| claim | verdict | effect (interval) | worlds |",
        "|---|---|---|---|",
        *(entries[name] for name in order),
    ]
    parts = [HEAD.rstrip("\n"), "\n".join(table), *(sections[name] for name in order)]
    (target / "README.md").write_text("\n\n".join(parts) + "\n")


def page(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the rows of the table and the sections of a page that was written before, by the claims' ids."""
    if not path.exists():
        return {}, {}
    head, *parts = re.split(r"(?m)^(?=## C\d+\. )", path.read_text())
    rows = {found[1]: found[0] for found in re.finditer(r"(?m)^\| (C\d+)\. .*$", head)}
    return rows, {part[3:].split(".", 1)[0]: part.strip("\n") for part in parts}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
