"""Perceptrons: a critic with a trunk of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.errors import UserError
from regimax.networks import mlp

X, FIRST = jax.random.normal(jax.random.key(1), (3, 2, 5)), jnp.zeros((3, 2))
HEADS = {"policy": 4, "value": 1}


def test_a_critic_of_its_own_shares_nothing_with_the_policy():
    network = mlp((8, 6), critic=(7,))(5, HEADS)
    params = jax.jit(network.init)(jax.random.key(0))
    assert set(params) == {"trunk", "critic", "policy", "value"}
    _, outputs, taps = network.apply(params, (), X, FIRST, None)
    assert taps["features"].shape == (3, 2, network.width)
    for part, head in (("trunk", "policy"), ("critic", "value")):
        changed = params | {part: jax.tree.map(lambda w: w + 1.0, params[part])}
        _, after, _ = network.apply(changed, (), X, FIRST, None)
        other = {"policy": "value", "value": "policy"}[head]
        assert not np.allclose(after[head], outputs[head])
        np.testing.assert_array_equal(after[other], outputs[other])


def test_what_both_have_begins_the_same_and_no_value_needs_no_critic():
    shared, own = mlp((8,))(5, HEADS), mlp((8,), critic=(8,))(5, HEADS)
    one, other = jax.jit(shared.init)(jax.random.key(0)), jax.jit(own.init)(jax.random.key(0))
    for part in ("trunk", "policy"):
        jax.tree.map(np.testing.assert_array_equal, one[part], other[part])
    assert shared.spec != own.spec
    assert set(mlp((8,), critic=(8,))(5, {"policy": 4}).init(jax.random.key(0))) == {"trunk", "policy"}


@pytest.mark.parametrize("widths", [(), (0,), (8, 2.5)])
def test_widths_that_cannot_be_are_told(widths):
    with pytest.raises(UserError, match="is not a whole number above 0"):
        mlp((8,), critic=widths)


def test_layers_are_rectified_where_asked():
    network = mlp((8, 6), activation="relu")(5, HEADS)
    _, _, taps = network.apply(network.init(jax.random.key(0)), (), X, FIRST, None)
    assert float(taps["features"].min()) == 0.0
    assert network.spec != mlp((8, 6))(5, HEADS).spec
    with pytest.raises(UserError, match=r"unknown activation of mlp 'rule'\. Did you mean 'relu'\?"):
        mlp((8,), activation="rule")
