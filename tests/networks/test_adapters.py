"""Adapters of low rank."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.networks import gru, linear_attention, low_rank, mlp, transformer
from regimax.networks.adapters import adapted

D, HEADS = 5, {"policy": 3}
# Kernels [n_in, n_out] of each trunk, written out.
KERNELS = {
    "mlp": (mlp((6, 4)), [(5, 6), (6, 4)]),
    "gru": (gru(4, embedding=3), [(5, 3), (3, 12), (4, 12)]),
    "transformer": (transformer(4, 1, 2, 3), [(5, 4)] + [(4, 4)] * 4 + [(4, 16), (16, 4)]),
    "linear attention": (
        linear_attention(4, 1, 2, 3, 2),
        [(5, 4), (4, 6), (4, 6), (4, 4), (4, 2), (4, 4), (4, 16), (16, 4)],
    ),
}


@pytest.mark.parametrize("name", KERNELS)
def test_an_adapter_has_r_times_the_rows_and_columns_of_every_kernel(name):
    factory, kernels = KERNELS[name]
    for rank in (1, 3):
        network = low_rank(factory, rank)(D, HEADS)
        adapter = jax.eval_shape(network.init, jax.random.key(0))["adapter"]
        found = [(pair["a"].shape[0], pair["b"].shape[1]) for pair in adapter.values()]
        assert sorted(found) == sorted(kernels)
        size = sum(leaf.size for leaf in jax.tree.leaves(adapter))
        assert size == sum(rank * (n_in + n_out) for n_in, n_out in kernels)


def test_a_critic_of_its_own_is_left_as_it_is():
    network = low_rank(mlp((6,), critic=(7,)), 1)(D, HEADS | {"value": 1})
    params = jax.eval_shape(network.init, jax.random.key(0))
    assert set(params) == {"trunk", "critic", "policy", "value", "adapter"}
    assert list(params["adapter"]) == ["layers.0.kernel"]


def test_the_first_output_is_that_of_the_network_without_it():
    plain, network = mlp((6, 4))(D, HEADS), low_rank(mlp((6, 4)), 2)(D, HEADS)
    params = jax.jit(network.init)(jax.random.key(0))
    inherited = jax.jit(plain.init)(jax.random.key(7))["trunk"]
    x, first = jax.random.normal(jax.random.key(1), (3, 2, D)), jnp.zeros((3, 2))
    mine = jax.jit(network.apply)(params | {"trunk": inherited}, network.carry(2), x, first, None)
    other = jax.jit(plain.apply)({"trunk": inherited, "policy": params["policy"]}, plain.carry(2), x, first, None)
    for one, two in zip(jax.tree.leaves(mine), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(one, two)


def test_it_adds_a_matrix_of_its_rank_to_every_kernel_and_to_nothing_else():
    network = low_rank(mlp((6, 4)), 2)(D, HEADS)
    params = jax.jit(network.init)(jax.random.key(0))
    moved = jax.tree.map(lambda x: x + jax.random.normal(jax.random.key(2), x.shape), params["adapter"])
    trunk = adapted(params["trunk"], moved)
    for i, (n_in, n_out) in enumerate(KERNELS["mlp"][1]):
        before, after = params["trunk"]["layers"][i], trunk["layers"][i]
        difference = np.asarray(after["kernel"] - before["kernel"], np.float64)
        assert difference.shape == (n_in, n_out)
        assert np.linalg.matrix_rank(difference, tol=1e-4) == 2
        np.testing.assert_array_equal(after["bias"], before["bias"])
