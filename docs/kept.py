"""What is kept of a claim's run, so that its rule can be applied again without it.

Of a run all is kept that a rule reads: ``NAME/SWEEP.cells.parquet``, ``.curves.parquet`` and ``.probes.parquet`` for
each sweep, and ``NAME/origin.json``: what a rule reads of the sweep, what the tuning tried, the commit of the code, and
the environments (versions, processor) under which results were computed.

Command: python docs/kept.py docs/results [--write]
It judges all of them again by the rules of now, without running anything, and says where ``claims.json`` tells
otherwise; or with ``--write`` tells it there and on the page.
"""

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
from regimax.claims.tuning import Trial
from regimax.report.statistics import Verdict
from regimax.report.statistics._times import read_once
from regimax.sweep import store

TABLES = ("cells", "curves", "probes")
SWEEPS = Path(__file__).parents[1] / "sweeps"


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
    with read_once():
        return claim.rule(claim.shaped("small", runs(kept)))._replace(rule=claim.words())


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
    return judge(load_claim(sweeps / f"{record['name']}.py"), target / record["name"])


def told(text: str, record: dict[str, Any], verdict: Verdict) -> str:
    """Returns the page of results with a claim's verdict and checks in place of what stood there."""
    head, rest = text.split(f"\n## {record['id']}. ", 1)
    section, *after = rest.split("\n## ", 1)
    line = entry(record["id"], record["question"], verdict)
    head = re.sub(rf"(?m)^\| {record['id']}\. .*$", lambda _: line, head)
    mark = f"**{MARKS[verdict.outcome]} {verdict.outcome}** ("
    section = re.sub(r"\*\*. \w+\*\* \(", lambda _: mark, section)
    body = section[: section.index("| | must be")].split("Would decide it: ")[0].rstrip("\n")
    return "\n## ".join([head + f"\n## {record['id']}. " + "\n".join([body, "", *checks(verdict), ""]), *after])


def alike(one: Any, other: Any) -> bool:
    """Whether two records are the same but for the last digits of numbers, which other versions round otherwise."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return type(one) is type(other) and one == other


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
    other = [one["name"] for one, verdict in zip(records, verdicts, strict=True) if not alike(one["verdict"], verdict)]
    if write:
        text = page.read_text()
        for record, verdict, new in zip(records, found, verdicts, strict=True):
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
