"""Keys depend on names and seeds only."""

import jax
import numpy as np
import pytest

import regimax as rx
from regimax import prng


def data(key):
    return np.asarray(jax.random.key_data(key))


@pytest.mark.versions
def test_a_seed_has_the_same_keys_in_any_batch():
    many, one = rx.cell_keys(seeds=10), rx.cell_keys(seeds=[7])
    np.testing.assert_array_equal(data(many.world)[7], data(one.world)[0])
    np.testing.assert_array_equal(data(many.learner)[7], data(one.learner)[0])


def test_the_world_does_not_know_the_learners_seed():
    keys = rx.cell_keys(seeds=[0, 1, 2], world_seeds=[5, 5, 6])
    world, learner = data(keys.world), data(keys.learner)
    assert (world[0] == world[1]).all()
    assert (world[0] != world[2]).any()
    assert len({tuple(k) for k in learner}) == 3


def test_keys_are_all_different():
    keys = rx.cell_keys(seeds=1000)
    found = {tuple(k) for k in data(keys.world)} | {tuple(k) for k in data(keys.learner)}
    assert len(found) == 2000


@pytest.mark.versions
def test_keys_are_typed_threefry():
    assert str(jax.random.key_impl(rx.cell_keys(seeds=1).world)) == prng.IMPLEMENTATION


def test_streams_differ_by_name_and_by_number():
    key = rx.cell_keys(seeds=1).learner[0]
    streams = [("update", "rl", 0), ("update", "rl", 1), ("update", "pretrain", 0), ("evaluate", "rl", 0), ("init",)]
    assert len({tuple(data(prng.named(key, *stream))) for stream in streams}) == len(streams)


def test_numbers_may_be_traced():
    key = rx.cell_keys(seeds=1).learner[0]
    traced = jax.jit(lambda n: prng.named(key, "update", n, "x"))(3)
    np.testing.assert_array_equal(data(traced), data(prng.named(key, "update", 3, "x")))


@pytest.mark.versions
def test_draws_have_the_bits_they_had_in_every_version():
    """Runs are compared across versions seed by seed."""
    key = prng.named(rx.cell_keys(seeds=[3]).learner[0], "update", "rl", 5)
    np.testing.assert_array_equal(data(key), [1005175132, 3726346490])
    np.testing.assert_array_equal(data(jax.random.split(key))[1], [4075895101, 964247629])
    np.testing.assert_array_equal(jax.random.bits(key, (3,)), [2960921645, 3414718832, 2175658193])
    np.testing.assert_array_equal(prng.permutations(key, 1, 8), [[7, 3, 2, 6, 5, 0, 1, 4]])
    np.testing.assert_array_equal(jax.random.randint(key, (3,), 0, 1000), [6, 637, 625])
    np.testing.assert_array_equal(jax.random.categorical(key, np.zeros((3, 5), np.float32)), [4, 0, 4])
    np.testing.assert_allclose(jax.random.normal(key, (2,)), [0.49413145, 0.82407355], rtol=1e-5)


def test_seeds_of_other_number_are_refused():
    with pytest.raises(ValueError, match="3 seeds but 2 world seeds"):
        rx.cell_keys(seeds=3, world_seeds=[1, 2])


@pytest.mark.parametrize("size", [1, 2, 5, 8, 512])
def test_permutations_are_orders(size):
    orders = np.asarray(jax.jit(lambda k: prng.permutations(k, 50, size))(jax.random.key(0)))
    assert orders.dtype == np.int32
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(size), (50, 1)))


@pytest.mark.versions
def test_permutations_are_uniform():
    """A chi-squared test over all orders of four; fails one time in 10,000 for a correct generator."""
    from scipy import stats

    orders = np.asarray(prng.permutations(jax.random.key(1), 24_000, 4))
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-4


def test_large_permutations_are_orders_too():
    orders = np.asarray(prng.permutations(jax.random.key(0), 1, 2**16 + 1))
    np.testing.assert_array_equal(np.sort(orders[0]), np.arange(2**16 + 1))
