"""A scan that does ahead what does not need its loop gives what the loop gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.envs import Cipher, Lock, Recall
from regimax.ops import precomputed_randomness
from regimax.ops.precomputed_randomness import scan_precomputed_randomness

KEYS = jax.random.split(jax.random.key(1), 7)


def body_of(function, *args):
    """Names of the primitives in the only loop of a function."""
    scans = [e for e in jax.make_jaxpr(function)(*args).jaxpr.eqns if e.primitive.name == "scan"]
    assert len(scans) == 1
    return str(scans[0].params["jaxpr"])


def walk(carry, x):
    """Draws that depend on the key alone, on a constant, and on the carry; a result that is the key's alone."""
    key, shift = x
    total, count = carry
    step = jax.random.normal(key, (3,)) + shift
    other = jax.random.uniform(key) < jax.nn.sigmoid(total[0])
    total = jnp.where(other, total + step, total - 2.0 * jnp.arange(3.0) * step)
    return (total, count + 1), {"total": total.sum(), "drawn": jax.random.uniform(key), "constant": jnp.float32(2.0)}


ARGS = ((jnp.zeros(3), jnp.int32(0)), (KEYS, jnp.linspace(-1.0, 1.0, 7)))


@pytest.mark.parametrize("largest", [precomputed_randomness.LARGEST, 1, 0])
def test_it_is_a_scan(monkeypatch, largest):
    monkeypatch.setattr(precomputed_randomness, "LARGEST", largest)
    expected = jax.lax.scan(walk, *ARGS)
    for found in (
        scan_precomputed_randomness(walk, *ARGS),
        jax.jit(lambda *args: scan_precomputed_randomness(walk, *args))(*ARGS),
    ):
        assert jax.tree.structure(found) == jax.tree.structure(expected)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected)


def test_numbers_are_drawn_before_the_loop_unless_they_are_too_many(monkeypatch):
    assert "random_bits" in body_of(lambda *args: jax.lax.scan(walk, *args), *ARGS)
    assert "random_bits" not in body_of(lambda *args: scan_precomputed_randomness(walk, *args), *ARGS)
    monkeypatch.setattr(precomputed_randomness, "LARGEST", 2)
    assert "random_bits" in body_of(lambda *args: scan_precomputed_randomness(walk, *args), *ARGS)


def test_it_is_vmapped_over_lanes_and_over_what_it_closes_over():
    def lane(key, scale):
        keys = jax.random.split(key, 5)
        return scan_precomputed_randomness(lambda c, k: (c + scale * jax.random.uniform(k), c), jnp.zeros(()), keys)

    def plain(key, scale):
        keys = jax.random.split(key, 5)
        return jax.lax.scan(lambda c, k: (c + scale * jax.random.uniform(k), c), jnp.zeros(()), keys)

    args = (KEYS, jnp.arange(7.0))
    for one, other in zip(
        jax.tree.leaves(jax.jit(jax.vmap(lane))(*args)), jax.tree.leaves(jax.jit(jax.vmap(plain))(*args)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_what_is_nothing_but_a_result_of_x_is_returned():
    carry, ys = scan_precomputed_randomness(lambda c, x: (c, (x, 2 * x, c)), jnp.int32(3), jnp.arange(4))
    assert (int(carry), [y.tolist() for y in ys]) == (3, [[0, 1, 2, 3], [0, 2, 4, 6], [3, 3, 3, 3]])


@pytest.mark.parametrize("world", [Cipher(3, 2, 3), Lock(3), Recall(stable=2, dynamic=2)], ids=lambda w: w.name)
def test_worlds_draw_no_number_inside_the_loop(world):
    hparams = {s.name: jnp.asarray(s.default, jnp.int32 if s.integer else jnp.float32) for s in world.settings}
    params = jax.jit(world.init)(jax.random.key(0), {name: hparams[name] for name in world.task_reads})
    _, state = jax.jit(world.reset)(jax.random.key(1), params)

    def step(state, key):
        key_step, key_reset = jax.random.split(key)
        seen, state, reward, *_ = world.step(key_step, state, jnp.int32(0), params)
        return world.reset(key_reset, params, state)[1], (seen, reward)

    assert "random_bits" not in body_of(lambda keys: scan_precomputed_randomness(step, state, keys), KEYS)
    expected, found = (jax.jit(lambda f=f: f(step, state, KEYS))() for f in (jax.lax.scan, scan_precomputed_randomness))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected)
