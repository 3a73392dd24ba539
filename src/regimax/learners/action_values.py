"""Action values, learnt from differences in time."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from regimax.learners.batch import Batch, Objective
from regimax.learners.policies import ILLEGAL
from regimax.sources import Source
from regimax.types import REINFORCEMENT, Array, Metrics, Setting

HEAD = "action_values"
"""Of the action values."""


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
    num_actions = source.world.num_actions

    def loss(batch: Batch) -> tuple[Array, Metrics]:
        before, after = batch.before_and_after()
        best = jnp.max(jnp.where(batch.legal, after[HEAD], ILLEGAL), -1)
        trajectory = batch.trajectory
        target = trajectory.r_t + trajectory.discount_t * batch.hparams["discount"] * best
        chosen = jnp.sum(before[HEAD] * jax.nn.one_hot(trajectory.a_tm1, num_actions), axis=-1)
        return 0.5 * jnp.square(chosen - jax.lax.stop_gradient(target)), {}

    return Objective(
        heads={HEAD: num_actions},
        loss=loss,
        kind=REINFORCEMENT,
        spec=("action_values",),
        settings=(Setting("discount", 1.0, 0, 1, "γ"),),
    )
