"""Losses of one step or one stream, and what a masked trajectory makes of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from regimax.shapes import check_same, check_shapes
from regimax.types import Array


def categorical_cross_entropy(logits: Array, target: Array) -> Array:
    r"""Returns the cross-entropy :math:`-\sum_i y_i \log \mathrm{softmax}(x)_i`; zero for a target of zeros.

    Args:
      logits: `[N]` unnormalised log-probabilities.
      target: `[N]` a one-hot code, a distribution, or zeros where there is nothing to predict.

    Returns:
      `[]` nats.

    Example:
      >>> print(round(float(categorical_cross_entropy(jnp.zeros(4), jnp.array([0., 1., 0., 0.]))), 4))
      1.3863
    """
    check_shapes("categorical_cross_entropy", logits=(logits, "N"), target=(target, "N"))
    return -jnp.sum(target * jax.nn.log_softmax(logits))


stepwise_cross_entropy = jax.vmap(jax.vmap(categorical_cross_entropy))
"""`(logits [T, E, N], target [T, E, N]) -> [T, E]` nats: the same of every step of every stream."""


def weighted_mean(x: Array, weight: Array) -> Array:
    r"""Returns the mean :math:`\sum_i w_i x_i / \max(1, \sum_i w_i)`, with weights that are a mask or counts.

    Without any weight it is 0.

    Args:
      x: any shape.
      weight: the same shape.

    Returns:
      `[]`, in the unit of x.

    Raises:
      AssertionError: chex's, if the shapes differ.

    Example:
      >>> float(weighted_mean(jnp.array([1., 2., 6.]), jnp.array([0., 1., 1.])))
      4.0
    """
    check_same("weighted_mean", x=x, weight=weight)
    return jnp.sum(x * weight) / jnp.maximum(jnp.sum(weight), 1.0)


@jax.custom_jvp
def weighted_squares(error: Array, weight: Array) -> Array:
    r"""Squares errors that count differently, :math:`w e^2`.

    The gradient, :math:`2 w e`, is one factor, before which those of a loss stand together as they do without weights:
    so with weights of 1 no compiler rounds otherwise than for `jnp.square`.

    Args:
      error: any shape.
      weight: the same shape; no gradient flows there.

    Returns:
      the same shape.

    Raises:
      AssertionError: chex's, if the shapes differ.

    Example:
      >>> print(jax.grad(lambda e: weighted_squares(e, jnp.array([1., 0.])).sum())(jnp.array([3., 5.])))
      [6. 0.]
    """
    check_same("weighted_squares", error=error, weight=weight)
    return (error * weight) * error


@weighted_squares.defjvp
def _weighted_squares_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    error, weight = primals
    return weighted_squares(error, weight), tangents[0] * (2.0 * (error * weight))


def entropy(logits: Array) -> Array:
    r"""Returns the entropy of a categorical policy, :math:`-\sum_i p_i \log p_i`.

    Args:
      logits: `[A]`; excluded actions hold a large negative number.

    Returns:
      `[]` nats.

    Example:
      >>> print(round(float(entropy(jnp.array([0.0, 0.0, -1e9]))), 4))
      0.6931
    """
    check_shapes("losses.entropy", logits=(logits, "A"))
    log_prob = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.exp(log_prob) * log_prob)


def clipped_surrogate(log_prob: Array, log_prob_old: Array, advantage: Array, clip: Array | float) -> Array:
    r"""Returns PPO's clipped surrogate, negated: :math:`-\min(\rho A, \mathrm{clip}(\rho, 1-\epsilon, 1+\epsilon) A)`.

    At the behaviour policy its gradient is that of the plain policy gradient, so one epoch of one minibatch is A2C.

    Args:
      log_prob: `[]` log-probability of the action now, nats.
      log_prob_old: `[]` its log-probability when it was taken.
      advantage: `[]` its advantage.
      clip: ε, the largest change of the ratio that is rewarded.

    Returns:
      `[]` loss.

    Reference:
      Schulman et al., Proximal policy optimization algorithms (2017), eq. 7.

    Example:
      >>> print(clipped_surrogate(jnp.log(0.9), jnp.log(0.5), 2.0, clip=0.2).round(3))
      -2.4
    """
    check_shapes(
        "clipped_surrogate",
        log_prob=(log_prob, ""),
        log_prob_old=(log_prob_old, ""),
        advantage=(advantage, ""),
        clip=(clip, ""),
    )
    ratio = jnp.exp(log_prob - log_prob_old)
    return -jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage)
