"""A learner that acts, keeps what it saw, and trains a task on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax

from regimax import prng, rollout
from regimax.learners import base
from regimax.learners._actor_critic import IntrinsicReward, Reinforcement
from regimax.learners.base import Learner, LearnerState
from regimax.learners.tasks import Task
from regimax.networks import Network
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Trajectory


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
    freeze: Sequence[str] = (),
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
      freeze: parts that are not trained, as the task was given them.

    Returns:
      the learner. Settings and metrics: those of the task; evaluated: those of :func:`regimax.rollout.evaluate`.

    Raises:
      UserError: for a source that is not the learner's own behaviour.

    Example:
      `docs/own-learner.md` has a DQN.
    """
    parts = replayed(name, task, network, source, policy, episodes, behaviour or policy, settings, freeze)
    return parts.alone(network, source)._replace(evaluate=_played(source, policy, episodes, "play"))


def replayed(
    name: str,
    task: Task,
    network: Network,
    source: Source,
    policy: Callable[[Params, PyTree, HParams], Policy],
    episodes: int,
    behaviour: Callable[[Params, PyTree, HParams], Policy],
    settings: tuple[Setting, ...],
    freeze: Sequence[str],
) -> Reinforcement:
    """Makes the parts of :func:`off_policy`, with its arguments, for learners that do something else beside.

    They take no intrinsic reward: what is replayed was stored as it arrived.

    Raises:
      UserError: as there.
    """
    base.check_own_behaviour(name, source)

    rollouts = base.rollouts(source, behaviour)

    def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
        state = base.make_init(network, source)(keys, hparams, inherited)
        return state._replace(memory=task.init(state, hparams, rollouts))

    def update(
        key: Array, state: LearnerState, hparams: HParams, intrinsic_reward: IntrinsicReward | None = None
    ) -> tuple[LearnerState, Trajectory, PyTree, Metrics]:
        assert intrinsic_reward is None, "what is replayed is learnt from as it arrived"
        key_next, key_fit = jax.random.split(key)
        source_state, trajectory = rollouts(key_next, state.params, state.source, hparams)
        held = task.store(state.memory, trajectory)
        params, held, metrics = task.fit(key_fit, state.params, held, hparams)
        params = base.observe(network, params, trajectory, freeze, hparams)
        return LearnerState(params, source_state, held), trajectory, (), metrics

    return Reinforcement(
        init=init,
        update=update,
        evaluate=_played(source, policy, episodes),
        policy=policy,
        rollouts=rollouts if policy is behaviour else base.rollouts(source, policy),
        settings=(*task.settings, *settings, *base.observing_settings(network)),
        spec=(name, task.spec, source.spec, episodes),
    )


def _played(
    source: Source, policy: Callable[[Params, PyTree, HParams], Policy], episodes: int, draws: str | None = None
) -> Callable[[Array, LearnerState, HParams], Metrics]:
    """Returns the evaluation of a policy; `draws` names a key of its own for that."""

    def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
        hidden = state.source.world
        acting = policy(state.params, hidden, hparams)
        key = key if draws is None else prng.named(key, draws)
        return rollout.evaluate(key, source.world, hidden, source.channels, acting, episodes, hparams)

    return evaluate
