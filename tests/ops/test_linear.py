"""Linear algebra against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.ops import linear

RNG = np.random.default_rng(0)


def features(n, sizes, seed=0):
    """Correlated features `[n, len(sizes)]` with these scales."""
    rng = np.random.default_rng(seed)
    mixing, _ = np.linalg.qr(rng.normal(size=(len(sizes), len(sizes))))
    return rng.normal(size=(n, len(sizes))) * sizes @ mixing + rng.normal(size=len(sizes))


def test_elimination_solves_ill_conditioned_systems():
    a = np.cov(features(200, np.logspace(0, -1.5, 24)).T)
    b = RNG.normal(size=(24, 3))
    found = jax.jit(linear.solve_positive)(jnp.float32(a), jnp.float32(b))
    expected = np.linalg.solve(a, b)
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def test_ridge_equals_its_closed_form_and_weights_count_rows():
    x, y = features(60, np.linspace(1, 3, 7)), RNG.normal(size=(60, 2))
    weight = np.repeat([0.0, 1.0, 2.0], 20)
    rows = np.repeat(np.arange(60), weight.astype(int))
    some_x, some_y = x[rows], y[rows]
    c = some_x - some_x.mean(0)
    gram = c.T @ c / len(rows)
    penalised = gram + 0.1 * np.trace(gram) / 7 * np.eye(7)
    expected = np.linalg.solve(penalised, c.T @ (some_y - some_y.mean(0)) / len(rows))
    w, intercept = jax.jit(linear.ridge)(jnp.float32(x), jnp.float32(y), 0.1, jnp.float32(weight))
    np.testing.assert_allclose(w, expected, atol=1e-4)
    np.testing.assert_allclose(intercept, some_y.mean(0) - some_x.mean(0) @ expected, atol=1e-4)
    nothing = jax.jit(linear.ridge)(jnp.zeros((5, 3)), jnp.ones((5, 1)))
    assert (np.asarray(nothing[0]) == 0).all()


def test_many_regressions_run_side_by_side_on_every_device():
    # LAPACK's batched operations would wait for each other here, see `backend.prepare_cpu`.
    x, y = RNG.normal(size=(8, 50, 16)), RNG.normal(size=(8, 50, 3))
    fit = jax.jit(jax.vmap(linear.ridge))
    given = [jax.device_put((jnp.float32(x), jnp.float32(y)), device) for device in jax.devices()]
    found = [fit(*arrays) for arrays in given for _ in range(3)]
    alone = jax.jit(linear.ridge)(jnp.float32(x[3]), jnp.float32(y[3]))
    assert len({next(iter(w.devices())) for w, _ in found}) == 2
    for w, intercept in found:
        np.testing.assert_allclose(w[3], alone[0], atol=1e-5)
        np.testing.assert_allclose(intercept[3], alone[1], atol=1e-5)


def test_a_projection_keeps_the_span_and_nothing_else():
    rows = RNG.normal(size=(3, 10))
    rows = np.concatenate([rows, -rows.sum(0, keepdims=True)])  # they depend on each other
    p = np.asarray(jax.jit(linear.projection)(jnp.float32(rows)))
    basis = np.linalg.svd(rows[:3])[2]
    np.testing.assert_allclose(p, basis[:3].T @ basis[:3], atol=2e-3)
    assert (np.asarray(jax.jit(linear.projection)(jnp.zeros((2, 4)))) == 0).all()


def test_cka_is_one_for_a_rotation_and_near_zero_for_noise():
    x, y = features(300, np.linspace(0.1, 2, 6)), features(300, np.linspace(2, 0.1, 4), seed=1)
    rotated = 3.0 * x @ np.linalg.qr(RNG.normal(size=(6, 6)))[0] + 5.0
    cka = jax.jit(linear.linear_cka)
    assert cka(jnp.float32(x), jnp.float32(rotated)) == pytest.approx(1.0, abs=1e-4)
    a, b = x - x.mean(0), y - y.mean(0)
    expected = np.sum((b.T @ a) ** 2) / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b)
    assert cka(jnp.float32(x), jnp.float32(y)) == pytest.approx(expected, abs=1e-4)
    assert expected < 0.05
    assert jax.jit(linear.linear_cka)(jnp.ones((5, 2)), jnp.float32(y[:5])) == 0


@pytest.mark.parametrize("size", [1, 2, 5, 16, 33])
def test_eigenvalues_of_any_symmetric_matrix(size):
    a = RNG.normal(size=(size, size))
    a = a + a.T
    found = jax.jit(linear.eigenvalues)(jnp.float32(a))
    np.testing.assert_allclose(found, np.linalg.eigvalsh(a)[::-1], atol=3e-6 * size * np.abs(a).max())


def test_effective_rank_counts_directions():
    x = features(400, np.logspace(0, -2, 12))
    singular = np.linalg.svd(x, compute_uv=False)
    p = singular / singular.sum()
    ranks = jax.jit(jax.vmap(linear.effective_rank))
    found = ranks(jnp.float32(np.stack([x, 1e-6 * x])))
    np.testing.assert_allclose(found, np.exp(-np.sum(p * np.log(p))), rtol=1e-3)
    one = np.outer(RNG.normal(size=30), RNG.normal(size=8))
    assert jax.jit(linear.effective_rank)(jnp.float32(one)) == pytest.approx(1.0, abs=0.01)
    assert jax.jit(linear.effective_rank)(jnp.float32(one[:3])) == pytest.approx(1.0, abs=0.01)
    assert jax.jit(linear.effective_rank)(jnp.zeros((4, 3))) == 0
