"""Prediction of a stream: what comes next, and what the others do next."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from regimax.errors import UserError
from regimax.learners import base
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.networks import NetworkFactory
from regimax.ops import losses
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Trajectory

SETTINGS = (
    Setting("learning_rate", 2e-3, 0, 1, "Adam's step size"),
    *base.OPTIMISER_SETTINGS,
    Setting("field_coef", 1.0, 0, 1e6, "weight of the observation's next fields against the others' next action"),
    Setting("shuffle", 0, 0, 1, "whether targets are taken from other streams: the sham", integer=True),
)


def _shifted(key: Array, trajectory: Trajectory) -> Trajectory:
    """Gives every step the targets of another stream at the same time: no stream keeps its own."""
    num_steps, num_envs = trajectory.a_tm1.shape
    offset = 1 + jax.random.randint(key, (num_steps, 1), 0, max(num_envs - 1, 1))
    index = (jnp.arange(num_envs)[None] + offset) % num_envs
    return trajectory._replace(
        a_tm1=jnp.take_along_axis(trajectory.a_tm1, index, axis=1),
        obs_t=jnp.take_along_axis(trajectory.obs_t, index[:, :, None], axis=1),
    )


def prediction(optimizer: Optimizer = base.adam) -> LearnerFactory:
    r"""Makes a learner that predicts its stream.

    .. math:: \ell = \mathrm{CE}(\pi(h_{t-1}), a_{t-1}) + c \sum_f d(p_f(h_{t-1}), o_t^f)

    with :math:`h` the trunk's features, the head ``policy`` for the others' next action where the stream shows them
    (`stream_acts`), and one head per predicted field of the next observation (`stream_fields`). The distance d is
    cross-entropy for one-hot fields, and the mean squared error per number for real-valued ones.

    Args:
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners. Settings: `learning_rate`, `max_grad_norm`, `field_coef`, `shuffle`. Metrics: ``loss``
      (nats, or squared units of a real-valued field), ``action_bits`` and ``<field>_bits`` (cross-entropy, bits per
      prediction), ``<field>_error`` (mean squared error), ``action_accuracy``.
    """

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        world = source.world
        segments, start = {}, 0
        for field in world.fields:
            segments[field.name] = (field.categorical, slice(start, start + field.size))
            start += field.size
        predicted = {name: segments[name] for name in world.stream_fields}
        heads = {name: part.stop - part.start for name, (_, part) in predicted.items()}
        if world.stream_acts:
            heads = {"policy": world.num_actions, **heads}
        net = network(source.num_inputs, heads)
        cross_entropy = jax.vmap(jax.vmap(losses.categorical_cross_entropy))

        def loss(params: Params, trajectory: Trajectory, hparams: HParams) -> tuple[Array, Metrics]:
            carry = net.carry(trajectory.a_tm1.shape[1])
            code = base.coding(source.channels, hparams)
            _, outputs, _ = net.apply(params, carry, trajectory.obs_tm1, trajectory.first_tm1, code)
            mask = trajectory.mask_tm1

            def mean(x: Array, weight: Array) -> Array:
                return jnp.sum(x * weight) / jnp.maximum(jnp.sum(weight), 1.0)

            total, metrics = jnp.zeros(()), {}
            if world.stream_acts:
                logits = outputs["policy"]
                total = mean(cross_entropy(logits, jax.nn.one_hot(trajectory.a_tm1, world.num_actions)), mask)
                metrics["action_bits"] = total / jnp.log(2.0)
                hits = (jnp.argmax(logits, -1) == trajectory.a_tm1).astype(jnp.float32)
                metrics["action_accuracy"] = mean(hits, mask)
            for name, (categorical, segment) in predicted.items():
                target = trajectory.obs_t[..., segment]
                if categorical:
                    distance = mean(cross_entropy(outputs[name], target), mask * jnp.sum(target, -1))
                    metrics[f"{name}_bits"] = distance / jnp.log(2.0)
                else:
                    distance = mean(jnp.mean(jnp.square(outputs[name] - target), -1), mask)
                    metrics[f"{name}_error"] = distance
                total = total + hparams["field_coef"] * distance
            return total, metrics

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            key_next, key_shuffle = jax.random.split(key)
            source_state, trajectory, _ = source.next(key_next, state.source, None, hparams)
            shuffled = _shifted(key_shuffle, trajectory)
            trajectory = jax.tree.map(lambda a, b: jnp.where(hparams["shuffle"] > 0, a, b), shuffled, trajectory)
            params, opt_state, metrics = base.descend(
                lambda p: loss(p, trajectory, hparams), state.params, state.opt_state, optimizer(hparams), freeze
            )
            return LearnerState(params, opt_state, source_state), metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            _, trajectory, _ = source.next(key, state.source, None, hparams)
            _, metrics = loss(state.params, trajectory, hparams)
            return {f"eval_{name}": value for name, value in metrics.items()}

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            if not world.stream_acts:
                raise UserError(f"what is learnt from the stream of {world.name} cannot act: it shows no actions")
            return base.softmax_policy(net, params, world.legal(hidden), base.coding(source.channels, hparams))

        return Learner(
            init=base.begin(net, source, optimizer, freeze),
            update=update,
            evaluate=evaluate,
            policy=policy,
            network=net,
            source=source,
            settings=SETTINGS,
            spec=("prediction", net.spec, source.spec, base.optimizer_name(optimizer), tuple(freeze)),
        )

    return factory
