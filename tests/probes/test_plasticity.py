"""Measures of plasticity on networks of which they are known."""

import jax
import jax.numpy as jnp
import pytest

from regimax import probes
from regimax.envs import Exemplar
from regimax.probes._plasticity import dormant

from .conftest import prober


def test_units_that_never_change_are_dormant():
    x = jnp.stack([jnp.zeros(8), jnp.ones(8), jnp.linspace(-1, 1, 8), 1e-3 * jnp.linspace(-1, 1, 8)], axis=1)
    assert dormant(x, 0.025) == 0.75
    assert dormant(jnp.zeros((4, 3)), 0.025) == 1.0
    assert dormant(jax.random.normal(jax.random.key(0), (50, 6)), 0.025) == 0.0


def test_a_network_with_two_live_units_has_two_directions_left():
    trunk = lambda hidden: {"trunk": jnp.zeros((16, 8)).at[0, 0].set(1.0).at[1, 3].set(1.0)}
    world = Exemplar(factors=1, values=4, looks=8, dimensions=16)
    found = prober(probes.plasticity(episodes=128), world, 8, trunk)
    poor, fresh = found(2, knows=1.0), found(2, knows=0.0)
    assert (poor["dormant"] == 0.75).all()
    assert poor["effective_rank"] == pytest.approx(2.0, abs=0.2)
    assert poor["untrained_cka"].max() < 0.7
    assert poor["weight_change"].min() > 0.5
    assert poor["weight_norm"].max() < fresh["weight_norm"].min()
    assert (fresh["dormant"] == 0.0).all()
    assert fresh["effective_rank"].min() > 5
    assert fresh["untrained_cka"] == pytest.approx(1.0, abs=1e-4)
    assert (fresh["weight_change"] == 0.0).all()
