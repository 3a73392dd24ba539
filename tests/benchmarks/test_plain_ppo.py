"""The plain program does what it is compared for: generalised advantages, and it learns."""

import importlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("gymnax")

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("plain_ppo")


def test_advantages_of_two_steps_by_hand(plain):
    def column(*numbers):
        return jnp.array(numbers)[:, None]

    nothing = column(0.0, 0.0)
    steps = plain.Transition(nothing, nothing, nothing, column(1.0, 2.0), column(1.0, 1.0), nothing)
    # δ_1 = 1 + 0.5 · 4 − 2 = 1; δ_0 = 1 + 0.5 · 2 − 1 = 1; A_0 = 1 + 0.5 · 0.5 · 1.
    np.testing.assert_allclose(plain.advantages(steps, jnp.array([4.0]), 0.5, 0.5), column(1.25, 1.0))
    # An end after the first step: δ_0 = 1 − 1, and nothing comes back from behind it.
    ended = steps._replace(done=column(1.0, 0.0))
    np.testing.assert_allclose(plain.advantages(ended, jnp.array([4.0]), 0.5, 0.5), column(0.0, 1.0))


@pytest.mark.parametrize(("shared", "trunks"), [(False, 2), (True, 1)])
def test_parameters_are_those_of_the_trunks_asked_for(plain, shared, trunks):
    net = plain.ActorCritic(num_actions=2, hidden=64, shared=shared)
    params = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros(4))
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert size == trunks * (4 * 64 + 64 + 64 * 64 + 64) + (64 * 2 + 2) + (64 + 1)


@pytest.mark.slow
def test_it_learns_cartpole(plain):
    agent = plain.make_agent("CartPole-v1", shared=False)
    curve = plain.learning_curve(agent, agents=4, updates=100, evaluations=1, episodes=8, seed=0)
    assert curve[0]["return"] < 40
    assert curve[1]["return"] > 100
    assert curve[1]["steps"] == 100 * 512
