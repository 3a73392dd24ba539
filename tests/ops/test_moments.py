"""Running moments against NumPy's of everything at once, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.ops.moments import EPSILON, merge, no_moments, normalize

D = 3
RNG = np.random.default_rng(0)


def batches(scale, offset, sizes):
    return [(RNG.normal(size=(n, D)) * scale + offset).astype(np.float32) for n in sizes]


def merged(batches, weights):
    step = jax.jit(merge)
    found = no_moments(D)
    for x, weight in zip(batches, weights, strict=True):
        found = step(found, jnp.asarray(x), jnp.asarray(weight))
    return found


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e-3, 5.0), (1e3, -1e4)])
def test_they_are_those_of_all_that_counted(scale, offset):
    seen = batches(scale, np.array([offset, 0.0, 2 * offset]), [7, 7, 7, 7])
    weights = [RNG.integers(0, 2, 7).astype(np.float32) for _ in seen]
    weights[2][:] = 0  # a batch of which nothing counts
    found = merged(seen, weights)
    of_all = np.concatenate(seen).astype(np.float64)[np.concatenate(weights) > 0]
    assert found.count == len(of_all)
    np.testing.assert_allclose(found.mean, of_all.mean(0), rtol=1e-6, atol=1e-6 * scale)
    # A number that varies by a ten-thousandth of its size has few digits left for how it varies.
    np.testing.assert_allclose(found.variance, of_all.var(0), rtol=1e-3 if offset > 1e3 * scale else 1e-4)


def test_row_by_row_it_is_welfords():
    (rows,) = batches(2.0, 3.0, [40])
    found = merged([row[None] for row in rows], np.ones((40, 1), np.float32))
    np.testing.assert_allclose(found.mean, rows.astype(np.float64).mean(0), rtol=1e-5)
    np.testing.assert_allclose(found.variance, rows.astype(np.float64).var(0), rtol=1e-5)


def test_a_count_beyond_what_float32_tells_apart_does_no_harm():
    moments = no_moments(D)._replace(count=jnp.float32(2.0**40), mean=jnp.full(D, 5.0), variance=jnp.full(D, 4.0))
    (x,) = batches(2.0, 5.0, [64])
    found = jax.lax.fori_loop(0, 1000, lambda _, held: merge(held, jnp.asarray(x), jnp.ones(64)), moments)
    np.testing.assert_allclose(found.variance, 4.0, rtol=1e-3)


def test_what_is_normalised_is_centred_scaled_and_clipped():
    (x,) = batches(3.0, 1.0, [50])
    moments = merged([x], [np.ones(50, np.float32)])
    x64 = x.astype(np.float64)
    expected = (x64 - x64.mean(0)) / np.sqrt(x64.var(0) + EPSILON)
    np.testing.assert_allclose(normalize(moments, jnp.asarray(x)[None], 10.0)[0], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(normalize(moments, jnp.asarray(x), 0.5), expected.clip(-0.5, 0.5), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(normalize(no_moments(D), jnp.asarray(x), 0.5), x)  # not even clipped


def test_a_number_that_never_varies_becomes_nothing():
    moments = merged([np.full((9, D), 0.1, np.float32)] * 3, np.ones((3, 9), np.float32))
    np.testing.assert_allclose(normalize(moments, jnp.full((1, D), 0.1), 10.0), 0.0, atol=1e-3)


def test_every_lane_has_its_own():
    seen = np.stack(batches(1.0, 0.0, [5, 5])) + np.array([0.0, 100.0], np.float32)[:, None, None]
    together = jax.jit(jax.vmap(merge, in_axes=(None, 0, None)))(no_moments(D), jnp.asarray(seen), jnp.ones(5))
    for i, x in enumerate(seen):
        np.testing.assert_allclose(together.mean[i], merged([x], [np.ones(5, np.float32)]).mean, rtol=1e-6)
