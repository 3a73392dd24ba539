"""What the sweep engine costs over one monolithic program of the same cells.

Two ways to train the same cells, without stop rules, each in a process of its own, in turns:

- ``engine``: `regimax.sweep.run.execute`, with its checkpoints, curves and results on disk.
- ``vmap``: ``jit(vmap(make_train))`` over all cells, JAX as it comes.

Compiling is left out of both: it is timed apart. Prints the ratio of the medians with its spread over the turns, and
the engine's own account.

Command: python benchmarks/engine.py [--cells 128] [--updates 1000] [--turns 5] [--out FILE.json]
Time: about five minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from turns import Quiet, machine, spread

WAYS = ("engine", "vmap")


def workload(updates: int) -> tuple[Any, Any]:
    """Returns the regime and the world."""
    import regimax as rx

    evaluate = rx.regimes.Evaluate(every=10, episodes=32)
    regime = rx.regimes.pure_rl(updates=updates, network=rx.networks.gru(32), num_envs=16, evaluate=evaluate)
    return regime, rx.envs.Cipher(symbols=5, skills=3, length=3)


def engine(cells: int, updates: int) -> dict[str, Any]:
    """Runs the sweep. Returns its steady-state seconds and its account."""
    import regimax as rx

    rx.prepare_cpu()
    from regimax.backend import use_compilation_cache
    from regimax.sweep.plan import make_plan
    from regimax.sweep.run import Options, execute

    use_compilation_cache()
    regime, world = workload(updates)
    plan = make_plan(rx.Sweep(world=world, regimes=[regime], seeds=cells, optimization="full"))
    with tempfile.TemporaryDirectory() as folder:
        shares = execute(plan, Path(folder) / "run", Options(checkpoint_seconds=300), Quiet()).shares
    return {"seconds": shares.seconds - shares.compiling, "compiling": shares.compiling, "account": shares._asdict()}


def monolithic(cells: int, updates: int) -> dict[str, Any]:
    """Runs one program of all cells. Returns its steady-state seconds."""
    import jax

    import regimax as rx

    regime, world = workload(updates)
    train = rx.make_train(regime, world)
    keys = rx.cell_keys(seeds=cells)
    begun = time.monotonic()
    compiled = jax.jit(jax.vmap(train, in_axes=(0, None))).lower(keys, train.default_hparams).compile()
    compiling = time.monotonic() - begun
    begun = time.monotonic()
    jax.block_until_ready(compiled(keys, train.default_hparams))
    return {"seconds": time.monotonic() - begun, "compiling": compiling}


def child(way: str, cells: int, updates: int) -> dict[str, Any]:
    """Runs one way in a process of its own."""
    command = [sys.executable, __file__, "--child", way, "--cells", str(cells), "--updates", str(updates)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=128)
    parser.add_argument("--updates", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        result = (engine if given.child == "engine" else monolithic)(given.cells, given.updates)
        import jax

        print(json.dumps(result | {"device": f"{jax.device_count()} × {jax.devices()[0].device_kind}"}))
        return
    rows: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for turn in range(given.turns):
        for way in WAYS:
            rows[way].append(child(way, given.cells, given.updates))
            print(f"turn {turn + 1}: {way} {rows[way][-1]['seconds']:.2f} s", flush=True)
    seconds = {way: [row["seconds"] for row in rows[way]] for way in WAYS}
    account = {
        name: statistics.median(row["account"][name] for row in rows["engine"])
        for name in ("saving", "waiting", "idle", "occupancy")
    }
    result = {
        "cells": given.cells,
        "updates": given.updates,
        "device": {way: rows[way][0]["device"] for way in WAYS},
        "machine": machine(),
        "versions": {name: metadata.version(name) for name in ("jax", "jaxlib", "flax", "optax")},
        "seconds": seconds,
        "compiling": {way: [row["compiling"] for row in rows[way]] for way in WAYS},
        "account": account,
        "ratios": spread([a / b for a, b in zip(seconds["engine"], seconds["vmap"], strict=True)]),
        "ratio_of_medians": statistics.median(seconds["engine"]) / statistics.median(seconds["vmap"]),
    }
    print(json.dumps({name: result[name] for name in ("account", "ratios", "ratio_of_medians")}, indent=1))
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
