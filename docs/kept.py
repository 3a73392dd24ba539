"""What is kept of a claim's run, so that its rule can be applied again without it.

Of a run all is kept that a rule reads: ``NAME/SWEEP.cells.parquet``, ``.curves.parquet`` and ``.probes.parquet`` for
each sweep, and ``NAME/origin.json``: what a rule reads of the sweep, what the tuning tried, the commit of the code, and
the environments (versions, processor) under which results were computed.

Of the first runs cells alone were kept, ``NAME.parquet``. Their checks of claim, control and null are as they were
recorded, each with its interval of 95 %; assay checks are computed from the cells and from what tuning tried. When a
cell got to the threshold is known up to the spacing of evaluations, as the cells of its arm tell it; what only curves
or probes would tell is missing, and leaves its check open.

Command: python docs/kept.py docs/results [--write]
It judges all of them again by the rules of now, without running anything, and says where ``claims.json`` tells
otherwise; or with ``--write`` tells it there and on the page.
"""

import itertools
import json
import math
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl

import regimax as rx
from regimax.claims import folder
from regimax.claims.claim import Claim, load_claim
from regimax.claims.page import HOLDS, MARKS, effect
from regimax.claims.tuning import Trial, chosen_again
from regimax.report import statistics as st
from regimax.report.statistics import Verdict
from regimax.sweep import store

TABLES = ("cells", "curves", "probes")
SWEEPS = Path(__file__).parents[1] / "sweeps"
MISSING = {
    "C10": [("recall right after learning to remember", "its evaluations were not kept")],
    "C11": [("room that the gate of surprise frees", "its probes were not kept")],
}
"""Assay checks that the kept results cannot tell."""


def keep(out: Path, target: Path) -> None:
    """Keeps the result of a claim's directory `out` at small scale in the folder `target`, which is made."""
    claim = folder.stored(out)
    keep_runs(folder.run_dirs(out, claim, "small", folder.RESULT), target, folder.read_choices(out) or {})


def keep_runs(paths: Mapping[str, Path], target: Path, tried: Mapping[str, list[Trial]]) -> None:
    """Keeps runs in the folder `target`, which is made.

    Args:
      paths: the runs' directories by name of the sweep.
      target: the folder.
      tried: what tuning tried, by name of the sweep; nothing for those that were not tuned.
    """
    target.mkdir(parents=True)
    sweeps = {}
    for name, path in paths.items():
        run = rx.load_run(path)
        for table in TABLES:
            getattr(run, table).write_parquet(target / f"{name}.{table}.parquet", compression="zstd")
        resolved = run.facts["resolved"]
        sweeps[name] = {
            "resolved": {fact: resolved[fact] for fact in ("threshold", "consecutive")},
            "environments": store.environments(path)[0],
            "tried": [trial._asdict() for trial in tried.get(name, [])],
        }
    origin = {"commit": _commit(), "sweeps": sweeps}
    (target / "origin.json").write_text(json.dumps(origin, indent=1, ensure_ascii=False) + "\n")


def _commit() -> str:
    """The commit of the code, with a plus where the work tree differs from it; empty outside of a repository."""
    where = Path(__file__).parent
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty=+"]
    said = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    return said.stdout.strip()


def runs(kept: Path) -> dict[str, Any]:
    """Returns what was kept in the form in which a rule reads it, by name of the sweep."""
    origin = json.loads((kept / "origin.json").read_text())
    return {
        name: SimpleNamespace(
            **{table: pl.read_parquet(kept / f"{name}.{table}.parquet") for table in TABLES},
            facts={"resolved": facts["resolved"]},
            tried=tuple(Trial(**trial) for trial in facts["tried"]),
        )
        for name, facts in origin["sweeps"].items()
    }


def judge(claim: Claim, kept: Path) -> Verdict:
    """Returns what a claim's rule says of what was kept."""
    return claim.rule(claim.shaped("small", runs(kept)))._replace(rule=claim.words())


def end(x: float | None, open_end: float) -> float:
    """Returns an end of an interval; None is an open one."""
    return open_end if x is None else x


