"""Policies of networks."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from regimax.networks import Code, Network
from regimax.rollout import Policy
from regimax.shapes import check_shapes
from regimax.types import Array, Params, PyTree

ILLEGAL = -1e9
"""The logit, or value, of an action that is not there."""


def draw_action(probs: Array, u: Array) -> Array:
    """Draws actions: one uniform number each through the inverse of the cumulative distribution.

    Args:
      probs: `[E, A]`, or `[1, A]` for all alike; need not add up to 1. What has none is never drawn.
      u: `[E]` uniform on [0, 1).

    Returns:
      `[E]` int32.
    """
    check_shapes("draw_action", probs=(probs, "N A"), u=(u, "E"))
    cumulative = jnp.cumsum(probs, axis=-1)
    return jnp.argmax(cumulative > u[:, None] * cumulative[:, -1:], axis=-1).astype(jnp.int32)


def stochastic_policy(
    network: Network, params: Params, code: Code | None, log_probs: Callable[[dict[str, Array]], Array]
) -> Policy:
    """Makes the policy that draws its actions from a network's outputs.

    Args:
      network: the network.
      params: its parameters.
      code: what features go through between trunk and heads, `Source.code`.
      log_probs: `outputs [1, E, size] by head -> [1, E, A]`, how likely each action is, nats.

    Returns:
      the policy. Its extras: ``log_prob`` of the action, ``log_probs`` of all, and ``value`` where there is such a
      head. Without one the value of an observation is 0.
    """

    def choose(outputs: dict[str, Array], u: Array) -> tuple[Array, dict[str, Array]]:
        log_prob = log_probs(outputs)[0]
        action = draw_action(jnp.exp(log_prob), u)
        return action, {
            "log_prob": jnp.take_along_axis(log_prob, action[:, None], axis=-1)[:, 0],
            "log_probs": log_prob,
        }

    return policy_of(network, params, code, choose)


def policy_of(
    network: Network,
    params: Params,
    code: Code | None,
    choose: Callable[[dict[str, Array], Array], tuple[Array, dict[str, Array]]],
) -> Policy:
    """Makes the policy that chooses its actions by a network's outputs.

    Args:
      network: the network.
      params: its parameters.
      code: what features go through between trunk and heads, `Source.code`.
      choose: `(outputs [1, E, size] by head, u) -> (action, extras)`, with u and action as :class:`Policy` has them.

    Returns:
      the policy. Its extras are those of `choose`, and ``value`` where there is such a head. Without one the value of
      an observation is 0.
    """

    def act(carry: PyTree, obs: Array, first: Array, u: Array) -> tuple[PyTree, Array, dict[str, Array]]:
        carry, outputs, _ = network.apply(params, carry, obs[None], first[None], code)
        action, extras = choose(outputs, u)
        if "value" in outputs:
            extras["value"] = outputs["value"][0, :, 0]
        return carry, action, extras

    def value(carry: PyTree, obs: Array) -> Array:
        _, outputs, _ = network.apply(params, carry, obs[None], jnp.zeros((1, obs.shape[0])), code)
        return outputs["value"][0, :, 0] if "value" in outputs else jnp.zeros(obs.shape[0])

    return Policy(network.carry, act, value)


def softmax_policy(
    network: Network,
    params: Params,
    legal: Array,
    code: Code | None,
    head: str = "policy",
    temperature: Array | float | None = None,
) -> Policy:
    """Makes the policy of a network with a head of logits.

    Args:
      network: the network.
      params: its parameters.
      legal: `[A]` bool.
      code: what features go through between trunk and heads, `Source.code`.
      head: the head of logits.
      temperature: what they are divided by, where they are action values.
    """

    def log_probs(outputs: dict[str, Array]) -> Array:
        logits = outputs[head] if temperature is None else outputs[head] / temperature
        return jax.nn.log_softmax(jnp.where(legal[None, None], logits, ILLEGAL))

    return stochastic_policy(network, params, code, log_probs)
