"""FLOPs of a traced function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
from jax.extend import core

_FREE = frozenset(
    {
        "bitcast_convert_type",
        "broadcast_in_dim",
        "concatenate",
        "convert_element_type",
        "copy",
        "device_put",
        "dynamic_slice",
        "dynamic_update_slice",
        "expand_dims",
        "gather",
        "iota",
        "pad",
        "reshape",
        "rev",
        "scatter",
        "select_n",
        "slice",
        "split",
        "squeeze",
        "stop_gradient",
        "transpose",
    }
)
"""Primitives that only move floating-point numbers; what yields integers or booleans counts nothing anyway."""


def count_flops(function: Callable[..., Any], *args: Any) -> float:
    """Counts the floating-point operations of one call, from its trace.

    A matrix product of [m, k] and [k, n] counts 2mkn; every other floating-point primitive counts one per element of
    its output (a reduction one per element of its input), also exp, tanh and division; moving, comparing and drawing
    random bits count nothing. A loop's body counts as often as it runs (XLA's own analysis counts it once); a branch
    counts as its most costly side.

    Args:
      function: what to trace; nothing is computed.
      *args: its arguments, arrays or `jax.ShapeDtypeStruct`.

    Returns:
      FLOPs.

    Raises:
      ValueError: for a loop whose length is not known when tracing.

    Example:
      >>> import jax.numpy as jnp
      >>> count_flops(lambda a, b: a @ b, jnp.ones((2, 3)), jnp.ones((3, 5)))
      60.0
    """
    return _jaxpr_flops(jax.make_jaxpr(function)(*args).jaxpr)


def _jaxpr_flops(jaxpr: core.Jaxpr) -> float:
    return sum(_equation_flops(equation) for equation in jaxpr.eqns)


def _inner(equation: Any) -> list[core.Jaxpr]:
    """The programs inside an equation."""
    found = []
    for value in equation.params.values():
        for item in value if isinstance(value, tuple | list) else (value,):
            if hasattr(item, "eqns"):
                found.append(item)
            elif hasattr(item, "jaxpr"):
                found.append(item.jaxpr)
    return found


def _size(variable: Any) -> int:
    return math.prod(variable.aval.shape)


def _equation_flops(equation: Any) -> float:
    name, out = equation.primitive.name, equation.outvars[0]
    if name == "scan":
        return equation.params["length"] * sum(map(_jaxpr_flops, _inner(equation)))
    if name == "while":
        raise ValueError("count_flops: the number of steps of a while loop is not known when tracing; use scan")
    if name == "cond":
        return max(map(_jaxpr_flops, _inner(equation)))
    if inner := _inner(equation):
        return sum(map(_jaxpr_flops, inner))
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        return 2.0 * _size(out) * math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    if name == "conv_general_dilated":
        kernel, numbers = equation.invars[1], equation.params["dimension_numbers"]
        return 2.0 * _size(out) * _size(kernel) / kernel.aval.shape[numbers.rhs_spec[0]]
    if name in _FREE or not jax.numpy.issubdtype(out.aval.dtype, jax.numpy.floating):
        return 0.0
    if name.startswith(("reduce_", "cum")) or name == "scatter-add":
        return float(_size(equation.invars[-1] if name == "scatter-add" else equation.invars[0]))
    return float(_size(out))
