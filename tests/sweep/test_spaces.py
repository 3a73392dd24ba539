"""Values of axes that are spaced or drawn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import regimax as rx
from regimax.sweep import spec

POSITIVE = st.floats(1e-6, 1e6)


@given(POSITIVE, POSITIVE, st.integers(2, 50))
def test_spaced_values_reach_both_ends_with_equal_steps(a, b, n):
    low, high = min(a, b), max(a, b) * 1.01
    by_ratio, by_step = np.array(rx.log_space(low, high, n)), np.array(rx.lin_space(low, high, n))
    for found in (by_ratio, by_step):
        assert len(found) == n
        np.testing.assert_allclose(found[[0, -1]], [low, high], rtol=1e-5)
    np.testing.assert_allclose(np.log(by_ratio), np.linspace(math.log(low), math.log(high), n), atol=2e-5)
    np.testing.assert_allclose(by_step, np.linspace(low, high, n), rtol=1e-5)


def test_values_can_be_read():
    assert rx.log_space(1e-4, 1e-1, 7) == [1e-4, 0.000316228, 1e-3, 0.00316228, 0.01, 0.0316228, 0.1]
    assert rx.lin_space(-1, 1, 3) == [-1.0, 0.0, 1.0]


@given(st.integers(0, 1000), st.integers(1, 20), st.integers(0, 20))
def test_draws_lie_within_and_more_of_them_begin_the_same(seed, n, more):
    spaces = {"a": rx.log_uniform(1e-5, 1e-2), "b": rx.integers(1, 4), "c": rx.uniform(-1, 2)}
    [(names, points)] = rx.sample(n, seed, spaces).items()
    assert names == ("a", "b", "c")
    for a, b, c in points:
        assert 0.99e-5 <= a <= 1.01e-2
        assert b in (1, 2, 3, 4)
        assert -1 <= c <= 2
    assert rx.sample(n + more, seed, spaces)[names][:n] == points


def test_draws_have_their_distribution():
    """Of 2,000 draws each quarter holds a quarter, within four standard deviations: wrong once in 15,000."""
    points = rx.sample(2000, 0, {"a": rx.log_uniform(1e-4, 1.0), "b": rx.integers(1, 4)})["a", "b"]
    quarters = np.histogram(np.log10([a for a, _ in points]), bins=[-4, -3, -2, -1, 0])[0]
    for counts in (quarters, np.bincount([b for _, b in points])[1:]):
        assert np.abs(counts - 500).max() < 4 * math.sqrt(2000 * 0.25 * 0.75)


def test_one_setting_alone_is_an_axis_of_its_own():
    assert list(rx.sample(3, 1, {"rl.learning_rate": rx.uniform(0, 1)})) == ["rl.learning_rate"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rx.log_space(0, 1, 3), "log_space: 0 is not above 0, and has no logarithm"),
        (lambda: rx.log_space(1, 0.1, 3), "log_space: 1 must be a number below 0.1"),
        (lambda: rx.lin_space(0, math.inf, 3), "lin_space: 0 must be a number below inf"),
        (lambda: rx.lin_space(0, "one", 3), "lin_space: 0 must be a number below 'one'"),
        (lambda: rx.log_space(1, 2, 1), "log_space: n = 1"),
        (lambda: rx.log_uniform(-1, 1), "log_uniform: -1 is not above 0"),
        (lambda: rx.integers(0.5, 2), "integers: 0.5 and 2 are not whole numbers"),
        (lambda: rx.sample(2, 0, {}), "sample: no settings to draw"),
        (lambda: rx.sample(2, 0, {"rl.learning_rate": [1, 2]}), r"sample: rl.learning_rate = \[1, 2\] draws nothing"),
        (lambda: rx.sample(0, 0, {"a": rx.uniform(0, 1)}), "sample: n = 0"),
        (lambda: rx.sample(1, -1, {"a": rx.uniform(0, 1)}), "sample: seed = -1"),
    ],
)
def test_what_has_no_sense_is_refused(make, message):
    with pytest.raises(rx.UserError, match=message):
        make()


SWEEP = rx.Sweep(rx.envs.Lock(depth=2, actions=2), [rx.regimes.pure_rl(2)], axes={"rl.learning_rate": [0.1]}, seeds=1)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("1e-4..1e-1/4", [1e-4, 1e-3, 0.01, 0.1]),
        ("0..0.9/4/lin", [0.0, 0.3, 0.6, 0.9]),
        ("0.5,1e-2..1/3", [0.5, 0.01, 0.1, 1.0]),
        ("0.5", [0.5]),
    ],
)
def test_typed_ranges(typed, found):
    assert spec.override(SWEEP, [f"rl.learning_rate={typed}"]).axes["rl.learning_rate"] == found


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("1e-4..1e-1/x", r"'1e-4..1e-1/x' is not of the form LOW..HIGH/N or LOW..HIGH/N/lin"),
        ("1e-4..1e-1/3/log", r"is not of the form LOW..HIGH/N"),
        ("0..1/3", r"'0..1/3': log_space: 0 is not above 0"),
        ("1..0.1/3", r"log_space: 1 must be a number below 0.1"),
        ("1..x/3", r"'x' is not a number"),
        ("1..2/1", r"log_space: n = 1"),
        ("1..2", r"'1..2' is not a number"),
    ],
)
def test_typed_ranges_without_sense_are_refused(typed, message):
    with pytest.raises(rx.UserError, match=message):
        spec.override(SWEEP, [f"rl.learning_rate={typed}"])
