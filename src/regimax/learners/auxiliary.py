"""An actor-critic with an auxiliary task on its trunk, which learns from a ring of what was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from regimax import prng
from regimax.learners import base
from regimax.learners._actor_critic import IntrinsicReward, Reinforce, acting_network
from regimax.learners.base import LearnerState, Optimizer
from regimax.learners.batch import Objective
from regimax.learners.tasks import TARGETS, Task, TaskState, head_of, parts_of, share_trunk, task
from regimax.networks import Network, NetworkFactory
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Spec, Trajectory

GRADIENTS = ("shared", "stopped")


class Memory(NamedTuple):
    """What is kept beside parameters.

    Attributes:
      rl: the actor-critic's, :class:`regimax.learners._actor_critic.Memory`.
      task: the auxiliary task's.
      note: what the intrinsic reward has noted.
    """

    rl: PyTree
    task: TaskState
    note: PyTree = ()


class Auxiliary(NamedTuple):
    """An actor-critic and a task, on one trunk.

    Attributes:
      network: the actor-critic's, whose parameters hold the task's heads too.
      task: the auxiliary task.
      init: as in :class:`Learner`.
      reinforce: `(key, state, hparams, intrinsic_reward=None) -> (state, metrics)`: one update of reinforcement, whose
        rollout goes into the ring.
      fit: `(key, state, hparams) -> (state, metrics)`: the task's updates from the ring.
      evaluate: as in :class:`Learner`, of both.
      policy: as in :class:`Learner`.
      settings: of both.
      spec: what it is.
    """

    network: Network
    task: Task
    init: Callable[[Keys, HParams, Params], LearnerState]
    reinforce: Callable[..., tuple[LearnerState, Metrics]]
    fit: Callable[[Array, LearnerState, HParams], tuple[LearnerState, Metrics]]
    evaluate: Callable[[Array, LearnerState, HParams], Metrics]
    policy: Callable[[Params, PyTree, HParams], Policy]
    settings: tuple[Setting, ...]
    spec: Spec


def auxiliary(
    name: str,
    objective: Objective,
    reinforce: Reinforce,
    network: NetworkFactory,
    source: Source,
    freeze: Sequence[str],
    episodes: int,
    *,
    optimizer: Optimizer,
    show: Callable[[Trajectory], Trajectory],
    updates: int,
    capacity: int | None = None,
    trains: tuple[bool, bool] = (True, True),
    targets: Sequence[str] = TARGETS,
    acting: Callable[[NetworkFactory, Source], Network] = acting_network,
    keep: Callable[[Trajectory], Array] | None = None,
) -> Auxiliary:
    """Makes an actor-critic with an auxiliary task.

    Args:
      name: of the task.
      objective: the task's.
      reinforce: makes the actor-critic.
      network: makes the networks.
      source: the learner's own behaviour.
      freeze: parts that neither trains.
      episodes: of an evaluation.
      optimizer: the task's.
      show: what of a rollout the task is shown.
      updates: the task's in a row.
      capacity: streams in the ring; 16 rollouts when not given.
      trains: whether reinforcement and whether the task trains the trunk.
      targets: what the task's sham takes from other streams.
      acting: makes the network with the heads that reinforcement needs.
      keep: which streams of a rollout go into the ring, as of :func:`regimax.learners.tasks.task`; all when not given.

    Raises:
      UserError: for a source of others' behaviour, or a capacity that does not fit it.
    """
    base.check_own_behaviour(name, source)
    asking = network(source.num_inputs, objective.heads)
    joint = share_trunk(acting(network, source), asking, tuple(objective.heads), name)
    trunk = tuple(part for part in parts_of(asking) if part not in objective.heads)
    learning = task(
        objective,
        asking,
        source,
        name=name,
        optimizer=optimizer,
        freeze=(*freeze, *(() if trains[1] else trunk)),
        targets=targets,
        replay=True,
        capacity=capacity,
        updates=updates,
        show=show,
        keep=keep,
    )
    others = (*(head_of(name, head) for head in objective.heads), *(() if trains[0] else trunk))
    rl = reinforce(joint, source, tuple(dict.fromkeys((*freeze, *others))), episodes)

    def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
        state = rl.init(keys, hparams, inherited)
        return state._replace(memory=Memory(state.memory, learning.init(state, hparams, rl.rollouts)))

    def reinforced(
        key: Array, state: LearnerState, hparams: HParams, intrinsic_reward: IntrinsicReward | None = None
    ) -> tuple[LearnerState, Metrics]:
        alone = state._replace(memory=state.memory.rl)
        new, trajectory, note, metrics = rl.update(key, alone, hparams, intrinsic_reward)
        if not trains[0]:  # reinforcement takes the trunk for frozen, and the task alone trains it
            new = new._replace(params=base.observe(joint, new.params, trajectory, freeze, hparams))
        return new._replace(memory=Memory(new.memory, learning.store(state.memory.task, trajectory), note)), metrics

    def fit(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
        params, held, metrics = learning.fit(key, state.params, state.memory.task, hparams)
        return state._replace(params=params, memory=state.memory._replace(task=held)), metrics

    def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
        _, trajectory = rl.rollouts(prng.named(key, "live"), state.params, state.source, hparams)
        asked = learning.evaluate(key, state.params, state.memory.task, trajectory, hparams)
        return rl.evaluate(key, state._replace(memory=state.memory.rl), hparams) | asked

    return Auxiliary(
        network=joint,
        task=learning,
        init=init,
        reinforce=reinforced,
        fit=fit,
        evaluate=evaluate,
        policy=rl.policy,
        settings=(*rl.settings, *learning.settings),
        spec=("auxiliary", trains, learning.spec, rl.spec),
    )
