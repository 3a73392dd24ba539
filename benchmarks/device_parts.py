"""What `on_device.py` measures, part by part: full size for an accelerator, and a miniature for a CPU."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import flagship
import jax
import jax.numpy as jnp
import numpy as np
import without_pictures
from turns import Quiet

import regimax as rx
from regimax.backend import prepare_cpu, use_compilation_cache
from regimax.bench import machine
from regimax.bench.ceilings import Ceiling, kernels, measure
from regimax.bench.fleet import Fleet, init_block
from regimax.bench.ladder import Rung
from regimax.bench.measure import Measurement
from regimax.bench.workloads import WORKLOADS, Workload
from regimax.regimes import Program, bind_regime
from regimax.sweep.account import Account
from regimax.sweep.lanes import Engine
from regimax.targets import launches


class Size(NamedTuple):
    """How large everything is.

    Attributes:
      widths: lanes of each workload, the most telling first; one block each.
      repetitions: of every figure.
      large: whether it is for an accelerator.
      workload: returns a workload by name.
      agents: side by side, in turns with the plain program.
      updates: of each agent in one of its turns; a multiple of 10.
      block: lanes per product where bytes are compared.
      seeds: of the sweep whose bytes are compared.
      compared: workloads compared with a CPU.
      grid_seeds: of the flagship grid.
      grid_updates: of reinforcement learning in it, at most.
      grid_budgets: of pretraining in it.
    """

    widths: tuple[int, ...]
    repetitions: int
    large: bool
    workload: Callable[[str], Workload]
    agents: int
    updates: int
    block: int
    seeds: int
    compared: tuple[str, ...]
    grid_seeds: int
    grid_updates: int
    grid_budgets: tuple[int, ...]


class Put(Protocol):
    """Writes what was found, at once."""

    def __call__(self, **facts: Any) -> None: ...

    def before(self, part: str) -> dict[str, Any]:
        """Returns what a part before has found."""
        ...


def _named(name: str) -> Workload:
    found = WORKLOADS[name]
    assert isinstance(found, Workload)
    return found


def _tiny(name: str) -> Workload:
    """A workload of that name's kind with next to nothing to do."""
    r, world = rx.regimes, rx.envs.Exemplar(factors=2, values=2, looks=2, dimensions=4)
    options = {"network": rx.networks.mlp((4,)), "num_envs": 4, "evaluate": r.Evaluate(every=2, episodes=4)}
    pretraining = r.Regime("pretraining", (r.predict(2, **options),))
    regime = pretraining if "pretrain" in name else r.pure_rl(updates=2, **options)
    return Workload(name, 0, "in miniature", lambda: (regime, world))


FULL = Size(
    widths=(2048, 8, 8192, 512, 64),
    repetitions=3,
    large=True,
    workload=_named,
    agents=2048,
    updates=10,
    block=128,
    seeds=64,
    compared=("cipher-pretrain", "cipher-rl"),
    grid_seeds=32,
    grid_updates=1000,
    grid_budgets=flagship.BUDGETS,
)
MINIATURE = Size(
    widths=(2, 4),
    repetitions=1,
    large=False,
    workload=_tiny,
    agents=2,
    updates=10,
    block=2,
    seeds=2,
    compared=("pretrain",),
    grid_seeds=1,
    grid_updates=10,
    grid_budgets=(10, 20),
)


def prepare(cache: Path) -> None:
    """Sets up JAX; what is compiled is kept in a folder, so that parts share it and a second try is short."""
    without_pictures.stand_in()
    prepare_cpu(1)
    jax.config.update("jax_compilation_cache_dir", str(cache))
    use_compilation_cache()


