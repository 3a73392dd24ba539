"""A head's spread: numbers that are trained, and that no input changes."""

from __future__ import annotations

import jax.numpy as jnp

from regimax.networks.base import Code, Network
from regimax.types import Array, Params, PyTree

LOG_STD = "log_std"


def with_spread(network: Network, head: str, size: int, log_std: float) -> Network:
    """Gives a head of a network a logarithm of a standard deviation for each of its numbers.

    Args:
      network: one with that head.
      head: its name. What is added is a leaf of its part, and goes wherever the part goes.
      size: numbers of the head.
      log_std: with what each of them begins.

    Returns:
      the network, with one output more, ``<head>_log_std`` `[T, E, size]`, the same everywhere.
    """
    output = f"{head}_{LOG_STD}"

    def init(key: Array) -> Params:
        params = network.init(key)
        return params | {head: params[head] | {LOG_STD: jnp.full((size,), log_std)}}

    def apply(
        params: Params, carry: PyTree, x: Array, first: Array, code: Code | None
    ) -> tuple[PyTree, dict[str, Array], dict[str, Array]]:
        bare = {name: leaf for name, leaf in params[head].items() if name != LOG_STD}
        carry, outputs, taps = network.apply(params | {head: bare}, carry, x, first, code)
        spread = jnp.broadcast_to(params[head][LOG_STD][None, None], outputs[head].shape)
        return carry, outputs | {output: spread}, taps

    return network._replace(init=init, apply=apply, spec=("with_spread", head, size, log_std, network.spec))
