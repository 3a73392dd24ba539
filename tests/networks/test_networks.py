"""Every network keeps the promises of `Network`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax import UserError
from regimax.networks import gru, mlp

FACTORIES = {"mlp": mlp((8, 7)), "gru": gru(8, embedding=6)}
T, E, D = 5, 3, 4


@pytest.fixture(params=FACTORIES.values(), ids=FACTORIES)
def factory(request):
    return request.param


@pytest.fixture
def inputs():
    x = jax.random.normal(jax.random.key(0), (T, E, D))
    first = jnp.zeros((T, E)).at[0].set(1.0).at[3, 1].set(1.0)
    return x, first


def test_shapes_and_names(factory, inputs):
    network = factory(D, {"policy": 3, "value": 1})
    params = network.init(jax.random.key(1))
    assert type(params) is dict
    assert set(params) == {"trunk", "policy", "value"}
    carry, outputs, taps = network.apply(params, network.carry(E), *inputs)
    assert outputs["policy"].shape == (T, E, 3)
    assert outputs["value"].shape == (T, E, 1)
    assert all(tap.shape[:2] == (T, E) for tap in taps.values())
    assert jax.tree.map(jnp.shape, carry) == jax.tree.map(jnp.shape, network.carry(E))


def test_a_sequence_is_as_many_single_steps(factory, inputs):
    network = factory(D, {"policy": 3})
    params = network.init(jax.random.key(1))
    _, whole, _ = network.apply(params, network.carry(E), *inputs)
    carry, pieces = network.carry(E), []
    for t in range(T):
        carry, out, _ = network.apply(params, carry, inputs[0][t : t + 1], inputs[1][t : t + 1])
        pieces.append(out["policy"])
    np.testing.assert_allclose(jnp.concatenate(pieces), whole["policy"], rtol=1e-5, atol=1e-6)


def test_first_empties_the_memory(factory, inputs):
    x, first = inputs
    network = factory(D, {"policy": 3})
    params = network.init(jax.random.key(1))
    changed = x.at[:3].set(-x[:3])
    one = network.apply(params, network.carry(E), x, first)[1]["policy"]
    other = network.apply(params, network.carry(E), changed, first)[1]["policy"]
    np.testing.assert_array_equal(one[3:, 1], other[3:, 1])


def test_gru_remembers(inputs):
    x, first = inputs
    network = gru(8)(D, {"policy": 3})
    params = network.init(jax.random.key(1))
    one = network.apply(params, network.carry(E), x, first)[1]["policy"]
    other = network.apply(params, network.carry(E), x.at[0].set(-x[0]), first)[1]["policy"]
    assert (one[2, 0] != other[2, 0]).any()


def test_a_part_begins_the_same_beside_other_heads(factory):
    few = factory(D, {"policy": 3}).init(jax.random.key(1))
    many = factory(D, {"symbol": 5, "policy": 3, "value": 1}).init(jax.random.key(1))
    for part in few:
        for one, other in zip(jax.tree.leaves(few[part]), jax.tree.leaves(many[part]), strict=True):
            np.testing.assert_array_equal(one, other)


def test_specs_tell_networks_apart():
    specs = [mlp((8,))(D, {"a": 1}).spec, mlp((9,))(D, {"a": 1}).spec, mlp((8,))(D, {"a": 2}).spec]
    specs += [mlp((8,))(D, {"b": 1}).spec, gru(8)(D, {"a": 1}).spec, gru(8, 4)(D, {"a": 1}).spec]
    assert len(set(specs)) == len(specs)
    assert mlp((8,))(D, {"a": 1}).spec == specs[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gru(0), "gru: width = 0"),
        (lambda: gru(8, -1), "gru: embedding = -1"),
        (lambda: mlp((8, 0)), r"mlp: widths\[1\] = 0"),
        (lambda: mlp(()), "mlp: layers = 0"),
    ],
)
def test_impossible_widths_are_told(make, message):
    with pytest.raises(UserError, match=message):
        make()
