"""Prediction of a stream."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import optax

from regimax import prng
from regimax.errors import UserError
from regimax.learners import base
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.objectives import Objective, Question, next_step
from regimax.networks import Network, NetworkFactory
from regimax.ops.trees import select
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import PREDICTION, Array, HParams, Metrics, Params, PyTree, Setting, Trajectory, spent_on

SETTINGS = (
    Setting("learning_rate", 2e-3, 0, 1, "Adam's step size"),
    *base.OPTIMISER_SETTINGS,
    Setting("shuffle", 0, 0, 1, "whether targets are taken from other streams: the sham", integer=True),
)


ANSWERS = ("obs_tm1", "a_tm1", "obs_t", "mask_tm1")
"""What of a trajectory a sham takes from others."""


def shifted(key: Array, trajectory: Trajectory, names: Sequence[str] = ANSWERS) -> Trajectory:
    """Returns as every step's answers those of another stream at the same time: no stream keeps its own.

    Args:
      key: for how far streams are shifted, at each time anew.
      trajectory: `[T, E, ...]`.
      names: what is taken from other streams; all else stays.
    """
    num_steps, num_envs = trajectory.a_tm1.shape
    offset = 1 + jax.random.randint(key, (num_steps, 1), 0, max(num_envs - 1, 1))
    index = (jnp.arange(num_envs)[None] + offset) % num_envs

    def of_others(x: Array) -> Array:
        return jnp.take_along_axis(x, jnp.expand_dims(index, tuple(range(2, x.ndim))), axis=1)

    return trajectory._replace(**{name: of_others(getattr(trajectory, name)) for name in names})


def fit(
    question: Question,
    network: Network,
    transformation: optax.GradientTransformation,
    freeze: Sequence[str],
    keys: tuple[Array, Array],
    learned: tuple[Params, PyTree, PyTree],
    trajectory: Trajectory,
    hparams: HParams,
    names: Sequence[str] = ANSWERS,
) -> tuple[tuple[Params, PyTree, PyTree], Metrics]:
    """One update of a predictor, with other streams' answers where the setting `shuffle` says so.

    Args:
      question: what it is asked.
      network: what it trains.
      transformation: its optimiser.
      freeze: parts that are not trained.
      keys: for the shuffling, and for the loss.
      learned: parameters, the optimiser's state, the question's memory.
      trajectory: what it learns from.
      hparams: the settings of prediction.
      names: what a sham takes from other streams.

    Returns:
      what is learned then, and metrics.
    """
    key_shuffle, key_loss = keys
    params, opt_state, memory = learned
    sham = hparams["shuffle"] > 0
    answers = select(sham, shifted(key_shuffle, trajectory, names), trajectory)
    with spent_on(PREDICTION):
        params, opt_state, metrics = base.descend(
            lambda p: question.loss(key_loss, network, p, memory, trajectory, answers, hparams),
            params,
            opt_state,
            transformation,
            freeze,
        )
        memory = question.refresh(memory, params, hparams)
    return (params, opt_state, memory), metrics


def prediction(objective: Objective | None = None, optimizer: Optimizer = base.adam) -> LearnerFactory:
    """Makes a learner that predicts its stream.

    Args:
      objective: what it is asked, from `regimax.learners.objectives`; the next step when not given.
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners. Settings: `learning_rate`, `max_grad_norm`, `shuffle` and those of the objective. Metrics:
      ``loss`` and those of the objective, evaluated (``eval_…``) on fresh experience.

    Example:
      >>> import regimax as rx
      >>> objectives = rx.learners.objectives
      >>> regime = rx.regimes.pretrain_rl(predictor=prediction(objectives.contrastive()))
      >>> "pretrain.temperature" in rx.make_train(regime, rx.envs.Exemplar()).default_hparams
      True
    """
    ask = next_step() if objective is None else objective

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        world = source.world
        question = ask(source, network(source.num_inputs, {}).width)
        net = network(source.num_inputs, question.heads)
        begin = base.begin(net, source, optimizer, freeze)

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = begin(keys, hparams, inherited)
            return state._replace(memory=question.begin(state.params))

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            key_next, key_shuffle = jax.random.split(key)
            key_loss = prng.named(key, "loss")
            source_state, trajectory, _ = source.next(key_next, state.source, None, hparams)
            (params, opt_state, memory), metrics = fit(
                question,
                net,
                optimizer(hparams),
                freeze,
                (key_shuffle, key_loss),
                (state.params, state.opt_state, state.memory),
                trajectory,
                hparams,
            )
            return LearnerState(params, opt_state, source_state, memory), metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            _, trajectory, _ = source.next(key, state.source, None, hparams)
            key_loss = prng.named(key, "loss")
            _, metrics = question.loss(key_loss, net, state.params, state.memory, trajectory, trajectory, hparams)
            return {f"eval_{name}": value for name, value in metrics.items()}

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            if "policy" not in question.heads:
                raise UserError(f"what is learnt from the stream of {world.name} cannot act: no actions are predicted")
            return base.softmax_policy(net, params, world.legal(hidden), base.coding(source.channels, hparams))

        return Learner(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=policy,
            network=net,
            source=source,
            settings=(*SETTINGS, *question.settings),
            spec=("prediction", question.spec, net.spec, source.spec, base.optimizer_name(optimizer), tuple(freeze)),
        )

    return factory
