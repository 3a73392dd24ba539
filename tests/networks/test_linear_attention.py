"""Linear attention against a plain reference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.networks import linear_attention
from regimax.networks._linear_attention import read, write

T, E, D, WIDTH, HEADS, DK, DV = 6, 2, 3, 6, 2, 4, 5


def layer_norm(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)


def reference(params, x, first, rule):
    """The stream after the mixer of one block, and the memory, of one stream `[T, D]`, in float64."""
    p = jax.tree.map(lambda a: np.asarray(a, np.float64), params["trunk"])
    mixer = p["blocks"][0]["mixer"]
    stream = x @ p["embed"]["kernel"] + p["embed"]["bias"]
    normed = layer_norm(stream)
    query, key, value = (normed @ mixer[name]["kernel"] for name in ("query", "key", "value"))
    beta = 1 / (1 + np.exp(-(normed @ mixer["gate"]["kernel"] + mixer["gate"]["bias"])))
    memory, recalled = np.zeros((HEADS, DK, DV)), np.zeros((T, HEADS, DV))
    for t in range(T):
        if first[t]:
            memory[:] = 0
        for h in range(HEADS):
            k, q, v = (y[t].reshape(HEADS, -1)[h] for y in (key, query, value))
            k, q = (y / np.sqrt(y @ y + 1e-6) for y in (k, q))
            held = memory[h].T @ k if rule == "delta" else 0
            memory[h] = memory[h] + beta[t, h] * np.outer(k, v - held)
            recalled[t, h] = memory[h].T @ q
    return stream + recalled.reshape(T, -1) @ mixer["out"]["kernel"], memory


@pytest.mark.parametrize("rule", ["delta", "sum"])
def test_it_is_the_rule_written_out(rule):
    network = linear_attention(WIDTH, 1, HEADS, DK, DV, rule)(D, {"policy": 2})
    params = jax.jit(network.init)(jax.random.key(0))
    # Without the MLP's write the stream after the block is that after the mixer.
    params["trunk"]["blocks"][0]["down"] = jax.tree.map(jnp.zeros_like, params["trunk"]["blocks"][0]["down"])
    params["trunk"]["blocks"][0]["mixer"]["gate"]["bias"] += 1.0
    x = jax.random.normal(jax.random.key(1), (T, E, D))
    first = jnp.zeros((T, E)).at[0].set(1.0).at[3, 1].set(1.0)
    (state,), _, taps = jax.jit(network.apply)(params, network.carry(E), x, first, None)
    for e in range(E):
        stream, memory = reference(params, np.asarray(x[:, e], np.float64), np.asarray(first[:, e]), rule)
        np.testing.assert_allclose(taps["layer_0"][:, e], stream, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(state[e], memory, rtol=1e-4, atol=1e-5)


def test_the_delta_rule_replaces_what_the_sum_piles_up():
    """Pairs with orthogonal keys, all written twice with other values the second time."""
    keys, first, second = np.eye(4, dtype=np.float32), np.arange(4.0), np.array([5.0, -1.0, 2.0, 7.0])
    for rule, expected in (("delta", second), ("sum", first + second)):
        state = jnp.zeros((4, 1))
        for values in (first, second):
            for key, value in zip(keys, values, strict=True):
                state = write(state, jnp.asarray(key), jnp.full((1,), value), jnp.float32(1.0), rule)
        np.testing.assert_allclose([read(state, jnp.asarray(key))[0] for key in keys], expected, rtol=1e-6)