class _Told:
    """Progress on stderr."""

    def doing(self, text: str) -> None: ...
    def done(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


# What it is.


def machine_and_ceilings(size: Size, put: Put, folder: Path) -> None:
    """Device and versions, what products and memory reach, and what a kernel takes that does nothing."""
    del folder
    put(facts=machine.facts())
    put(seconds_per_kernel=_seconds_per_kernel(size.repetitions))
    put(ceilings=[ceiling._asdict() for ceiling in _ceilings(size)])


def _ceilings(size: Size) -> list[Ceiling]:
    device = jax.devices()[0]
    platform = device.platform if size.large else "cpu"
    return [measure(kernel, [device], size.repetitions) for kernel in kernels(platform, 8, 1)]


def _seconds_per_kernel(repetitions: int, turns: int = 2000) -> dict[str, float]:
    """Returns what a kernel takes that does next to nothing, in a loop of a few of them."""
    loop = lambda x: jax.lax.fori_loop(0, turns, lambda i, x: jnp.sort(jnp.sin(x)), x)
    program = jax.jit(loop).lower(jnp.zeros(8)).compile()
    number = launches(program.as_text()).total
    seconds = []
    for _ in range(repetitions + 1):
        begun = time.perf_counter()
        jax.block_until_ready(program(jnp.zeros(8)))
        seconds.append(time.perf_counter() - begun)
    return {"kernels": number, "seconds": min(seconds) / number}


# How fast it is.


def bench(size: Size, put: Put, folder: Path, name: str) -> None:
    """One workload at every width, point by point; all widths are compiled side by side before."""
    del folder
    device, workload = jax.devices()[:1], size.workload(name)
    known = [Ceiling(**ceiling) for ceiling in put.before("machine").get("ceilings", ())] or _ceilings(size)
    ceilings = {(ceiling.name, 1): ceiling for ceiling in known}
    measurement = Measurement(workload, device, ceilings, size.repetitions, _Told())
    put(version=workload.version, compile_seconds=measurement.ahead(size.widths))
    points: list[dict[str, Any]] = []
    for lanes in size.widths:
        points.append(measurement.point(Rung(lanes, lanes, 1)))
        put(**measurement.facts(), points=points)


def plain(size: Size, put: Put, folder: Path) -> None:
    """The plain program and the engine, equal work of as many agents, in turns: seconds, and how many times as fast."""
    del folder
    import plain_ppo
    from task import SETTINGS, timed

    agent = plain_ppo.make_agent("CartPole-v1", shared=True)
    keys = jax.random.split(jax.random.key(0), size.agents)
    # What they begin with does not count: a few networks, each for many agents.
    few = agent.draw(keys[:2])
    variables = jax.tree.map(lambda x: jnp.repeat(x, size.agents // 2, axis=0), few)

    def train(key: Any, variables: Any) -> Any:
        start = agent.begin(key, variables)
        return jax.lax.scan(lambda runner, _: agent.update(runner), start, None, length=size.updates)[1]

    compiling, program = timed(lambda: jax.jit(jax.vmap(train)).lower(keys, variables).compile())
    engine = Engine(bind_regime(*_named("ppo-cartpole").make()).programs[0], size.agents, jax.devices()[:1])
    fleet, ticks = Fleet(engine, Rung(size.agents, size.agents, 1)), size.updates // 10
    with contextlib.closing(Account(1)) as account:
        fleet.advance(1, account)
        jax.block_until_ready(program(keys, variables))
        theirs, ours = [], []
        for _ in range(size.repetitions):
            theirs.append(timed(lambda: jax.block_until_ready(program(keys, variables)))[0].seconds)
            ours.append(fleet.advance(ticks, account))
    steps = size.agents * size.updates * SETTINGS.steps_per_update
    put(
        agents=size.agents,
        plain_seconds=theirs,
        engine_seconds=ours,
        plain_compiling=compiling.seconds,
        plain_steps_per_second=steps / float(np.median(theirs)),
        engine_steps_per_second=steps / float(np.median(ours)),
        times_as_fast=float(np.median(theirs) / np.median(ours)),
        differs="the engine evaluates an episode after every 10 updates; the plain program never",
    )


def passes(size: Size, put: Put, folder: Path, name: str) -> None:
    """A workload compiled as a run does it and with all of XLA's passes: seconds to compile, and of ticks in turns."""
    del folder
    workload = size.workload(name)
    program = bind_regime(*workload.make()).programs[workload.phase]
    lanes, ticks = size.agents, size.repetitions
    with contextlib.closing(Account(1)) as account:
        fleets, compiling = {}, {}
        for chosen in ("quick", "full"):
            engine = Engine(program, lanes, jax.devices()[:1], optimization=chosen)
            begun = time.perf_counter()
            engine.executables.get("advance")
            compiling[chosen] = time.perf_counter() - begun
            fleets[chosen] = Fleet(engine, Rung(lanes, lanes, 1))
            fleets[chosen].advance(1, account)
        put(compiling=compiling)
        seconds: dict[str, list[float]] = {chosen: [] for chosen in fleets}
        for _ in range(size.repetitions):
            for chosen, fleet in fleets.items():
                seconds[chosen].append(fleet.advance(ticks, account) / ticks)
    put(seconds_per_tick=seconds, quick_over_full=float(np.median(seconds["quick"]) / np.median(seconds["full"])))


# Whether it is right.


def _sweep(size: Size) -> rx.Sweep:
    """Forks, a stop rule that some lanes meet, and more stages than lanes."""
    regime = rx.regimes.imitation_rl(
        updates=(40, 40) if size.large else (2, 2),
        network=rx.networks.gru(16) if size.large else rx.networks.mlp((4,)),
        num_envs=16 if size.large else 4,
        evaluate=rx.regimes.Evaluate(10 if size.large else 1, 32 if size.large else 4),
        stop=rx.regimes.Stop("success", 0.9, 2),
    )
    axes = {"reward.erasure": [0.0, 0.25, 0.5, 0.75] if size.large else [0.0, 0.5]}
    world = rx.envs.Cipher(symbols=4, skills=2, length=2)
    return rx.Sweep(world, [regime], axes, seeds=size.seeds, block=size.block, keep_params=True)


class _Killed(Quiet):
    """Kills this process once a checkpoint is there and something was done after it."""

    def __init__(self, out: Path):
        self._out, self._since = out, 0

    def tick(self, tick: Any, env_steps: int) -> None:
        from regimax.sweep import store

        self._since += bool(store.checkpoint_steps(self._out))
        if self._since > 2:
            os.kill(os.getpid(), signal.SIGKILL)


def _executed(size: Size, out: Path, width: int, display: Any, every: float = 300.0) -> None:
    from regimax.sweep.plan import make_plan
    from regimax.sweep.run import Options, execute

    execute(make_plan(_sweep(size)), out, Options(width=width, devices=1, checkpoint_seconds=every), display)


def killed(size: Size, put: Put, folder: Path, out: str) -> None:
    """Begins the sweep, and kills this process."""
    del put, folder
    _executed(size, Path(out), 2 * size.block, _Killed(Path(out)), every=0.0)


def _digests(size: Size, out: Path) -> dict[str, str]:
    """What stands for all results of a run, to the bit."""
    run = rx.load_run(out, _sweep(size))
    cells = run.cells["cell"].to_list()
    frames = {"cells": run.cells.sort("cell"), "curves": run.curves.sort("cell", "phase", "update")}
    found = {name: frame.write_csv().encode() for name, frame in frames.items()}
    leaves = [np.asarray(leaf).tobytes() for cell in cells[::16] for leaf in jax.tree.leaves(run.agent(cell).params)]
    found["params"] = b"".join(leaves)
    return {name: hashlib.sha256(data).hexdigest()[:16] for name, data in found.items()}


def same_bytes(size: Size, put: Put, folder: Path) -> None:
    """One sweep in one block after the other, in several at once, and killed and taken up again."""
    found = {}
    for width in (size.block, 2 * size.block):
        _executed(size, folder / str(width), width, Quiet())
        found[f"{width} lanes"] = _digests(size, folder / str(width))
        put(block=size.block, digests=found)
    command = [sys.executable, str(Path(__file__).with_name("on_device.py")), "--out", str(folder / "not.json")]
    command += ["--cache", jax.config.values["jax_compilation_cache_dir"]]
    command += [] if size.large else ["--miniature"]
    out = folder / "killed"
    code = subprocess.run([*command, "--part", f"killed {out}"], stdout=subprocess.DEVNULL).returncode
    _executed(size, out, 2 * size.block, Quiet())
    found["killed and taken up again"] = _digests(size, out)
    equal = len({tuple(digests.items()) for digests in found.values()}) == 1
    put(digests=found, was_killed=code == -signal.SIGKILL, equal=equal)


PRECISIONS = {"highest": 1e-3, "default": 5e-2}
"""Of products, by JAX's name, with what two devices may differ by after one tick where nothing is drawn by what was
learnt: the largest difference of a metric, over the larger of 1 and the metric. Products of float32 become TF32 on
newer chips, with 10 bits, unless "highest" is asked for."""


def against_a_cpu(size: Size, put: Put, folder: Path) -> None:
    """Equal lanes on the accelerator and on a CPU: how far their metrics are apart after one tick.

    Where a learner acts, a last bit can turn an action, and what follows is another episode: there the lanes' means are
    compared, and may be apart by four of their standard errors.
    """
    del folder
    found: dict[str, dict[str, Any]] = {}
    for precision, tolerance in PRECISIONS.items():
        jax.config.update("jax_default_matmul_precision", precision)
        for name in size.compared:
            program = bind_regime(*size.workload(name).make()).programs[0]
            here, there = (_ticked(program, device) for device in (jax.devices()[0], jax.devices("cpu")[0]))
            facts = compared(here, there)
            acts = program.learner.source.agentic
            facts["tolerance"] = 4.0 if acts else tolerance
            facts["within"] = facts["of_means" if acts else "largest"] <= facts["tolerance"]
            found[f"{name}, {precision}"] = facts
            put(differences=found)


def _ticked(program: Program, device: Any, lanes: int = 64) -> np.ndarray:
    """Returns the metrics, `[metrics, lanes]`, after a first tick."""
    engine = Engine(program, lanes, [device])
    _, report = engine.advance(0, init_block(engine, 0, 0))
    return np.asarray(report.metrics)


def compared(here: np.ndarray, there: np.ndarray) -> dict[str, Any]:
    """Compares metrics of equal lanes, `[metrics, lanes]`.

    Returns:
      `largest`: difference of a metric of a lane, over the larger of 1 and the metric; `of_means`: difference of the
      lanes' means, in standard errors of it; `equal`: share of the numbers that are equal to the bit.
    """
    scale = np.maximum(1.0, np.abs(there))
    spread = np.sqrt((here.var(1) + there.var(1)) / here.shape[1])
    of_means = np.abs(here.mean(1) - there.mean(1)) / np.maximum(spread, 1e-6 * scale.max(1))
    return {
        "largest": float(np.max(np.abs(here - there) / scale)),
        "of_means": float(np.max(of_means)),
        "equal": float(np.mean(here == there)),
    }


# What it is for.


def flagship_grid(size: Size, put: Put, folder: Path) -> None:
    """The flagship grid: seconds, the engine's account, and what sharing and stopping saved."""
    cache = jax.config.values["jax_compilation_cache_dir"]
    put(**flagship.run_engine(size.grid_seeds, size.grid_updates, folder, cache, size.grid_budgets))
    cells = rx.load_run(folder / "run").cells
    put(success=cells["success"].mean(), updates_per_cell=cells["updates"].mean())


def full_claim(size: Size, put: Put, folder: Path, file: str) -> None:
    """A claim at full size, as far as it gets until it is told to stop; goes on with what the same command has done.

    It stays where compiled programs do, with the states that a run keeps: more than is wanted beside results.
    """
    del folder
    from rich.console import Console

    from regimax.claims import load_claim
    from regimax.claims.every import directory
    from regimax.claims.execute import run_claim
    from regimax.sweep.run import Interrupted, Options

    begun, scale = time.monotonic(), "full" if size.large else "small"
    out = Path(jax.config.values["jax_compilation_cache_dir"]) / "claims" / directory(Path(file), scale)
    put(finished=False, folder=str(out))
    try:
        done = run_claim(load_claim(Path(file)), scale, Path(file), out, Options(), "", Console(stderr=True))
        put(finished=True, cells=done.cells)
    except Interrupted:
        pass
    finally:
        put(ran_seconds=time.monotonic() - begun, totals=_totals(out))


def _totals(out: Path) -> dict[str, Mapping[str, Any]]:
    """What each sweep of a claim has come to, by folder."""
    from regimax.sweep import store, table

    runs: Sequence[Path] = sorted(file.parent for file in out.rglob(store.SWEEP))
    return {str(run.relative_to(out)): table.totals(run) for run in runs}


PARTS: dict[str, Callable[..., None]] = {
    "machine": machine_and_ceilings,
    "bench": bench,
    "plain": plain,
    "passes": passes,
    "bytes": same_bytes,
    "cpu": against_a_cpu,
    "sweep": flagship_grid,
    "claim": full_claim,
    "killed": killed,
}
"""By the first word of a part's name."""
