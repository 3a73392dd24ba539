"""Linear layers whose gradient suits the compiler."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx
from jax.custom_derivatives import SymbolicZero

from regimax.types import Array


@jax.custom_vjp
def product(x: Array, kernel: Array) -> Array:
    """Returns `x @ kernel`, whose gradient by the kernel XLA's CPU compiler makes a fast product of.

    Left to itself it transposes what comes back from above, and multiplies twice as slowly as it can; here the inputs
    are transposed beforehand. On other devices nothing differs. Like every function with a gradient of its own it has
    no forward-mode derivative.

    Args:
      x: `[..., I]`.
      kernel: `[I, O]`.

    Example:
      >>> import jax.numpy as jnp
      >>> x, kernel = jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.ones((2, 3))
      >>> print(jax.grad(lambda w: product(x, w).sum())(kernel)[:, 0])
      [4. 6.]
    """
    return x @ kernel


def _forward(x: Any, kernel: Any) -> tuple[Array, tuple[Array | None, Array | None]]:
    # What nobody differentiates by is not kept, and then not multiplied: the first layer's inputs, frozen kernels.
    kept = x.value if kernel.perturbed else None, kernel.value if x.perturbed else None
    return x.value @ kernel.value, kept


def _backward(kept: tuple[Array | None, Array | None], g: Any) -> tuple[Array | None, Array | None]:
    x, kernel = kept
    if isinstance(g, SymbolicZero):
        return None, None
    return None if kernel is None else g @ kernel.T, None if x is None else _by_kernel(x, g)


def _by_kernel(x: Array, g: Array) -> Array:
    rows, above = x.reshape(-1, x.shape[-1]), g.reshape(-1, g.shape[-1])
    if above.shape[1] == 1:  # a product of a matrix and a vector is fast either way
        return rows.T @ above
    turned = jax.lax.platform_dependent(
        rows, cpu=lambda rows: jax.lax.optimization_barrier(rows.T), default=lambda rows: rows.T
    )
    return turned @ above


product.defvjp(_forward, _backward, symbolic_zeros=True)


class Linear(nnx.Linear):
    """flax's linear layer, by :func:`product`; takes the same arguments but `dot_general`."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options, dot_general=_dot_general)


def _dot_general(x: Array, kernel: Array, *_: Any, **__: Any) -> Array:
    """As flax calls it: over the last axis of `x` and the first of `kernel`."""
    return product(x, kernel)
