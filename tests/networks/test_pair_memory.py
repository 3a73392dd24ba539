"""A memory of pairs against a plain reference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.networks import pair_memory

D, V, WIDTH, HIDDEN, T, E = 5, 3, 4, 6, 9, 2
SIZE = D + V + 1
VALUES = np.array([[0, 2, 1, 0, -1, 2, 1, -1, -1], [1, -1, 2, 2, 0, 1, -1, 0, -1]])  # −1: a question
FIRST = np.zeros((T, E), np.float32)
FIRST[0] = FIRST[5, 1] = 1.0


def shown():
    """`[T, E, D + V + 1]`: pairs, and questions about keys that were shown."""
    keys = np.array(jax.random.normal(jax.random.key(3), (T, E, D)))
    keys /= np.linalg.norm(keys, axis=-1, keepdims=True)
    keys[4, 0], keys[7, 0], keys[1, 1] = keys[1, 0], keys[5, 0], keys[0, 1]
    return np.concatenate([keys, np.eye(V)[VALUES.T] * (VALUES.T >= 0)[..., None], (VALUES.T < 0)[..., None]], -1)


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def reference(params, x, first, memory, gate, window=None):
    """What is read, known and written along one stream `[T, D + V + 1]`, pair by pair, in float64."""
    p = jax.tree.map(lambda a: np.asarray(a, np.float64), params)
    trunk, head = p["trunk"], p["policy"]
    dense = lambda part, x: x @ part["kernel"] + part.get("bias", 0)
    pairs, rows = [], []
    for t in range(len(x)):
        if first[t]:
            pairs = []
        key, value = x[t, :D], x[t, D : D + V]
        address = dense(trunk["address"], key)
        address = address / np.sqrt(address @ address + 1e-6)
        known = dense(trunk["down"], np.maximum(dense(trunk["up"], key), 0))
        beta = 0.0
        if value.any():
            beta = 1.0
            if gate == "learned":
                look = np.maximum(dense(trunk["look"], np.concatenate([key, value])), 0)
                beta = 1 / (1 + np.exp(-dense(trunk["gate"], look)[0]))
            if gate == "surprise":
                beta = 1 - softmax(dense(head, known)) @ value
            pairs.append((address, dense(trunk["value"], value), beta))
        read = np.zeros(WIDTH)
        pairs = pairs[-window:] if window else pairs
        if pairs and memory == "sum":
            read = trunk["scale"] * sum(b * v * (k @ address) for k, v, b in pairs)
        elif pairs:
            weights = np.array([b * np.exp(np.exp(trunk["scale"]) * (k @ address)) for k, _, b in pairs])
            read = weights @ np.array([v for _, v, _ in pairs]) / weights.sum()
        rows.append((read, known, beta * address, dense(trunk["value"], value)))
    return [np.array(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(("memory", "gate"), [("sum", "none"), ("sum", "surprise"), ("softmax", "learned")])
def test_it_is_the_formula_written_out(memory, gate):
    network = pair_memory(WIDTH, HIDDEN, memory, gate, key_size=D, context=6)(SIZE, {"policy": V})
    params = jax.jit(network.init)(jax.random.key(0))
    params["trunk"]["up"]["bias"] += 0.3
    params["policy"]["bias"] += jnp.arange(3.0)
    x = shown()
    _, outputs, taps = jax.jit(network.apply)(
        params, network.carry(E), jnp.asarray(x, jnp.float32), jnp.asarray(FIRST), None
    )
    for e in range(E):
        read, known, write, content = reference(params, x[:, e], FIRST[:, e], memory, gate)
        np.testing.assert_allclose(taps["read"][:, e], read, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(taps["known"][:, e], known, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(taps["write"][:, e], write, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(taps["content"][:, e], content, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(taps["features"][:, e], read + known, rtol=1e-4, atol=1e-5)
        head = jax.tree.map(np.asarray, params["policy"])
        np.testing.assert_allclose(
            outputs["policy"][:, e], (read + known) @ head["kernel"] + head["bias"], rtol=1e-4, atol=1e-5
        )


def test_a_window_holds_the_last_pairs_and_what_is_not_a_pair_takes_no_place_in_it():
    """In one call, and over two: with a window of 2 the second goes on from the pairs that the first has left."""
    network = pair_memory(WIDTH, HIDDEN, "softmax", key_size=D, window=2)(SIZE, {"policy": V})
    params = jax.jit(network.init)(jax.random.key(0))
    x, apply = shown(), jax.jit(network.apply)
    once = np.zeros_like(FIRST)
    once[0] = 1.0
    assert network.carry(E)[0].shape == (E, 2, WIDTH)
    for parts in ([slice(0, T)], [slice(0, 5), slice(5, T)]):
        carry, reads = network.carry(E), []
        for part in parts:
            carry, _, taps = apply(params, carry, jnp.asarray(x[part], jnp.float32), jnp.asarray(once[part]), None)
            reads.append(taps["read"])
        for e in range(E):
            read, *_ = reference(params, x[:, e], once[:, e], "softmax", "none", window=2)
            np.testing.assert_allclose(np.concatenate(reads)[:, e], read, rtol=1e-4, atol=1e-5)


def test_no_gradient_flows_through_surprise():
    network = pair_memory(WIDTH, HIDDEN, gate="surprise", key_size=D)(SIZE, {"policy": V})
    params = jax.jit(network.init)(jax.random.key(0))
    x = jnp.asarray(shown(), jnp.float32)
    grads = jax.jit(
        jax.grad(lambda p: network.apply(p, network.carry(E), x, jnp.asarray(FIRST), None)[2]["read"].sum())
    )(params)
    assert not np.asarray(grads["policy"]["kernel"]).any()
    assert not np.asarray(grads["trunk"]["up"]["kernel"]).any()
    assert np.asarray(grads["trunk"]["value"]["kernel"]).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pair_memory(0), "pair_memory: width = 0 is not a whole number above 0"),
        (lambda: pair_memory(memory="sums"), "unknown memory of pair_memory 'sums'. Did you mean 'sum'?"),
        (lambda: pair_memory(gate="open"), "unknown gate of pair_memory 'open'"),
        (lambda: pair_memory(window=3), "window = 3 is of a softmax memory; a sum holds what it holds"),
        (lambda: pair_memory(memory="softmax", window=0), "pair_memory: window = 0 is not a whole number above 0"),
        (lambda: pair_memory(key_size=8)(9, {}), "key_size = 8 leaves no value in 9 inputs"),
        (lambda: pair_memory(key_size=8, gate="surprise")(12, {"policy": 2}), "needs a head 'policy' of 3"),
    ],
)
def test_what_cannot_be_made_is_told(make, message):
    with pytest.raises(rx.UserError, match=message):
        make()
