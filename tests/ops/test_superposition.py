"""Measures of superposition: hand-computed geometries, and the transition of the toy models."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.ops import superposition

ANGLES = np.arange(5) * 2 * np.pi / 5
PENTAGON = jnp.float32(np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1))


def test_known_geometries_have_their_dimensions():
    # Elhage et al. (2022): antipodal pairs 1/2, triangles 2/3, tetrahedra 3/4, pentagons 2/5.
    triangle = jnp.float32(np.stack([np.cos(ANGLES[:3] * 5 / 3), np.sin(ANGLES[:3] * 5 / 3)], axis=1))
    tetrahedron = jnp.float32([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    for w, expected in ((triangle, 2 / 3), (3.0 * tetrahedron, 3 / 4), (PENTAGON, 2 / 5)):
        np.testing.assert_allclose(jax.jit(superposition.dimensions)(w), expected, rtol=1e-5)
        np.testing.assert_allclose(jax.jit(superposition.interference)(w), 1 / expected - 1, rtol=1e-5)
    assert jax.jit(superposition.mean_dimensions)(PENTAGON) == pytest.approx(2 / 5)


def test_capacities_add_up_to_the_rank_at_most():
    w = jnp.float32(np.random.default_rng(0).normal(size=(20, 6)))
    dimensions = jax.jit(superposition.dimensions)(w)
    assert dimensions.max() <= 1.0
    assert dimensions.sum() <= 6.0 + 1e-4
    np.testing.assert_allclose(dimensions, 1 / (1 + jax.jit(superposition.interference)(w)), rtol=1e-5)


def test_features_of_a_group_do_not_interfere():
    w = jnp.float32([[1, 0], [-1, 0], [0.5, 0.5]])
    found = jax.jit(superposition.interference)(w, jnp.array([0, 0, 1]))
    np.testing.assert_allclose(found, [0.25, 0.25, 0.5 / 0.25], rtol=1e-6)
    assert jax.jit(superposition.interference)(jnp.zeros((2, 2))).tolist() == [0.0, 0.0]


def test_the_toy_models_have_plateaus_at_one_and_a_half():
    page = Path(__file__).parents[2] / "docs" / "probes.md"
    [code] = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    names = {}
    exec(compile(code, str(page), "exec"), names)
    per_feature, weights = np.asarray(names["per_feature"]), names["weights"]
    np.testing.assert_allclose(per_feature[:3], 1.0, atol=0.05)
    np.testing.assert_allclose(per_feature[3:6], 0.5, atol=0.05)
    assert per_feature[6] < 0.35
    # On the second plateau every feature that is represented is one of an antipodal pair.
    for w in weights[3:6]:
        own = jax.jit(superposition.dimensions)(w)[jnp.linalg.norm(w, axis=1) > 0.5]
        assert len(own) == 2 * names["DIMENSIONS"]
        assert np.median(own) == pytest.approx(0.5, abs=0.02)
        np.testing.assert_allclose(own, 0.5, atol=0.12)
