"""Calls within loops, taken apart before they are compiled.

A jitted function that a trace calls stays one equation: it is traced, batched and looked at once, however often what is
around it is. XLA takes calls apart too, but late: of a loop whose body is one call it makes a few kernels more.
"""

from __future__ import annotations

from collections.abc import Callable

from jax.extend import core

from regimax.ops.equations import Renamed, named, with_inputs
from regimax.traced import traced
from regimax.types import PyTree

LOOPS = {"scan": "jaxpr", "while": "body_jaxpr"}
"""Primitives that are loops, and the parameter that is their body."""


def inline_loop_calls(function: Callable[..., PyTree]) -> Callable[..., PyTree]:
    """Returns a function in whose loops the equations of what is called there stand one by one.

    Calls in calls stay, and calls outside of loops.

    Args:
      function: pure, of trees of arrays.

    Example:
      >>> import jax
      >>> half = jax.jit(lambda x: x / 2)
      >>> halved = lambda x, n: jax.lax.fori_loop(0, n, lambda i, y: half(y), x)
      >>> for f in (halved, inline_loop_calls(halved)):
      ...     [loop] = [e for e in jax.make_jaxpr(f)(1.0, 3).eqns if e.primitive.name == "while"]
      ...     print([e.primitive.name for e in loop.params["body_jaxpr"].eqns])
      ['add', 'jit']
      ['add', 'div']
    """

    def inlined(*args: PyTree) -> PyTree:
        trace = traced(function, *args)
        equations = [_with_body(equation) for equation in trace.jaxpr.eqns]
        jaxpr = core.ClosedJaxpr(trace.jaxpr.jaxpr.replace(eqns=equations), trace.jaxpr.consts)
        return trace._replace(jaxpr=jaxpr)(*args)

    return inlined


def _with_body(equation: core.JaxprEqn) -> core.JaxprEqn:
    """An equation, of a loop with its body's calls taken apart."""
    name = LOOPS.get(equation.primitive.name)
    if name is None:
        return equation
    return equation.replace(params=equation.params | {name: _inlined(equation.params[name])})


def _inlined(body: core.ClosedJaxpr) -> core.ClosedJaxpr:
    """The body of a loop with the equations of what it calls in the place of the calls."""
    renamed: Renamed = {}
    jaxpr, consts = body.jaxpr, list(body.consts)
    constvars, equations, seen = list(jaxpr.constvars), [], set()
    for equation in jaxpr.eqns:
        equation = with_inputs(equation, renamed)
        # Of what is called twice one call stays: there is one set of variables.
        if equation.primitive.name != "jit" or equation.params["jaxpr"].jaxpr in seen:
            equations.append(_with_body(equation))
            continue
        called: core.ClosedJaxpr = equation.params["jaxpr"]
        seen.add(called.jaxpr)
        constvars += called.jaxpr.constvars
        consts += called.consts
        within: Renamed = dict(zip(called.jaxpr.invars, equation.invars, strict=True))
        outer = equation.source_info.name_stack
        for inner in called.jaxpr.eqns:
            source = inner.source_info.replace(name_stack=outer + inner.source_info.name_stack)
            equations.append(with_inputs(inner, within).replace(source_info=source))
        renamed |= dict(zip(equation.outvars, named(called.jaxpr.outvars, within), strict=True))
    outvars = named(jaxpr.outvars, renamed)
    return core.ClosedJaxpr(jaxpr.replace(constvars=constvars, eqns=equations, outvars=outvars), consts)
