"""Bits against closed forms in float64."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from regimax.ops import information


@pytest.mark.parametrize("p", [0.0, 0.01, 0.11, 0.5, 0.9, 1.0])
def test_binary_entropy(p):
    expected = 0.0 if p in (0, 1) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)
    assert float(jax.jit(information.binary_entropy)(p)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("levels", [2, 3, 8, 256])
@pytest.mark.parametrize("flip", [0.0, 0.05, 0.3, 0.5])
def test_symmetric_capacity(levels, flip):
    noise = 0.0 if flip == 0 else -flip * math.log2(flip) - (1 - flip) * math.log2(1 - flip)
    expected = math.log2(levels) - noise - flip * math.log2(levels - 1)
    assert float(jax.jit(information.symmetric_capacity)(levels, flip)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("levels", [2, 3, 8])
def test_uniform_noise_has_no_capacity(levels):
    assert float(jax.jit(information.symmetric_capacity)(levels, (levels - 1) / levels)) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("n", [0, 1, 5, 20, 170])
def test_log2_factorial(n):
    assert information.log2_factorial(n) == pytest.approx(math.log2(math.factorial(n)), abs=1e-9)


@pytest.mark.parametrize(("n", "k"), [(4, 2), (10, 0), (60, 30)])
def test_log2_binomial(n, k):
    assert information.log2_binomial(n, k) == pytest.approx(math.log2(math.comb(n, k)), abs=1e-9)


def reference_information(joint):
    joint = np.asarray(joint, np.float64)
    independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    held = joint > 0
    return (joint[held] * np.log2(joint[held] / independent[held])).sum()


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float64, (3, 4), elements=st.just(0.0) | st.floats(1e-3, 1)).filter(lambda x: x.sum() > 0.1))
def test_mutual_information_and_its_identities(table):
    joint = jnp.asarray(table / table.sum(), jnp.float32)
    found = float(jax.jit(information.mutual_information)(joint))
    assert found == pytest.approx(reference_information(table / table.sum()), abs=2e-5)
    x, y = joint.sum(1), joint.sum(0)
    assert found == pytest.approx(
        float(
            jax.jit(information.entropy)(x)
            + jax.jit(information.entropy)(y)
            - jax.jit(information.entropy)(joint.ravel())
        ),
        abs=2e-5,
    )
    assert float(jax.jit(information.kl_divergence)(x, x)) == 0.0


def test_kl_divergence():
    p, q = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5])
    assert float(jax.jit(information.kl_divergence)(jnp.array(p), jnp.array(q))) == pytest.approx(
        (p * np.log2(p / q)).sum()
    )
    assert float(jax.jit(information.kl_divergence)(jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0]))) == math.inf


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.9, 0.1], [0.1, 0.9]], 1 + 0.9 * math.log2(0.9) + 0.1 * math.log2(0.1)),  # binary symmetric
        ([[0.7, 0.3, 0.0], [0.0, 0.3, 0.7]], 0.7),  # erasure
        ([[1.0, 0.0], [0.5, 0.5]], math.log2(1.25)),  # the Z channel
        (np.eye(4), 2.0),
        (np.full((3, 2), 0.5), 0.0),
    ],
)
def test_channel_capacity_of_channels_with_closed_forms(rows, expected):
    bits, inputs = jax.jit(information.channel_capacity)(jnp.asarray(rows, jnp.float32))
    assert float(bits) == pytest.approx(expected, abs=1e-3)
    assert float(inputs.sum()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("levels", "flip"), [(2, 0.11), (5, 0.2)])
def test_channel_capacity_of_symmetric_channels(levels, flip):
    rows = np.full((levels, levels), flip / (levels - 1))
    np.fill_diagonal(rows, 1 - flip)
    bits, _ = jax.jit(information.channel_capacity)(jnp.asarray(rows, jnp.float32))
    assert float(bits) == pytest.approx(float(jax.jit(information.symmetric_capacity)(levels, flip)), abs=1e-4)


def test_gaussian_and_erasure_capacity():
    assert float(jax.jit(information.gaussian_capacity)(3.0, 1.0)) == 1.0
    assert float(jax.jit(information.erasure_capacity)(4.0, 0.25)) == 3.0


def test_noise_in_a_policy_is_no_throughput():
    rng = np.random.default_rng(0)
    policy = rng.dirichlet(np.ones(3), size=5)
    states = rng.dirichlet(np.ones(5))
    mean = states @ policy
    expected = (states * (policy * np.log2(policy / mean)).sum(1)).sum()
    assert float(jax.jit(information.policy_throughput)(jnp.asarray(policy), jnp.asarray(states))) == pytest.approx(
        expected, abs=1e-5
    )
    assert float(jax.jit(information.policy_throughput)(jnp.full((6, 4), 0.25))) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("samples", [60, 1000])
def test_independent_variables_share_nothing_on_average(samples):
    # 200 estimates; their mean is within four standard errors of zero, while the plug-in's is far above.
    def one(key):
        k_x, k_y, k = jax.random.split(key, 3)
        x, y = jax.random.randint(k_x, (samples,), 0, 4), jax.random.randint(k_y, (samples,), 0, 5)
        return information.estimate_information(k, x, y, 4, 5)

    found = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), 200))
    error = np.asarray(found.bits).std() / math.sqrt(200)
    assert abs(float(found.bits.mean())) < 4 * error
    assert float(found.plug_in.mean()) > 10 * error


def test_information_through_a_noisy_copy():
    def one(key):
        k_x, k_flip, k = jax.random.split(key, 3)
        x = jax.random.randint(k_x, (500,), 0, 2)
        return information.estimate_information(k, x, x ^ jax.random.bernoulli(k_flip, 0.11, (500,)), 2, 2).bits

    found = np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(1), 200)))
    assert (
        abs(found.mean() - float(jax.jit(information.symmetric_capacity)(2, 0.11)))
        < 4 * found.std() / math.sqrt(200) + 1e-3
    )


def test_entropy_from_counts_is_right_on_average():
    probs, n = jnp.array([0.5, 0.25, 0.125, 0.125]), 64
    draws = jax.random.choice(jax.random.key(0), 4, (4000, n), p=probs)
    counts = jax.jit(jax.vmap(lambda d: jnp.zeros(4).at[d].add(1.0)))(draws)
    found = np.asarray(jax.jit(jax.vmap(information.sampled_entropy))(counts), np.float64)
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - 1.75) < 4 * error + 0.002  # what remains of the bias is below 1/N² times a few
    assert jax.jit(information.sampled_entropy)(jnp.zeros(4)) == 0
    assert jax.jit(information.sampled_entropy)(jnp.array([0.0, 7.0])) == 0
