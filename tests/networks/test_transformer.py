"""The transformer's attention against a plain reference."""

import jax
import jax.numpy as jnp
import numpy as np

from regimax.networks import transformer
from regimax.networks._transformer import SLOWEST

T, E, D, WIDTH, HEADS, CONTEXT = 7, 2, 3, 8, 2, 3
NETWORK = transformer(WIDTH, layers=1, num_heads=HEADS, context=CONTEXT)(D, {"policy": 2})


def layer_norm(x):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-6)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def turned(x, steps):
    """Pairs (i, i + d/2) as complex numbers, turned."""
    half = x.shape[-1] // 2
    z = (x[:half] + 1j * x[half:]) * np.exp(1j * steps * SLOWEST ** (-np.arange(half) / half))
    return np.concatenate([z.real, z.imag])


def reference(params, x, first):
    """One stream `[T, D]`, a token and a head at a time, in float64."""
    p = jax.tree.map(lambda a: np.asarray(a, np.float64), params["trunk"])
    block = p["blocks"][0]
    stream = x @ p["embed"]["kernel"] + p["embed"]["bias"]
    normed = np.stack([layer_norm(s) for s in stream])
    q, k, v = (normed @ block["mixer"][name]["kernel"] for name in ("query", "key", "value"))
    d, after = WIDTH // HEADS, []
    for t in range(T):
        opening = max(s for s in range(t + 1) if first[s] or s == 0)
        reach = range(max(opening, t - CONTEXT), t + 1)
        mixed = []
        for h in range(HEADS):
            part = slice(h * d, (h + 1) * d)
            scores = np.array([q[t, part] @ turned(k[s, part], s - t) for s in reach]) / np.sqrt(d)
            weights = np.exp(scores) / np.exp(scores).sum()
            mixed.append(sum(w * v[s, part] for w, s in zip(weights, reach, strict=True)))
        y = stream[t] + np.concatenate(mixed) @ block["mixer"]["out"]["kernel"]
        hidden = gelu(layer_norm(y) @ block["up"]["kernel"] + block["up"]["bias"])
        after.append(y + hidden @ block["down"]["kernel"] + block["down"]["bias"])
    return np.stack(after)


def test_it_is_attention_over_a_window_of_the_episode():
    params = jax.jit(NETWORK.init)(jax.random.key(0))
    params = jax.tree.map(lambda w: 3.0 * w, params)  # attention that is far from uniform
    params["trunk"]["blocks"][0]["norm_mixer"]["scale"] /= 3.0
    params["trunk"]["blocks"][0]["norm_mlp"]["scale"] /= 3.0
    x = jax.random.normal(jax.random.key(1), (T, E, D))
    first = jnp.zeros((T, E)).at[0].set(1.0).at[4, 1].set(1.0)
    _, _, taps = jax.jit(NETWORK.apply)(params, NETWORK.carry(E), x, first, None)
    for e in range(E):
        expected = reference(params, np.asarray(x[:, e], np.float64), np.asarray(first[:, e]))
        np.testing.assert_allclose(taps["layer_0"][:, e], expected, rtol=2e-4, atol=2e-4)
        features = np.stack([3.0 * layer_norm(s) for s in expected])
        np.testing.assert_allclose(taps["features"][:, e], features, rtol=1e-3, atol=1e-3)
