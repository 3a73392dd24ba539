"""Prediction of a stream."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from regimax import prng
from regimax.envs import unseen
from regimax.errors import UserError
from regimax.factories import once
from regimax.learners import base
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.batch import ObjectiveFactory
from regimax.learners.objectives import next_step
from regimax.learners.policies import softmax_policy
from regimax.learners.tasks import task
from regimax.networks import NetworkFactory
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import PREDICTION, Array, HParams, Metrics, Params, PyTree, spent_on


@once
def prediction(objective: ObjectiveFactory | None = None, optimizer: Optimizer = base.adam) -> LearnerFactory:
    """Makes a learner that predicts its stream.

    Args:
      objective: what it is asked, from `regimax.learners.objectives`; the next step when not given.
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners. Settings: `learning_rate`, `max_grad_norm`, `shuffle` (the sham: other streams' targets, at
      the same FLOPs) and those of the objective. Metrics: ``loss`` and those of the objective, evaluated (``eval_…``)
      on fresh experience, of what the world keeps back from learning if it does.

    Example:
      >>> import regimax as rx
      >>> objectives = rx.learners.objectives
      >>> regime = rx.regimes.pretrain_rl(predictor=prediction(objectives.contrastive()))
      >>> "pretrain.temperature" in rx.make_train(regime, rx.envs.Exemplar()).default_hparams
      True
    """
    make_objective = next_step() if objective is None else objective

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        del episodes
        world = source.world
        asked = make_objective(source, network(source.num_inputs, {}).width)
        net = network(source.num_inputs, asked.heads)
        predicting = task(asked, net, source, optimizer=optimizer, freeze=freeze)
        rollouts = base.rollouts(source, None)

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = base.make_init(net, source)(keys, hparams, inherited)
            return state._replace(memory=predicting.init(state, hparams))

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            key_next, key_shuffle = jax.random.split(key)
            source_state, trajectory = rollouts(key_next, state.params, state.source, hparams)
            keys = key_shuffle, prng.named(key, "loss")
            params, held, metrics = predicting.step(keys, state.params, state.memory, trajectory, hparams)
            with spent_on(PREDICTION):
                params = base.observe(net, params, trajectory, freeze, hparams)
            return LearnerState(params, source_state, held), metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            shown = state.source._replace(world=unseen(world, state.source.world))
            _, trajectory = rollouts(key, state.params, shown, hparams)
            return predicting.evaluate(key, state.params, state.memory, trajectory, hparams)

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            if "policy" not in asked.heads:
                raise UserError(f"what is learnt from the stream of {world.name} cannot act: no actions are predicted")
            return softmax_policy(net, params, world.legal(hidden), source.code(hparams))

        return Learner(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=policy,
            network=net,
            source=source,
            settings=(*predicting.settings, *base.observing_settings(net)),
            spec=("prediction", predicting.spec, source.spec),
        )

    return factory
