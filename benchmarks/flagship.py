"""The flagship grid through the sweep engine against the same cells, one call for every point of the grid.

4 budgets of pretraining × 8 ways of being paid × seeds on a Cipher, with a stop rule. Three children of this program:

- ``engine``: a sweep. Pretraining is shared by the ways of being paid, and is one chain for the four budgets; lanes
  that meet the stop rule are refilled.
- ``single``: `jit(vmap(make_train))` over the seeds, a call for every budget and way of being paid, JAX as it comes.
  Settings are traced, so that a program is compiled for each budget and used for all 8 ways of being paid.
- ``check``, once: 8 seeds through the engine and through `make_train` in a block of 8: when each cell stopped, and its
  success until then, must be equal to the bit.

Seconds leave compiling out, which is told apart; the ratio is that of the others over the engine's, turn by turn.

Command: python benchmarks/flagship.py --turns 3 --out FILE.json
Time: about ten minutes on two quiet cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from task import timed
from turns import Quiet, machine, spread

WAYS = ("engine", "single")
BUDGETS = (250, 500, 1000, 2000)
EVERY = 10
"""Updates between evaluations."""
SETTINGS = {"pretrain.learning_rate": 1e-2, "rl.learning_rate": 1e-2}
REWARDS: dict[str, dict[str, float]] = {
    f"{when}, {loss}": {**paid, **lost}
    for when, paid in {"outcome": {}, "every step": {"world.dense_reward": 1}}.items()
    for loss, lost in {
        "whole": {},
        "a quarter lost": {"reward.erasure": 0.25},
        "half lost": {"reward.erasure": 0.5},
        "a tenth flipped": {"reward.flip": 0.1},
    }.items()
}


def make_regime(pretraining: int, updates: int) -> Any:
    """Returns the regime: imitation, then reinforcement learning until a cell counts as solved."""
    import regimax as rx

    return rx.regimes.imitation_rl(
        updates=(pretraining, updates),
        network=rx.networks.gru(32),
        num_envs=32,
        evaluate=rx.regimes.Evaluate(EVERY, episodes=32),
        stop=rx.regimes.Stop("success", 0.9, 3),
    )


def make_world() -> Any:
    import regimax as rx

    return rx.envs.Cipher(symbols=4, skills=2, length=3)


def make_sweep(seeds: int, updates: int, budgets: Sequence[int] = BUDGETS) -> Any:
    """Returns the grid as a sweep."""
    import jax

    import regimax as rx
    from regimax.sweep.optimization import of_long_run

    axes = {"pretrain.updates": budgets, "reward": REWARDS}
    regimes = [make_regime(max(budgets), updates)]
    wanted = of_long_run(jax.default_backend())  # on a CPU as `make_train` is compiled
    return rx.Sweep(make_world(), regimes, axes=axes, settings=SETTINGS, seeds=seeds, optimization=wanted)


def given_hparams(train: Any, settings: dict[str, float]) -> dict[str, Any]:
    """Returns the defaults with the grid's settings and those of one way of being paid."""
    import jax.numpy as jnp

    hparams = train.default_hparams
    given = {name: jnp.asarray(value, hparams[name].dtype) for name, value in (SETTINGS | settings).items()}
    return hparams | given


def run_engine(
    seeds: int, updates: int, folder: Path, cache: str | None = None, budgets: Sequence[int] = BUDGETS
) -> dict[str, Any]:
    """Runs the sweep into a folder. Returns seconds, the engine's account, and what sharing and stopping saved.

    What is compiled is kept in `cache`; in a folder of its own, so that nothing was compiled before, if not given.
    """
    import jax

    from regimax.backend import use_compilation_cache
    from regimax.sweep import table
    from regimax.sweep.plan import make_plan
    from regimax.sweep.run import Options, execute

    jax.config.update("jax_compilation_cache_dir", cache or str(folder / "xla"))
    use_compilation_cache()
    planning, plan = timed(lambda: make_plan(make_sweep(seeds, updates, budgets)))
    shares = execute(plan, folder / "run", Options(checkpoint_seconds=300), Quiet()).shares
    return {
        "seconds": planning.seconds + shares.seconds - shares.compiling,
        "compiling": shares.compiling,
        "account": shares._asdict(),
        "cells": len(plan.cells),
        "updates_without_sharing": plan.updates_without_sharing(),
        "updates_planned": plan.updates_planned(),
        "updates_run": table.totals(folder / "run")["updates"],
    }


def engine(seeds: int, updates: int, folder: Path) -> dict[str, Any]:
    """Runs the grid through the engine."""
    import regimax as rx

    rx.prepare_cpu()
    result = run_engine(seeds, updates, folder)
    cells = rx.load_run(folder / "run").cells
    return result | {"success": cells["success"].mean(), "updates_per_cell": cells["updates"].mean()}


