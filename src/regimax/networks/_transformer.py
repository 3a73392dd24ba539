"""Causal transformer with a window: softmax memory of the last tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from regimax.errors import UserError
from regimax.factories import once
from regimax.networks.base import Network, NetworkFactory, check_widths, made_once, with_heads
from regimax.networks.linear import Linear
from regimax.networks.residual import residual
from regimax.shapes import check_shapes
from regimax.types import Array

SLOWEST = 1e4
"""Wavelength of the slowest rotation, in steps, over 2π."""

UNSEEN = -1e9


class Window(NamedTuple):
    """What a layer remembers.

    Attributes:
      keys: `[E, S, H, d]` of the last S tokens, oldest first, before rotation.
      values: `[E, S, H, d]`.
      present: `[E, S]` in {0, 1}, whether there is such a token in the episode.
    """

    keys: Array
    values: Array
    present: Array


def rotate(x: Array, position: Array) -> Array:
    r"""Turns pairs of numbers by angles that grow with position: inner products then tell distances.

    .. math:: (x_i, x_{i+d/2}) \mapsto R(p \cdot 10^{-8i/d}) (x_i, x_{i+d/2})

    Args:
      x: `[E, N, H, d]` keys or queries of N tokens, d even.
      position: `[N]` p, in steps.

    Returns:
      `[E, N, H, d]`.

    Reference:
      Su et al., RoFormer: enhanced transformer with rotary position embedding (2021), eq. 34; pairs are halves apart.

    Example:
      >>> one = jnp.ones((1, 3, 1, 4))
      >>> turned = rotate(one, jnp.array([0.0, 5.0, 9.0]))[0, :, 0]
      >>> print((turned[0] @ turned[1] - rotate(one[:, :1], jnp.array([4.0]))[0, 0, 0] @ turned[2]).round(4))
      0.0
    """
    check_shapes("rotate", x=(x, "E N H d"), position=(position, "N"))
    half = x.shape[-1] // 2
    angle = position[:, None] * (SLOWEST ** (-jnp.arange(half) / half))[None]
    cos, sin = jnp.cos(angle)[None, :, None], jnp.sin(angle)[None, :, None]
    one, other = x[..., :half], x[..., half:]
    return jnp.concatenate([one * cos - other * sin, one * sin + other * cos], axis=-1)


class _Attention(nnx.Module):
    def __init__(self, width: int, heads: int, context: int, writing: jax.nn.initializers.Initializer, rngs: nnx.Rngs):
        self.query = Linear(width, width, use_bias=False, rngs=rngs)
        self.key = Linear(width, width, use_bias=False, rngs=rngs)
        self.value = Linear(width, width, use_bias=False, rngs=rngs)
        self.out = Linear(width, width, use_bias=False, kernel_init=writing, rngs=rngs)
        self.heads, self.context = heads, context

    def _split(self, x: Array) -> Array:
        """`[E, T, H, d]` of `[T, E, width]`."""
        return jnp.swapaxes(x.reshape(*x.shape[:2], self.heads, -1), 0, 1)

    def __call__(self, carry: Window, x: Array, first: Array) -> tuple[Window, Array]:
        num_steps, context = x.shape[0], self.context
        keys = jnp.concatenate([carry.keys, self._split(self.key(x))], axis=1)
        values = jnp.concatenate([carry.values, self._split(self.value(x))], axis=1)
        # Episodes are counted from that of the memory; a token sees those of its own.
        episode = jnp.cumsum(first.T, axis=1)
        since = jnp.concatenate([jnp.where(carry.present > 0, 0.0, -1.0), episode], axis=1)
        position = jnp.arange(context + num_steps)
        distance = position[context:, None] - position[None]
        near = (distance >= 0) & (distance <= context)
        seen = near[None] & (episode[:, :, None] == since[:, None])
        query = rotate(self._split(self.query(x)), position[context:].astype(x.dtype))
        scores = jnp.einsum("ethd,eshd->ehts", query, rotate(keys, position.astype(x.dtype)))
        scores = jnp.where(seen[:, None], scores * query.shape[-1] ** -0.5, UNSEEN)
        mixed = jnp.einsum("ehts,eshd->ethd", jax.nn.softmax(scores), values)
        out = self.out(jnp.swapaxes(mixed, 0, 1).reshape(x.shape))
        present = (since[:, num_steps:] == episode[:, -1:]).astype(x.dtype)
        return Window(keys[:, num_steps:], values[:, num_steps:], present), out


@once
def transformer(width: int = 64, layers: int = 2, num_heads: int = 4, context: int = 16) -> NetworkFactory:
    r"""Makes causal transformers with rotary positions, norms before attention and MLP (GELU), and a window.

    .. math:: o_t = \sum_s \mathrm{softmax}_s (q_t \cdot R_{t-s} k_s / \sqrt{d})\, v_s, \quad t - S \le s \le t

    over the tokens of the episode. Its memory is the window of each layer: keys and values of the last S tokens. So a
    network of L layers sees L·S steps back, a step at a time as in a whole sequence.

    Args:
      width: of the residual stream; the features that the heads read.
      layers: L.
      num_heads: attention heads; d = width / num_heads is even.
      context: S, tokens before the present one that attention reaches.

    Returns:
      a factory `(num_inputs, heads) -> Network`. Its taps: ``embedding`` and the residual stream after every layer,
      ``layer_0`` and on.

    Raises:
      UserError: for a width that does not divide into heads of even width, or a number below 1.

    Accuracy: a sequence at once and step by step agree to 1e-5.

    Reference:
      Vaswani et al., Attention is all you need (2017); Dai et al., Transformer-XL (2019), for the memory.

    Example:
      >>> network = transformer(width=8, layers=1, num_heads=2, context=3)(5, {"policy": 3})
      >>> params = network.init(jax.random.key(0))
      >>> carry, outputs, _ = network.apply(params, network.carry(4), jnp.ones((2, 4, 5)), jnp.zeros((2, 4)), None)
      >>> outputs["policy"].shape, carry[0].keys.shape
      ((2, 4, 3), (4, 3, 2, 4))
    """
    width, layers, num_heads, context = check_widths(
        "transformer", width=width, layers=layers, num_heads=num_heads, context=context
    )
    if width % (2 * num_heads):
        raise UserError(f"transformer: width = {width} does not divide into num_heads = {num_heads} of even width")

    def window(num_envs: int) -> Window:
        empty = jnp.zeros((num_envs, context, num_heads, width // num_heads))
        return Window(empty, empty, jnp.zeros((num_envs, context)))

    @made_once
    def factory(num_inputs: int, heads: Mapping[str, int]) -> Network:
        trunk = residual(
            num_inputs,
            width,
            layers,
            make_mixer=lambda writing, rngs: _Attention(width, num_heads, context, writing, rngs),
            mixer_carry=window,
            spec=("transformer", num_heads, context),
        )
        return with_heads(trunk, heads)

    return factory
