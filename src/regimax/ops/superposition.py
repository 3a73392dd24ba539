"""Superposition: how many directions share how few dimensions."""

from __future__ import annotations

import functools

import jax.numpy as jnp

from regimax.shapes import check_shapes
from regimax.types import Array

_dot = functools.partial(jnp.dot, precision="highest")


def _safe(numerator: Array, denominator: Array) -> Array:
    return jnp.where(denominator > 0, numerator / jnp.where(denominator > 0, denominator, 1.0), 0.0)


def dimensions(w: Array) -> Array:
    r"""Returns the dimensions each feature has for itself, :math:`D_i = \|w_i\|^2 / \sum_j (\hat w_i \cdot w_j)^2`.

    1 for a feature that is orthogonal to all others, ½ for one of an antipodal pair, 0 for one that is not represented.
    It is the same number as the feature's *capacity*, :math:`C_i = (w_i \cdot w_i)^2 / \sum_j (w_i \cdot w_j)^2`; over
    all features they add up to the rank of W at most.

    Args:
      w: `[n, m]`, the direction of each of n features among m dimensions.

    Returns:
      `[n]`, in [0, 1].

    Reference:
      Elhage et al., Toy models of superposition (2022), section "The geometry of superposition"; Scherlis et al.,
      Polysemanticity and capacity in neural networks (2022), eq. 2.

    Example:
      >>> print(dimensions(jnp.array([[1.0, 0.0], [0.0, 2.0], [0.0, -2.0], [0.0, 0.0]])))
      [1.  0.5 0.5 0. ]
    """
    check_shapes("superposition.dimensions", w=(w, "n m"))
    squares = jnp.square(_dot(w, w.T))
    return _safe(jnp.diagonal(squares), squares.sum(1))


def mean_dimensions(w: Array) -> Array:
    r"""Returns the dimensions per represented feature, :math:`D^* = m / \|W\|_F^2`, for features of about unit length.

    Args:
      w: `[n, m]`.

    Returns:
      `[]`; 0 where nothing is represented.

    Reference:
      Elhage et al., Toy models of superposition (2022), section "The geometry of superposition".

    Example:
      >>> print(mean_dimensions(jnp.array([[1.0], [-1.0]])))
      0.5
    """
    check_shapes("mean_dimensions", w=(w, "n m"))
    return _safe(jnp.asarray(w.shape[1], jnp.float32), jnp.square(w).sum())


def interference(w: Array, group: Array | None = None) -> Array:
    r"""Returns what the others add to each feature's read-out, :math:`\sum_j (\hat w_i \cdot w_j)^2 / \|w_i\|^2`.

    Args:
      w: `[n, m]`.
      group: `[n]` int32; features of the same group, which exclude each other, do not count. Each is alone in its
        own when None; the dimensions are then :math:`1 / (1 + \mathrm{interference})`.

    Returns:
      `[n]` ≥ 0; 0 for a feature that is not represented.

    Reference:
      Elhage et al., Toy models of superposition (2022).

    Example:
      >>> print(interference(jnp.array([[1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])))
      [0. 1. 1.]
    """
    check_shapes("interference", w=(w, "n m"), group=(group, "n"))
    group = jnp.arange(w.shape[0]) if group is None else group
    squares = jnp.square(_dot(w, w.T))
    others = jnp.where(group[:, None] != group[None], squares, 0.0).sum(1)
    return _safe(others, jnp.diagonal(squares))
