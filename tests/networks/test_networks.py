"""Every network keeps the promises of `Network`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax import UserError
from regimax.networks import Network, gru, linear_attention, low_rank, mlp, pair_memory, transformer
from regimax.networks._linear_attention import read, write
from regimax.networks._transformer import rotate
from regimax.networks.base import reset_carry

FACTORIES = {
    "mlp": mlp((8, 7)),
    "gru": gru(8, embedding=6),
    "transformer": transformer(8, layers=2, num_heads=2, context=2),
    "linear attention": linear_attention(8, layers=2, num_heads=2, key_size=3),
    "linear attention, sum": linear_attention(8, rule="sum"),
    "mlp, adapted": low_rank(mlp((8, 7)), 2),
    "pair memory": pair_memory(8, 6, key_size=2, gate="learned"),
    "pair memory, softmax": pair_memory(8, 6, "softmax", key_size=2, context=6),
}
TAPS = {
    "mlp": {"layer_0", "layer_1"},
    "gru": {"embedding", "memory"},
    "transformer": {"embedding", "layer_0", "layer_1"},
    "linear attention": {"embedding", "layer_0", "layer_1"},
    "linear attention, sum": {"embedding", "layer_0"},
    "mlp, adapted": {"layer_0", "layer_1"},
    "pair memory": {"read", "known", "write", "content"},
    "pair memory, softmax": {"read", "known", "write", "content"},
}
T, E, D = 6, 3, 4
X = jax.random.normal(jax.random.key(0), (T, E, D))
FIRST = jnp.zeros((T, E)).at[0].set(1.0).at[3, 1].set(1.0)


class Made(NamedTuple):
    """A network, its parameters with nothing at zero, and its `apply`, compiled once."""

    name: str
    network: Network
    params: dict
    apply: object


@pytest.fixture(scope="module", params=FACTORIES)
def made(request):
    network = FACTORIES[request.param](D, {"policy": 3, "value": 1})
    params = jax.jit(network.init)(jax.random.key(1))
    if "adapter" in params:  # as after some learning
        params |= {"adapter": jax.tree.map(lambda x: x + 0.1, params["adapter"])}
    return Made(request.param, network, params, jax.jit(network.apply))


def test_shapes_and_names(made):
    assert type(made.params) is dict
    assert set(made.params) - {"adapter"} == {"trunk", "policy", "value"}
    assert ("adapter" in made.params) == ("adapted" in made.name)
    carry, outputs, taps = made.apply(made.params, made.network.carry(E), X, FIRST, None)
    assert outputs["policy"].shape == (T, E, 3)
    assert outputs["value"].shape == (T, E, 1)
    assert set(taps) == TAPS[made.name] | {"features"}
    assert taps["features"].shape == (T, E, made.network.width)
    assert all(tap.shape[:2] == (T, E) for tap in taps.values())
    assert jax.tree.map(jnp.shape, carry) == jax.tree.map(jnp.shape, made.network.carry(E))
    assert all(leaf.shape[0] == E for leaf in jax.tree.leaves(carry))


def test_a_sequence_is_as_many_single_steps(made):
    end, whole, taps = made.apply(made.params, made.network.carry(E), X, FIRST, None)
    carry, pieces = made.network.carry(E), []
    for t in range(T):
        carry, *piece = made.apply(made.params, carry, X[t : t + 1], FIRST[t : t + 1], None)
        pieces.append(piece)
    joined = jax.tree.map(lambda *x: jnp.concatenate(x), *pieces)
    for one, other in zip(jax.tree.leaves([whole, taps]), jax.tree.leaves(joined), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    # The memories recall the same, whatever lies in places that are marked as empty.
    _, after, _ = made.apply(made.params, end, X[:1], jnp.zeros((1, E)), None)
    _, as_before, _ = made.apply(made.params, carry, X[:1], jnp.zeros((1, E)), None)
    np.testing.assert_allclose(after["policy"], as_before["policy"], rtol=1e-5, atol=1e-5)


def test_first_empties_the_memory(made):
    _, one, _ = made.apply(made.params, made.network.carry(E), X, FIRST, None)
    _, other, _ = made.apply(made.params, made.network.carry(E), X.at[:3].set(-X[:3]), FIRST, None)
    np.testing.assert_array_equal(one["policy"][3:, 1], other["policy"][3:, 1])
    assert (one["policy"][:3] != other["policy"][:3]).any()


def test_what_has_memory_remembers(made):
    _, one, _ = made.apply(made.params, made.network.carry(E), X, FIRST, None)
    _, other, _ = made.apply(made.params, made.network.carry(E), X.at[0].set(-X[0]), FIRST, None)
    remembers = bool(jax.tree.leaves(made.network.carry(E)))
    assert (one["policy"][2, 0] != other["policy"][2, 0]).any() == remembers
    np.testing.assert_array_equal(one["policy"][3:, 1], other["policy"][3:, 1])


@pytest.mark.parametrize("name", ["mlp", "mlp, adapted"])
def test_a_part_begins_the_same_beside_other_heads(name):
    few = jax.jit(FACTORIES[name](D, {"policy": 3}).init)(jax.random.key(1))
    many = jax.jit(FACTORIES[name](D, {"symbol": 5, "policy": 3, "value": 1}).init)(jax.random.key(1))
    for part in few:
        for one, other in zip(jax.tree.leaves(few[part]), jax.tree.leaves(many[part]), strict=True):
            np.testing.assert_array_equal(one, other)


def test_specs_tell_networks_apart():
    specs = [mlp((8,))(D, {"a": 1}).spec, mlp((9,))(D, {"a": 1}).spec, mlp((8,))(D, {"a": 2}).spec]
    specs += [mlp((8,))(D, {"b": 1}).spec, gru(8)(D, {"a": 1}).spec, gru(8, 4)(D, {"a": 1}).spec]
    specs += [low_rank(gru(8), rank)(D, {"a": 1}).spec for rank in (1, 2)]
    specs += [transformer(8, 1, 2, context)(D, {"a": 1}).spec for context in (3, 4)]
    specs += [linear_attention(8, rule=rule)(D, {"a": 1}).spec for rule in ("delta", "sum")]
    assert len(set(specs)) == len(specs)
    assert mlp((8,))(D, {"a": 1}).spec == specs[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gru(0), "gru: width = 0"),
        (lambda: gru(8, -1), "gru: embedding = -1"),
        (lambda: mlp((8, 0)), r"mlp: widths\[1\] = 0"),
        (lambda: mlp(()), "mlp: layers = 0"),
        (lambda: transformer(8, context=0), "transformer: context = 0"),
        (lambda: transformer(12, num_heads=4), "width = 12 does not divide into num_heads = 4 of even width"),
        (lambda: linear_attention(8, key_size=0), "linear_attention: key_size = 0"),
        (lambda: linear_attention(2, num_heads=4), "linear_attention: key_size = 0"),
        (lambda: linear_attention(8, rule="dalta"), "unknown rule of linear_attention 'dalta'. Did you mean 'delta'"),
        (lambda: low_rank(gru(8), 0), "low_rank: rank = 0"),
    ],
)
def test_impossible_sizes_are_told(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": X[0]}, r"x is \[3, 4\], it takes \[T, E, 4\]"),
        ({"x": X[..., :3]}, r"x is \[6, 3, 3\], it takes \[T, E, 4\]"),
        ({"x": X[None]}, r"takes one x \[T, E, 4\]; use jax.vmap for more axes: it is \[1, 6, 3, 4\]"),
        ({"first": FIRST[0]}, r"first is \[3\], it takes \[T, E\] = \[6, 3\]"),
        ({"first": FIRST[:, :2]}, r"first is \[6, 2\], it takes \[T, E\] = \[6, 3\]"),
    ],
)
def test_inputs_of_another_shape_are_told(made, change, message):
    given = {"x": X, "first": FIRST} | change
    with pytest.raises(AssertionError, match=message):
        jax.eval_shape(made.network.apply, made.params, made.network.carry(E), *given.values(), None)


def test_a_memory_of_other_streams_is_told(made):
    other = made.network.carry(E + 1)
    if jax.tree.leaves(other):
        with pytest.raises(AssertionError, match=r"apply: carry is of leaves \[E, ...\], E = 3"):
            jax.eval_shape(made.network.apply, made.params, other, X, FIRST, None)


def test_parts_of_networks_tell_other_shapes():
    one = jnp.ones
    with pytest.raises(AssertionError, match=r"reset_carry: carry is of leaves \[E, ...\], E = 3"):
        reset_carry(one((4, 2)), one(3))
    with pytest.raises(AssertionError, match=r"write: key is \[4\], it takes \[..., dk\]"):
        write(one((5, 2)), one(4), one(2), one(()), "delta")
    with pytest.raises(AssertionError, match=r"read: query is \[3\], it takes \[..., dk\]"):
        read(one((5, 2)), one(3))
    with pytest.raises(AssertionError, match=r"rotate: position is \[4\], it takes \[N\] = \[3\]"):
        rotate(one((1, 3, 1, 4)), one(4))
