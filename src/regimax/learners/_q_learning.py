"""Q-learning from replayed experience."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from regimax.envs.base import discrete_actions
from regimax.factories import once
from regimax.learners import base
from regimax.learners._actor_critic import Reinforce, Reinforcement
from regimax.learners._off_policy import off_policy, replayed
from regimax.learners.action_values import HEAD, slow_action_values
from regimax.learners.base import Learner, LearnerFactory, Optimizer
from regimax.learners.policies import ILLEGAL, stochastic_policy
from regimax.learners.tasks import Task, bare, last_obs_t, task
from regimax.networks import Network, NetworkFactory
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import Array, HParams, Params, PyTree, Setting, Trajectory

NAME = "q_learning"
Acts = Callable[[Params, PyTree, HParams], Policy]
EPSILON = Setting("epsilon", 0.1, 0, 1, "ε, share of actions that are left to chance while it learns")


def valuing_network(network: NetworkFactory, source: Source) -> Network:
    """Makes the network of action values, with the head that they need."""
    return network(source.num_inputs, {HEAD: discrete_actions(source.world, NAME)})


def paid(trajectory: Trajectory) -> Array:
    """Returns which streams `[E]` of a rollout have a step that teaches: its reward arrived, its action was done."""
    return jnp.any(trajectory.credit > 0, axis=0)


@once
def q_learning(
    updates_per_rollout: int = 4,
    capacity: int | None = None,
    optimizer: Optimizer = base.adam,
    paid_only: bool = False,
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
      paid_only: whether the ring keeps those streams alone in which some reward arrived: where rewards are rare, a ring
        of all that was seen holds few of them, and nearly every draw teaches nothing.

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
        net = valuing_network(network, source)
        learning, best, exploring = _parts(net, source, freeze, updates_per_rollout, capacity, optimizer, paid_only)
        return off_policy(
            NAME, learning, net, source, best, episodes, behaviour=exploring, settings=(EPSILON,), freeze=freeze
        )

    return factory


def q_reinforcement(
    updates_per_rollout: int = 4,
    capacity: int | None = None,
    optimizer: Optimizer = base.adam,
    paid_only: bool = False,
) -> Reinforce:
    """Makes the parts of :func:`q_learning`, with its options, for learners that do something else beside.

    Raises:
      UserError: as there.
    """

    def parts(network: Network, source: Source, freeze: Sequence[str], episodes: int) -> Reinforcement:
        learning, best, exploring = _parts(network, source, freeze, updates_per_rollout, capacity, optimizer, paid_only)
        return replayed(NAME, learning, network, source, best, episodes, exploring, (EPSILON,), freeze)

    return parts


def _parts(
    net: Network,
    source: Source,
    freeze: Sequence[str],
    updates_per_rollout: int,
    capacity: int | None,
    optimizer: Optimizer,
    paid_only: bool,
) -> tuple[Task, Acts, Acts]:
    """Returns the task of action values on a network, who acts by the best of them, and who leaves ε to chance."""
    world = source.world
    learning = task(
        slow_action_values(source),
        net,
        source,
        optimizer=optimizer,
        freeze=freeze,
        targets=(),
        replay=True,
        capacity=capacity,
        updates=updates_per_rollout,
        show=lambda trajectory: last_obs_t(bare(trajectory)),
        keep=paid if paid_only else None,
    )

    def acting(params: Params, hidden: PyTree, hparams: HParams, epsilon: Array | float) -> Policy:
        legal = world.legal(hidden)

        def log_probs(outputs: dict[str, Array]) -> Array:
            best = jnp.argmax(jnp.where(legal, outputs[HEAD], ILLEGAL), axis=-1)
            greedy = jax.nn.one_hot(best, world.num_actions)
            chance = (1.0 - epsilon) * greedy + epsilon * (legal / jnp.sum(legal))[None, None]
            return jnp.where(chance > 0, jnp.log(jnp.maximum(chance, 1e-30)), ILLEGAL)

        return stochastic_policy(net, params, source.code(hparams), log_probs)

    def best(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
        return acting(params, hidden, hparams, 0.0)

    def exploring(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
        return acting(params, hidden, hparams, hparams["epsilon"])

    return learning, best, exploring
