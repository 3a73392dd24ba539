"""Bits against closed forms in float64."""

import math

import pytest

from regimax.ops import information


@pytest.mark.parametrize("p", [0.0, 0.01, 0.11, 0.5, 0.9, 1.0])
def test_binary_entropy(p):
    expected = 0.0 if p in (0, 1) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)
    assert float(information.binary_entropy(p)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("levels", [2, 3, 8, 256])
@pytest.mark.parametrize("flip", [0.0, 0.05, 0.3, 0.5])
def test_symmetric_capacity(levels, flip):
    noise = 0.0 if flip == 0 else -flip * math.log2(flip) - (1 - flip) * math.log2(1 - flip)
    expected = math.log2(levels) - noise - flip * math.log2(levels - 1)
    assert float(information.symmetric_capacity(levels, flip)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("levels", [2, 3, 8])
def test_uniform_noise_has_no_capacity(levels):
    assert float(information.symmetric_capacity(levels, (levels - 1) / levels)) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("n", [0, 1, 5, 20, 170])
def test_log2_factorial(n):
    assert float(information.log2_factorial(n)) == pytest.approx(math.log2(math.factorial(n)), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("n", "k"), [(4, 2), (10, 0), (60, 30)])
def test_log2_binomial(n, k):
    assert float(information.log2_binomial(n, k)) == pytest.approx(math.log2(math.comb(n, k)), rel=1e-5, abs=1e-4)
