"""A learner that acts, keeps what it saw, and trains a task on it."""

from __future__ import annotations

from collections.abc import Callable

import jax

from regimax import prng, rollout
from regimax.learners import base
from regimax.learners.base import Learner, LearnerState
from regimax.learners.tasks import Task
from regimax.networks import Network
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting


def off_policy(
    name: str,
    task: Task,
    network: Network,
    source: Source,
    policy: Callable[[Params, PyTree, HParams], Policy],
    episodes: int,
    *,
    behaviour: Callable[[Params, PyTree, HParams], Policy] | None = None,
    settings: tuple[Setting, ...] = (),
) -> Learner:
    """Makes a learner that acts, puts its rollouts into the task's ring, and fits the task.

    Args:
      name: of this kind of learner, for its spec.
      task: one with replay.
      network: the network it trains.
      source: the learner's own behaviour.
      policy: `(params, hidden, hparams) -> Policy`, how it acts when it is evaluated.
      episodes: of an evaluation.
      behaviour: likewise how it acts while it learns, for example with more chance; as `policy` when not given.
      settings: what policies read beside the task's own.

    Returns:
      the learner. Settings and metrics: those of the task; evaluated: those of :func:`regimax.rollout.evaluate`.

    Raises:
      UserError: for a source that is not the learner's own behaviour.

    Example:
      `docs/own-learner.md` has a DQN.
    """
    base.check_own_behaviour(name, source)
    behaves = behaviour or policy

    def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
        state = base.make_init(network, source)(keys, hparams, inherited)
        return state._replace(memory=task.init(state, hparams, behaves(state.params, state.source.world, hparams)))

    def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
        key_next, key_fit = jax.random.split(key)
        acting = behaves(state.params, state.source.world, hparams)
        state, trajectory = base.collect(key_next, state, source, acting, hparams)
        held = task.store(state.memory, trajectory)
        params, held, metrics = task.fit(key_fit, state.params, held, hparams)
        return LearnerState(params, state.source, held), metrics

    def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
        hidden = state.source.world
        acting = policy(state.params, hidden, hparams)
        key = prng.named(key, "play")
        return rollout.evaluate(key, source.world, hidden, source.channels, acting, episodes, hparams)

    return Learner(
        init=init,
        update=update,
        evaluate=evaluate,
        policy=policy,
        network=network,
        source=source,
        settings=(*task.settings, *settings),
        spec=(name, task.spec, source.spec, episodes),
    )
