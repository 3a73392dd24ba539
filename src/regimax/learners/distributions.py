"""What a policy gradient draws its actions from: one of several, or numbers.

All that an actor-critic must know of the kind of its world's actions stands here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

from regimax.envs import action_range
from regimax.learners.policies import ILLEGAL, policy_of, softmax_policy
from regimax.networks import Code, Network, NetworkFactory
from regimax.networks.spread import with_spread
from regimax.ops import losses
from regimax.rollout import Policy
from regimax.shapes import check_shapes
from regimax.sources import Source
from regimax.types import ActionRange, Array, Params

LOG_STD = 0.0
"""What spreads begin with: standard deviations of half the range of an action."""

Outputs = dict[str, Array]


class Distribution(Protocol):
    """How likely every action is at `T` steps of `E` streams."""

    def log_prob(self, action: Array) -> Array:
        """Returns `[T, E]` nats, of actions `[T, E]` int32 or `[T, E, N]`."""
        ...

    def entropy(self) -> Array:
        """Returns `[T, E]` nats."""
        ...


class Categorical(NamedTuple):
    """One of several actions.

    Attributes:
      logits: `[T, E, A]`.
    """

    logits: Array

    def log_prob(self, action: Array) -> Array:
        taken = jax.nn.one_hot(action, self.logits.shape[-1])
        return jnp.sum(jax.nn.log_softmax(self.logits) * taken, axis=-1)  # a gather's gradient is a slow scatter

    def entropy(self) -> Array:
        return jax.vmap(jax.vmap(losses.entropy))(self.logits)


class Gaussian(NamedTuple):
    r"""Numbers, each from a normal distribution of its own.

    .. math:: \log p(a) = -\sum_i \left( \frac{(a_i - \mu_i)^2}{2 \sigma_i^2} + \log \sigma_i + \tfrac12 \log 2\pi
        \right), \quad H = \sum_i \left( \log \sigma_i + \tfrac12 \log 2 \pi e \right)

    Attributes:
      mean: `[T, E, N]`, in the unit of actions.
      log_std: `[T, E, N]`, of standard deviations in that unit.

    Example:
      >>> one = Gaussian(jnp.zeros((1, 1, 2)), jnp.zeros((1, 1, 2)))
      >>> print(one.entropy().round(4), one.log_prob(jnp.ones((1, 1, 2))).round(4))
      [[2.8379]] [[-2.8379]]
    """

    mean: Array
    log_std: Array

    def log_prob(self, action: Array) -> Array:
        check_shapes("Gaussian.log_prob", mean=(self.mean, "T E N"), action=(action, "T E N"))
        z = (action - self.mean) * jnp.exp(-self.log_std)
        return jnp.sum(-0.5 * jnp.square(z) - self.log_std - 0.5 * math.log(2 * math.pi), axis=-1)

    def entropy(self) -> Array:
        return jnp.sum(self.log_std + 0.5 * math.log(2 * math.pi * math.e), axis=-1)

    def draw(self, u: Array) -> Array:
        """Returns `[T, E, N]` actions, of numbers `u` like them, uniform on [0, 1), by the inverse of the cumulative
        distribution.
        """
        # In the middle of the steps of 2^-23 that a uniform number of float32 goes by: never an end, which is infinite.
        z = math.sqrt(2.0) * jax.lax.erf_inv(2.0 * u - (1.0 - 2.0**-23))
        return self.mean + jnp.exp(self.log_std) * z


class Actions(NamedTuple):
    """How a network acts in a world.

    Attributes:
      network: `(make, num_inputs, heads) -> Network`, one with the head ``policy`` and what else is asked.
      of: `(outputs, legal) -> Distribution`, of its outputs and the legal actions `[A]`.
      policy: `(network, params, legal, code) -> Policy`; `code` is what features go through, `Source.code`.
    """

    network: Callable[[NetworkFactory, int, dict[str, int]], Network]
    of: Callable[[Outputs, Array], Distribution]
    policy: Callable[[Network, Params, Array, Code | None], Policy]


def actions_of(source: Source) -> Actions:
    """Returns how a network acts on a source: as the actions of its world are."""
    world = source.world
    within = action_range(world)
    return _several(world.num_actions) if within is None else _numbers(within)


def _several(num_actions: int) -> Actions:
    def network(make: NetworkFactory, num_inputs: int, heads: dict[str, int]) -> Network:
        return make(num_inputs, {"policy": num_actions, **heads})

    def of(outputs: Outputs, legal: Array) -> Distribution:
        return Categorical(jnp.where(legal[None, None], outputs["policy"], ILLEGAL))

    return Actions(network, of, softmax_policy)


def _numbers(within: ActionRange) -> Actions:
    """Means and spreads in units of half the range, around its middle, so that every world begins alike.

    Nothing is squashed: an action is as it was drawn, and so is its probability; what lies beyond the range the world
    does not carry out further than to its end. Squashing would leave the entropy without a closed form, and clipping
    before the probability is taken would make that of an end another thing than a density.
    """
    size = len(within.low)

    def network(make: NetworkFactory, num_inputs: int, heads: dict[str, int]) -> Network:
        return with_spread(make(num_inputs, {"policy": size, **heads}), "policy", size, LOG_STD)

    def of(outputs: Outputs, legal: Array | None) -> Gaussian:
        del legal
        low, high = (jnp.asarray(end, jnp.float32)[None, None] for end in within)
        half = (high - low) / 2.0
        return Gaussian((high + low) / 2.0 + half * outputs["policy"], outputs["policy_log_std"] + jnp.log(half))

    def policy(net: Network, params: Params, legal: Array, code: Code | None) -> Policy:
        del legal

        def choose(outputs: Outputs, u: Array) -> tuple[Array, dict[str, Array]]:
            found = of(outputs, None)
            action = found.draw(u[None])
            return action[0], {"log_prob": found.log_prob(action)[0]}

        return policy_of(net, params, code, choose)

    return Actions(network, of, policy)


__all__ = ["Actions", "Categorical", "Distribution", "Gaussian", "actions_of"]
