"""Where a tick of a workload spends its time: by part of learning, and operation by operation.

One block of lanes on one device of the CPU, whose profiler names every operation as it runs. Tracing itself takes about
half a microsecond for each, so that many tiny operations look larger than they are: what a tick takes without it is
told beside.

Command: python benchmarks/profile_tick.py ppo-cartpole [--trunk separate] [--top 20]
Time: half a minute.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
from task import timed

import regimax as rx
from regimax.bench.workloads import WORKLOADS, Workload
from regimax.ops.loop_calls import inline_loop_calls
from regimax.regimes import Program, bind_regime
from regimax.regimes.program import as_hparams

PARTS = (
    ("acting and the world", "regimax.experience"),
    ("gradient", "transpose(jvp"),
    ("forward pass of learning", "jvp("),
    ("optimiser, minibatches, advantages, evaluation", ""),
)
"""What a part is called, and what the names of its operations hold; the first that fits counts."""


class Operation(NamedTuple):
    """What the compiled program says of an operation.

    Attributes:
      shape: of its result.
      source: where in the traced program it comes from.
      product: whether it is a matrix product, or begins with one.
    """

    shape: str
    source: str
    product: bool


def operations(text: str) -> dict[str, Operation]:
    """Returns the operations of a compiled program by name."""
    bodies: dict[str, bool] = {}
    for name, body in re.findall(r"^%([\w.\-]+) \([^\n]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        bodies[name] = " dot(" in body
    found = {}
    for name, line in re.findall(r"^\s*(?:ROOT )?%([\w.\-]+) = ([^\n]*)$", text, re.MULTILINE):
        called, source = re.search(r"calls=%([\w.\-]+)", line), re.search(r'op_name="([^"]*)"', line)
        product = " dot(" in line or bool(called and bodies.get(called[1]))
        found[name] = Operation(line.split("{")[0].split(" ")[0], source[1] if source else "", product)
    return found


def events(folder: Path) -> Iterator[tuple[str, float]]:
    """Yields name and duration, s, of every operation that a profile saw."""
    [path] = folder.glob("**/*.xplane.pb")
    for plane in jax.profiler.ProfileData.from_file(str(path)).planes:
        for line in plane.lines:
            for event in line.events:
                if "hlo_op" in dict(event.stats) and not event.name.startswith(("while", "call")):
                    yield event.name, event.duration_ns * 1e-9


def make(workload: Workload, trunk: str) -> tuple[Any, Any]:
    """Returns regime and world of a workload; those of PPO with policy and value on one trunk or on one each."""
    regime, world = workload.make()
    if trunk == "separate":
        network = rx.networks.mlp((64, 64), critic=(64, 64))
        phases = tuple(phase._replace(network=network) for phase in regime.phases)
        regime = regime._replace(phases=phases)
    return regime, world


def compiled(program: Program, block: int) -> tuple[Any, Any]:
    """Returns the compiled tick of a block of lanes, a function of their state alone, and the state they begin with."""
    keys, hparams = rx.cell_keys(block), as_hparams(program.settings, program.defaults())
    state = jax.jit(jax.vmap(lambda k: program.init(k, hparams, {})))(keys)
    end, updates = jax.numpy.int32(2**31 - 1), jax.numpy.int32(program.phase.evaluate.every)
    advance = lambda state: jax.vmap(lambda k, s: program.tick(k, hparams, end, s, updates)[0])(keys, state)
    return jax.jit(inline_loop_calls(advance)).lower(state).compile(), state


def main() -> None:
    names = [name for name, workload in WORKLOADS.items() if isinstance(workload, Workload)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=names)
    parser.add_argument("--trunk", choices=("shared", "separate"), default="shared", help="of the two PPO workloads")
    parser.add_argument("--block", type=int, default=8, help="lanes")
    parser.add_argument("--top", type=int, default=20, help="operations that are listed")
    given = parser.parse_args()
    rx.prepare_cpu(1)
    workload = WORKLOADS[given.workload]
    assert isinstance(workload, Workload)
    program = bind_regime(*make(workload, given.trunk)).programs[workload.phase]
    tick, state = compiled(program, given.block)
    seconds = []
    for _ in range(6):
        spent, state = timed(lambda state=state: jax.block_until_ready(tick(state)))
        seconds.append(spent.seconds)
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(tick(state))
        total, times = Counter[str](), Counter[str]()
        for name, duration in events(Path(folder)):
            total[name] += duration
            times[name] += 1
    known = operations(tick.as_text())
    source = program.learner.source
    steps = given.block * program.phase.evaluate.every * source.num_envs * source.num_steps
    seen = total.total()
    usual, traced = (each / steps * 1e6 for each in (statistics.median(seconds[1:]), seen))
    print(f"{given.workload}: {usual:.2f} µs per step of a lane's world; traced {traced:.2f} µs, of these")
    parts = Counter[tuple[str, str]]()
    unknown = Operation("", "", False)
    for name, duration in total.items():
        operation = known.get(name, unknown)
        part = next(part for part, mark in PARTS if mark in operation.source)
        parts[part, "products" if operation.product else "the rest"] += duration
    for (part, kind), duration in parts.most_common():
        print(f"  {duration / seen:5.1%}  {duration / steps * 1e6:5.2f} µs  {part}, {kind}")
    print(f"{'share':>7}  {'µs each':>8}  {'times':>6}  operation")
    for name, duration in total.most_common(given.top):
        operation = known.get(name, unknown)
        each = duration / times[name] * 1e6
        print(
            f"  {duration / seen:5.1%}  {each:8.1f}  {times[name]:6}  {name} {operation.shape} {operation.source[-60:]}"
        )


if __name__ == "__main__":
    main()
