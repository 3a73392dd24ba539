"""The linear layer against flax's, and its gradient against closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from regimax.networks.linear import Linear, product
from regimax.probes import count_flops

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("leading", [(7,), (3, 5)])
@pytest.mark.parametrize("outputs", [1, 2, 6])
def test_the_gradient_is_that_of_a_product(leading, outputs):
    x, kernel, above = (
        RNG.normal(size=(*leading, 4)),
        RNG.normal(size=(4, outputs)),
        RNG.normal(size=(*leading, outputs)),
    )
    out, back = jax.vjp(product, jnp.float32(x), jnp.float32(kernel))
    by_x, by_kernel = back(jnp.float32(above))
    np.testing.assert_allclose(out, x @ kernel, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(by_x, above @ kernel.T, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        by_kernel, np.einsum("ni,no->io", x.reshape(-1, 4), above.reshape(-1, outputs)), rtol=1e-5, atol=1e-5
    )


def test_lanes_have_gradients_of_their_own_and_these_can_be_differentiated():
    x, kernel = jnp.float32(RNG.normal(size=(8, 5, 4))), jnp.float32(RNG.normal(size=(8, 4, 2)))

    def of(multiply):
        loss = lambda w, x: jnp.sum(jnp.tanh(multiply(x, w)))
        return lambda w, x: jax.grad(lambda w: jnp.sum(jnp.square(jax.grad(loss)(w, x))))(w)

    found = jax.jit(jax.vmap(of(product)))(kernel, x)
    np.testing.assert_allclose(found, jax.jit(jax.vmap(of(jnp.matmul)))(kernel, x), rtol=1e-4, atol=1e-5)


def test_a_layer_does_what_flax_does_for_as_many_flops():
    ours, theirs = Linear(4, 3, rngs=nnx.Rngs(0)), nnx.Linear(4, 3, rngs=nnx.Rngs(0))
    x = jnp.float32(RNG.normal(size=(2, 5, 4)))
    np.testing.assert_array_equal(ours(x), theirs(x))

    def gradient(layer):
        graph, state = nnx.split(layer)
        return lambda state, x: jax.grad(lambda state: jnp.sum(jnp.square(nnx.merge(graph, state)(x))))(state), state

    counts = [count_flops(function, state, x) for function, state in map(gradient, (ours, theirs))]
    assert counts[0] == counts[1] > 0


def test_a_gpu_gets_the_plain_gradient():
    gradient = jax.jit(jax.grad(lambda w, x: jnp.sum(product(x, w))))
    traced = gradient.trace(jnp.ones((4, 2)), jnp.ones((5, 4)))
    texts = {platform: traced.lower(lowering_platforms=(platform,)).as_text() for platform in ("cpu", "cuda")}
    assert "optimization_barrier" in texts["cpu"]
    assert "optimization_barrier" not in texts["cuda"]
