"""What is kept of a claim's run, so that its rule can be applied again without it: cells, curves, probes, and origin.

``NAME/SWEEP.cells.parquet``, ``.curves.parquet`` and ``.probes.parquet`` for each sweep, and ``NAME/origin.json``: what
a rule reads of the sweep, what the tuning tried, the commit of the code, and the environments (versions, processor)
under which results were computed.

Command: python docs/kept.py docs/results
It judges again whatever was kept whole, and says where `claims.json` tells otherwise.
"""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl

import regimax as rx
from regimax.claims import folder
from regimax.claims.claim import Claim, load_claim
from regimax.claims.tuning import Trial
from regimax.report.statistics import Verdict
from regimax.sweep import store

TABLES = ("cells", "curves", "probes")


def keep(out: Path, target: Path) -> None:
    """Keeps the result of a claim's directory `out` at small scale in the folder `target`, which is made."""
    claim = folder.stored(out)
    tried = folder.read_choices(out) or {}
    target.mkdir(parents=True)
    sweeps = {}
    for name, path in folder.run_dirs(out, claim, "small", folder.RESULT).items():
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


def differences(target: Path, sweeps: Path) -> list[str]:
    """Returns the names of those claims in the folder `target` of whose kept runs `claims.json` tells otherwise."""
    told = {one["name"]: one["verdict"] for one in json.loads((target / "claims.json").read_text())}
    names = sorted(path.parent.name for path in target.glob("*/origin.json"))
    found = {name: judge(load_claim(sweeps / f"{name}.py"), target / name).record() for name in names}
    return [name for name, verdict in found.items() if json.loads(json.dumps(verdict)) != told.get(name)]


def given(arguments: list[str]) -> Path:
    """Returns the folder of kept results that was typed, or ends the program with a line and code 2."""
    command, *folders = arguments
    if len(folders) == 1 and (Path(folders[0]) / "claims.json").is_file():
        return Path(folders[0])
    said = f"found no claims.json in {folders[0]!r}" if len(folders) == 1 else f"found {len(folders)} folders"
    print(f"{command}: give one folder of kept results, for example docs/results; {said}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    if other := differences(given(sys.argv), Path(__file__).parents[1] / "sweeps"):
        raise SystemExit(f"told otherwise than kept: {', '.join(other)}")
