"""A residual stream: blocks read it through a norm and add to it, in transformers and in linear attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import jax
from flax import nnx

from regimax.networks.base import Trunk
from regimax.networks.linear import Linear
from regimax.types import Array, PyTree, Spec


class Mixer(Protocol):
    """What carries a block's information through time: an nnx module, called on a sequence."""

    def __call__(self, carry: PyTree, x: Array, first: Array) -> tuple[PyTree, Array]:
        """Returns the memory after x `[T, E, width]`, and what is added to the stream, `[T, E, width]`."""
        ...


MakeMixer = Callable[[jax.nn.initializers.Initializer, nnx.Rngs], Any]
"""Makes a mixer, given the initialiser of what it writes into the stream."""


class _Block(nnx.Module):
    def __init__(self, width: int, make_mixer: MakeMixer, writing: jax.nn.initializers.Initializer, rngs: nnx.Rngs):
        self.norm_mixer = nnx.LayerNorm(width, rngs=rngs)
        self.mixer = make_mixer(writing, rngs)
        self.norm_mlp = nnx.LayerNorm(width, rngs=rngs)
        self.up = Linear(width, 4 * width, rngs=rngs)
        self.down = Linear(4 * width, width, kernel_init=writing, rngs=rngs)

    def __call__(self, carry: PyTree, x: Array, first: Array) -> tuple[PyTree, Array]:
        carry, mixed = self.mixer(carry, self.norm_mixer(x), first)
        x = x + mixed
        return carry, x + self.down(jax.nn.gelu(self.up(self.norm_mlp(x))))


class _Stream(nnx.Module):
    def __init__(self, num_inputs: int, width: int, layers: int, make_mixer: MakeMixer, rngs: nnx.Rngs):
        # Every layer writes twice: the stream's variance stays of order one however many layers there are.
        writing = nnx.initializers.variance_scaling(0.5 / layers, "fan_in", "truncated_normal")
        self.embed = Linear(num_inputs, width, rngs=rngs)
        self.blocks = nnx.List([_Block(width, make_mixer, writing, rngs) for _ in range(layers)])
        self.norm = nnx.LayerNorm(width, rngs=rngs)


def residual(
    num_inputs: int,
    width: int,
    layers: int,
    make_mixer: MakeMixer,
    mixer_carry: Callable[[int], PyTree],
    spec: Spec,
) -> Trunk:
    r"""Makes a trunk with a residual stream :math:`x`.

    .. math:: x \leftarrow x + \mathrm{mix}(\mathrm{norm}(x)), \quad x \leftarrow x + \mathrm{MLP}(\mathrm{norm}(x))

    Args:
      num_inputs: `D`.
      width: of the stream; the MLPs are four times as wide.
      layers: blocks.
      make_mixer: makes a block's mixer.
      mixer_carry: `num_envs -> carry` of one mixer, leaves `[E, ...]`.
      spec: what the mixer is.

    Returns:
      the trunk. Its taps: ``embedding``, and the stream after every block, ``layer_0`` and on, before the last norm,
      whose output are the features.

    Reference:
      Xiong et al., On layer normalization in the transformer architecture (2020), figure 1b.
    """

    def apply(module: _Stream, carry: PyTree, x: Array, first: Array) -> tuple[PyTree, Array, dict[str, Array]]:
        x = module.embed(x)
        taps, after = {"embedding": x}, []
        for i, (block, memory) in enumerate(zip(module.blocks, carry, strict=True)):
            memory, x = block(memory, x, first)
            after.append(memory)
            taps[f"layer_{i}"] = x
        return tuple(after), module.norm(x), taps

    return Trunk(
        make=lambda rngs: _Stream(num_inputs, width, layers, make_mixer, rngs),
        carry=lambda num_envs: tuple(mixer_carry(num_envs) for _ in range(layers)),
        apply=apply,
        num_inputs=num_inputs,
        width=width,
        spec=(*spec, num_inputs, width, layers),
    )
