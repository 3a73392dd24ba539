"""The initialisers against those of JAX, which factorise with LAPACK."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.networks import gru, linear_attention, low_rank, mlp, transformer
from regimax.networks.initializers import orthogonal


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 3), (64, 64), (128, 7)])
def test_it_is_that_of_jax_and_exact(shape):
    key = jax.random.key(0)
    found = np.asarray(orthogonal(0.7)(key, shape), np.float64)
    np.testing.assert_allclose(found, jax.nn.initializers.orthogonal(0.7)(key, shape), atol=2e-4)
    gram = found @ found.T if shape[0] < shape[1] else found.T @ found
    np.testing.assert_allclose(gram, 0.49 * np.eye(min(shape)), atol=1e-5)


@pytest.mark.parametrize(
    "factory",
    [mlp((8, 7)), gru(8), transformer(8, 1, 2), linear_attention(8), low_rank(mlp((8,)))],
    ids=["mlp", "gru", "transformer", "linear attention", "adapter"],
)
def test_no_network_begins_with_lapack(factory):
    def lowered(function, *args):
        return jax.jit(function).lower(*args).as_text()

    assert "lapack" in lowered(jnp.linalg.qr, jnp.eye(2))
    assert "lapack" not in lowered(factory(4, {"policy": 3}).init, jax.random.key(0))
