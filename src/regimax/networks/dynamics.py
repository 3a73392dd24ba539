"""The network of a learnt model: from an observation and an action to what follows."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from regimax.errors import UserError
from regimax.networks.base import Code, Network, NetworkFactory
from regimax.types import Array, Field, Params, PyTree, segments_of

STAYS = 3.0
"""How much likelier than anything else an untrained model takes it that a one-hot field stays as it is, nats."""


def with_nothing(code: Array) -> Array:
    """Returns a one-hot code `[..., n]` as one over n + 1 values, the last for nothing that is shown."""
    return jnp.concatenate([code, 1.0 - code.sum(-1, keepdims=True)], axis=-1)


def next_segments(fields: tuple[Field, ...]) -> dict[str, tuple[bool, slice]]:
    """Returns whether a field is categorical, and where it lies in an observation, by the name of its head."""
    return {f"next_{name}": segment for name, segment in segments_of(fields).items()}


def dynamics(network: NetworkFactory, world: Any) -> Network:
    """Makes the network of a model: from an observation and an action to what follows.

    Args:
      network: makes the network; one with a memory makes a model with a memory.
      world: the world to model.

    Returns:
      a network over `[T, E, D + A]`, an observation and the one-hot action. Its heads: ``next_<field>``, logits over a
      one-hot field's values and over nothing being shown, or the expected numbers of a real-valued field; ``reward``,
      the logit of the expected reward on the scale 0 … 1 of the world's rewards; ``termination``, the logit of a
      termination. It begins by expecting that things stay as they are.

    Raises:
      UserError: for a network that normalises observations.
    """
    where = next_segments(world.fields)
    num_inputs = sum(field.size for field in world.fields)
    sizes = {name: part.stop - part.start + categorical for name, (categorical, part) in where.items()}
    net = network(num_inputs + world.num_actions, {**sizes, "reward": 1, "termination": 1})
    if net.observe is not None:
        raise UserError(
            "a model of a world sees observations as they are: give it a network without running statistics"
        )

    def apply(
        params: Params, carry: PyTree, x: Array, first: Array, code: Code | None
    ) -> tuple[PyTree, dict[str, Array], dict]:
        carry, outputs, taps = net.apply(params, carry, x, first, code)
        for name, (categorical, part) in where.items():
            before = x[..., part]
            outputs[name] = outputs[name] + (STAYS * with_nothing(before) if categorical else before)
        return carry, outputs, taps

    return net._replace(apply=apply, spec=("dynamics", net.spec))
