"""Answers to the questions of sequences, from weights and from memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from regimax.errors import UserError, unknown
from regimax.factories import once
from regimax.learners import base
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.policies import softmax_policy
from regimax.networks import NetworkFactory
from regimax.ops.losses import stepwise_cross_entropy, weighted_mean
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.shapes import check_shapes
from regimax.sources import Source
from regimax.types import PREDICTION, Array, HParams, Metrics, Params, PyTree, Setting, Trajectory, spent_on

MEMORIES = ("sequence", "lifetime")

SETTINGS = (
    Setting("learning_rate", 1e-3, 0, 1, "Adam's step size, at the beginning"),
    Setting("decay_updates", 0, 0, 1e9, "updates over which it falls to 0 along a cosine; 0 keeps it", integer=True),
    *base.OPTIMISER_SETTINGS,
)


class Memory(NamedTuple):
    """What is kept beside parameters.

    Attributes:
      opt_state: the optimiser's, over the parts that are not frozen.
      carry: the network's memory, where it lasts for a life.
    """

    opt_state: PyTree
    carry: PyTree


def decaying_adam(hparams: HParams) -> optax.GradientTransformation:
    """Adam behind a global-norm clip; reads `learning_rate`, `decay_updates` and `max_grad_norm`."""
    rate, updates = hparams["learning_rate"], hparams["decay_updates"]

    def schedule(count: ArrayLike) -> Array:
        share = jnp.minimum(count / jnp.maximum(updates, 1), 1.0)
        return rate * jnp.where(updates > 0, 0.5 * (1.0 + jnp.cos(jnp.pi * share)), 1.0)

    return optax.chain(optax.clip_by_global_norm(hparams["max_grad_norm"]), optax.adam(schedule, eps=1e-8))


def recalled(logits: Array, trajectory: Trajectory) -> tuple[Array, Metrics]:
    r"""Measures how well the questions of a trajectory are answered.

    .. math:: \ell = \frac{1}{|Q|} \sum_{t \in Q} \mathrm{CE}(\mathrm{logits}_t, a_t)

    Args:
      logits: `[T, E, A]`.
      trajectory: `[T, E, ...]`; its mask says where something is asked, its actions what is right, and its extras
        which questions are about what is ``stable``.

    Returns:
      the loss, and metrics: ``answer_bits`` (cross-entropy, bits per question), ``accuracy``, and of the questions
      about what lasts and about what does not ``stable_accuracy`` and ``dynamic_accuracy``, 0 where there are none.
    """
    check_shapes("recalled", logits=(logits, "T E A"), a_tm1=(trajectory.a_tm1, "T E"))
    asked, stable = trajectory.mask_tm1, trajectory.extras["stable"]
    right = jax.nn.one_hot(trajectory.a_tm1, logits.shape[-1])
    hits = (jnp.argmax(logits, -1) == trajectory.a_tm1).astype(jnp.float32)

    loss = weighted_mean(stepwise_cross_entropy(logits, right), asked)
    return loss, {
        "answer_bits": loss / jnp.log(2.0),
        "accuracy": weighted_mean(hits, asked),
        "stable_accuracy": weighted_mean(hits, asked * stable),
        "dynamic_accuracy": weighted_mean(hits, asked * (1.0 - stable)),
    }


@once
def recall(memory: str = "sequence", optimizer: Optimizer = decaying_adam) -> LearnerFactory:
    """Makes a learner that answers the questions of sequences, and is told what was right.

    Its weights last for a life, except for parts that are frozen. Its memory lasts for a sequence, or for a life too:
    then a sequence begins with what the one before has left, through which no gradient flows.

    Args:
      memory: ``sequence`` or ``lifetime``.
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners. Settings: `learning_rate`, `decay_updates`, `max_grad_norm`. Metrics: those of
      :func:`recalled`, in training before the update, and evaluated (``eval_…``) on fresh sequences of the world as it
      is; and ``success``: the accuracy on what lasts or on what does not, whichever is less, of those that are asked
      for.

    Raises:
      UserError: for another memory; once the source is known, for one without sequences.

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.continual()
      >>> train = rx.make_train(regime, rx.envs.Recall(stable=4, dynamic=2))
      >>> float(train.default_hparams["life.decay_updates"])
      0.0
    """
    if memory not in MEMORIES:
        raise unknown("memory of recall", memory, MEMORIES)

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        world, fresh = source.world, source.fresh
        if fresh is None:
            raise UserError(f"recall: its source shows no sequences that ask; found {source.spec[0]}")
        net, lasts = network(source.num_inputs, {"policy": world.num_actions}), memory == "lifetime"
        base.check_no_statistics("recall", net)

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = base.make_init(net, source)(keys, hparams, inherited)
            opt_state = optimizer(hparams).init(base.trainable(state.params, freeze))
            return state._replace(memory=Memory(opt_state, net.carry(source.num_envs) if lasts else ()))

        def answered(
            params: Params, carry: PyTree, trajectory: Trajectory, hparams: HParams
        ) -> tuple[Array, Metrics, PyTree]:
            num_envs, first = trajectory.a_tm1.shape[1], trajectory.first_tm1
            if lasts:
                streams = jnp.arange(num_envs) % source.num_envs
                carry, first = jax.tree.map(lambda x: x[streams], carry), jnp.zeros_like(first)
            else:
                carry = net.carry(num_envs)
            carry, outputs, _ = net.apply(params, carry, trajectory.obs_tm1, first, source.code(hparams))
            return *recalled(outputs["policy"], trajectory), carry

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            source_state, trajectory = source.next(key, state.source, None, hparams)
            opt_state, held = state.memory

            def loss_fn(params: Params) -> tuple[Array, Metrics]:
                loss, metrics, carry = answered(params, held, trajectory, hparams)
                return loss, metrics | ({"carry": carry} if lasts else {})

            with spent_on(PREDICTION):
                params, opt_state, metrics = base.descend(loss_fn, state.params, opt_state, optimizer(hparams), freeze)
            held = metrics.pop("carry", ())
            return LearnerState(params, source_state, Memory(opt_state, held)), metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            trajectory = fresh(key, state.source, hparams, episodes)
            _, metrics, _ = answered(state.params, state.memory.carry, trajectory, hparams)
            some = jnp.sum(trajectory.mask_tm1 * trajectory.extras["stable"]) > 0
            stable, dynamic = metrics["stable_accuracy"], metrics["dynamic_accuracy"]
            success = jnp.where(some, jnp.minimum(stable, dynamic), dynamic)
            return {f"eval_{name}": value for name, value in metrics.items()} | {"success": success}

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            return softmax_policy(net, params, world.legal(hidden), source.code(hparams))

        return Learner(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=policy,
            network=net,
            source=source,
            settings=SETTINGS,
            spec=("recall", memory, net.spec, source.spec, base.optimizer_name(optimizer), tuple(freeze), episodes),
        )

    return factory
