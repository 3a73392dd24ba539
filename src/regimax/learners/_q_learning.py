"""Q-learning from replayed experience."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from regimax import rollout
from regimax.factories import once
from regimax.learners import base
from regimax.learners._actor_critic import IntrinsicReward, Reinforce, Reinforcement
from regimax.learners._off_policy import off_policy
from regimax.learners.action_values import HEAD, slow_action_values
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.policies import ILLEGAL, stochastic_policy
from regimax.learners.tasks import Task, task
from regimax.networks import Network, NetworkFactory
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Trajectory

EPSILON = Setting("epsilon", 0.1, 0, 1, "ε, share of actions that are left to chance while it learns")


def heads(source: Source) -> dict[str, int]:
    """Returns the heads that action values need, with their sizes."""
    return {HEAD: source.world.num_actions}


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
        net = network(source.num_inputs, heads(source))
        learning, acting = _parts(net, source, freeze, updates_per_rollout, capacity, optimizer, paid_only)
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


def q_reinforcement(
    updates_per_rollout: int = 4,
    capacity: int | None = None,
    optimizer: Optimizer = base.adam,
    paid_only: bool = False,
) -> Reinforce:
    """Makes the parts of :func:`q_learning`, with its options, for learners that do something else beside.

    It takes no intrinsic reward: what is replayed was stored as it arrived.

    Raises:
      UserError: as there.
    """

    def parts(network: Network, source: Source, freeze: Sequence[str], episodes: int) -> Reinforcement:
        learning, acting = _parts(network, source, freeze, updates_per_rollout, capacity, optimizer, paid_only)

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            return acting(params, hidden, hparams, 0.0)

        def behaviour(state: LearnerState, hparams: HParams) -> Policy:
            return acting(state.params, state.source.world, hparams, hparams["epsilon"])

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = base.make_init(network, source)(keys, hparams, inherited)
            return state._replace(memory=learning.init(state, hparams, behaviour(state, hparams)))

        def update(
            key: Array, state: LearnerState, hparams: HParams, intrinsic_reward: IntrinsicReward | None = None
        ) -> tuple[LearnerState, Trajectory, PyTree, Metrics]:
            assert intrinsic_reward is None, "action values are learnt from rewards as they arrived"
            key_next, key_fit = jax.random.split(key)
            state, trajectory = base.collect(key_next, state, source, behaviour(state, hparams), hparams)
            held = learning.store(state.memory, trajectory)
            params, held, metrics = learning.fit(key_fit, state.params, held, hparams)
            return state._replace(params=params, memory=held), trajectory, (), metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            hidden = state.source.world
            acting = policy(state.params, hidden, hparams)
            return rollout.evaluate(key, source.world, hidden, source.channels, acting, episodes, hparams)

        return Reinforcement(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=policy,
            settings=(*learning.settings, EPSILON),
            spec=("q_learning", learning.spec, source.spec, episodes),
        )

    return parts


def _parts(
    net: Network,
    source: Source,
    freeze: Sequence[str],
    updates_per_rollout: int,
    capacity: int | None,
    optimizer: Optimizer,
    paid_only: bool,
) -> tuple[Task, Callable[[Params, PyTree, HParams, Array | float], Policy]]:
    """Returns the task of action values on a network, and who acts by them with a share ε of chance."""
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

    return learning, acting
