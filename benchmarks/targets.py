"""What every claim at full size, the quickstart and the flagship grid would be on a chip that is not there.

As `regimax plan FILE --full --target CHIP` tells it, but for tuning: the same programs with fewer lanes, which are not
compiled again. Every program is written as soon as it is compiled; typed again with the same JSON file, it goes on with
what is missing, or with the files that are named, anew: programs that are what they were are not compiled again.

Command: PYTHONPATH=src python benchmarks/targets.py --target h200 --out benchmarks/results/targets-h200.json
Time: half a minute to two minutes of a core for each of some 55 programs; needs the extra `gpu`, and no GPU.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import flagship
import jax

from regimax.backend import prepare_cpu
from regimax.claims.claim import claim_of
from regimax.claims.execute import plans
from regimax.sweep.display import human
from regimax.sweep.files import load_file, sweep_of
from regimax.sweep.plan import Plan, make_plan
from regimax.sweep.target import Ahead
from regimax.targets import chip

SWEEPS = Path(__file__).resolve().parents[1] / "sweeps"
GRID = "flagship"
KEPT = (
    "phase", "stages", "block", "lanes", "problem", "fits", "state_bytes_per_lane", "temporary_bytes_per_lane",
    "kernels_per_update", "open_loops", "steps_per_update", "steps_are", "steps_per_second_at_most", "seconds",
)  # fmt: skip
"""Of what is known of a program."""


def planned(name: str) -> Iterator[tuple[str, Plan]]:
    """Plans the sweeps of a claim at full size, a sweep's file, or the flagship grid: name and plan of each."""
    if name == GRID:
        grid = flagship.make_sweep(seeds=32, updates=1000)
        yield "", make_plan(replace(grid, optimization="auto"))  # it is made for the device that is there
        return
    file = SWEEPS / f"{name}.py"
    module = load_file(file)
    claim = claim_of(module, file)
    if claim is None:
        yield "", make_plan(sweep_of(module, file))
    else:
        yield from plans(claim, "full").result.items()


def rows(found: dict[str, Any]) -> Iterator[str]:
    """Yields a table in Markdown, a line for each program."""
    yield "| sweep | cells | program | block | lanes in flight | kernels an update | state, temporary of a lane |"
    yield "|---|---|---|---|---|---|---|"
    for name, sweeps in found["files"].items():
        for sweep, facts in sweeps.items():
            for p in facts["programs"]:
                told = f"| {name}{f', {sweep}' if len(sweeps) > 1 else ''} | {facts['cells']:,} | {p['phase']} "
                if "kernels_per_update" not in p:
                    yield f"{told}| {p['block']:,} | {p['problem']} | | |"
                    continue
                bytes_ = [human(p[f"{part}_bytes_per_lane"], "B") for part in ("state", "temporary")]
                kernels = f"{'≥ ' if p['open_loops'] else ''}{p['kernels_per_update']:,.0f}"
                yield f"{told}| {p['block']:,} | {p['lanes']:,} | {kernels} | {', '.join(bytes_)} |"


def main() -> None:
    names = [GRID, "quickstart", *sorted(file.stem for file in SWEEPS.glob("c[01]*_*.py"))]
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("names", nargs="*", help="in sweeps/, or flagship; those that are missing, if not given")
    flags.add_argument("--target", default="h200")
    flags.add_argument("--out", type=Path, required=True, help="the JSON file")
    flags.add_argument("--table", action="store_true", help="only print what is in it, as a table")
    given = flags.parse_args()
    here = {"target": given.target, "jax": jax.__version__}
    found = json.loads(given.out.read_text()) if given.out.exists() else here | {"files": {}}
    if given.table:
        print("\n".join(rows(found)))
        return

    def write() -> None:
        given.out.write_text(json.dumps(found, indent=1) + "\n")

    def say(text: str) -> None:
        write()
        print(f"  {text}", file=sys.stderr, flush=True)

    if (there := {key: found[key] for key in here}) != here:
        raise SystemExit(f"{given.out} is of {there}, and this would be of {here}")
    ahead = Ahead(chip(given.target), say=say, known=found.setdefault("compiled", {}))
    prepare_cpu(1)
    for name in given.names or [name for name in names if name not in found["files"]]:
        sweeps = {}
        for sweep, plan in planned(name):
            print(name, sweep, file=sys.stderr, flush=True)
            facts = ahead.summary(plan)
            programs = [{key: p[key] for key in KEPT if key in p} for p in facts.pop("programs")]
            found |= facts
            sweeps[sweep] = {"cells": len(plan.cells), "stages": len(plan.stages), "programs": programs}
            jax.clear_caches()  # traces, which take gigabytes in the end
        found["files"][name] = sweeps
        write()


if __name__ == "__main__":
    main()
