"""Room in a memory that is one matrix: whose the state is, along how many directions, and how much more it can hold."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from regimax.shapes import check_shapes
from regimax.types import Array

_dot = functools.partial(jnp.dot, precision="highest")

Write = Callable[[Array, Array, Array, Array], Array]
"""A memory's rule: its state with one more pair, `(state [k v], key [k], value [v], beta []) -> [k v]`."""


def participation_ratio(state: Array) -> Array:
    r"""Returns along how many directions a state lies, :math:`(\sum_i \sigma_i^2)^2 / \sum_i \sigma_i^4`.

    r for r singular values of one size, 1 for a single pair; it does not change with the state's scale.

    Args:
      state: `[k, v]`.

    Returns:
      `[]`, from 1 to min(k, v); 0 for an empty state.

    Reference:
      Gao et al., A theory of multineuronal dimensionality, dynamics and measurement (2017), eq. 5.

    Example:
      >>> print(participation_ratio(jnp.diag(jnp.array([3.0, 3.0, 0.0]))))
      2.0
    """
    check_shapes("participation_ratio", state=(state, "k v"))
    gram = _dot(state.T, state)
    fourth = jnp.square(gram).sum()
    return jnp.where(fourth > 0, jnp.square(jnp.trace(gram)) / jnp.where(fourth > 0, fourth, 1.0), 0.0)


def squares_due(part: Array, state: Array) -> Array:
    r"""Returns how much of :math:`\|S\|_F^2` is due to a part of S, :math:`\langle P, S \rangle`.

    The parts of a state add up to its square, and two that overlap share what is between them. Below 0 for a part that
    takes away from the rest.

    Args:
      part: `[k, v]` P, by which the state differs from what it would be without it.
      state: `[k, v]` S.

    Returns:
      `[]`.

    Example:
      >>> state = jnp.array([[3.0, 0.0], [0.0, 1.0]])
      >>> print(squares_due(state.at[1, 1].set(0.0), state), squares_due(state, state))
      9.0 10.0
    """
    check_shapes("squares_due", part=(part, "k v"), state=(state, "k v"))
    return (part * state).sum()


def recall_errors(state: Array, keys: Array, values: Array, beta: Array, write: Write) -> tuple[Array, Array]:
    r"""Writes further pairs into a memory one after another, and returns how well it recalls all that were written.

    Once m are in, the error is :math:`E_m = \sum_{j \le m} \|S_m^\top k_j - v^*_j\|^2`, with v* what an empty memory
    recalls of a pair alone, and is to be compared with :math:`\sum_{j \le m} \|v^*_j\|^2`.

    For a memory that adds pairs up, and n keys drawn alike in all directions of `k` dimensions, values of one norm ν
    and β = 1, the ratio of both is :math:`\|S\|_F^2 / (k \nu^2) + (m - 1) / k` in expectation.

    Args:
      state: `[k, v]` what the memory holds already.
      keys: `[n, k]`.
      values: `[n, v]`.
      beta: `[n]` how much of a pair is written.
      write: the memory's rule; what is written is recalled as Sᵀk.

    Returns:
      `[n]` errors and `[n]` squares of what is to be recalled.
    """
    check_shapes("recall_errors", state=(state, "k v"), keys=(keys, "n k"), values=(values, "n v"), beta=(beta, "n"))
    empty = jnp.zeros_like(state)
    alone = jax.vmap(lambda k, v, b: _dot(k, write(empty, k, v, b)))(keys, values, beta)
    number = jnp.arange(len(keys))

    def step(state: Array, i: Array) -> tuple[Array, Array]:
        state = write(state, keys[i], values[i], beta[i])
        missed = jnp.square(_dot(keys, state) - alone).sum(-1)
        return state, jnp.where(number <= i, missed, 0.0).sum()

    _, errors = jax.lax.scan(step, state, number)
    return errors, jnp.cumsum(jnp.square(alone).sum(-1))


def capacity(errors: Array, squares: Array, level: float) -> Array:
    r"""Returns how many further pairs fit until the error of recall exceeds so many times what is to be recalled.

    Where the error rises by straight lines between whole numbers of pairs, that is where it first meets the level.

    Args:
      errors: `[n]` of :func:`recall_errors`, or their sum over several memories.
      squares: `[n]` likewise.
      level: of the ratio.

    Returns:
      `[]`, from 0, where not even one fits, to n, where all do.

    Example:
      >>> print(capacity(jnp.array([0.0, 1.0, 6.0]), jnp.array([1.0, 2.0, 3.0]), level=1.25))
      2.5
    """
    check_shapes("capacity", errors=(errors, "n"), squares=(squares, "n"))
    ratio = jnp.where(squares > 0, errors / jnp.where(squares > 0, squares, 1.0), jnp.inf)
    over = ratio > level
    first = jnp.argmax(over)
    before, after = ratio[first - 1], ratio[first]
    share = jnp.where(jnp.isfinite(after), (level - before) / jnp.where(after > before, after - before, 1.0), 0.0)
    return jnp.where(over.any(), jnp.where(first > 0, first.astype(jnp.float32) + share, 0.0), jnp.float32(len(errors)))
