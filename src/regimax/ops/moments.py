"""Running means and variances of a stream, merged batch by batch."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from regimax.shapes import check_shapes
from regimax.types import Array

EPSILON = 1e-8
"""Added to a variance before its root is divided by, in squared units of what is normalised."""


class Moments(NamedTuple):
    """What is known of `D` numbers that were seen time and again.

    Attributes:
      count: `[]` how often.
      mean: `[D]`.
      variance: `[D]`, that of what was seen, not an estimate of what it was drawn from.
    """

    count: Array
    mean: Array
    variance: Array


def no_moments(size: int) -> Moments:
    """Returns those of `size` numbers that were never seen; they normalise nothing."""
    return Moments(jnp.zeros(()), jnp.zeros((size,)), jnp.zeros((size,)))


def merge(moments: Moments, x: Array, weight: Array) -> Moments:
    r"""Takes a batch into running moments.

    With :math:`\delta` the difference of the means and :math:`s = n_b / (n_a + n_b)` the batch's share,

    .. math:: \mu = \mu_a + s \delta, \quad \sigma^2 = (1 - s) \sigma_a^2 + s \sigma_b^2 + s (1 - s) \delta^2

    Args:
      moments: so far.
      x: `[N, D]` what is seen.
      weight: `[N]` in {0, 1}, 0 for rows that do not count. Without any that does nothing changes.

    Returns:
      the moments of all.

    Accuracy:
      shares are multiplied, not sums of squares added, so that nothing grows with the count. In float32 the count
      stands still from about 2^24 times the size of a batch on, and from then on a batch has a constant share.

    Reference:
      Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances (1979), eq.
      2.1, divided by the counts; Welford (1962) where a batch is one row.

    Example:
      >>> moments = no_moments(1)
      >>> for batch in ([[1.0], [2.0]], [[6.0], [7.0]]):
      ...     moments = merge(moments, jnp.array(batch), jnp.ones(2))
      >>> moments.count.item(), moments.mean.item(), moments.variance.item()
      (4.0, 4.0, 6.5)
    """
    check_shapes("merge", x=(x, "N D"), weight=(weight, "N"), mean=(moments.mean, "D"))
    number = jnp.sum(weight)
    count = moments.count + number
    share = number / jnp.maximum(count, 1.0)
    shifted, rows = x - moments.mean[None], weight[:, None]
    delta = jnp.sum(shifted * rows, axis=0) / jnp.maximum(number, 1.0)
    spread = jnp.sum(jnp.square(shifted - delta[None]) * rows, axis=0) / jnp.maximum(number, 1.0)
    variance = moments.variance + share * (spread - moments.variance + (1.0 - share) * jnp.square(delta))
    return Moments(count, moments.mean + share * delta, variance)


def normalize(moments: Moments, x: Array, clip: float) -> Array:
    """Returns `x` `[..., D]` centred and scaled to unit variance, clipped to ±`clip`; as it is where nothing was seen.

    Args:
      moments: of what was seen so far.
      x: what is to be normalised.
      clip: the largest number that is returned, standard deviations.
    """
    check_shapes("normalize", x=(x, "... D"), mean=(moments.mean, "D"))
    ones = (1,) * (x.ndim - 1)
    mean, deviation = moments.mean.reshape(*ones, -1), jnp.sqrt(moments.variance + EPSILON).reshape(*ones, -1)
    return jnp.where(moments.count > 0, jnp.clip((x - mean) / deviation, -clip, clip), x)
