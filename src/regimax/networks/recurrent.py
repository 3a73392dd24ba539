"""Gated recurrent unit."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import nnx

from regimax.factories import once
from regimax.networks.base import Network, NetworkFactory, Trunk, check_widths, made_once, reset_carry, with_heads
from regimax.networks.initializers import orthogonal
from regimax.networks.linear import Linear
from regimax.types import Array, PyTree


class _Recurrent(nnx.Module):
    def __init__(self, num_inputs: int, embedding: int, width: int, rngs: nnx.Rngs):
        self.embed = Linear(num_inputs, embedding, use_bias=False, rngs=rngs)
        self.cell = nnx.GRUCell(embedding, width, recurrent_kernel_init=orthogonal(), rngs=rngs)


@once
def gru(width: int = 64, embedding: int | None = None) -> NetworkFactory:
    """Makes a gated recurrent unit behind a linear embedding.

    Args:
      width: units of memory; the features that the heads read.
      embedding: width of the embedding; `width` when not given.

    Returns:
      a factory `(num_inputs, heads) -> Network`.

    Reference:
      Cho et al., Learning phrase representations using RNN encoder-decoder (2014); flax's `GRUCell`.

    Example:
      >>> gru(8)(5, {"policy": 3}).carry(4).shape
      (4, 8)
    """
    embedding = width if embedding is None else embedding
    width, embedding = check_widths("gru", width=width, embedding=embedding)

    def apply(module: _Recurrent, carry: PyTree, x: Array, first: Array) -> tuple[PyTree, Array, dict[str, Array]]:
        embedded = module.embed(x)

        def step(hidden: Array, inputs: tuple[Array, Array]) -> tuple[Array, Array]:
            e, f = inputs
            hidden, _ = module.cell(reset_carry(hidden, f), e)
            return hidden, hidden

        if x.shape[0] == 1:  # acting: no loop
            carry, features = step(carry, (embedded[0], first[0]))
            features = features[None]
        else:
            carry, features = jax.lax.scan(step, carry, (embedded, first))
        return carry, features, {"embedding": embedded, "memory": features}

    @made_once
    def factory(num_inputs: int, heads: Mapping[str, int]) -> Network:
        trunk = Trunk(
            make=lambda rngs: _Recurrent(num_inputs, embedding, width, rngs),
            carry=lambda num_envs: jnp.zeros((num_envs, width)),
            apply=apply,
            num_inputs=num_inputs,
            width=width,
            spec=("gru", num_inputs, embedding, width),
        )
        return with_heads(trunk, heads)

    return factory
