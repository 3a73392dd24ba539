"""A scan that does after its loop what only its reports need, for devices that launch every operation by itself.

A GPU is told of every kernel in every turn of a loop. What no later turn reads, tallies above all, is as many kernels
for all turns at once as for one; and so are the keys that a turn derives from its number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from regimax.ops.equations import shortened, size, variables
from regimax.ops.precomputed_randomness import part, scan_precomputed_randomness
from regimax.types import Array, PyTree

LARGEST = 1024
"""Numbers per step that may be kept for what comes after, and that one operation may compute ahead."""

TOGETHER = 32
"""Steps for which this is kept at a time, at most."""


def scan_reports_after(step: Callable[[Any, Any], tuple[Any, Any]], init: PyTree, xs: PyTree) -> tuple[PyTree, PyTree]:
    """Scans like `jax.lax.scan`, but computes after the loop, for all steps at once, what no later step reads.

    What a step computes from its x alone is done before it, see
    :func:`regimax.ops.precomputed_randomness.scan_precomputed_randomness`. The steps are the same.

    Args:
      step: `(carry, x) -> (carry, y)`.
      init: the first carry.
      xs: arrays with a leading axis, leaves `[T, ...]`; T is at least 1.

    Returns:
      the last carry, and every y, leaves `[T, ...]`.

    Example:
      >>> import jax.numpy as jnp
      >>> step = lambda c, x: (c + x, jnp.sin(c))
      >>> trace = jax.make_jaxpr(lambda xs: scan_reports_after(step, 0.0, xs))(jnp.arange(4.0))
      >>> [name for name in map(str, (equation.primitive for equation in trace.eqns)) if name in ("scan", "sin")]
      ['scan', 'sin']
    """
    x = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), xs)
    closed, shape = jax.make_jaxpr(step, return_shape=True)(init, x)
    jaxpr, carry = shortened(closed.jaxpr), jax.tree.leaves(init)
    of_carry, of_x = jaxpr.invars[: len(carry)], jaxpr.invars[len(carry) :]
    carried, of_y = jaxpr.outvars[: len(carry)], jaxpr.outvars[len(carry) :]

    # A leaf of the carry that no step reads is a report too: that of the last step.
    reads = variables(of_y).union(*(variables(equation.invars) for equation in jaxpr.eqns))
    read = [variable in reads or variable in variables(carried) for variable in of_carry]
    stays = [out for out, kept in zip(carried, read, strict=True) if kept]
    reports = [*(out for out, kept in zip(carried, read, strict=True) if not kept), *of_y]
    inside, after = _divided(jaxpr, stays, {*jaxpr.constvars, *of_x})
    made = variables(variable for equation in after for variable in equation.outvars)
    order = [*of_carry, *(variable for equation in inside for variable in equation.outvars)]
    wanted = variables(reports).union(*(variables(equation.invars) for equation in after)) - made
    fixed = [variable for variable in jaxpr.constvars if variable in wanted]
    given = [variable for variable in of_x if variable in wanted]
    kept = [variable for variable in order if variable in wanted.difference(fixed, given)]

    constants = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    turn = part(jaxpr, inside, [*jaxpr.constvars, *itertools.compress(of_carry, read), *of_x], [*stays, *kept])
    rest = part(jaxpr, after, [*fixed, *given, *kept], reports)

    def body(carry: list[Any], x: list[Any]) -> tuple[list[Any], dict[str, Array]]:
        results = turn(*closed.consts, *carry, *x)
        return results[: len(stays)], _packed(results[len(stays) :])

    leaves = jax.tree.leaves(xs)
    last, cut = scan_precomputed_randomness(body, list(itertools.compress(carry, read)), leaves, LARGEST)
    slices = [leaf for leaf, variable in zip(leaves, of_x, strict=True) if variable in wanted]
    told = jax.vmap(lambda given, cut: rest(*(constants[v] for v in fixed), *given, *_unpacked(cut, kept)))(slices, cut)
    told, ys = told[: len(reports) - len(of_y)], told[len(reports) - len(of_y) :]
    still, late = iter(last), iter(told)
    flat = [next(still) if kept else next(late)[-1] for kept in read]
    return jax.tree.unflatten(jax.tree.structure(shape), [*flat, *ys])


def scan_numbers(
    step: Callable[[Any, Array], tuple[Any, PyTree]], init: PyTree, first: Array, times: int
) -> tuple[PyTree, PyTree]:
    """Scans over so many numbers from a first one by :func:`scan_reports_after`, in portions of at most `TOGETHER`.

    Args:
      step: `(carry, number) -> (carry, y)`; the number is `[]`.
      init: the first carry.
      first: `[]` int32.
      times: how many, at least 1.

    Returns:
      the last carry, and every y, with leading axes that hold `times` of them in order.

    Example:
      >>> import jax.numpy as jnp
      >>> total, ys = scan_numbers(lambda c, n: (c + n, c), jnp.int32(0), jnp.int32(3), 4)
      >>> total.item(), ys.tolist()
      (18, [0, 3, 7, 12])
    """
    length = next(n for n in range(min(times, TOGETHER), 0, -1) if times % n == 0)
    numbers = first + jnp.arange(times, dtype=jnp.int32).reshape(-1, length)
    if length == times:
        return scan_reports_after(step, init, numbers[0])
    return jax.lax.scan(lambda carry, some: scan_reports_after(step, carry, some), init, numbers)


def _divided(
    jaxpr: core.Jaxpr, stays: Sequence[Any], there: set[core.Var]
) -> tuple[list[core.JaxprEqn], list[core.JaxprEqn]]:
    """The equations of a step that the next one needs, or without which too much would be kept, and all others.

    What is `there` is so after the loop too.
    """
    source = {variable: equation for equation in jaxpr.eqns for variable in equation.outvars}
    inside: set[int] = set()

    def need(variable: core.Var) -> None:
        waiting = [variable]
        while waiting:
            equation = source.get(waiting.pop())
            if equation is not None and id(equation) not in inside:
                inside.add(id(equation))
                waiting += variables(equation.invars)

    for variable in variables(stays):
        need(variable)
    changed = True
    while changed:
        changed = False
        for equation in jaxpr.eqns:
            if id(equation) in inside:
                continue
            reads = variables(equation.invars) - there
            early = [x for x in reads if x not in source or id(source[x]) in inside]
            if equation.effects or any(size(variable) > LARGEST for variable in early):
                for variable in equation.outvars:
                    need(variable)
                changed = True
    sides: tuple[list[core.JaxprEqn], list[core.JaxprEqn]] = [], []
    for equation in jaxpr.eqns:
        sides[id(equation) not in inside].append(equation)
    return sides


def _packed(numbers: Sequence[Array]) -> dict[str, Array]:
    """Arrays put together, one for each type: to write one takes one kernel, and to write ten takes ten."""
    kinds: dict[str, list[Array]] = {}
    for x in numbers:
        kinds.setdefault(str(x.dtype), []).append(x.ravel())
    return {kind: jnp.concatenate(some) for kind, some in kinds.items()}


def _unpacked(packed: dict[str, Array], variables: Sequence[core.Var]) -> list[Array]:
    """The arrays again, each in the shape of its variable."""
    at, found = dict.fromkeys(packed, 0), []
    for variable in variables:
        kind = str(variable.aval.dtype)  # type: ignore[attr-defined]
        found.append(packed[kind][at[kind] : at[kind] + size(variable)].reshape(variable.aval.shape))  # type: ignore
        at[kind] += size(variable)
    return found
