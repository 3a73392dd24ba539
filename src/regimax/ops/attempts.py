"""Success when there is more than one try."""

from __future__ import annotations

import jax.numpy as jnp

from regimax.errors import UserError
from regimax.shapes import check_shapes
from regimax.types import Array


def pass_at_k(successes: Array, samples: int, k: int) -> Array:
    r"""Estimates the probability that one of k tries succeeds from n tries, without bias.

    .. math:: 1 - \binom{n-c}{k} / \binom{n}{k} = 1 - \prod_{i=0}^{k-1} \frac{n - c - i}{n - i}

    Args:
      successes: `[N]`, c, how many of the n tries at each episode were a success.
      samples: n.
      k: at most n.

    Returns:
      `[N]`.

    Raises:
      UserError: for k beyond 1 … n.

    Reference:
      Chen et al., Evaluating large language models trained on code (2021), eq. 1.

    Example:
      >>> print(pass_at_k(jnp.array([0.0, 1.0, 4.0]), samples=4, k=2))
      [0.  0.5 1. ]
    """
    check_shapes("pass_at_k", successes=(successes, "N"))
    if not 1 <= k <= samples:
        raise UserError(f"pass_at_k: k = {k} is not one of 1 … {samples}")
    place = jnp.arange(k, dtype=jnp.float32)
    left = jnp.maximum(samples - successes[:, None] - place[None], 0.0)
    return 1.0 - jnp.prod(left / (samples - place)[None], axis=-1)
