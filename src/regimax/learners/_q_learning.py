"""Q-learning from replayed experience."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from regimax.factories import once
from regimax.learners import base
from regimax.learners._off_policy import off_policy
from regimax.learners.action_values import HEAD, slow_action_values
from regimax.learners.base import Learner, LearnerFactory, Optimizer
from regimax.learners.policies import ILLEGAL, stochastic_policy
from regimax.learners.tasks import task
from regimax.networks import NetworkFactory
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import Array, HParams, Params, PyTree, Setting

EPSILON = Setting("epsilon", 0.1, 0, 1, "ε, share of actions that are left to chance while it learns")


@once
def q_learning(
    updates_per_rollout: int = 4, capacity: int | None = None, optimizer: Optimizer = base.adam
) -> LearnerFactory:
    """Makes a learner of action values from a ring of its past episodes, which acts by the best of them.

    It is double Q-learning with a slow copy of the network, see
    :func:`regimax.learners.action_values.slow_action_values`. While it learns a share of its actions is left to chance;
    evaluated it does what looks best. A step whose reward did not arrive, or whose action was not carried out, teaches
    nothing.

    Args:
      updates_per_rollout: updates after each rollout, each on as many streams of the ring as there are in one.
      capacity: streams in the ring, a multiple of those of a rollout; 16 rollouts when not given.
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners. Settings: `learning_rate`, `max_grad_norm`, `discount`, `tau`, `epsilon`. Metrics:
      ``loss`` (squared reward units), ``grad_norm``, and those of :func:`regimax.rollout.received`; evaluated:
      ``success``, ``return`` and ``throughput``, see `rollout.evaluate`.

    Raises:
      UserError: for fewer than one update, a capacity that does not fit the source, or a source that is not the
        learner's own behaviour.

    Reference:
      Mnih et al., Human-level control through deep reinforcement learning (2015); van Hasselt et al., Deep
      reinforcement learning with double Q-learning (2016).

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.pure_rl(100, learner=rx.learners.q_learning(), name="pure_q")
      >>> "rl.epsilon" in rx.make_train(regime, rx.envs.Lock(depth=3)).default_hparams
      True
    """

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        objective, world = slow_action_values(source), source.world
        net = network(source.num_inputs, objective.heads)
        learning = task(
            objective,
            net,
            source,
            optimizer=optimizer,
            freeze=freeze,
            targets=(),
            replay=True,
            capacity=capacity,
            updates=updates_per_rollout,
        )

        def acting(params: Params, hidden: PyTree, hparams: HParams, epsilon: Array | float) -> Policy:
            legal = world.legal(hidden)

            def log_probs(outputs: dict[str, Array]) -> Array:
                best = jnp.argmax(jnp.where(legal, outputs[HEAD], ILLEGAL), axis=-1)
                greedy = jax.nn.one_hot(best, world.num_actions)
                chance = (1.0 - epsilon) * greedy + epsilon * (legal / jnp.sum(legal))[None, None]
                return jnp.where(chance > 0, jnp.log(jnp.maximum(chance, 1e-30)), ILLEGAL)

            return stochastic_policy(net, params, source.code(hparams), log_probs)

        return off_policy(
            "q_learning",
            learning,
            net,
            source,
            lambda params, hidden, hparams: acting(params, hidden, hparams, 0.0),
            episodes,
            behaviour=lambda params, hidden, hparams: acting(params, hidden, hparams, hparams["epsilon"]),
            settings=(EPSILON,),
        )

    return factory
