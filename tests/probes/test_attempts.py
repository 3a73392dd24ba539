"""pass@k: the estimator against its definition, and the probe on policies whose chances are known.

Statistical tests have fixed keys; each would fail by chance with probability `ALPHA`.
"""

import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.ops.attempts import pass_at_k

from .conftest import prober

ALPHA = 1e-4


@pytest.mark.parametrize(("n", "k"), [(5, 1), (5, 3), (5, 5), (6, 2)])
def test_it_is_the_share_of_choices_of_k_tries_that_hold_a_success(n, k):
    for c in range(n + 1):
        tries = [True] * c + [False] * (n - c)
        expected = np.mean([any(chosen) for chosen in itertools.combinations(tries, k)])
        assert float(pass_at_k(jnp.array([c], jnp.float32), n, k)[0]) == pytest.approx(expected, abs=1e-6)


def test_it_is_without_bias():
    n, k, p = 8, 4, 0.2
    chances = stats.binom.pmf(np.arange(n + 1), n, p)
    found = pass_at_k(jnp.arange(n + 1, dtype=jnp.float32), n, k)
    assert float((chances * np.asarray(found)).sum()) == pytest.approx(1 - (1 - p) ** k, abs=1e-6)


def test_of_a_policy_that_knows_nothing_it_is_that_of_independent_tries():
    """An untrained head of zeros answers evenly: a try succeeds with probability 1/V^L."""
    world, seeds, episodes = rx.envs.Cipher(symbols=3, skills=2, length=2), 4, 128
    size = sum(field.size for field in world.fields)
    even = lambda hidden: {"policy": jnp.zeros((2, 3)), "trunk": jnp.zeros((size, 2))}
    probe = rx.probes.attempts((1, 4, 16), samples=16, episodes=episodes)
    found = prober(probe, world, 2, even)(seeds)
    for k in (1, 4, 16):
        expected = 1 - (1 - 1 / 9) ** k
        # Of 16 tries at each, any k: no more variance than one draw of k tries for each episode.
        margin = stats.norm.ppf(1 - ALPHA) * math.sqrt(expected * (1 - expected) / (seeds * episodes))
        assert found[f"at_{k}"].mean() == pytest.approx(expected, abs=margin)


def test_tries_at_an_episode_open_alike():
    """Who answers without regard to what is seen is right in a third of the episodes, at every try or at none."""
    world = rx.envs.Exemplar(factors=1, values=3, looks=1, dimensions=4, noise=0.0)
    found = prober(rx.probes.attempts((1, 8), episodes=256), world, 3, stubborn)(2)
    np.testing.assert_allclose(found["at_1"], found["at_8"])
    assert 0.2 < found["at_1"].mean() < 0.5


def stubborn(hidden):
    """Answers whatever it sees as if it were the first value."""
    looks = hidden.hidden.looks[0, :, 0]  # [V, D]
    read = jnp.linalg.pinv(looks)  # [D, V]
    return {"trunk": read, "policy": 40.0 * jnp.ones((3, 1)) * jnp.eye(3)[hidden.hidden.answers[0]][None]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tries": (1, 0)}, "tries = 0 is not a whole number above 0"),
        ({"tries": ()}, "tries is empty"),
        ({"tries": (1, 8), "samples": 4}, "samples = 4 is less than tries = 8"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(options, message):
    with pytest.raises(rx.UserError, match=message):
        rx.probes.attempts(**options)
    with pytest.raises(rx.UserError, match="k = 3 is not one of 1 … 2"):
        pass_at_k(jnp.zeros(1), 2, 3)
