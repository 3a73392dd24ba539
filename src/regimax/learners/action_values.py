"""Action values, learnt from differences in time."""

from __future__ import annotations

from typing import cast

import jax
import jax.numpy as jnp
import optax

from regimax.envs.base import discrete_actions
from regimax.learners.base import trainable
from regimax.learners.batch import Batch, Objective
from regimax.learners.policies import ILLEGAL
from regimax.sources import Source
from regimax.types import REINFORCEMENT, Array, HParams, Metrics, Params, Setting

HEAD = "action_values"
"""Of the action values."""

DISCOUNT = Setting("discount", 1.0, 0, 1, "γ")


def action_values(source: Source) -> Objective:
    r"""Makes the objective of action values.

    .. math:: \ell = (q(o_{t-1}, a_{t-1}) - r_t - \gamma_t \max_a q(o_t, a))^2 / 2

    Its fixed point does not depend on who chose :math:`a_{t-1}`, only on that it was chosen at times.

    Args:
      source: of a learner's own behaviour, or of another's.

    Returns:
      the objective. Settings: `discount`.

    Reference:
      Watkins and Dayan, Q-learning (1992); the semi-gradient of one step, without a slow copy of the network.
    """

    def loss(batch: Batch) -> tuple[Array, Metrics]:
        before, after = batch.before_and_after()
        best = jnp.max(jnp.where(batch.legal, after[HEAD], ILLEGAL), -1)
        return _error(batch, before[HEAD], best), {}

    return Objective(
        heads={HEAD: discrete_actions(source.world, "action values")},
        loss=loss,
        kind=REINFORCEMENT,
        spec=("action_values",),
        settings=(DISCOUNT,),
    )


def slow_action_values(source: Source) -> Objective:
    r"""Makes the same objective with a slow copy of the network, which values the action that looks best.

    .. math:: \ell = (q(o_{t-1}, a_{t-1}) - r_t - \gamma_t q'(o_t, \arg\max_a q(o_t, a)))^2 / 2

    Args:
      source: of a learner's own behaviour.

    Returns:
      the objective. Settings: `discount`, and `tau`, by how much of the difference the copy follows after each update.

    Reference:
      van Hasselt et al., Deep reinforcement learning with double Q-learning (2016), eq. 4.
    """

    def copied(params: Params) -> Params:
        return trainable(params, ())  # both see observations through the same statistics

    def loss(batch: Batch) -> tuple[Array, Metrics]:
        before, after = batch.before_and_after()
        _, slow = batch.before_and_after(params=batch.params | batch.memory)
        chosen = jnp.argmax(jnp.where(batch.legal, after[HEAD], ILLEGAL), axis=-1)
        best = jnp.sum(slow[HEAD] * jax.nn.one_hot(chosen, source.world.num_actions), axis=-1)
        return _error(batch, before[HEAD], best), {}

    def follow(slow: Params, params: Params, hparams: HParams) -> Params:
        return cast(Params, optax.incremental_update(copied(params), slow, hparams["tau"]))

    return Objective(
        heads={HEAD: discrete_actions(source.world, "action values")},
        loss=loss,
        kind=REINFORCEMENT,
        spec=("slow_action_values",),
        settings=(DISCOUNT, Setting("tau", 0.05, 0, 1, "step of the slow copy")),
        init=copied,
        refresh=follow,
    )


def _error(batch: Batch, values: Array, best: Array) -> Array:
    """Half the squared error of one step, `[T, E]`, given the values before it and the best one after it."""
    trajectory = batch.trajectory
    target = trajectory.r_t + trajectory.discount_t * batch.hparams["discount"] * best
    chosen = jnp.sum(values * jax.nn.one_hot(trajectory.a_tm1, values.shape[-1]), axis=-1)
    return 0.5 * jnp.square(chosen - jax.lax.stop_gradient(target))
