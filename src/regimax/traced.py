"""A function as its trace: what is compiled, counted and told apart are the same equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import jax
import jax.numpy as jnp
from jax.extend import core

from regimax.types import PyTree

T = TypeVar("T")


class Traced(NamedTuple):
    """A pure function at arguments of known shapes.

    Attributes:
      jaxpr: its equations, with what it closes over as constants.
      args: the shapes of its arguments, a tuple of trees.
      out: the shapes of what it returns, a tree.
    """

    jaxpr: core.ClosedJaxpr
    args: tuple[PyTree, ...]
    out: Any

    def __call__(self, *args: PyTree) -> PyTree:
        """Returns what the function returns, by its equations: no code of its author runs again."""
        leaves, structure = jax.tree.flatten(args)
        if structure != jax.tree.structure(self.args):
            raise TypeError(f"traced for arguments {jax.tree.structure(self.args)}, found {structure}")
        return jax.tree.unflatten(jax.tree.structure(self.out), core.jaxpr_as_fun(self.jaxpr)(*leaves))


def traced(function: Callable[..., PyTree], *args: PyTree) -> Traced:
    """Traces a function once: with the same function and shapes JAX gives the trace that it has.

    Args:
      function: pure, of trees of arrays.
      *args: arrays or numbers, or their shapes (`jax.ShapeDtypeStruct`).

    Returns:
      the trace. It can be called like the function, also under `jit` and `vmap`.

    Example:
      >>> import jax.numpy as jnp
      >>> double = traced(lambda x: {"y": x + x}, jnp.ones(3))
      >>> double.out["y"].shape, double(jnp.arange(3.0))["y"].tolist()
      ((3,), [0.0, 2.0, 4.0])
    """
    jitted = function if hasattr(function, "trace") else jax.jit(function)
    found = jitted.trace(*args)  # type: ignore[attr-defined] - what `jit` returns has it
    return Traced(found.jaxpr, *jax.tree.map(_shape, (args, found.out_info)))


def inlined(function: Callable[..., T]) -> Callable[..., T]:
    """Returns a function whose equations stand in the traces around it one by one, also where it is jitted.

    Example:
      >>> @jax.jit
      ... def half(x):
      ...     return x / 2
      >>> [str(e.primitive) for f in (half, inlined(half)) for e in jax.make_jaxpr(f)(1.0).eqns]
      ['jit', 'div']
    """
    return lambda *args: cast("T", traced(function, *args)(*args))


def _shape(x: Any) -> jax.ShapeDtypeStruct:
    array = x if hasattr(x, "shape") else jnp.asarray(x)
    return jax.ShapeDtypeStruct(array.shape, array.dtype)
