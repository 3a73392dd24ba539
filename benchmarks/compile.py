"""How long compiling takes, function by function, cold and warm, beside a plain program of the same work.

Every measurement is a process of its own; nothing else is compiled in it. Cold begins with an empty cache, warm with
what the cold one has left there. Seconds are CPU time of the process, which other programs disturb less, and
wall-clock. Tracing and lowering are told apart from compiling. What is compiled is counted in the compiler's own text:
operations, fusions and loops.

- ``regimax``: what a run compiles of a workload: `init`, `advance` and the small functions that move lanes. For the
  optimization that is named, see `regimax.sweep.optimization`.
- ``plain``: `plain_ppo.py` and `plain_cipher.py`: one function that begins and one for a tick, of 8 agents.

Command: python benchmarks/compile.py [WORKLOAD …] [--optimizations full quick none] [--out FILE.json]
Time: five minutes on two cores for all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from turns import machine

PLAIN = {"ppo-cartpole": "plain_ppo", "ppo-breakout": "plain_ppo", "cipher-rl": "plain_cipher"}
WORLDS = {"ppo-cartpole": "CartPole-v1", "ppo-breakout": "Breakout-MinAtar"}
FUNCTIONS = ("init", "advance", "place", "take", "extend", "restore")
AGENTS = 8


def spent() -> tuple[float, float]:
    """Returns CPU time of this process and the wall-clock, s."""
    times = os.times()
    return times.user + times.system, time.perf_counter()


def measured(lower: Any, compile_: Any) -> dict[str, Any]:
    """Lowers and compiles a function, and tells what it took and what came out."""
    begun = spent()
    lowered = lower()
    between = spent()
    compiled = compile_(lowered)
    done = spent()
    text = compiled.as_text()
    return {
        "lowering_cpu": between[0] - begun[0],
        "lowering": between[1] - begun[1],
        "compiling_cpu": done[0] - between[0],
        "compiling": done[1] - between[1],
        "operations": text.count(" = "),
        "fusions": text.count(" fusion("),
        "loops": text.count(" while("),
    }


def of_regimax(workload: str, optimization: str) -> dict[str, Any]:
    """Compiles the functions of a workload's program for the first device, one after the other."""
    import regimax as rx

    rx.prepare_cpu()
    from regimax.backend import use_compilation_cache
    from regimax.bench.workloads import WORKLOADS
    from regimax.sweep.lanes import Engine

    use_compilation_cache()
    chosen = WORKLOADS[workload]
    program = rx.regimes.bind_regime(*chosen.make()).programs[chosen.phase]
    executables = Engine(program, AGENTS, optimization=optimization).executables
    return {
        name: measured(lambda name=name: executables.lower(name), lambda x, name=name: executables.compile(name, x, 0))
        for name in FUNCTIONS
    }


def of_plain(workload: str) -> dict[str, Any]:
    """Compiles the plain program of a workload."""
    import importlib

    import jax

    from regimax.backend import use_compilation_cache

    jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
    use_compilation_cache()
    module = importlib.import_module(PLAIN[workload])
    keys = jax.random.split(jax.random.key(0), AGENTS)
    if PLAIN[workload] == "plain_cipher":
        begin, tick, start = module.begin, module.tick, (keys,)
    else:
        agent = module.make_agent(WORLDS[workload], shared=True)
        every = 10 if workload == "ppo-cartpole" else 4
        variables = jax.eval_shape(agent.draw, keys)
        begin, start = agent.begin, (keys, variables)

        def tick(runner: Any) -> Any:
            runner, metrics = jax.lax.scan(lambda r, _: agent.update(r), runner, None, length=every)
            key, key_evaluate = jax.random.split(runner.key)
            returns = agent.evaluate(runner.learned.params, key_evaluate, 1)
            return runner._replace(key=key), metrics, returns

    first = jax.jit(jax.vmap(begin))
    after = jax.eval_shape(first, *start)
    compile_ = lambda lowered: lowered.compile()
    return {
        "begin": measured(lambda: first.lower(*start), compile_),
        "tick": measured(lambda: jax.jit(jax.vmap(tick), donate_argnums=0).lower(after), compile_),
    }


def child(workload: str, way: str, cache: Path) -> dict[str, Any]:
    """Measures one way in a process of its own."""
    command = [sys.executable, __file__, "--child", way, workload]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache)}
    )
    if done.returncode:
        raise SystemExit(f"{way} of {workload} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def total(functions: dict[str, dict[str, Any]]) -> float:
    """Returns CPU seconds of all functions, tracing included."""
    return sum(row["lowering_cpu"] + row["compiling_cpu"] for row in functions.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", help="all that are learners when none is named")
    parser.add_argument("--optimizations", nargs="+", default=["full", "quick", "none"])
    parser.add_argument("--turns", type=int, default=3, help="cold processes of each way, in turns")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        [workload] = given.workloads
        print(json.dumps(of_plain(workload) if given.child == "plain" else of_regimax(workload, given.child)))
        return
    from regimax.bench.workloads import WORKLOADS, Workload

    names = given.workloads or [name for name, one in WORKLOADS.items() if isinstance(one, Workload)]
    result: dict[str, Any] = {
        "machine": machine(),
        "agents": AGENTS,
        "versions": {name: metadata.version(name) for name in ("jax", "jaxlib", "flax", "optax")},
        "workloads": {},
    }
    for workload in names:
        ways = [*given.optimizations, *(["plain"] if workload in PLAIN else [])]
        rows: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for _ in range(given.turns):
            for way in ways:
                with tempfile.TemporaryDirectory() as folder:
                    cold = child(workload, way, Path(folder))
                    warm = child(workload, way, Path(folder))
                rows[way].append({"cold": cold, "warm": warm})
        found = result["workloads"][workload] = {"runs": rows}
        for way in ways:
            cold, warm = (statistics.median(total(row[kind]) for row in rows[way]) for kind in ("cold", "warm"))
            found[way] = {"cold_cpu_seconds": cold, "warm_cpu_seconds": warm}
            print(f"{workload}: {way} {cold:.1f} CPU s cold, {warm:.1f} warm", flush=True)
        if "plain" in ways:
            found["of_plain"] = {
                way: statistics.median(
                    total(a["cold"]) / total(b["cold"]) for a, b in zip(rows[way], rows["plain"], strict=True)
                )
                for way in given.optimizations
            }
            print(f"{workload}: of the plain program's CPU time: {found['of_plain']}", flush=True)
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
