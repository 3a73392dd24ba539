"""Multilayer perceptron: no memory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import jax
from flax import nnx

from regimax.errors import unknown
from regimax.factories import once
from regimax.networks.base import Network, NetworkFactory, Trunk, check_widths, made_once, with_heads
from regimax.networks.initializers import orthogonal
from regimax.networks.linear import Linear
from regimax.types import Array, PyTree

ACTIVATIONS = {"tanh": jax.nn.tanh, "relu": jax.nn.relu}


class _Layers(nnx.Module):
    def __init__(self, sizes: Sequence[int], activation: str, rngs: nnx.Rngs):
        initializer = orthogonal(2**0.5)
        layers = [Linear(n_in, n_out, kernel_init=initializer, rngs=rngs) for n_in, n_out in itertools.pairwise(sizes)]
        self.layers = nnx.List(layers)
        self.activation = activation

    def __call__(self, x: Array) -> tuple[Array, dict[str, Array]]:
        taps = {}
        for i, layer in enumerate(self.layers):
            x = ACTIVATIONS[self.activation](layer(x))
            taps[f"layer_{i}"] = x
        return x, taps


def _checked(layers: str, name: str, widths: Sequence[int]) -> tuple[int, ...]:
    """Returns widths as ints; refuses none, or one that is no positive whole number."""
    *found, _ = check_widths("mlp", **{f"{name}[{i}]": w for i, w in enumerate(widths)}, **{layers: len(widths)})
    return tuple(found)


@once
def mlp(
    widths: Sequence[int] = (64, 64), critic: Sequence[int] | None = None, activation: str = "tanh"
) -> NetworkFactory:
    """Makes perceptrons with layers of these widths.

    Args:
      widths: units of each hidden layer, the last being the features that the heads read.
      critic: units of each hidden layer of a trunk of its own for the head ``value``, which else shares the other one.
      activation: ``tanh`` or ``relu``.

    Returns:
      a factory `(num_inputs, heads) -> Network`.

    Raises:
      UserError: for no layers, a width that is no positive whole number, or another activation.

    Example:
      >>> network = mlp((32,))(5, {"policy": 3})
      >>> params = network.init(jax.random.key(0))
      >>> carry, outputs, _ = network.apply(params, (), jax.numpy.ones((2, 4, 5)), jax.numpy.zeros((2, 4)), None)
      >>> outputs["policy"].shape
      (2, 4, 3)
    """
    if activation not in ACTIVATIONS:
        raise unknown("activation of mlp", activation, ACTIVATIONS)
    widths = _checked("layers", "widths", widths)
    if critic is not None:
        critic = _checked("layers of the critic", "critic", critic)

    def apply(module: _Layers, carry: PyTree, x: Array, first: Array) -> tuple[PyTree, Array, dict[str, Array]]:
        del first
        return carry, *module(x)

    def trunk(num_inputs: int, widths: tuple[int, ...]) -> Trunk:
        return Trunk(
            make=lambda rngs: _Layers((num_inputs, *widths), activation, rngs),
            carry=lambda num_envs: (),
            apply=apply,
            num_inputs=num_inputs,
            width=widths[-1],
            spec=("mlp", num_inputs, widths, activation),
        )

    @made_once
    def factory(num_inputs: int, heads: Mapping[str, int]) -> Network:
        own = None if critic is None else trunk(num_inputs, tuple(critic))
        return with_heads(trunk(num_inputs, widths), heads, critic=own)

    return factory
