"""A task: one objective on one network, with an optimiser, and where it has one a ring of past streams of its own.

A learner is tasks on one network. What every task must do is done here: features go through the channels of
abstraction, steps count only for what was delivered and carried out, a sham learns from others' targets at the same
cost, and FLOPs are marked as what they are spent on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

from regimax import prng
from regimax.errors import UserError
from regimax.learners import base
from regimax.learners.base import LearnerState, Optimizer
from regimax.learners.batch import Batch, Objective
from regimax.networks import Network
from regimax.ops.losses import weighted_mean
from regimax.ops.trees import select
from regimax.shapes import check_shapes
from regimax.sources import Ring, Source, ring
from regimax.types import (
    PREDICTION,
    REINFORCEMENT,
    Array,
    HParams,
    Metrics,
    Params,
    PyTree,
    Setting,
    Spec,
    Trajectory,
    count,
    spent_on,
)

TARGETS = ("obs_tm1", "a_tm1", "obs_t", "mask_tm1")
"""What of a trajectory a sham takes from other streams."""

ROLLOUTS = 16
"""How many rollouts a ring holds when nobody says."""

SHUFFLE = Setting("shuffle", 0, 0, 1, "whether targets are taken from other streams: the sham", integer=True)


class TaskState(NamedTuple):
    """What a task keeps beside parameters.

    Attributes:
      opt_state: the optimiser's.
      memory: the objective's.
      legal: `[A]` bool, actions that there are; nothing where a stream is others'.
      ring: past streams; nothing without a ring.
    """

    opt_state: PyTree
    memory: PyTree
    legal: PyTree
    ring: PyTree = ()


class Task(NamedTuple):
    """An objective that trains a network.

    Parameters are those of the whole network, which may have parts of other tasks; each leaves those as they are.

    Attributes:
      init: `(learner, hparams, rollouts=None) -> state`, of a :class:`LearnerState` whose parameters and source have
        begun; a ring needs how the learner acts, :func:`regimax.learners.base.rollouts`, for the shapes it stores.
      store: `(state, trajectory) -> state`, puts a rollout into the ring.
      fit: `(key, params, state, hparams) -> (params, state, metrics)`, its updates on streams of the ring.
      step: `(keys, params, state, trajectory, hparams) -> (params, state, metrics)`, one update on these streams;
        `keys` are for the sham and for the loss.
      evaluate: `(key, params, state, trajectory, hparams) -> metrics`, without an update and without a sham.
      network: its network.
      taken: `params -> params`, the parts of that network, by its own names.
      settings: traced settings, with the task's name before them.
      spec: what it is.
    """

    init: Callable[..., TaskState]
    store: Callable[[TaskState, Trajectory], TaskState]
    fit: Callable[[Array, Params, TaskState, HParams], tuple[Params, TaskState, Metrics]]
    step: Callable[[tuple[Array, Array], Params, TaskState, Trajectory, HParams], tuple[Params, TaskState, Metrics]]
    evaluate: Callable[[Array, Params, TaskState, Trajectory, HParams], Metrics]
    network: Network
    taken: Callable[[Params], Params]
    settings: tuple[Setting, ...]
    spec: Spec


def parts_of(network: Network) -> tuple[str, ...]:
    """Returns the names of a network's parts."""
    return tuple(jax.eval_shape(network.init, prng.abstract_keys().learner))


def head_of(name: str, head: str) -> str:
    """Returns the name in the parameters of a task's head."""
    return f"{name}_{head}" if name else head


def share_trunk(network: Network, other: Network, heads: Sequence[str], name: str) -> Network:
    """Returns a network whose parameters hold another's heads besides, on one trunk.

    Args:
      network: the one that acts.
      other: one of the same factory, with other heads.
      heads: those of `other`.
      name: of the task that they belong to, see :func:`head_of`.
    """

    def init(key: Array) -> Params:
        named = {head_of(name, part) if part in heads else part: value for part, value in other.init(key).items()}
        return named | network.init(key)

    return network._replace(init=init, spec=(network.spec, other.spec))


def check_trajectory(function: str, trajectory: Trajectory) -> None:
    """Refuses a trajectory that is not `[T, E, ...]`; of observations after actions the last alone may be there.

    Args:
      function: who takes it, for the message.
      trajectory: what is given.

    Raises:
      AssertionError: chex's, naming the field.
    """
    steps = {name: (getattr(trajectory, name), "T E") for name in ("first_tm1", "r_t", "mask_tm1")}
    steps["a_tm1"] = trajectory.a_tm1, "T E N" if trajectory.a_tm1.ndim == 3 else "T E"
    after = "1 E D" if len(trajectory.obs_t) == 1 else "T E D"  # see `last_obs_t`
    check_shapes(function, **steps, obs_tm1=(trajectory.obs_tm1, "T E D"), obs_t=(trajectory.obs_t, after))


