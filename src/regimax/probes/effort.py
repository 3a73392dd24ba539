"""FLOPs of a traced function."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
from jax.extend import core

from regimax.ops.equations import size
from regimax.traced import traced
from regimax.types import KINDS, REINFORCEMENT

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
        "optimization_barrier",
        "pad",
        "reshape",
        "rev",
        "scatter",
        "select_n",
        "slice",
        "split",
        "squeeze",
        "stack",
        "stop_gradient",
        "tile",
        "transpose",
        "unstack",
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
    return math.fsum(split_flops(function, *args).values())


def split_flops(function: Callable[..., Any], *args: Any) -> dict[str, float]:
    """Counts the floating-point operations of one call by what they are spent on.

    That is marked by :func:`regimax.types.spent_on`; the innermost mark counts.

    Args:
      function: what to trace; nothing is computed.
      *args: its arguments, arrays or `jax.ShapeDtypeStruct`.

    Returns:
      FLOPs by kind, of all `KINDS`; what has no mark is reinforcement's.

    Raises:
      ValueError: for a loop whose length is not known when tracing.

    Example:
      >>> import jax.numpy as jnp
      >>> from regimax.types import spent_on
      >>> def both(a, b):
      ...     with spent_on("prediction"):
      ...         c = a @ b
      ...     return jnp.tanh(c)
      >>> split_flops(both, jnp.ones((2, 3)), jnp.ones((3, 5)))
      {'prediction': 60.0, 'experience': 0.0, 'reinforcement': 10.0}
    """
    found = _Walk().within(traced(function, *args).jaxpr.jaxpr, REINFORCEMENT)
    return {kind: float(found[kind]) for kind in KINDS}


_Split = dict[str, float]


class _Walk:
    """One walk through a trace; what is called time and again is counted once."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], _Split] = {}
        self._marks: dict[int, str | None] = {}

    def within(self, jaxpr: core.Jaxpr, outer: str) -> _Split:
        """Returns the FLOPs of a program that is spent on a kind, by kind."""
        key = id(jaxpr), outer
        if key not in self._found:
            total: _Split = dict.fromkeys(KINDS, 0.0)
            for equation in jaxpr.eqns:
                self._add(total, equation, self._mark(equation) or outer)
            self._found[key] = total
        return self._found[key]

    def _mark(self, equation: Any) -> str | None:
        """The innermost mark of an equation, where it has one of its own."""
        stack = equation.source_info.name_stack
        if id(stack) not in self._marks:
            names = str(stack)
            place, kind = max((names.rfind(f"regimax.{kind}"), kind) for kind in KINDS)
            self._marks[id(stack)] = kind if place >= 0 else None
        return self._marks[id(stack)]

    def _add(self, total: _Split, equation: Any, kind: str) -> None:
        name = equation.primitive.name
        if name == "while":
            raise ValueError("count_flops: the number of steps of a while loop is not known when tracing; use scan")
        inner = [self.within(jaxpr, kind) for jaxpr in _inner(equation)]
        if name == "cond":
            inner = [max(inner, key=lambda split: sum(split.values()))]
        if not inner:
            total[kind] += _primitive_flops(equation)
        times = equation.params["length"] if name == "scan" else 1
        for split in inner:
            for spent, flops in split.items():
                total[spent] += times * flops


def _inner(equation: Any) -> list[core.Jaxpr]:
    """The programs inside an equation."""
    found = []
    for value in equation.params.values():
        if value is None or isinstance(value, str | int | float):
            continue
        for item in value if isinstance(value, tuple | list) else (value,):
            if hasattr(item, "eqns"):
                found.append(item)
            elif hasattr(item, "jaxpr"):
                found.append(item.jaxpr)
    return found


def _primitive_flops(equation: Any) -> float:
    name, out = equation.primitive.name, equation.outvars[0]
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        return 2.0 * size(out) * math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    if name == "conv_general_dilated":
        kernel, numbers = equation.invars[1], equation.params["dimension_numbers"]
        return 2.0 * size(out) * size(kernel) / kernel.aval.shape[numbers.rhs_spec[0]]
    if name in _FREE or not _is_floating(out.aval.dtype):
        return 0.0
    if name.startswith(("reduce_", "cum")) or name == "scatter-add":
        return float(size(equation.invars[-1] if name == "scatter-add" else equation.invars[0]))
    return float(size(out))


@cache
def _is_floating(dtype: Any) -> bool:
    return bool(jax.numpy.issubdtype(dtype, jax.numpy.floating))
