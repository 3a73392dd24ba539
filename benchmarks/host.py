"""What the host does for every tick of a block: the pool alone, over programs that compute next to nothing.

A hollow program has the leaves of a real one, its settings and its report, and only counts its updates. Main memory
stands in for the device's, so that what passes through the host costs what it costs. Every stage runs for four ticks,
all lanes of a block together: most ticks end nothing, and at the others all lanes end and are refilled.

- ``roots``: stages that begin from nothing.
- ``forks``: trees; of every stage that ends two others begin, down to the third generation.

Told are milliseconds of the thread that drives the pool: its CPU time, so that waiting for the device counts as
nothing, in the median over ticks; and the median of the last tenth of the quiet ticks over that of the first.

Command: python benchmarks/host.py [--blocks 512 2048 8192] [--workloads cipher-rl ppo-cartpole] [--out FILE.json]
Time: about four minutes on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import statistics
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from turns import machine

import regimax as rx
from regimax.bench.workloads import WORKLOADS, Workload
from regimax.regimes import Program, bind_regime
from regimax.regimes.program import DONE, RUNNING
from regimax.regimes.traces import traces
from regimax.sweep import disk, environment, store
from regimax.sweep.account import Account
from regimax.sweep.lanes import Engine, bytes_per_lane
from regimax.sweep.ledger import Ledger
from regimax.sweep.numbered import NONE
from regimax.sweep.plan import Plan, Stage
from regimax.sweep.pool import Pool
from regimax.sweep.states import States
from regimax.sweep.writer import Writer

IN_FLIGHT = 2
"""Blocks."""
TICKS = 4
"""Of a stage."""
LARGEST, CUT = 2**30, 256
"""Bytes of a block's states from which on every leaf is cut to so many elements: main memory has to hold ten."""
RESIDENT = 6 * 2**30
"""Bytes of parked states that stay where they are; an H200 keeps twice as many."""
FORKS = (2, 2)
"""Children of a stage of the first generation, and of the second."""


def hollow(program: Program, most: int | None) -> Program:
    """Returns a program of the same signatures that only counts, its leaves cut to `most` elements if that is given."""
    its = traces(program)
    of_tick = its.tick.out

    def zeros(tree: Any) -> Any:
        def one(x: Any) -> Any:
            shape = x.shape if most is None or x.size <= most else (most,)
            return jnp.zeros(shape, x.dtype)

        return jax.tree.map(one, tree)

    def init(keys: Any, hparams: Any, inherited: Any) -> Any:
        del keys, hparams
        state = zeros(its.init.out)
        return state._replace(learner=state.learner._replace(params=inherited))

    def tick(keys: Any, hparams: Any, end: Any, state: Any, updates: Any) -> Any:
        del keys, hparams
        count = state.update + jnp.where(state.status == RUNNING, updates, 0).astype(jnp.int32)
        status = jnp.where((count >= end) & (state.status == RUNNING), DONE, state.status)
        return state._replace(update=count, status=status), zeros(of_tick[1]), zeros(of_tick[2])

    return program._replace(fresh=lambda keys: zeros(its.fresh.out), init=init, tick=tick, probes=())


def make_plan(program: Program, stages: int, forks: tuple[int, ...]) -> Plan:
    """Returns a plan of about so many stages, all of one program."""
    every, parts = program.phase.evaluate.every, tuple(sorted(traces(program).fresh.out))
    settings = program.defaults()
    found: dict[str, Stage] = {}
    children: dict[str, list[str]] = {}

    def add(parent: str | None, generation: int) -> None:
        name = disk.digest(str(len(found)).encode())[:32]
        inherit = parts if parent is not None else ()
        found[name] = Stage(name, "hollow", "hollow", inherit, parent, 0, TICKS * every, settings, len(found), 0, False)
        if parent is not None:
            children.setdefault(parent, []).append(name)
        for _ in range(forks[generation] if generation < len(forks) else 0):
            add(name, generation + 1)

    while len(found) < stages:
        add(None, 0)
    regime, world = WORKLOADS["cipher-rl"].make()  # type: ignore[call-arg]
    sweep = rx.Sweep(world=world, regimes=[regime], seeds=1)
    return Plan(sweep, [], found, {"hollow": program}, {}, {}, children)