def shuffled_targets(key: Array, trajectory: Trajectory, names: Sequence[str] = TARGETS) -> Trajectory:
    """Returns a trajectory whose every step has the targets of another stream at the same time: none keeps its own.

    Args:
      key: for how far streams are shifted, at each time anew.
      trajectory: `[T, E, ...]`.
      names: what is taken from other streams; all else stays.
    """
    check_trajectory("shuffled_targets", trajectory)
    num_steps, num_envs = trajectory.a_tm1.shape[:2]
    offset = 1 + jax.random.randint(key, (num_steps, 1), 0, max(num_envs - 1, 1))
    index = (jnp.arange(num_envs)[None] + offset) % num_envs

    def of_others(x: Array) -> Array:
        return jnp.take_along_axis(x, jnp.expand_dims(index, tuple(range(2, x.ndim))), axis=1)

    return trajectory._replace(**{name: of_others(getattr(trajectory, name)) for name in names})


def bare(trajectory: Trajectory) -> Trajectory:
    """Returns a trajectory without what the policy recorded; what says whether actions were carried out stays."""
    return trajectory._replace(extras={name: x for name, x in trajectory.extras.items() if name == "decided"})


def last_obs_t(trajectory: Trajectory) -> Trajectory:
    """Returns a trajectory with the last alone of the observations after actions, obs_t `[1, E, D]`.

    What learns along a stream sees the others as obs_tm1 of the next step, and a ring is hardly more than observations.
    """
    return trajectory._replace(obs_t=trajectory.obs_t[-1:])


