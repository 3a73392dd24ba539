"""PPO by regimax, through its sweep engine: a sweep of one regime, a cell for each agent.

What is timed is a whole run less compiling: lanes, commits and results on disk. The engine always evaluates, once
before the first update and then at least at the end; the timed runs do so on one episode, and what that costs is told
apart: `evaluating`, the seconds that the evaluations of such a run take. No channels, as the others have none.

Command: python benchmarks/engine_ppo.py --world CartPole-v1 --agents 64 --updates 50 [--trunk separate] [--block 8]
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from pathlib import Path
from typing import Any

import jax
from task import SETTINGS, Spent, parser, point, say, speed, timed
from turns import Quiet

import regimax as rx
from regimax import prng
from regimax.backend import cores, use_compilation_cache
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, Outcome, execute
from regimax.train import as_hparams

TRUNKS = ("separate", "shared")


def make_sweep(world: str, agents: int, updates: int, trunk: str, block: int, every: int, episodes: int) -> rx.Sweep:
    """Makes the sweep; it evaluates after every so many updates."""
    widths = (SETTINGS.hidden, SETTINGS.hidden)
    regime = rx.regimes.pure_rl(
        updates,
        network=rx.networks.mlp(widths, critic=None if trunk == "shared" else widths),
        num_envs=SETTINGS.num_envs,
        num_steps=SETTINGS.num_steps,
        learner=rx.learners.actor_critic(num_epochs=SETTINGS.num_epochs, num_minibatches=SETTINGS.num_minibatches),
        channels=(),
        evaluate=rx.regimes.Evaluate(every, episodes),
    )
    names = ("learning_rate", "max_grad_norm", "discount", "lambda_", "clip", "value_coef", "entropy_coef")
    settings = {f"rl.{name}": getattr(SETTINGS, name) for name in names}
    return rx.Sweep(
        rx.envs.gymnax.make(world), [regime], settings=settings, seeds=agents, block=block, optimization="full"
    )


def run(sweep: rx.Sweep, folder: Path) -> Outcome:
    """Runs a sweep as the command line does."""
    return execute(make_plan(sweep), folder, Options(checkpoint_seconds=300), Quiet())


def seconds_of_evaluating(sweep: rx.Sweep, agents: int) -> float:
    """Returns what the two evaluations of a run take, s: those of a block on a device, over blocks and devices."""
    plan = make_plan(sweep)
    [program] = plan.programs.values()
    keys = prng.cell_keys(sweep.block)
    [stage, *_] = plan.stages.values()
    hparams = {program.local[n]: x for n, x in as_hparams(program.settings, stage.settings).items()}
    state = jax.jit(jax.vmap(lambda k: program.learner.init(k, hparams, {})))(keys)
    evaluate = jax.jit(jax.vmap(lambda k, s: program.learner.evaluate(k.learner, s, hparams)))
    jax.block_until_ready(evaluate(keys, state))
    once = statistics.median(timed(lambda: jax.block_until_ready(evaluate(keys, state)))[0].seconds for _ in range(5))
    return 2 * once * math.ceil(agents / sweep.block) / min(jax.device_count(), math.ceil(agents / sweep.block))


def learning_curve(sweep: rx.Sweep, folder: Path) -> list[dict[str, Any]]:
    """Returns the evaluated returns of all cells."""
    run(sweep, folder)
    curves = rx.load_run(folder).curves
    updates = sorted(set(curves["updates"].to_list()))
    return [point(int(u), curves.filter(curves["updates"] == u)["return"].to_list()) for u in updates]


def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Times runs and records a learning curve, as asked for; everything on disk goes into a folder."""
    # A cache of its own: compiled once, and loaded by the runs that are timed.
    jax.config.update("jax_compilation_cache_dir", str(folder / "xla"))
    use_compilation_cache()
    block = given.block or min(8, math.ceil(given.agents / jax.device_count()))
    size = (given.world, given.agents, given.updates, given.trunk, block)
    result: dict[str, Any] = {"trunk": given.trunk, "block": block}
    if given.repetitions:
        sweep = make_sweep(*size, every=given.updates, episodes=1)
        shares = [run(sweep, folder / str(i)).shares for i in range(given.repetitions + 1)]
        result["compiling"] = shares[0].compiling
        result |= speed(given.agents, given.updates, [Spent(s.seconds - s.compiling, s.cpu) for s in shares[1:]])
        result["account"] = [s._asdict() for s in shares[1:]]
        result["evaluating"] = seconds_of_evaluating(sweep, given.agents)
    if given.evaluations:
        every = given.updates // given.evaluations
        result["curve"] = learning_curve(make_sweep(*size, every=every, episodes=given.episodes), folder / "curve")
    return result


def main() -> None:
    flags = parser(__doc__)
    flags.add_argument("--trunk", choices=TRUNKS, default="shared", help="of policy and value")
    flags.add_argument("--block", type=int, help="lanes per vmapped product; 8 if not given, or fewer for few agents")
    given = flags.parse_args()
    rx.prepare_cpu(min(cores(), given.agents))  # as the command line does
    with tempfile.TemporaryDirectory() as folder:
        result = measure(given, Path(folder))
    result["device"] = f"{jax.device_count()} × {jax.devices()[0].device_kind}"
    say(given, ("jax", "jaxlib", "flax", "optax", "gymnax"), result | {"regimax": rx.__version__})


if __name__ == "__main__":
    main()
