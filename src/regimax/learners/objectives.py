"""What a predictor is asked: the next step, what is hidden, which of many comes next, or what its features will be."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from regimax.envs.base import discrete_actions
from regimax.errors import UserError, unknown
from regimax.factories import once
from regimax.learners.batch import Batch, Objective, ObjectiveFactory
from regimax.ops.losses import stepwise_cross_entropy, weighted_mean
from regimax.sources import Source
from regimax.types import PREDICTION, Array, HParams, Metrics, Params, PyTree, Setting, segments_of


def _unit(x: Array) -> Array:
    return x * jax.lax.rsqrt(jnp.sum(jnp.square(x), -1, keepdims=True) + 1e-8)


@once
def next_step(fields: Sequence[str] | None = None, actions: bool = True) -> ObjectiveFactory:
    r"""Asks for the next observation, and for what the others do next where the stream shows others at work.

    .. math:: \ell = \mathrm{CE}(\pi(h_{t-1}), a_{t-1}) + c \sum_f d(p_f(h_{t-1}), o_t^f)

    with :math:`h` the trunk's features, the head ``policy`` for the action, and one head per predicted field. The
    distance d is cross-entropy for one-hot fields, and the mean squared error per number for real-valued ones.

    Args:
      fields: names of the observation's fields to predict; those of the world's stream (`stream_fields`) when not
        given, or all where it names none; ``()`` for actions alone.
      actions: whether to predict the others' actions.

    Returns:
      the objective. Settings: `field_coef`. Metrics: ``action_bits`` and ``<field>_bits`` (cross-entropy, bits per
      prediction), ``<field>_error`` (mean squared error), ``action_accuracy``.

    Raises:
      UserError: once the source is known, for a field that it does not have, or where nothing is left to predict.
    """

    def objective(source: Source, width: int) -> Objective:
        del width
        world, segments = source.world, segments_of(source.fields)
        names = getattr(world, "stream_fields", tuple(segments)) if fields is None else tuple(fields)
        for name in names:
            if name not in segments:
                raise unknown(f"field of {world.name}", name, segments)
        acts = actions and source.others_act
        if not names and not acts:
            raise UserError(f"next_step: nothing to predict in {world.name}: no fields, no others' actions")
        heads = {name: segments[name][1].stop - segments[name][1].start for name in names}

        def loss(batch: Batch) -> tuple[Array, Metrics]:
            outputs, _ = batch.along()
            total, metrics = jnp.zeros(()), {}
            if acts:
                logits = outputs["policy"]
                total = weighted_mean(
                    stepwise_cross_entropy(logits, jax.nn.one_hot(batch.targets.a_tm1, world.num_actions)), batch.weight
                )
                metrics["action_bits"] = total / jnp.log(2.0)
                hits = (jnp.argmax(logits, -1) == batch.targets.a_tm1).astype(jnp.float32)
                metrics["action_accuracy"] = weighted_mean(hits, batch.weight)
            for name in names:
                categorical, segment = segments[name]
                target = batch.targets.obs_t[..., segment]
                if categorical:
                    distance = weighted_mean(
                        stepwise_cross_entropy(outputs[name], target), batch.weight * jnp.sum(target, -1)
                    )
                    metrics[f"{name}_bits"] = distance / jnp.log(2.0)
                else:
                    distance = weighted_mean(jnp.mean(jnp.square(outputs[name] - target), -1), batch.weight)
                    metrics[f"{name}_error"] = distance
                total = total + batch.hparams["field_coef"] * distance
            return total, metrics

        return Objective(
            heads={"policy": discrete_actions(world, "next_step"), **heads} if acts else heads,
            loss=loss,
            kind=PREDICTION,
            settings=(
                Setting(
                    "field_coef", 1.0, 0, 1e6, "weight of the observation's next fields against the others' next action"
                ),
            ),
            spec=("next_step", tuple(names), acts),
        )

    return objective


@once
def masked() -> ObjectiveFactory:
    r"""Asks for what is hidden of the present observation: reconstruction from the rest, and from what came before.

    .. math:: \ell = \sum_f \mathbb{E}\, [d(p_f(h_t), o_t^f) \mid \text{hidden}]

    Of real-valued fields each number is hidden on its own, a one-hot field as a whole; what is hidden is zero in the
    input. The distances are those of :func:`next_step`.

    Returns:
      the objective. Settings: `mask_fraction`, how much is hidden. Metrics: ``masked_<field>_bits`` (bits per field)
      or ``masked_<field>_error`` (mean squared error per number), of what was hidden.

    Reference:
      Vincent et al., Stacked denoising autoencoders (2010), section 3.3, masking noise with α = 1, β = 0.
    """

    def objective(source: Source, width: int) -> Objective:
        del width
        segments = segments_of(source.fields)

        def hide(key: Array, obs: Array, fraction: Array) -> Array:
            """`[T, E, D]` 1 for what is hidden."""
            u = jax.random.uniform(key, obs.shape)
            for categorical, segment in segments.values():
                if categorical:
                    u = u.at[..., segment].set(jnp.broadcast_to(u[..., segment][..., :1], u[..., segment].shape))
            return (u < fraction).astype(obs.dtype)

        def loss(batch: Batch) -> tuple[Array, Metrics]:
            hidden = hide(batch.key, batch.trajectory.obs_tm1, batch.hparams["mask_fraction"])
            outputs, _ = batch.along(batch.trajectory.obs_tm1 * (1.0 - hidden))
            total, metrics = jnp.zeros(()), {}
            for name, (categorical, segment) in segments.items():
                target = batch.targets.obs_tm1[..., segment]
                if categorical:
                    weight = batch.weight * hidden[..., segment][..., 0] * jnp.sum(target, -1)
                    distance = weighted_mean(stepwise_cross_entropy(outputs[name], target), weight)
                    metrics[f"masked_{name}_bits"] = distance / jnp.log(2.0)
                else:
                    distance = weighted_mean(
                        jnp.square(outputs[name] - target), hidden[..., segment] * batch.weight[..., None]
                    )
                    metrics[f"masked_{name}_error"] = distance
                total = total + distance
            return total, metrics

        return Objective(
            heads={name: segment.stop - segment.start for name, (_, segment) in segments.items()},
            loss=loss,
            kind=PREDICTION,
            settings=(Setting("mask_fraction", 0.5, 0, 1, "fraction of the input that is hidden", open_low=True),),
            spec=("masked",),
        )

    return objective


@once
def contrastive() -> ObjectiveFactory:
    r"""Asks which of the next observations of all streams is that of this one.

    .. math:: \ell = -\ln \frac{e^{\cos(p(h_{t-1}),\, z_t) / \tau}}{\sum_j e^{\cos(p(h_{t-1}),\, z_t^j) / \tau}}

    with p the linear head ``latent`` and :math:`z_t` the trunk's features of :math:`o_t` alone, without the memory of
    what came before; j runs over the streams at the same time.

    Returns:
      the objective. Settings: `temperature`. Metrics: ``contrast_bits`` (cross-entropy; log₂ E less this is a lower
      bound of what two neighbours tell about each other, bits) and ``contrast_accuracy``.

    Raises:
      UserError: for a source with one stream only: there is nothing to tell apart.

    Reference:
      van den Oord et al., Representation learning with contrastive predictive coding (2018), eq. 4; cosines in the
      place of the log-bilinear score, as in Chen et al. (2020).
    """

    def objective(source: Source, width: int) -> Objective:
        if source.num_envs < 2:
            raise UserError("contrastive: one stream leaves nothing to tell apart; num_envs must be at least 2")

        def loss(batch: Batch) -> tuple[Array, Metrics]:
            outputs, _ = batch.along()
            z = _unit(batch.alone(batch.targets.obs_t))
            scores = jnp.einsum("tid,tjd->tij", _unit(outputs["latent"]), z) / batch.hparams["temperature"]
            scores = jnp.where(batch.targets.mask_tm1[:, None] > 0, scores, -1e9)
            own = jnp.broadcast_to(jnp.eye(scores.shape[1])[None], scores.shape)
            total = weighted_mean(stepwise_cross_entropy(scores, own), batch.weight)
            hits = (jnp.argmax(scores, -1) == jnp.arange(scores.shape[1])[None]).astype(jnp.float32)
            return total, {
                "contrast_bits": total / jnp.log(2.0),
                "contrast_accuracy": weighted_mean(hits, batch.weight),
            }

        return Objective(
            heads={"latent": width},
            loss=loss,
            kind=PREDICTION,
            settings=(Setting("temperature", 0.1, 0, 1e3, "τ, of the cosines that tell streams apart", open_low=True),),
            spec=("contrastive",),
        )

    return objective


_BODY = ("trunk", "adapter")
"""The parts that features depend on."""


@once
def latent() -> ObjectiveFactory:
    r"""Asks for the features that a slow copy of the network will give to the next observation.

    .. math:: \ell = 2 - 2 \cos(p(h_{t-1}), \mathrm{sg}(\bar z_t)), \quad
        \bar\theta \leftarrow \alpha \bar\theta + (1 - \alpha) \theta

    with p the linear head ``latent`` and :math:`\bar z_t` the features of :math:`o_t` alone by the averaged trunk
    :math:`\bar\theta`. Nothing is pushed apart: see in ``latent_spread`` whether features have collapsed.

    Returns:
      the objective. Settings: `target_decay`, the α. Metrics: ``latent_error``, and ``latent_spread``: the standard
      deviation of features of norm 1 over the streams, 1 where they point everywhere and 0 where all are the same.

    Reference:
      Grill et al., Bootstrap your own latent (2020), eq. 2; of one view from the other, with a linear predictor
      (Tian et al., 2021).
    """

    def objective(source: Source, width: int) -> Objective:
        def init(params: Params) -> PyTree:
            return {name: params[name] for name in _BODY if name in params}

        def loss(batch: Batch) -> tuple[Array, Metrics]:
            outputs, _ = batch.along()
            slow = jax.lax.stop_gradient(batch.params | batch.memory)
            z = _unit(batch.alone(batch.targets.obs_t, slow))
            total = weighted_mean(jnp.sum(jnp.square(_unit(outputs["latent"]) - z), -1), batch.weight)
            spread = jnp.sqrt(jnp.mean(jnp.sum(jnp.var(z, axis=1), -1)))
            return total, {"latent_error": total, "latent_spread": spread}

        def refresh(memory: PyTree, params: Params, hparams: HParams) -> PyTree:
            decay = hparams["target_decay"]
            return jax.tree.map(lambda slow, new: decay * slow + (1.0 - decay) * new, memory, init(params))

        return Objective(
            heads={"latent": width},
            init=init,
            loss=loss,
            kind=PREDICTION,
            refresh=refresh,
            settings=(Setting("target_decay", 0.99, 0, 1, "α, memory of the averaged network", open_high=True),),
            spec=("latent",),
        )

    return objective
