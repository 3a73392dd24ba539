"""Choosing between trees, against `jnp.where`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.ops.trees import select


@pytest.mark.parametrize("holds", [True, False])
def test_it_chooses_every_leaf_of_any_kind(holds):
    chosen = {"w": jnp.ones((2, 3)), "n": jnp.int8(4), "b": jnp.array(True), "key": jax.random.key(1)}
    other = {"w": jnp.zeros((2, 3)), "n": jnp.int8(5), "b": jnp.array(False), "key": jax.random.key(2)}
    found, expected = select(holds, chosen, other), chosen if holds else other
    for name in chosen:
        assert found[name].dtype == chosen[name].dtype
        assert (found[name] == expected[name]).all()


def test_leaves_of_two_types_or_shapes_meet_as_in_jax():
    found = select(jnp.array(False), {"a": 1.0, "b": jnp.zeros(())}, {"a": 2, "b": jnp.ones(3)})
    assert found["a"].dtype == jnp.float32
    assert found["a"] == 2.0
    assert found["b"].tolist() == [1.0] * 3


def test_it_can_be_mapped_over_conditions():
    conditions, ours, theirs = jnp.array([True, False, True]), jnp.arange(6.0).reshape(3, 2), -jnp.ones((3, 2))
    found = jax.jit(jax.vmap(select))(conditions, {"x": ours}, {"x": theirs})["x"]
    np.testing.assert_array_equal(found, np.where(np.asarray(conditions)[:, None], ours, theirs))


def test_it_is_one_operation_for_each_leaf():
    tree = {"a": jnp.ones((2, 3)), "b": jnp.ones(4)}
    equations = jax.make_jaxpr(select)(jnp.array(True), tree, tree).jaxpr.eqns
    assert [equation.primitive.name for equation in equations] == ["select_n", "select_n"]
