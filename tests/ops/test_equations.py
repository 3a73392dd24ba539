"""Equations that are written otherwise give what they gave."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.extend import core

from regimax.ops.equations import computed_once, shortened, size, sums_as_one, variables

TREE = {"weights": jnp.arange(6.0).reshape(2, 3), "bias": jnp.ones(3), "other": jnp.full(2, 3.0), "one": jnp.float32(4)}


def clipped(tree):
    """The norm of a tree, computed twice."""
    updates, _ = optax.clip_by_global_norm(jnp.float32(1.0)).update(tree, optax.EmptyState())
    return updates, optax.tree.norm(tree)


def several_sums(tree):
    return tree["bias"].sum() + tree["other"].sum() - 2.0 * tree["weights"].sum()


def sums_of_parts(tree):
    """A sum that is read beside, one along an axis, one times a number; then four that can be put together."""
    read = tree["bias"].sum()
    part = read + tree["weights"].sum(0)[0] + 2.0 * tree["other"].sum()
    return part, read, tree["weights"].sum() + (tree["bias"] ** 2).sum() + (tree["other"].sum() + tree["one"].sum())


def names(jaxpr):
    return [equation.primitive.name for equation in jaxpr.eqns]


@pytest.mark.parametrize("function", [clipped, several_sums, sums_of_parts])
@pytest.mark.parametrize("change", [computed_once, sums_as_one, lambda jaxpr: sums_as_one(computed_once(jaxpr))])
def test_they_give_the_same(function, change):
    closed, shape = jax.make_jaxpr(function, return_shape=True)(TREE)
    leaves = core.jaxpr_as_fun(core.ClosedJaxpr(change(closed.jaxpr), closed.consts))(*jax.tree.leaves(TREE))
    found = jax.tree.unflatten(jax.tree.structure(shape), leaves)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, function(TREE))


def test_a_norm_of_many_arrays_is_one_sum():
    jaxpr = jax.make_jaxpr(clipped)(TREE).jaxpr
    assert names(jaxpr).count("reduce_sum") == 8
    jaxpr = computed_once(jaxpr)
    assert names(jaxpr).count("reduce_sum") == 4
    assert [names(sums_as_one(jaxpr)).count(name) for name in ("concatenate", "reduce_sum")] == [1, 1]


@pytest.mark.parametrize("function", [several_sums, lambda tree: tree["bias"] + tree["weights"][0] + 1.0])
def test_nothing_else_is_put_together(function):
    jaxpr = jax.make_jaxpr(function)(TREE).jaxpr
    assert names(sums_as_one(jaxpr)) == names(jaxpr)


def test_of_sums_that_can_be_put_together_those_are():
    found = names(sums_as_one(jax.make_jaxpr(sums_of_parts)(TREE).jaxpr))
    assert found.count("concatenate") == 1


def test_what_differs_in_anything_is_computed():
    def function(x):
        return jnp.sum(x, 0), jnp.sum(x, 1), x + 1.0, x + 2.0, x * 1.0, x + 1.0

    jaxpr = jax.make_jaxpr(function)(jnp.ones((2, 2))).jaxpr
    assert len(computed_once(jaxpr).eqns) == len(jaxpr.eqns) - 1


def test_variables_have_sizes():
    [equation] = jax.make_jaxpr(lambda x: x + 1.0)(jnp.ones((2, 3))).jaxpr.eqns
    assert [size(variable) for variable in variables(equation.invars)] == [6]


def test_norms_in_loops_are_one_sum_too():
    def loop(tree):
        return jax.lax.scan(lambda tree, _: (clipped(tree)[0], None), tree, None, length=2)[0]

    closed, shape = jax.make_jaxpr(loop, return_shape=True)(TREE)
    short = shortened(closed.jaxpr)
    assert names(short.eqns[-1].params["jaxpr"].jaxpr).count("reduce_sum") == 1
    found = core.jaxpr_as_fun(core.ClosedJaxpr(short, closed.consts))(*jax.tree.leaves(TREE))
    expected = jax.tree.leaves(loop(TREE))
    assert jax.tree.structure(shape) == jax.tree.structure(TREE)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, expected)
