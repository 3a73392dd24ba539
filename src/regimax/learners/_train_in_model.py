"""Learning in a model of a world, and how far that carries in the world itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax

from regimax import prng, rollout
from regimax.errors import UserError
from regimax.factories import once
from regimax.learners._actor_critic import actor_critic
from regimax.learners.base import Learner, LearnerFactory, LearnerState
from regimax.networks import Network, NetworkFactory
from regimax.prng import Keys
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params


@once
def train_in_model(learner: LearnerFactory | None = None) -> LearnerFactory:
    """Makes a learner whose episodes are those of a model: a hand-made one, or one that was learnt and is inherited.

    Args:
      learner: how it learns there; by A2C when not given.

    Returns:
      a factory of learners for phases whose world is a model, :class:`regimax.envs.HandModel` or
      :class:`regimax.envs.LearnedModel`. Its parameters hold the model's parts besides, which stay as they are.
      Settings: those of `learner`. Metrics: those of `learner`; evaluated: what it does in the world itself, through
      its channels, by the usual names, and as ``model_<metric>`` what it does in the model.

    Raises:
      UserError: once the source is known, for a world that is no model.
    """
    make = learner or actor_critic()

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        model = source.world
        if not source.is_model:
            raise UserError(f"train_in_model: the phase lives in {model.name} itself; give it a model as its world")
        names = tuple(jax.eval_shape(model.parts, prng.abstract_keys().learner))

        def joint(num_inputs: int, heads: Mapping[str, int]) -> Network:
            net = network(num_inputs, heads)
            return net._replace(init=lambda key: model.parts(key) | net.init(key))

        inner = make(joint, source, tuple(dict.fromkeys((*freeze, *names))), episodes)

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = inner.init(keys, hparams, inherited)
            if not names:
                return state
            hidden = model.filled(state.source.world.real, state.params)
            key = prng.named(keys.learner, "init", "source")
            carry = inner.network.carry(source.num_envs)
            streams = rollout.init(key, model, hidden, (), carry, source.num_envs, hparams)
            return state._replace(source=state.source._replace(world=hidden, streams=streams))

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            hidden = state.source.world
            acting = inner.policy(state.params, hidden, hparams)
            inside = rollout.evaluate(prng.named(key, "model"), model, hidden, (), acting, episodes, hparams)
            there = rollout.evaluate(key, model.world, hidden.real, source.channels, acting, episodes, hparams)
            return there | {f"model_{name}": value for name, value in inside.items()}

        return inner._replace(init=init, evaluate=evaluate, spec=("train_in_model", inner.spec))

    return factory
