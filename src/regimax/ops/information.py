"""Information, in bits."""

from __future__ import annotations

import jax.numpy as jnp
from jax.scipy.special import gammaln, xlogy

from regimax.types import Array

LOG2 = 0.6931471805599453


def binary_entropy(p: Array | float) -> Array:
    r"""Entropy of a coin, :math:`h(p) = -p \log_2 p - (1-p) \log_2 (1-p)`, in bits.

    Args:
      p: any shape, probabilities.

    Example:
      >>> print(binary_entropy(0.5))
      1.0
    """
    p = jnp.asarray(p, jnp.float32)
    return -(xlogy(p, p) + xlogy(1.0 - p, 1.0 - p)) / LOG2


def symmetric_capacity(levels: Array | float, flip: Array | float) -> Array:
    r"""Capacity of a symmetric channel, :math:`\log_2 L - h(q) - q \log_2 (L-1)`, in bits per use.

    Args:
      levels: L ≥ 2, the size of the alphabet.
      flip: q, the probability that a symbol arrives as another one, uniformly among the others.

    Reference:
      Cover and Thomas, Elements of Information Theory, section 7.2.

    Example:
      >>> print(symmetric_capacity(2, 0.0))
      1.0
    """
    levels, flip = jnp.asarray(levels, jnp.float32), jnp.asarray(flip, jnp.float32)
    return jnp.log2(levels) - binary_entropy(flip) - flip * jnp.log2(jnp.maximum(levels - 1.0, 1.0))


def log2_factorial(n: Array | float) -> Array:
    """Returns log2 n!, the bits of a random permutation of `n` things.

    Accuracy: float32, relative error below 1e-5 for n ≤ 1e4.

    Example:
      >>> print(round(float(log2_factorial(4)), 3))
      4.585
    """
    return gammaln(jnp.asarray(n, jnp.float32) + 1.0) / LOG2


def log2_binomial(n: Array | float, k: Array | float) -> Array:
    """Returns log2 C(n, k), the bits of a random choice of `k` things among `n`."""
    n, k = jnp.asarray(n, jnp.float32), jnp.asarray(k, jnp.float32)
    return log2_factorial(n) - log2_factorial(k) - log2_factorial(n - k)