def single(seeds: int, updates: int, folder: Path) -> dict[str, Any]:
    """Trains every point of the grid by a call of its own."""
    import jax
    import jax.numpy as jnp

    import regimax as rx

    del folder
    keys = rx.cell_keys(seeds)
    seconds, compiling, success, done = [], [], [], []
    for budget in BUDGETS:
        train = rx.make_train(make_regime(budget, updates), make_world())
        given = jax.jit(jax.vmap(train, in_axes=(0, None)))
        spent, program = timed(lambda given=given, train=train: given.lower(keys, train.default_hparams).compile())
        compiling.append(spent.seconds)
        for settings in REWARDS.values():
            hparams = given_hparams(train, settings)
            spent, result = timed(
                lambda program=program, hparams=hparams: jax.block_until_ready(program(keys, hparams))
            )
            seconds.append(spent.seconds)
            # A lane that has stopped is left as it is, and its last evaluation that counts is the one it stopped at.
            ticks = result.effort["rl"]["updates"].astype(int) // EVERY
            success += jnp.take_along_axis(result.curves["rl"]["success"], ticks[:, None], axis=1)[:, 0].tolist()
            done += (result.effort["pretrain"]["updates"] + result.effort["rl"]["updates"]).tolist()
    return {
        "seconds": sum(seconds),
        "compiling": sum(compiling),
        "success": statistics.fmean(success),
        "updates_per_cell": statistics.fmean(done),
    }


def check(seeds: int, updates: int, folder: Path) -> dict[str, Any]:
    """Compares a block of seeds with `make_train` in a block of the same size, at every point of the grid."""
    import jax
    import numpy as np

    import regimax as rx

    del seeds
    rx.prepare_cpu()
    run_engine(8, updates, folder)
    run = rx.load_run(folder / "run")
    cells, curves = run.cells, run.curves
    keys = rx.cell_keys(8)
    compared, different = 0, []
    for budget in BUDGETS:
        train = rx.make_train(make_regime(budget, updates), make_world())
        program = jax.jit(jax.vmap(train, in_axes=(0, None)))
        for label, settings in REWARDS.items():
            hparams = given_hparams(train, settings)
            alone = jax.device_get(program(keys, hparams))
            mine = cells.filter((cells["pretrain.updates"] == budget) & (cells["reward"] == label))
            for cell, seed in mine.select("cell", "seed").iter_rows():
                rows = curves.filter((curves["cell"] == cell) & (curves["phase"] == "rl")).sort("update")
                stopped = int(alone.effort["rl"]["updates"][seed])
                expected = alone.curves["rl"]["success"][seed][: stopped // EVERY + 1].astype(np.float64)
                found = rows["success"].to_numpy()
                if rows["update"][-1] != stopped or not np.array_equal(found, expected):
                    different.append(cell)
                compared += 1
    return {"compared": compared, "different": different}


CHILDREN = {"engine": engine, "single": single, "check": check}


def child(way: str, seeds: int, updates: int) -> dict[str, Any]:
    """Runs one way in a process of its own."""
    command = [sys.executable, __file__, "--child", way, "--seeds", str(seeds), "--updates", str(updates)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument(
        "--updates", type=int, default=1000, help="of reinforcement learning, at most; a multiple of 10"
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        with tempfile.TemporaryDirectory() as folder:
            result = CHILDREN[given.child](given.seeds, given.updates, Path(folder))
        import jax

        print(json.dumps(result | {"device": f"{jax.device_count()} × {jax.devices()[0].device_kind}"}))
        return
    equal = child("check", given.seeds, given.updates)
    print(f"equal results: {equal['compared'] - len(equal['different'])} of {equal['compared']} cells", flush=True)
    rows: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for turn in range(given.turns):
        for way in WAYS:
            row = child(way, given.seeds, given.updates)
            rows[way].append(row)
            print(f"turn {turn + 1}: {way} {row['seconds']:.1f} s, compiling {row['compiling']:.1f} s", flush=True)
    seconds = {way: [row["seconds"] for row in rows[way]] for way in WAYS}
    compiling = {way: [row["compiling"] for row in rows[way]] for way in WAYS}
    whole = {way: [s + c for s, c in zip(seconds[way], compiling[way], strict=True)] for way in WAYS}
    result = {
        "seeds": given.seeds,
        "updates": given.updates,
        "budgets": BUDGETS,
        "rewards": REWARDS,
        "machine": machine(),
        "device": {way: rows[way][0]["device"] for way in WAYS},
        "versions": {name: metadata.version(name) for name in ("jax", "jaxlib", "flax", "optax")},
        "equal": equal,
        "seconds": seconds,
        "compiling": compiling,
        "ratio": spread([a / b for a, b in zip(seconds["single"], seconds["engine"], strict=True)]),
        "ratio_with_compiling": spread([a / b for a, b in zip(whole["single"], whole["engine"], strict=True)]),
        "runs": rows,
    }
    saved = {name: rows["engine"][0][name] for name in ("updates_without_sharing", "updates_planned", "updates_run")}
    print(json.dumps({name: result[name] for name in ("ratio", "ratio_with_compiling")} | saved, indent=1))
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
