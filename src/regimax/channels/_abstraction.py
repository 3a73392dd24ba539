"""The abstraction channel: a bottleneck between a network's trunk and its heads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp

from regimax.channels.base import EXACT, Channel, Signal, at_the_door
from regimax.types import Array, HParams, PyTree, Setting

MOST = 2**EXACT
"""Levels from which on nothing is rounded."""


def abstraction(name: str = "abstraction") -> Channel:
    r"""Makes a channel that carries features from a network's trunk to its heads.

    The first `dimensions` features get through; the heads see zeros for the others. With fewer than 2²⁴ `levels` each
    is clipped to −1 … 1 and rounded to the nearest of so many values there; otherwise it arrives as it is. Gradients
    pass the rounding as if it were not there. What a network with memory remembers lies before the bottleneck.

    Capacity, bits per step: :math:`\min(d, \text{width}) \log_2 L`; 24 bits a feature where nothing is rounded, which
    is all that a float32 has.

    Args:
      name: prefix of the settings: ``<name>.dimensions``, ``.levels``.

    Returns:
      the channel. It applies wherever the network does: to prediction, acting, learning and evaluations.

    Reference:
      Bengio, Léonard and Courville, Estimating or propagating gradients through stochastic neurons (2013), on the
      straight-through estimator.

    Example:
      >>> abstraction().capacity({"abstraction.dimensions": 8, "abstraction.levels": 16}, {"features": 64})
      32.0
    """
    settings = (
        Setting(f"{name}.dimensions", 2**20, 1, 2**20, "d, features that get through at most", integer=True),
        Setting(f"{name}.levels", MOST, 2, MOST, f"L, values that each can take; {MOST} rounds none", integer=True),
    )

    def init(settings: HParams, value: Array) -> PyTree:
        del settings, value
        return ()

    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        del key
        levels = settings[f"{name}.levels"]
        features = jnp.clip(signal.value, -1.0, 1.0)
        top = levels.astype(jnp.float32) - 1.0
        rounded = jnp.round((features + 1.0) / 2.0 * top) / top * 2.0 - 1.0
        code = features + jax.lax.stop_gradient(rounded - features)
        code = jnp.where(levels >= MOST, signal.value, code)
        kept = jnp.arange(features.shape[-1]) < settings[f"{name}.dimensions"]
        return state, signal._replace(value=jnp.where(kept, code, 0.0))

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        return min(settings[f"{name}.dimensions"], known["features"]) * math.log2(settings[f"{name}.levels"])

    return at_the_door(Channel("abstraction", init, apply, capacity, settings, ("abstraction", name)))


def code_of(channels: Sequence[Channel], settings: HParams) -> Callable[[Array], Array] | None:
    """Returns what features go through between trunk and heads: the channels of abstraction, where there are any.

    Args:
      channels: all channels.
      settings: what they read.

    Returns:
      `[T, E, width] -> [T, E, width]`, or None where nothing is in between.
    """
    narrow = [channel for channel in channels if channel.place == "abstraction"]
    if not narrow:
        return None
    one, key = jnp.ones(()), jax.random.key(0)  # nothing is left to chance

    def through(features: Array) -> Array:
        for channel in narrow:
            state = channel.init(settings, features)
            _, signal = channel.apply(key, state, Signal(features, one, one, one), settings)
            features = signal.value
        return features

    return jax.vmap(jax.vmap(through))
