"""Rewriting the equations of a trace."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

Renamed = dict[core.Var, Any]
"""Variables by those whose place they take."""


def variables(atoms: Iterable[Any]) -> set[core.Var]:
    """Returns what of an equation's inputs or outputs is no number that stands there."""
    return {atom for atom in atoms if not isinstance(atom, core.Literal)}


def size(variable: core.Var) -> int:
    """Returns how many numbers a variable is."""
    return math.prod(variable.aval.shape)  # type: ignore[attr-defined]


def shortened(jaxpr: core.Jaxpr) -> core.Jaxpr:
    """Returns a program that computes nothing twice and adds up sums as one, in its loops too."""
    jaxpr = sums_as_one(computed_once(jaxpr))
    return jaxpr.replace(eqns=[_with_loop(equation) for equation in jaxpr.eqns])


def _with_loop(equation: core.JaxprEqn) -> core.JaxprEqn:
    if equation.primitive.name != "scan":
        return equation
    body = equation.params["jaxpr"]
    return equation.replace(params=equation.params | {"jaxpr": core.ClosedJaxpr(shortened(body.jaxpr), body.consts)})


def computed_once(jaxpr: core.Jaxpr) -> core.Jaxpr:
    """Returns a program in which no equation stands twice."""
    renamed: Renamed = {}
    known: dict[Any, core.JaxprEqn] = {}
    equations = []
    for equation in jaxpr.eqns:
        equation = with_inputs(equation, renamed)
        key = _key(equation)
        like = None if key is None else known.setdefault(key, equation)
        if like is None or like is equation:
            equations.append(equation)
        else:
            renamed |= dict(zip(equation.outvars, like.outvars, strict=True))
    return jaxpr.replace(eqns=equations, outvars=named(jaxpr.outvars, renamed))


def _key(equation: core.JaxprEqn) -> Any:
    """What two equations agree in that give the same; None where that cannot be told."""
    if equation.effects:
        return None
    inputs = tuple((x.aval, str(x.val)) if isinstance(x, core.Literal) else x for x in equation.invars)
    key = (equation.primitive, tuple(sorted(equation.params.items(), key=lambda item: item[0])), inputs)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def sums_as_one(jaxpr: core.Jaxpr, least: int = 3) -> core.Jaxpr:
    """Returns a program that adds up arrays put together, where it added up each and then the sums.

    Args:
      jaxpr: a program.
      least: sums that are worth it.
    """
    source: dict[Any, core.JaxprEqn] = {variable: equation for equation in jaxpr.eqns for variable in equation.outvars}
    uses: Counter[Any] = Counter(
        x for equation in jaxpr.eqns for x in equation.invars if not isinstance(x, core.Literal)
    )
    uses.update(x for x in jaxpr.outvars if not isinstance(x, core.Literal))

    def added(variable: Any, top: bool = False) -> list[Any] | None:
        """The arrays whose sums make up a number, unless it is anything else."""
        equation = None if isinstance(variable, core.Literal) else source.get(variable)
        aval: Any = variable.aval
        if equation is None or not (top or uses[variable] == 1) or aval.shape != () or aval.dtype != jnp.float32:
            return None
        if equation.primitive.name == "reduce_sum":
            return list(equation.invars)
        if equation.primitive.name != "add":
            return None
        parts = [[] if _is_zero(x) else added(x) for x in equation.invars]
        return None if any(part is None for part in parts) else [x for part in parts for x in part or ()]

    equations: list[core.JaxprEqn] = []
    for equation in jaxpr.eqns:
        arrays = added(equation.outvars[0], top=True) if equation.primitive.name == "add" else None
        if arrays is None or len(arrays) < least:
            equations.append(equation)
        else:
            equations += _sum_of(arrays, equation.outvars[0])
    return _needed(jaxpr.replace(eqns=equations))


def _needed(jaxpr: core.Jaxpr) -> core.Jaxpr:
    """A program without the equations that nothing reads."""
    wanted, equations = variables(jaxpr.outvars), []
    for equation in reversed(jaxpr.eqns):
        if equation.effects or not wanted.isdisjoint(equation.outvars):
            wanted |= variables(equation.invars)
            equations.append(equation)
    return jaxpr.replace(eqns=equations[::-1])


def _is_zero(atom: Any) -> bool:
    return isinstance(atom, core.Literal) and atom.val == 0


def _sum_of(arrays: Sequence[Any], out: core.Var) -> list[core.JaxprEqn]:
    """The equations of the sum of arrays put together."""
    shapes = [jax.ShapeDtypeStruct(x.aval.shape, x.aval.dtype) for x in arrays]
    made = jax.make_jaxpr(lambda *xs: jnp.sum(jnp.concatenate([x.ravel() for x in xs])))(*shapes).jaxpr
    renamed: Renamed = dict(zip(made.invars, arrays, strict=True)) | {made.outvars[0]: out}
    return [with_inputs(e, renamed).replace(outvars=named(e.outvars, renamed)) for e in made.eqns]


def with_inputs(equation: core.JaxprEqn, renamed: Renamed) -> core.JaxprEqn:
    """Returns an equation with other variables for its inputs."""
    return equation.replace(invars=named(equation.invars, renamed))


def named(atoms: Sequence[Any], renamed: Renamed) -> list[Any]:
    """Returns variables, or those that take their place; numbers that stand there as they are."""
    return [atom if isinstance(atom, core.Literal) else renamed.get(atom, atom) for atom in atoms]
