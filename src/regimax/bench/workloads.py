"""The standard workloads, as data. Nothing of JAX is imported before one is made.

A workload's version goes up with every change of what it computes: figures of different versions are not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from regimax.errors import UserError, unknown

if TYPE_CHECKING:
    from regimax.regimes import Regime
    from regimax.sweep.spec import Sweep


class Workload(NamedTuple):
    """One phase of a regime in a world, to be run at any width.

    Attributes:
      name: what a user types.
      version: of what it computes.
      about: world, network and sizes in a line.
      make: returns the regime and the world.
      phase: index of the regime's phase that is timed.
    """

    name: str
    version: int
    about: str
    make: Callable[[], tuple[Regime, Any]]
    phase: int = 0


class SweepWorkload(NamedTuple):
    """A whole sweep, run by the engine with everything that belongs to it.

    Attributes:
      name: what a user types.
      version: of what it computes.
      about: what it sweeps, in a line.
      make: returns the sweep, with blocks of so many lanes.
    """

    name: str
    version: int
    about: str
    make: Callable[[int], Sweep]


def _ppo(world: str, every: int) -> tuple[Regime, Any]:
    from regimax import learners, networks, regimes
    from regimax.envs import gymnax

    regime = regimes.pure_rl(
        updates=every,
        network=networks.mlp((64, 64)),
        num_envs=4,
        num_steps=128,
        learner=learners.actor_critic(num_epochs=4, num_minibatches=4),
        evaluate=regimes.Evaluate(every=every, episodes=1),
    )
    return regime, gymnax.make(world)


def _cipher(pretraining: bool, network: str = "gru") -> tuple[Regime, Any]:
    from regimax import envs, networks, regimes

    options = {
        "network": getattr(networks, network)(64),
        "num_envs": 64,
        "evaluate": regimes.Evaluate(every=10, episodes=16),
    }
    world = envs.Cipher(symbols=6, skills=4, length=4)
    if pretraining:
        return regimes.Regime("pretraining", (regimes.predict(10, **options),)), world
    return regimes.pure_rl(updates=10, **options), world


def _exemplar() -> tuple[Regime, Any]:
    from regimax import envs, networks, regimes

    regime = regimes.pure_rl(
        updates=20,
        network=networks.mlp((128, 32)),
        num_envs=64,
        evaluate=regimes.Evaluate(every=20, episodes=64),
    )
    return regime, envs.Exemplar(factors=4, values=4, looks=32, dimensions=128)


def _flagship(block: int) -> Sweep:
    import jax

    from regimax import envs, networks, regimes
    from regimax.sweep.optimization import of_long_run
    from regimax.sweep.spec import Sweep

    regime = regimes.imitation_rl(
        updates=(800, 400),
        network=networks.gru(32),
        num_envs=16,
        evaluate=regimes.Evaluate(every=20, episodes=32),
        stop=regimes.Stop("success", 0.9, 3),
    )
    return Sweep(
        world=envs.Cipher(symbols=5, skills=3, length=3),
        regimes=[regime],
        axes={
            "pretrain.updates": [100, 200, 400, 800],
            "reward.erasure": [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875],
        },
        seeds=4,
        block=block,
        optimization=of_long_run(jax.default_backend()),
    )


WORKLOADS: dict[str, Workload | SweepWorkload] = {
    workload.name: workload
    for workload in (
        Workload(
            "ppo-cartpole",
            1,
            "CartPole-v1, MLP 64×64; PPO on 4 environments × 128 steps, 4 epochs × 4 minibatches",
            lambda: _ppo("CartPole-v1", 10),
        ),
        Workload(
            "ppo-breakout",
            1,
            "Breakout-MinAtar, MLP 64×64; PPO on 4 environments × 128 steps, 4 epochs × 4 minibatches",
            lambda: _ppo("Breakout-MinAtar", 4),
        ),
        Workload(
            "cipher-pretrain",
            1,
            "Cipher of 6 symbols, 4 skills, length 4; GRU 64 predicts 64 transcripts per update",
            lambda: _cipher(True),
        ),
        Workload(
            "cipher-rl",
            1,
            "Cipher of 6 symbols, 4 skills, length 4; GRU 64, A2C on 64 episodes per update",
            lambda: _cipher(False),
        ),
        Workload(
            "cipher-transformer",
            1,
            "Cipher of 6 symbols, 4 skills, length 4; transformer of 2 layers of 64 predicts 64 transcripts per update",
            lambda: _cipher(True, "transformer"),
        ),
        Workload(
            "exemplar-rl",
            1,
            "Exemplar of 4 factors × 4 values × 32 looks; MLP 128×32, A2C on 64 episodes per update",
            _exemplar,
        ),
        SweepWorkload(
            "sweep-flagship",
            1,
            "Cipher, imitation_rl: 4 pretraining budgets × 8 reward erasures × 4 seeds, with a stop rule",
            _flagship,
        ),
    )
}
"""By name, in the order in which they are run."""


USUAL = ("ppo-cartpole", "cipher-pretrain", "cipher-rl", "cipher-transformer", "exemplar-rl")
"""What is run when nothing is named: one of each kind, in two minutes on two cores."""


def chosen(names: Sequence[str], everything: bool = False) -> list[Workload | SweepWorkload]:
    """Returns the workloads of these names, the usual ones when there are none.

    Args:
      names: of workloads.
      everything: whether all are meant.

    Raises:
      UserError: for a name that does not exist, or stands twice, or beside all.
    """
    if names and everything:
        raise UserError("--all is every workload: name none beside it")
    for i, name in enumerate(names):
        if name not in WORKLOADS:
            raise unknown("workload", name, WORKLOADS)
        if name in names[:i]:
            raise UserError(f"the workload {name!r} is given twice")
    return [WORKLOADS[name] for name in names or (WORKLOADS if everything else USUAL)]
