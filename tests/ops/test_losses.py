"""Losses by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.ops import losses


def test_cross_entropy_of_a_distribution():
    logits = np.array([0.3, -1.0, 2.0])
    p = np.exp(logits) / np.exp(logits).sum()
    target = np.array([0.2, 0.3, 0.5])
    found = jax.jit(losses.categorical_cross_entropy)(jnp.float32(logits), jnp.float32(target))
    assert float(found) == pytest.approx(-(target * np.log(p)).sum(), rel=1e-6)


def test_nothing_to_predict_costs_nothing():
    assert jax.jit(losses.categorical_cross_entropy)(jnp.array([5.0, -3.0]), jnp.zeros(2)) == 0.0


def test_entropy_ignores_excluded_actions():
    assert float(jax.jit(losses.entropy)(jnp.array([0.0, 0.0, -1e9]))) == pytest.approx(np.log(2), rel=1e-6)


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [(1.0, 2.0, -2.0), (1.5, 2.0, -2.4), (0.5, 2.0, -1.0), (1.5, -2.0, 3.0), (0.5, -2.0, 1.6)],
)
def test_clipped_surrogate_by_hand(ratio, advantage, expected):
    found = jax.jit(losses.clipped_surrogate)(
        jnp.log(jnp.float32(ratio)), jnp.float32(0.0), jnp.float32(advantage), 0.2
    )
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_at_the_behaviour_policy_it_is_the_policy_gradient():
    gradient = jax.grad(losses.clipped_surrogate)(jnp.float32(-1.3), jnp.float32(-1.3), jnp.float32(0.7), 0.2)
    assert float(gradient) == pytest.approx(-0.7, rel=1e-6)
