"""Reinforcement learning and prediction at once, on the learner's own stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax

from regimax import prng
from regimax.errors import UserError
from regimax.learners import base
from regimax.learners.actor_critic import heads, reinforcement
from regimax.learners.base import Interlude, Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.objectives import Objective, Question, next_step
from regimax.learners.prediction import SETTINGS, fit
from regimax.networks import NetworkFactory
from regimax.prng import Keys
from regimax.sources import RingState, Source, ring
from regimax.types import Array, HParams, Metrics, Params, PyTree, Trajectory

PREFIX = "prediction."
"""Of a predictor's settings, beside those of reinforcement."""

HEAD = "predicted_"
"""Of a predictor's heads, beside ``policy`` and ``value``."""

ROLLOUTS = 16
"""How many rollouts a ring holds when nobody says."""


class Memory(NamedTuple):
    """What is kept beside parameters.

    Attributes:
      bonus: the memory of the bonus.
      ring: past streams.
      question: the predictor's memory.
    """

    bonus: PyTree
    ring: RingState
    question: PyTree


def pattern(predictions: float) -> tuple[int, int]:
    """Returns for predictions per update of reinforcement how many there are in a row, and after how many updates.

    Raises:
      UserError: for what is neither a whole number above 0 nor one over one.

    Example:
      >>> pattern(64), pattern(1 / 4)
      ((64, 1), (1, 4))
    """
    if isinstance(predictions, int | float) and 0 < predictions < float("inf"):
        times, every = (round(predictions), 1) if predictions >= 1 else (1, round(1 / predictions))
        if abs(predictions * every - times) < 1e-6:
            return times, every
    raise UserError(f"predictions = {predictions!r} is neither a whole number above 0 nor 1/2, 1/3, …")


def next_observation(source: Source, width: int) -> Question:
    """Asks for the whole next observation: where an own stream teaches is not where a stream of others does."""
    return next_step([field.name for field in source.fields])(source, width)


def shown(source: Source, lived: Trajectory) -> Trajectory:
    """Returns what a rollout shows to a predictor: where it has second views, they are what is to be predicted."""
    if "second_view" in source.record:
        mask = lived.mask_tm1 * lived.extras["second_view_present"]
        lived = lived._replace(obs_t=lived.extras["second_view"], mask_tm1=mask)
    return lived._replace(extras={})


