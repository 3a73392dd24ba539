"""Reinforcement learning and prediction at once, on the learner's own stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from regimax import prng
from regimax.errors import UserError
from regimax.factories import once
from regimax.learners import _actor_critic, _q_learning, base
from regimax.learners.auxiliary import GRADIENTS, auxiliary
from regimax.learners.base import Interlude, Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.batch import Objective, ObjectiveFactory
from regimax.learners.objectives import next_step
from regimax.learners.options import ActorCritic, QLearning
from regimax.networks import NetworkFactory
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Trajectory, is_finite, number


def pattern(updates_per_rollout: float) -> tuple[int, int]:
    """Returns how many updates there are in a row, and after how many rollouts.

    Raises:
      UserError: for what is neither a whole number above 0 nor one over one.

    Example:
      >>> pattern(64), pattern(1 / 4)
      ((64, 1), (1, 4))
    """
    asked = number(updates_per_rollout)
    if is_finite(asked) and asked > 0:
        times, every = (round(asked), 1) if asked >= 1 else (1, round(1 / asked))
        if abs(asked * every - times) < 1e-6:
            return times, every
    raise UserError(f"updates_per_rollout = {asked!r} is neither a whole number above 0 nor 1/2, 1/3, …")


def next_observation(source: Source, width: int) -> Objective:
    """Asks for the whole next observation: where an own stream teaches is not where a stream of others does."""
    return next_step([field.name for field in source.fields])(source, width)


def shown(source: Source, trajectory: Trajectory) -> Trajectory:
    """Returns what a rollout shows to a predictor: where it has augmented views, they are what is to be predicted."""
    if "augmented_view" in source.record:
        mask = trajectory.mask_tm1 * trajectory.extras["augmented_view_present"]
        trajectory = trajectory._replace(obs_t=trajectory.extras["augmented_view"], mask_tm1=mask)
    return trajectory._replace(extras={})


@once
def always_on(
    updates_per_rollout: float = 1,
    gradients: str = "shared",
    capacity: int | None = None,
    objective: ObjectiveFactory | None = None,
    predictor_optimizer: Optimizer = base.adam,
    values: QLearning | None = None,
    **options: Unpack[ActorCritic],
) -> LearnerFactory:
    """Makes a learner that predicts its own stream beside learning from reward.

    Each rollout goes through :func:`regimax.learners.actor_critic`, then into a replay ring, from which the predictor
    draws as many whole streams for each of its updates. Only what is new is paid for, as environment steps and as bits
    of the senses; replay costs FLOPs. Both train the trunk, each with an optimiser of its own.

    Args:
      updates_per_rollout: of the predictor, per update of reinforcement: a whole number, or 1/n for one after every
        n-th, and then `evaluate.every` must be a multiple of n. Static.
      gradients: ``shared``, or ``stopped``: then reinforcement trains only the heads that it uses, and what there is in
        the trunk is due to prediction alone.
      capacity: streams in the ring, a multiple of those of a rollout; 16 rollouts when not given.
      objective: what the predictor is asked, from `regimax.learners.objectives`; the whole next observation when not
        given, or where the source records it the augmented view of the one that was answered.
      predictor_optimizer: makes its optax transformation from its own `learning_rate` and `max_grad_norm`.
      values: options of :func:`regimax.learners.q_learning`: then it learns action values from what it was paid, again
        and again, in the place of the actor-critic; `{}` takes all as usual.
      **options: as for :func:`regimax.learners.actor_critic`.

    Returns:
      a factory of learners for the learner's own behaviour. Settings: those of the actor-critic or of Q-learning, and
      those of prediction and its objective with the prefix ``prediction.``, among them ``prediction.shuffle``, the
      sham: other streams' targets, at the same FLOPs. Metrics: those of reinforcement, those of the predictor with the
      prefix ``prediction_``, evaluated without it (``eval_…``).

    Raises:
      UserError: for other `updates_per_rollout` or `gradients`, for options of an actor-critic beside `values`, and
        once the source is known, for one that is not the learner's own behaviour, or a capacity that does not fit it.

    Reference:
      Jaderberg et al., Reinforcement learning with unsupervised auxiliary tasks (2017), section 3, with one ratio of
      updates in the place of weights in a sum of losses.

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.always_on(updates=8, updates_per_rollout=1 / 4, evaluate=rx.regimes.Evaluate(every=4))
      >>> "rl.prediction.learning_rate" in rx.make_train(regime, rx.envs.Exemplar()).default_hparams
      True
    """
    times, every = pattern(updates_per_rollout)
    if gradients not in GRADIENTS:
        raise UserError(f"gradients = {gradients!r} is neither 'shared' nor 'stopped'")
    make_objective = next_observation if objective is None else objective
    if values is None:
        reinforce, acting = _actor_critic.reinforcement(**options), _actor_critic.acting_network
    elif options:
        raise UserError(f"{min(options)!r} is an option of an actor-critic, and values = {values!r} takes its place")
    else:
        reinforce, acting = _q_learning.q_reinforcement(**values), _q_learning.valuing_network

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        both = auxiliary(
            "prediction",
            make_objective(source, network(source.num_inputs, {}).width),
            reinforce,
            network,
            source,
            freeze,
            episodes,
            optimizer=predictor_optimizer,
            show=lambda trajectory: shown(source, trajectory),
            updates=times,
            capacity=capacity,
            trains=(gradients == "shared", True),
            acting=acting,
        )

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            state, metrics = both.reinforce(key, state, hparams)
            state, predicted = both.fit(prng.named(key, "prediction"), state, hparams)
            return state, metrics | predicted

        return Learner(
            init=both.init,
            update=update if every == 1 else both.reinforce,
            evaluate=both.evaluate,
            policy=both.policy,
            network=both.network,
            source=source,
            settings=both.settings,
            spec=("always_on", every, both.spec),
            interlude=None if every == 1 else Interlude(every, both.fit),
        )

    return factory
