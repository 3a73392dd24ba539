"""Kept results judged again by the claims' rules of now, without running anything.

Checks of claim, control and null are as they were recorded, each with its interval of 95 %. Assay checks are computed
from the cells that were kept and from what tuning tried. Curves and probes were not kept then: when a cell got to the
threshold is known up to the spacing of evaluations, as the cells of its arm tell it; what only curves or probes
would tell is missing, and leaves its check open.

Command: python docs/rejudge.py docs/results
"""

import itertools
import json
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
from kept import given  # pyright: ignore[reportMissingImports]

from regimax.claims import load_claim
from regimax.claims.page import HOLDS, MARKS
from regimax.claims.tuning import Trial, chosen_again
from regimax.report import statistics as st

SWEEPS = Path(__file__).parents[1] / "sweeps"
MISSING = {
    "C10": [("recall right after learning to remember", "its evaluations were not kept")],
    "C11": [("room that the gate of surprise frees", "its probes were not kept")],
}
"""Assay checks that the kept results cannot tell."""


def number(x: float | None, open_end: float) -> float:
    """Returns an end of an interval; None is an open one."""
    return open_end if x is None else x


def recorded(row: dict[str, Any]) -> st.Check:
    """Returns a check as it was recorded."""
    ends = number(row["low"], -math.inf), number(row["high"], math.inf)
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


def judged(record: dict[str, Any], target: Path) -> st.Verdict:
    """Returns the verdict of a kept result by the rule of now."""
    claim = load_claim(SWEEPS / f"{record['name']}.py")
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


def told(text: str, record: dict[str, Any], verdict: st.Verdict) -> str:
    """Returns the page of results with a claim's new verdict and assay in place of what stood there."""
    first = record["first_verdict"]
    mark = f"**{MARKS[verdict.outcome]} {verdict.outcome}** (by the first rule {first}; "
    head, rest = text.split(f"\n## {record['id']}. ", 1)
    section, *after = rest.split("\n## ", 1)
    head = re.sub(rf"(?m)^(\| {record['id']}\. .*? \|) \w+ \|", rf"\1 {verdict.outcome} |", head)
    section = re.sub(r"\*\*. \w+\*\* \((by the first rule \w+; )?", mark, section)
    lines = [line for line in section.splitlines() if not line.startswith(("| assay |", "Would decide it: "))]
    last = max(i for i, line in enumerate(lines) if line.startswith("| claim |"))
    rows = [
        f"| assay | {check.text} | {check.estimate.text()} | {check.estimate.worlds or '–'} | {HOLDS[check.holds]} |"
        for check in verdict.assay
    ]
    lines[last + 1 : last + 1] = rows
    needs = [f"Would decide it: {'; '.join(verdict.needs)}.", ""] if verdict.needs else []
    table = next(i for i, line in enumerate(lines) if line.startswith("| | must be"))
    lines[table:table] = needs
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"
    return "\n## ".join([head + f"\n## {record['id']}. {body}", *after])


def main(target: Path) -> None:
    """Writes and prints what each of the kept results comes to."""
    records, text = json.loads((target / "claims.json").read_text()), (target / "README.md").read_text()
    for record in records:
        if (target / record["name"]).is_dir():  # kept whole: `docs/kept.py` judges it
            continue
        verdict = judged(record, target)
        record.setdefault("first_verdict", record["verdict"]["outcome"])
        record["verdict"] = verdict.record()
        text = told(text, record, verdict)
        print(f"| {record['id']} | {record['first_verdict']} | {verdict.outcome} | {verdict.reason} |")
    (target / "claims.json").write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    (target / "README.md").write_text(text.rstrip("\n") + "\n")


if __name__ == "__main__":
    main(given(sys.argv))