def task(
    objective: Objective,
    network: Network,
    source: Source,
    *,
    name: str = "",
    optimizer: Optimizer = base.adam,
    learning_rate: float = 2e-3,
    freeze: Sequence[str] = (),
    targets: Sequence[str] = TARGETS,
    replay: bool = False,
    capacity: int | None = None,
    updates: int = 1,
    show: Callable[[Trajectory], Trajectory] = bare,
    keep: Callable[[Trajectory], Array] | None = None,
) -> Task:
    """Makes a task.

    Args:
      objective: what the network is asked.
      network: one with the objective's heads.
      source: where streams come from.
      name: before its settings, ``<name>.learning_rate``, its metrics, ``<name>_loss``, and its heads' names among the
        parameters, ``<name>_<head>``; nothing for a network that has no other task.
      optimizer: makes an optax transformation from the settings.
      learning_rate: the default of that setting.
      freeze: parts that are not trained, by their names among the parameters.
      targets: what its sham, the setting `shuffle`, takes from other streams; without any there is no sham.
      replay: whether it has a ring.
      capacity: streams in the ring, a multiple of those of a rollout; 16 rollouts when not given.
      updates: of one `fit`, each on as many whole streams of the ring as there are in a rollout.
      show: what of a trajectory the task is shown: what it stores, and what it is evaluated on; all but what the policy
        recorded when not given.
      keep: `trajectory -> [E]`, which streams of a rollout go into the ring; all of them when not given.

    Returns:
      the task. Settings: `learning_rate`, `max_grad_norm`, `shuffle`, and those of the objective. Metrics: ``loss``,
      ``grad_norm`` and those of the objective; evaluated (``eval_…``) those of the objective, without the name.

    Raises:
      UserError: for another kind of objective, fewer than one update, or a capacity that does not fit the source.
    """
    if objective.kind not in (PREDICTION, REINFORCEMENT):
        raise UserError(f"objective: kind = {objective.kind!r} is neither {PREDICTION!r} nor {REINFORCEMENT!r}")
    updates = count(updates, f"{name or 'task'}: updates")
    streams = ring_of(source, capacity) if replay else None
    own = (
        Setting("learning_rate", learning_rate, 0, 1, "Adam's step size"),
        *base.OPTIMISER_SETTINGS,
        *((SHUFFLE,) if targets else ()),
        *objective.settings,
    )
    inside = parts_of(network)
    names = {part: head_of(name, part) if part in objective.heads else part for part in inside}
    frozen = tuple(part for part in inside if names[part] in freeze)

    def taken(params: Params) -> Params:
        return {part: params[names[part]] for part in inside}

    def own_hparams(hparams: HParams) -> HParams:
        return {**hparams, **{s.name: hparams[f"{name}.{s.name}"] for s in own}} if name else hparams

    def loss_of(
        key: Array, params: Params, state: TaskState, trajectory: Trajectory, aims: Trajectory, hparams: HParams
    ) -> tuple[Array, Metrics]:
        shown = trajectory.mask_tm1 * aims.mask_tm1
        weight = shown if objective.kind == PREDICTION else trajectory.credit
        code, (_, memory, legal, _) = source.code(hparams), state
        loss, metrics = objective.loss(
            Batch(key, network, params, code, memory, trajectory, aims, weight, legal, hparams)
        )
        if loss.ndim:
            chex.assert_equal_shape([loss, weight])
            loss = weighted_mean(loss, weight)
        return loss, metrics

    def init(learner: LearnerState, hparams: HParams, rollouts: base.Rollouts | None = None) -> TaskState:
        params = taken(learner.params)
        opt_state = optimizer(own_hparams(hparams)).init(base.trainable(params, frozen))
        legal = source.world.legal(learner.source.world) if source.agentic else ()
        stored: Any = ()
        if streams is not None:
            assert rollouts is not None, "a ring needs the shapes of what goes into it"
            stored = streams.init(jax.eval_shape(show, rollout_shape(rollouts, learner, hparams)))
        return TaskState(opt_state, objective.init(params), legal, stored)

    def store(state: TaskState, trajectory: Trajectory) -> TaskState:
        assert streams is not None, "a task without replay stores nothing"
        kept = () if keep is None else (keep(trajectory),)
        return state._replace(ring=streams.push(state.ring, show(trajectory), *kept))

    def step(
        keys: tuple[Array, Array], params: Params, state: TaskState, trajectory: Trajectory, hparams: HParams
    ) -> tuple[Params, TaskState, Metrics]:
        check_trajectory(f"task {name}", trajectory)
        (key_shuffle, key_loss), hparams = keys, own_hparams(hparams)
        aims = trajectory
        if targets:
            aims = select(hparams["shuffle"] > 0, shuffled_targets(key_shuffle, trajectory, targets), trajectory)
        with spent_on(objective.kind):
            trained, opt_state, metrics = base.descend(
                lambda p: loss_of(key_loss, p, state, trajectory, aims, hparams),
                taken(params),
                state.opt_state,
                optimizer(hparams),
                frozen,
            )
            memory = objective.refresh(state.memory, trained, hparams)
        params = params | {names[part]: value for part, value in trained.items()}
        return (
            params,
            TaskState(opt_state, memory, state.legal, state.ring),
            {head_of(name, m): x for m, x in metrics.items()},
        )

    def fit(key: Array, params: Params, state: TaskState, hparams: HParams) -> tuple[Params, TaskState, Metrics]:
        assert streams is not None, "a task without replay has nothing to fit"
        sample = streams.sample

        def one(learned: tuple[Params, TaskState], key: Array) -> tuple[tuple[Params, TaskState], Metrics]:
            (params, held), (key_sample, key_shuffle) = learned, jax.random.split(key)
            drawn = sample(key_sample, state.ring, source.num_envs)
            keys = key_shuffle, prng.named(key, "loss")
            params, held, metrics = step(keys, params, held, drawn, hparams)
            return (params, held), metrics

        learned = (params, state._replace(ring=()))
        (params, held), metrics = jax.lax.scan(one, learned, jax.random.split(key, updates))
        return params, held._replace(ring=state.ring), jax.tree.map(jnp.mean, metrics)

    def evaluate(key: Array, params: Params, state: TaskState, trajectory: Trajectory, hparams: HParams) -> Metrics:
        trajectory = show(trajectory)
        key, params = prng.named(key, "loss"), taken(params)
        _, metrics = loss_of(key, params, state, trajectory, trajectory, own_hparams(hparams))
        return {f"eval_{metric}": value for metric, value in metrics.items()}

    return Task(
        init=init,
        store=store,
        fit=fit,
        step=step,
        evaluate=evaluate,
        network=network,
        taken=taken,
        settings=tuple(s._replace(name=f"{name}.{s.name}") for s in own) if name else own,
        spec=(
            "task",
            name,
            updates,
            None if streams is None else streams.capacity,
            objective.spec,
            network.spec,
            base.optimizer_name(optimizer),
            frozen,
            tuple(targets),
            *(() if keep is None else (keep.__name__,)),
        ),
    )


def rollout_shape(rollouts: base.Rollouts, learner: LearnerState, hparams: HParams) -> PyTree:
    """Returns the shapes of a learner's rollouts."""
    key = prng.abstract_keys().learner
    return jax.eval_shape(rollouts, key, learner.params, learner.source, hparams)[1]


def ring_of(source: Source, capacity: int | None = None) -> Ring:
    """Makes a ring for the rollouts of a source.

    Args:
      source: the source.
      capacity: streams, a multiple of those of a rollout; 16 rollouts when not given.

    Raises:
      UserError: for another capacity.
    """
    found = ring(ROLLOUTS * source.num_envs if capacity is None else capacity)
    if found.capacity % source.num_envs:
        raise UserError(f"capacity = {capacity} is not a multiple of the {source.num_envs} streams of a rollout")
    return found
