"""Loops that do several of their steps in a turn, for devices that launch every operation by itself.

A GPU is told of every kernel, and a small loop's turn is mostly kernels that only serve the loop: copies of what it
carries, a slice of every input and an update of every output, a counter. Unrolled, these come once in several steps,
and XLA fuses across steps. A CPU calls what it has compiled as one function: there a loop costs nothing, and a larger
program takes longer to compile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jax.extend import core

from regimax.traced import Traced

STEPS = 16
"""Steps in a turn at most; of a loop of no more nothing is left."""

EQUATIONS = 4000
"""Equations of a turn at most: what takes a compiler a minute would not be earned back."""


def unrolled(trace: Traced) -> Traced:
    """Returns a trace whose loops of known length do several steps in a turn, as many as the limits above allow.

    The steps are the same, in the same order.

    Args:
      trace: of a function that will not be differentiated any more.

    Example:
      >>> import jax
      >>> import jax.numpy as jnp
      >>> from regimax.traced import traced
      >>> total = traced(lambda xs: jax.lax.scan(lambda c, x: (c + x, None), 0.0, xs)[0], jnp.arange(4.0))
      >>> [trace.jaxpr.eqns[0].params["unroll"] for trace in (total, unrolled(total))]
      [1, 4]
    """
    return trace._replace(jaxpr=_unrolled(trace.jaxpr))


def _unrolled(program: core.ClosedJaxpr) -> core.ClosedJaxpr:
    equations = [_of_equation(equation) for equation in program.jaxpr.eqns]
    return core.ClosedJaxpr(program.jaxpr.replace(eqns=equations), program.consts)


def _of_equation(equation: core.JaxprEqn) -> core.JaxprEqn:
    params = {name: _with(_unrolled, value) for name, value in equation.params.items()}
    if equation.primitive.name == "scan":
        params["unroll"] = _steps(params["length"], _size(params["jaxpr"].jaxpr))
    return equation.replace(params=params)


def _steps(length: int, size: int) -> int:
    """How many steps of so many equations a loop does in a turn: if possible a number that divides its length."""
    most = max(1, min(length, STEPS, EQUATIONS // max(size, 1)))
    return next((steps for steps in range(most, most // 2, -1) if length % steps == 0), most)


def _size(program: core.Jaxpr) -> int:
    """Equations, those of programs within an equation as often as a turn of their loop does them."""
    total = len(program.eqns)
    for equation in program.eqns:
        inner: list[core.ClosedJaxpr] = []
        _with(lambda one, found=inner: found.append(one) or one, tuple(equation.params.values()))
        total += equation.params.get("unroll", 1) * sum(_size(one.jaxpr) for one in inner)
    return total


def _with(change: Callable[[core.ClosedJaxpr], core.ClosedJaxpr], value: Any) -> Any:
    """A parameter of an equation, with every program in it changed."""
    if isinstance(value, core.ClosedJaxpr):
        return change(value)
    if isinstance(value, core.Jaxpr):
        return change(core.ClosedJaxpr(value, ())).jaxpr
    return tuple(_with(change, one) for one in value) if type(value) is tuple else value