def always_on(
    predictions: float = 1,
    gradients: str = "shared",
    capacity: int | None = None,
    objective: Objective | None = None,
    predictor_optimizer: Optimizer = base.adam,
    **options,
) -> LearnerFactory:
    """Makes a learner that predicts its own stream beside learning from reward.

    Each rollout goes through :func:`regimax.learners.actor_critic`, then into a replay ring, from which the predictor
    draws as many whole streams for each of its updates. Only what is new is paid for, as environment steps and as bits
    of the senses; replay costs FLOPs. Both train the trunk, each with an optimiser of its own.

    Args:
      predictions: updates of the predictor per update of reinforcement: a whole number, or 1/n for one after every
        n-th, and then `evaluate.every` must be a multiple of n. Static.
      gradients: ``shared``, or ``stopped``: then reinforcement trains only the heads that it uses, and what there is in
        the trunk is due to prediction alone.
      capacity: streams in the ring, a multiple of those of a rollout; 16 rollouts when not given.
      objective: what the predictor is asked, from `regimax.learners.objectives`; the whole next observation when not
        given, or where the source records it the second view of the one that was answered.
      predictor_optimizer: makes its optax transformation from its own `learning_rate` and `max_grad_norm`.
      **options: as for :func:`regimax.learners.actor_critic`.

    Returns:
      a factory of learners for the learner's own behaviour. Settings: those of the actor-critic, and those of
      prediction and its objective with the prefix ``prediction.``, among them ``prediction.shuffle``, the sham: other
      streams' targets, at the same FLOPs. Metrics: those of the actor-critic, those of the predictor with the prefix
      ``prediction_``, evaluated without it (``eval_…``).

    Raises:
      UserError: for other `predictions` or `gradients`, and once the source is known, for one that is not the
        learner's own behaviour, or a capacity that does not fit it.

    Reference:
      Jaderberg et al., Reinforcement learning with unsupervised auxiliary tasks (2017), section 3, with one ratio of
      updates in the place of weights in a sum of losses.

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.always_on(updates=8, predictions=1 / 4, evaluate=rx.regimes.Evaluate(every=4))
      >>> "rl.prediction.learning_rate" in rx.make_train(regime, rx.envs.Exemplar()).default_hparams
      True
    """
    times, every = pattern(predictions)
    if gradients not in ("shared", "stopped"):
        raise UserError(f"gradients = {gradients!r} is neither 'shared' nor 'stopped'")
    ask = next_observation if objective is None else objective
    reinforce = reinforcement(**options)

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        if not source.agentic:
            raise UserError("always_on: its stream must be the learner's own behaviour")
        question = ask(source, network(source.num_inputs, {}).width)
        actor, predictor = network(source.num_inputs, heads(source)), network(source.num_inputs, question.heads)
        body = tuple(name for name in jax.eval_shape(predictor.init, jax.random.key(0)) if name not in question.heads)
        replay = ring(ROLLOUTS * source.num_envs if capacity is None else capacity)
        if replay.capacity % source.num_envs:
            raise UserError(f"capacity = {capacity} is not a multiple of the {source.num_envs} streams of a rollout")

        def of_predictor(params: Params) -> Params:
            return {name: params[name] for name in body} | {name: params[HEAD + name] for name in question.heads}

        def named(params: Params) -> Params:
            return {HEAD + name if name in question.heads else name: part for name, part in params.items()}

        joint = actor._replace(
            init=lambda key: named(predictor.init(key)) | actor.init(key), spec=(actor.spec, predictor.spec)
        )
        others = tuple(HEAD + name for name in question.heads) + (body if gradients == "stopped" else ())
        parts = reinforce(joint, source, tuple(dict.fromkeys((*freeze, *others))), episodes)
        frozen = tuple(name.removeprefix(HEAD) if name.startswith(HEAD) else name for name in freeze)
        settings = (*SETTINGS, *question.settings)

        def asked(hparams: HParams) -> HParams:
            return {**hparams, **{setting.name: hparams[PREFIX + setting.name] for setting in settings}}

        def live(key: Array, state: LearnerState, hparams: HParams) -> Trajectory:
            acting = parts.policy(state.params, state.source.world, hparams)
            return shown(source, source.next(key, state.source, acting, hparams)[1])

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = parts.init(keys, hparams, inherited)
            params = of_predictor(state.params)
            opt_state = predictor_optimizer(asked(hparams)).init(base.trainable(params, frozen))
            stored = replay.init(jax.eval_shape(lambda: live(keys.learner, state, hparams)))
            return state._replace(
                opt_state={"rl": state.opt_state, "prediction": opt_state},
                memory=Memory(state.memory, stored, question.begin(params)),
            )

        def predict(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            hparams = asked(hparams)

            def one(learned: tuple[Params, PyTree, PyTree], key: Array) -> tuple[tuple, Metrics]:
                key_sample, key_shuffle = jax.random.split(key)
                streams = replay.sample(key_sample, state.memory.ring, source.num_envs)
                keys = key_shuffle, prng.named(key, "loss")
                return fit(question, predictor, predictor_optimizer(hparams), frozen, keys, learned, streams, hparams)

            learned = (of_predictor(state.params), state.opt_state["prediction"], state.memory.question)
            (params, opt_state, memory), metrics = jax.lax.scan(one, learned, jax.random.split(key, times))
            state = state._replace(
                params=state.params | named(params),
                opt_state=state.opt_state | {"prediction": opt_state},
                memory=state.memory._replace(question=memory),
            )
            return state, {f"prediction_{name}": value.mean() for name, value in metrics.items()}

        def reinforced(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            alone = state._replace(opt_state=state.opt_state["rl"], memory=state.memory.bonus)
            new, lived, metrics = parts.update(key, alone, hparams)
            stored = replay.push(state.memory.ring, shown(source, lived))
            new = new._replace(
                opt_state=state.opt_state | {"rl": new.opt_state},
                memory=state.memory._replace(bonus=new.memory, ring=stored),
            )
            return new, metrics

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            state, metrics = reinforced(key, state, hparams)
            state, predicted = predict(prng.named(key, "prediction"), state, hparams)
            return state, metrics | predicted

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            streams, key_loss = live(prng.named(key, "live"), state, hparams), prng.named(key, "loss")
            params, memory = of_predictor(state.params), state.memory.question
            _, metrics = question.loss(key_loss, predictor, params, memory, streams, streams, asked(hparams))
            return parts.evaluate(key, state, hparams) | {f"eval_{name}": value for name, value in metrics.items()}

        return Learner(
            init=init,
            update=update if every == 1 else reinforced,
            evaluate=evaluate,
            policy=parts.policy,
            network=joint,
            source=source,
            settings=(*parts.settings, *(s._replace(name=PREFIX + s.name) for s in settings)),
            spec=(
                "always_on",
                (times, every),
                gradients,
                replay.capacity,
                question.spec,
                base.optimizer_name(predictor_optimizer),
                predictor.spec,
                parts.spec,
            ),
            interlude=None if every == 1 else Interlude(every, predict),
        )

    return factory
