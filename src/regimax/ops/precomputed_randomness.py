"""A scan that does ahead of its loop what does not need the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import chex
import jax
from jax.extend import core

from regimax.ops.equations import size, variables
from regimax.types import PyTree

LARGEST = 4096
"""Numbers per step that one operation may compute ahead; what is larger would only fill memory."""


def scan_precomputed_randomness(
    step: Callable[[Any, Any], tuple[Any, Any]], init: PyTree, xs: PyTree, largest: int | None = None
) -> tuple[PyTree, PyTree]:
    """Scans like `jax.lax.scan`, but computes ahead, for all steps at once, what a step computes from its x alone.

    Random numbers are the case in point: drawn from a step's own key inside the loop, they are many small operations,
    whose overhead is a good part of what a small world costs. Drawn ahead they are the same numbers, from the same
    random bits. A jitted function within `step` is done either ahead or in the loop as a whole.

    Args:
      step: `(carry, x) -> (carry, y)`.
      init: the first carry.
      xs: arrays with a leading axis, leaves `[T, ...]`.
      largest: numbers per step that one operation may compute ahead; `LARGEST` when not given.

    Returns:
      the last carry, and every y, leaves `[T, ...]`.

    Raises:
      AssertionError: chex's, for leaves of `xs` that differ in T.

    Example:
      >>> import jax.numpy as jnp
      >>> keys = jax.random.split(jax.random.key(0), 3)
      >>> total, _ = scan_precomputed_randomness(lambda c, k: (c + jax.random.uniform(k), None), jnp.zeros(()), keys)
      >>> bool(jnp.isclose(total, jax.vmap(jax.random.uniform)(keys).sum()))
      True
    """
    largest = LARGEST if largest is None else largest
    length = jax.numpy.shape(jax.tree.leaves(xs)[0])[:1] or (0,)
    chex.assert_tree_shape_prefix(xs, length, custom_message="scan_precomputed_randomness: xs is of leaves [T, ...]")
    x = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), xs)
    closed, shape = jax.make_jaxpr(step, return_shape=True)(init, x)
    jaxpr, carry = closed.jaxpr, jax.tree.leaves(init)
    of_carry, of_x = jaxpr.invars[: len(carry)], jaxpr.invars[len(carry) :]

    # What no step changes, what depends on a step's x besides, and the rest.
    fixed, known = set(jaxpr.constvars), dict.fromkeys([*jaxpr.constvars, *of_x])
    before: list[core.JaxprEqn] = []
    ahead: list[core.JaxprEqn] = []
    inside: list[core.JaxprEqn] = []
    for equation in jaxpr.eqns:
        reads = variables(equation.invars)
        if reads <= fixed and not equation.effects:
            fixed.update(equation.outvars)
            known.update(dict.fromkeys(equation.outvars))
            before.append(equation)
        elif reads <= known.keys() and not equation.effects and _largest(equation) <= largest:
            known.update(dict.fromkeys(equation.outvars))
            ahead.append(equation)
        else:
            inside.append(equation)
    wanted = variables(jaxpr.outvars).union(*(variables(equation.invars) for equation in inside))
    constants = [variable for variable in known if variable in fixed]
    drawn = [variable for variable in known if variable in wanted and variable not in fixed]

    values = part(jaxpr, before, jaxpr.constvars, constants)(*closed.consts)
    draw = part(jaxpr, ahead, [*constants, *of_x], drawn)
    rest = part(jaxpr, inside, [*constants, *drawn, *of_carry], jaxpr.outvars)

    def body(carry: list[Any], numbers: list[Any]) -> tuple[list[Any], list[Any]]:
        results = rest(*values, *numbers, *carry)
        return results[: len(carry)], results[len(carry) :]

    numbers = jax.vmap(lambda leaves: draw(*values, *leaves))(jax.tree.leaves(xs))
    last, ys = jax.lax.scan(body, carry, numbers, length=length[0])
    return jax.tree.unflatten(jax.tree.structure(shape), [*last, *ys])


def _largest(equation: core.JaxprEqn) -> int:
    return max(size(variable) for variable in equation.outvars)


def part(
    jaxpr: core.Jaxpr, equations: Sequence[core.JaxprEqn], reads: Sequence[core.Var], writes: Sequence[Any]
) -> Callable[..., list[Any]]:
    """Returns some equations of a program as a function from the variables `reads` to the variables `writes`."""
    part = jaxpr.replace(constvars=[], invars=list(reads), outvars=list(writes), eqns=list(equations))
    return core.jaxpr_as_fun(core.ClosedJaxpr(part, []))
