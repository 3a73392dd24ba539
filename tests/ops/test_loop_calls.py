"""Calls within loops that are taken apart compute what they did."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.ops.loop_calls import LOOPS, inline_loop_calls

pytestmark = pytest.mark.versions  # what JAX calls its calls and their parts

XS = jnp.linspace(-1.0, 1.0, 4)
TABLE = np.arange(3.0, dtype=np.float32)


@jax.jit
def inner(x):
    return x + jnp.asarray(TABLE)[0]


@jax.jit
def both(x, y):
    """Hands on what it was given, a number that stands there, and what is called within."""
    return y, jnp.sin(inner(x)) * jnp.asarray(TABLE)[1], 2.0, x


def in_a_loop(xs, n):
    def body(i, carry):
        a, b = carry
        b, a, two, _ = both(a, b)
        return a * two, b + i

    return jax.lax.fori_loop(0, n, body, (xs, xs[::-1]))


def in_a_loop_in_a_loop(xs, n):
    def step(carry, x):
        y, z, two, _ = both(carry, x)
        return y * two, z

    return jax.lax.fori_loop(0, n, lambda i, c: jax.lax.scan(step, c, jnp.stack([c] * 3))[1].sum(0), xs)


def twice_in_a_loop(xs, n):
    def body(i, x):
        y, z, _, _ = both(x, x + 1)
        return both(y, z)[1]

    return jax.lax.fori_loop(0, n, body, xs)


def by_a_condition(xs, n):
    return jax.lax.while_loop(lambda x: x.sum() < n, lambda x: inner(x) + 1, xs)


def outside(xs, n):
    return both(xs, n)


def calls(jaxpr, loop=False):
    """Functions that are called, and whether in a loop; calls in calls left out."""
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name == "jit":
            yield equation.params["name"], loop
        if name in LOOPS:
            yield from calls(equation.params[LOOPS[name]].jaxpr, True)


FUNCTIONS = [in_a_loop, in_a_loop_in_a_loop, twice_in_a_loop, by_a_condition, outside]


@pytest.mark.parametrize("change", [jax.jit, jax.vmap], ids=lambda change: change.__name__)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_it_computes_the_same(function, change):
    xs = jnp.stack([XS, 2 * XS]) if change is jax.vmap else XS
    options = {"in_axes": (0, None)} if change is jax.vmap else {}
    found, expected = (jax.jit(change(f, **options))(xs, 5) for f in (inline_loop_calls(function), function))
    jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize(
    ("function", "left"),
    [
        (in_a_loop, [("inner", True)]),  # calls in calls stay
        (in_a_loop_in_a_loop, [("inner", True)]),
        (twice_in_a_loop, [("inner", True), ("both", True)]),
        (by_a_condition, []),
        (outside, [("both", False)]),
    ],
    ids=lambda given: getattr(given, "__name__", None),
)
def test_what_stands_in_loops_is_taken_apart(function, left):
    jaxpr = jax.make_jaxpr(inline_loop_calls(function))(XS, 5).jaxpr
    assert list(calls(jaxpr)) == left


def test_operations_keep_the_scopes_that_they_stand_in():
    @jax.jit
    def called(x):
        with jax.named_scope("within"):
            return jnp.sin(x)

    def body(i, x):
        with jax.named_scope("around"):
            return called(x)

    jaxpr = jax.make_jaxpr(inline_loop_calls(lambda x, n: jax.lax.fori_loop(0, n, body, x)))(XS, 5).jaxpr
    [loop] = [equation for equation in jaxpr.eqns if equation.primitive.name == "while"]
    [sine] = [equation for equation in loop.params["body_jaxpr"].eqns if equation.primitive.name == "sin"]
    assert str(sine.source_info.name_stack) == "around/within"
