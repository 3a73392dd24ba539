"""A reward-free stream of pairs: what is predicted from one view is another of the same."""

from __future__ import annotations

import jax.numpy as jnp

from regimax.types import Array, Trajectory


def paired(first: Array, second: Array) -> Trajectory:
    """Returns pairs as a transcript in which nobody acts, each pair an episode of its own.

    Args:
      first: `[T, D]` what is seen.
      second: `[T, D]` what is seen next.

    Returns:
      fields without the `E` axis.
    """
    zeros = jnp.zeros(first.shape[:1])
    return Trajectory(
        obs_tm1=first,
        first_tm1=zeros + 1.0,
        a_tm1=jnp.zeros(first.shape[:1], jnp.int32),
        r_t=zeros,
        known_t=zeros,
        discount_t=zeros,
        truncated_t=zeros,
        obs_t=second,
        mask_tm1=zeros + 1.0,
        carry=(),
        extras={},
    )
