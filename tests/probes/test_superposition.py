"""The superposition of a world's concepts in features that are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from regimax import probes
from regimax.envs import Exemplar, Oracle
from regimax.ops import superposition

from .conftest import prober

V = 3


def test_concepts_that_share_directions_are_seen_to():
    world = Oracle(Exemplar(factors=2, values=V, looks=1))
    w = np.random.default_rng(0).normal(size=(2 * V, 5))
    w[V:] = w[:V] + 0.5 * w[V:]  # the second factor lies mostly where the first one does
    trunk = lambda hidden: {"trunk": jnp.float32(w)}
    found = prober(probes.superposition(episodes=256), world, 5, trunk)(1)
    centred = np.concatenate([w[:V] - w[:V].mean(0), w[V:] - w[V:].mean(0)])
    expected = superposition.dimensions(jnp.float32(centred))
    assert found["dimensions_0"] == pytest.approx(float(expected[:V].mean()), abs=0.02)
    assert found["dimensions_1"] == pytest.approx(float(expected[V:].mean()), abs=0.02)
    assert found["capacity"] == pytest.approx(float(expected.sum()), abs=0.1)
    squares = np.square(centred @ centred.T)
    shared = squares[:V, V:].sum(1) / np.diagonal(squares)[:V]
    assert found["interference_0"] == pytest.approx(shared.mean(), rel=0.05)
    assert found["capacity_share"] * 5 == pytest.approx(found["capacity"])
