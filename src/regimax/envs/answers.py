"""What worlds share in which an episode is a number of answers, each right or wrong."""

from __future__ import annotations

import math

import jax.numpy as jnp

from regimax.types import Array


def paid(right: Array, t: Array, decisions: Array, graded: Array) -> tuple[Array, Array, Array]:
    """Returns what the answers of an episode are paid, once it is over.

    Args:
      right: `[]` int32, how many were right so far.
      t: `[]` int32, how many were given so far.
      decisions: `[]` how many an episode has.
      graded: `[]` above 0 where it pays the share that was right; otherwise 1 iff all were.

    Returns:
      the outcome, whether it is solved, and whether it is over, `[]` each.
    """
    terminated = t >= decisions
    success = (terminated & (right == t)).astype(jnp.float32)
    share = jnp.where(terminated, right / t, 0.0)
    return jnp.where(graded > 0, share, success), success, terminated


def noisy_bits(numbers: int, noise: float) -> float:
    """Returns the most bits that numbers with a signal of variance 1 tell through noise of deviation `noise`.

    Example:
      >>> noisy_bits(numbers=2, noise=1.0), noisy_bits(numbers=2, noise=0.0)
      (1.0, inf)
    """
    return math.inf if noise == 0 else 0.5 * numbers * math.log2(1.0 + 1.0 / noise**2)