def run(engine: Engine, plan: Plan) -> list[tuple[float, float, int]]:
    """Runs a plan through a pool. Returns host and wall seconds, and stages that ended, of every tick of a block."""
    ticks: list[tuple[float, float, int]] = []
    last = [0.0, 0.0]

    def on_tick(tick: Any) -> None:
        now = [time.thread_time(), time.perf_counter()]
        ticks.append((now[0] - last[0], now[1] - last[1], tick.finished))
        last[:] = now

    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Account(len(engine.devices))) as account:
        for name in (*store.PARTS, store.STATES, store.CHECKPOINTS):
            disk.make(Path(folder) / name)
        here = environment.current(engine.devices[0])
        ledger = Ledger(plan, Path(folder), here, {"hollow": engine.block})
        ledger.states = States(Path(folder), ledger.stages, Writer(), resident_bytes=RESIDENT)
        ready = np.flatnonzero(ledger.stages.parent == NONE)
        pool = Pool(engine, lambda _: engine, ledger, ready, IN_FLIGHT, account)
        last[:] = time.thread_time(), time.perf_counter()
        pool.run(on_tick, lambda: False, lambda _: None)
    return ticks


def figures(ticks: list[tuple[float, float, int]], block: int) -> dict[str, Any]:
    """Returns what is told of a run, milliseconds; its first ticks fill the blocks and are left out."""
    ticks = ticks[2 * IN_FLIGHT :]
    quiet = [1e3 * host for host, _, ended in ticks if not ended]
    tenth = max(1, len(quiet) // 10)
    # At the end nothing is refilled.
    ending = [(1e3 * host, 1e3 * wall) for host, wall, ended in ticks[: -IN_FLIGHT * TICKS] if ended == block]
    return {
        "ticks": len(ticks),
        "quiet_ms": statistics.median(quiet),
        "quiet_last_over_first_tenth": statistics.median(quiet[-tenth:]) / statistics.median(quiet[:tenth]),
        "ending_ms": statistics.median(host for host, _ in ending),
        "ending_wall_ms": statistics.median(wall for _, wall in ending),
    }


def measure(name: str, block: int, rounds: int) -> dict[str, Any]:
    """Returns the figures of one workload in blocks of a size."""
    workload = WORKLOADS[name]
    assert isinstance(workload, Workload)
    program = bind_regime(*workload.make()).programs[workload.phase]
    too_much = block * bytes_per_lane(program) > LARGEST
    program = hollow(program, CUT if too_much else None)
    engine = Engine(program, block, jax.local_devices()[:1], optimization="none")
    stages = rounds * IN_FLIGHT * block
    found: dict[str, Any] = {
        "leaves": len(jax.tree.leaves(engine.abstract_state)),
        "settings": len(program.settings),
        "bytes_per_lane": engine.bytes_per_lane(),
    }
    for kind, forks in (("roots", ()), ("forks", FORKS)):
        run(engine, make_plan(program, 2 * IN_FLIGHT * block, forks))  # compiles
        found[kind] = figures(run(engine, make_plan(program, stages, forks)), block)
        print(f"{name}, blocks of {block:,}, {kind}: {json.dumps(found[kind])}", flush=True)
    return found


def keep_memory() -> None:
    """Has the process keep what it frees, as an accelerator's allocator does: unmapping a gigabyte takes 0.1 s."""
    libc = ctypes.CDLL(None)
    m_trim_threshold, m_mmap_max = -1, -4
    libc.mallopt(m_trim_threshold, -1)
    libc.mallopt(m_mmap_max, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, nargs="+", default=[512, 2048, 8192])
    parser.add_argument("--workloads", nargs="+", default=["cipher-rl", "ppo-cartpole"])
    parser.add_argument("--rounds", type=int, default=8, help="times that all lanes are refilled")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    keep_memory()
    rx.prepare_cpu(1)
    found = {w: {str(b): measure(w, b, given.rounds) for b in given.blocks} for w in given.workloads}
    if given.out:
        versions = {name: metadata.version(name) for name in ("jax", "jaxlib", "numpy", "polars")}
        about = {"machine": machine(), "versions": versions | {"regimax": rx.__version__}}
        given.out.write_text(json.dumps({**about, "milliseconds": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
