"""The sensory channel: few bits per number, now and then, with noise and losses."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from regimax.channels.base import EXACT, RATE, Channel, Signal, at_the_door, check_range, due
from regimax.types import Array, HParams, PyTree, Setting


def sensory(low: float = 0.0, high: float = 1.0, name: str = "sensory") -> Channel:
    r"""Makes a channel that carries observations.

    Every 1/`rate` steps, from an episode's first step on, an observation is taken: noise of standard deviation `noise`
    is added to each of its numbers, which is then rounded to the nearest of :math:`2^{bits}` values between `low` and
    `high`. It is lost with probability `erasure`. In between the learner goes on seeing the last that arrived in this
    episode, or zeros.

    Capacity, bits per step: rate · (1−e) · D · b, and with noise no more than
    :math:`rate (1-e) \frac{D}{2} \log_2(1 + P/\sigma^2)`, where P = ((high − low)/2)² is the largest variance that a
    signal in the range can have: an upper bound.

    Args:
      low: the least number of an observation; 0 and 1 suit one-hot codes.
      high: the largest.
      name: prefix of the settings: ``<name>.bits``, ``.rate``, ``.noise``, ``.erasure``.

    Returns:
      the channel. It applies to transcripts of others and to evaluations too.

    Raises:
      UserError: if `low` is not below `high`.

    Example:
      >>> settings = {"sensory.bits": 2, "sensory.rate": 0.5, "sensory.noise": 0.0, "sensory.erasure": 0.0}
      >>> sensory().capacity(settings, {"dimensions": 8})
      8.0
    """
    low, high = check_range(name, low, high)
    settings = (
        Setting(f"{name}.bits", EXACT, 1, EXACT, f"b, bits per number of an observation; {EXACT} rounds nothing"),
        RATE._replace(name=f"{name}.rate", doc="observations per step"),
        Setting(f"{name}.noise", 0.0, 0, 1e6, "σ, noise of each number"),
        Setting(f"{name}.erasure", 0.0, 0, 1, "e, probability that an observation is lost"),
    )

    def init(settings: HParams, value: Array) -> PyTree:
        del settings
        return {"seen": jnp.zeros_like(value), "clock": jnp.zeros(())}

    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        key_noise, key_erase = jax.random.split(key)
        clock, now = due(state["clock"], signal.first, settings[f"{name}.rate"])
        arrives = now & (jax.random.uniform(key_erase) >= settings[f"{name}.erasure"]) & (signal.present > 0)
        value = signal.value + settings[f"{name}.noise"] * jax.random.normal(key_noise, signal.value.shape)
        bits = settings[f"{name}.bits"]
        top = jnp.exp2(bits) - 1.0
        rounded = low + (high - low) * jnp.round(jnp.clip((value - low) / (high - low), 0.0, 1.0) * top) / top
        before = jnp.where(signal.first > 0, 0.0, state["seen"])
        seen = jnp.where(arrives, jnp.where(bits >= EXACT, value, rounded), before)
        return {"seen": seen, "clock": clock}, signal._replace(value=seen, present=arrives.astype(jnp.float32))

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        bits, noise = settings[f"{name}.bits"], settings[f"{name}.noise"]
        if noise > 0:
            bits = min(bits, 0.5 * math.log2(1.0 + ((high - low) / (2.0 * noise)) ** 2))
        return settings[f"{name}.rate"] * (1.0 - settings[f"{name}.erasure"]) * known["dimensions"] * bits

    return at_the_door(Channel("sensory", init, apply, capacity, settings, ("sensory", name, low, high)))