def recorded(row: dict[str, Any]) -> st.Check:
    """Returns a check as it was recorded."""
    ends = end(row["low"], -math.inf), end(row["high"], math.inf)
    if row["value"] is None and row["low"] is None and row["high"] is None and row["holds"] is not None:
        ends = (math.inf, math.inf) if (">" in row["text"]) == row["holds"] else (-math.inf, -math.inf)
    found = st.Estimate(row["value"], *ends, row["unit"], row["worlds"], row["confidence"], row["method"])
    low, high = re.match(r"(-?[\d.]+) < ", row["text"]), re.search(r"([<>]) (-?[\d.]+)$", row["text"])
    assert high, row["text"]
    borders = [-math.inf, math.inf]
    borders[high[1] == "<"] = float(high[2])
    if low:
        borders[0] = float(low[1])
    return st.Check(row["name"], row["text"], found, row["holds"], (borders[0], borders[1]))


def curves(cells: pl.DataFrame, stopped: bool) -> pl.DataFrame:
    """Returns when each cell was last seen below the threshold and first at it, as far as its row tells.

    Args:
      cells: of one sweep.
      stopped: whether the moment is read from where a cell stopped, at the third evaluation in a row at the threshold.
    """
    rows = []
    for _, group in cells.group_by("regime", "setting"):
        ended = group.filter(pl.col("status") == "solved")["env_steps"].to_list()
        known = ended if stopped else group["solved_at_env_step"].drop_nulls().to_list()
        spacing = math.gcd(*map(int, known)) if known else 0
        for row in group.iter_rows(named=True):
            at = row["solved_at_env_step"]
            if stopped:
                at = row["env_steps"] - 2 * spacing if row["status"] == "solved" else None
            seen = [(0.0, 0.0)] + ([(row["env_steps"], 0.0)] if at is None else [])
            if at is not None:
                seen += [(at - spacing, 0.0)] if at > spacing else []
                seen += [(at + i * spacing, 1.0) for i in range(3)]
            share = [steps / max(row["env_steps"], 1) for steps, _ in seen]
            rows += [
                {"cell": row["cell"], "phase": "rl", "env_steps": steps, "success": up, "return": up, "flops": 0.0}
                | {"bits_outcome": (row["bits_outcome"] or 0.0) * part}
                for (steps, up), part in zip(seen, share, strict=True)
            ]
    labels = [name for name in cells.columns if name.startswith("world.")]
    return pl.DataFrame(rows, infer_schema_length=None).join(cells.select("cell", *labels), on="cell")


def run_of(claim: Any, name: str, cells: pl.DataFrame, tried: list[Trial]) -> Any:
    """Returns a run as a rule reads it."""
    sweep = claim.sweeps("small")[name]
    resolved = {"threshold": sweep.threshold, "consecutive": sweep.consecutive}
    seen = curves(cells, stopped=claim.id == "C9")
    return SimpleNamespace(cells=cells, curves=seen, facts={"resolved": resolved}, tried=tried)


def assay(claim: Any, kept: pl.DataFrame, tuning: dict[str, Any]) -> list[st.Check]:
    """Returns the assay checks of a claim, those that nothing kept can tell among them."""
    tried = {name: chosen_again([Trial(**trial) for trial in found["trials"]]) for name, found in tuning.items()}
    runs = {
        name: run_of(claim, name, kept.filter(pl.col("sweep") == name), tried.get(name, []))
        for name in claim.sweeps("small")
    }
    missing = [
        st.Check(name, f"{name}: {why}", st.Estimate(None, -math.inf, math.inf, "", 0), None, needs=f"{name}: {why}")
        for name, why in MISSING.get(claim.id, [])
    ]
    if claim.id == "C11":
        return [*missing, st.inside_grid(list(itertools.chain(*tried.values())), ("learned",))]
    given = claim.shaped("small", runs)
    if claim.id == "C10":
        given.curves = given.curves.with_columns(update=0, phase=pl.lit("none"))
        given.cells = given.cells.with_columns()
        return [*missing, *claim.rule.__globals__["beside_recall"](given)]
    return [*claim.rule.__globals__["assay"](given)]


def judge_cells(claim: Claim, record: dict[str, Any], target: Path) -> Verdict:
    """Returns the verdict of a result of which cells alone were kept."""
    kept = pl.read_parquet(target / f"{record['name']}.parquet")
    parts = {kind: [recorded(row) for row in record["verdict"][kind]] for kind in ("claim", "control", "null")}
    return st.decide(
        parts["claim"],
        assay=assay(claim, kept, record["tuning"]),
        control=parts["control"],
        null=parts["null"],
        cells=kept,
        rule=record["verdict"]["rule"],
    )


