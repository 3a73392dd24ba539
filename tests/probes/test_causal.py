"""Causal probes on learners of which it is known what they use."""

import jax
import jax.numpy as jnp
import pytest

import regimax as rx
from regimax import probes
from regimax.envs import Exemplar, Oracle

from .conftest import prober

V = 3


def expert(params):
    """Reads the right factor from its one-hot code, and answers."""
    hidden = params.hidden
    answers = jax.nn.one_hot(hidden.answers, V) * 20.0
    policy = jnp.zeros((2, V, V)).at[hidden.factor].set(answers)
    return {"trunk": jnp.eye(2 * V), "policy": policy.reshape(2 * V, V)}


@pytest.mark.parametrize("change", ["ablate", "patch"])
def test_only_the_concept_that_is_used_is_missed(change):
    world = Oracle(Exemplar(factors=2, values=V, looks=1))
    found = prober(probes.causal(change, episodes=128), world, 2 * V, expert)(4)
    assert (found["success_intact"] == 1.0).all()
    used, idle = found["success_0"] < 0.9, found["success_1"] < 0.9
    assert (used != idle).all()  # the factor that counts is one of the two, by the world's seed
    assert used.any()
    assert idle.any()
    for mine, other in ((found["success_0"][used], found["success_1"][used]),
                        (found["success_1"][idle], found["success_0"][idle])):  # fmt: skip
        assert abs(mine - 1 / V).max() < 0.12
        assert other.min() > 0.99
    assert found["success_random"].min() > 0.5


def test_an_unknown_change_is_refused():
    with pytest.raises(rx.UserError, match="unknown change 'swap'"):
        probes.causal("swap")
    with pytest.raises(rx.UserError, match="episodes = 1 is not a whole number above 1"):
        probes.causal(episodes=1)
