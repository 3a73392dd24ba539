"""The numbers that are computed with: float32 and int32, whatever else the session computes with."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
R = TypeVar("R")


def single(function: Callable[P, R]) -> Callable[P, R]:
    """Returns the function as one that is traced in single precision with NumPy's rules of promotion.

    So the programs are the same, and their numbers too, in a session with ``jax_enable_x64`` or
    ``jax_numpy_dtype_promotion=strict``, whoever wrote the world: settings decide what is learnt, not the session.

    Example:
      >>> import jax.numpy as jnp
      >>> with jax.enable_x64(True):
      ...     print(jnp.zeros(2).dtype, single(jnp.zeros)(2).dtype)
      float64 float32
    """

    @functools.wraps(function)
    def traced(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
            return function(*args, **kwargs)

    return traced


def products(function: Callable[P, R], precision: str) -> Callable[P, R]:
    """Returns the function as one whose products of float32 are traced at a precision, where they do not say one.

    Args:
      function: to be traced.
      precision: ``default`` leaves it to the session and the device; else a name of JAX's, such as ``highest``.
    """
    if precision == "default":
        return function

    @functools.wraps(function)
    def traced(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.default_matmul_precision(precision):
            return function(*args, **kwargs)

    return traced