def escaped(text: str) -> str:
    """Text for a table, where a bar would end its entry."""
    return text.replace("|", "\\|")


def checks(verdict: Verdict) -> list[str]:
    """Lines on what would decide a verdict, and a table of its checks."""
    needs = [f"Would decide it: {'; '.join(verdict.needs)}.", ""] if verdict.needs else []
    rows = [
        f"| {kind} | {escaped(check.text)} | {check.estimate.text()} | {check.estimate.worlds or '–'} | "
        f"{HOLDS[check.holds]} |"
        for kind, check in verdict.checks()
    ]
    return [*needs, "| | must be | found, with interval | worlds | |", "|---|---|---|---|---|", *rows]


def entry(claim: str, question: str, verdict: Verdict) -> str:
    """The line of a table of all claims."""
    return f"| {claim}. {question} | {verdict.outcome} | {effect(verdict)} | {verdict.worlds} |"


def judged(record: dict[str, Any], target: Path, sweeps: Path) -> Verdict:
    """Returns the verdict of a kept result by the rule of now."""
    claim = load_claim(sweeps / f"{record['name']}.py")
    whole = target / record["name"]
    return judge(claim, whole) if whole.is_dir() else judge_cells(claim, record, target)


def told(text: str, record: dict[str, Any], verdict: Verdict) -> str:
    """Returns the page of results with a claim's verdict and checks in place of what stood there."""
    head, rest = text.split(f"\n## {record['id']}. ", 1)
    section, *after = rest.split("\n## ", 1)
    line = entry(record["id"], record["question"], verdict)
    head = re.sub(rf"(?m)^\| {record['id']}\. .*$", lambda _: line, head)
    first = f"by the first rule {record['first_verdict']}; " if "first_verdict" in record else ""
    mark = f"**{MARKS[verdict.outcome]} {verdict.outcome}** ({first}"
    section = re.sub(r"\*\*. \w+\*\* \((by the first rule \w+; )?", lambda _: mark, section)
    body = section[: section.index("| | must be")].split("Would decide it: ")[0].rstrip("\n")
    return "\n## ".join([head + f"\n## {record['id']}. " + "\n".join([body, "", *checks(verdict), ""]), *after])


def differences(target: Path, sweeps: Path, write: bool = False) -> list[str]:
    """Returns the names of those claims of whose kept results `claims.json` tells otherwise.

    Args:
      target: the folder of kept results.
      sweeps: where the claims' files lie.
      write: whether what they come to is told there and on the page.
    """
    records, page = json.loads((target / "claims.json").read_text()), target / "README.md"
    found = [judged(record, target, sweeps) for record in records]
    verdicts = [json.loads(json.dumps(verdict.record())) for verdict in found]
    other = [one["name"] for one, verdict in zip(records, verdicts, strict=True) if one["verdict"] != verdict]
    if write:
        text = page.read_text()
        for record, verdict, new in zip(records, found, verdicts, strict=True):
            if not (target / record["name"]).is_dir():
                record.setdefault("first_verdict", record["verdict"]["outcome"])
            record["verdict"] = new
            text = told(text, record, verdict)
        (target / "claims.json").write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
        page.write_text(text.rstrip("\n") + "\n")
    return other


def given(arguments: list[str]) -> tuple[Path, bool]:
    """Returns the folder of kept results that was typed and whether to write, or ends the program with code 2."""
    command, *rest = arguments
    folders = [name for name in rest if name != "--write"]
    if len(folders) == 1 and (Path(folders[0]) / "claims.json").is_file():
        return Path(folders[0]), "--write" in rest
    said = f"found no claims.json in {folders[0]!r}" if len(folders) == 1 else f"found {len(folders)} folders"
    print(f"{command}: give one folder of kept results, for example docs/results; {said}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    folder_of_all, writes = given(sys.argv)
    if (other := differences(folder_of_all, SWEEPS, writes)) and not writes:
        raise SystemExit(f"told otherwise than kept: {', '.join(other)}")
