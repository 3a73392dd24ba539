"""The reward channel: few levels, now and then, late, with noise, erasures and flips."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from regimax.channels.base import RATE, Channel, Signal, check_line, check_range
from regimax.ops import information
from regimax.types import Array, HParams, PyTree, Setting


def reward(low: float = 0.0, high: float = 1.0, max_delay: int = 0, name: str = "reward") -> Channel:
    r"""Makes a channel that carries every reward of every step.

    A reward waits `delay` steps and then for the next delivery: there is one every 1/`rate` steps, and one with the
    last step of an episode for all that still waits. What is delivered is the sum of what waited, with noise of
    standard deviation `noise`; it is clipped to the range and rounded to the nearest of `levels` values between `low`
    and `high`, becomes one of the other levels with probability `flip`, and is lost (zero, not present) with
    probability `erasure`.

    Capacity, bits per step: :math:`r (1-e)(\log_2 L - h(q) - q \log_2(L-1))`, where
    :math:`r = (\lfloor rate \cdot (T-1) \rfloor + 1) / T` for episodes of T steps. Noise can only lower it: with noise
    this is an upper bound.

    Args:
      low: the least reward of a step, reward units.
      high: the largest.
      max_delay: static length of the delay line; `delay` may be up to this.
      name: prefix of the settings: ``<name>.levels``, ``.erasure``, ``.flip`` and, with a delay line, ``.delay``.

    Returns:
      the channel.

    Raises:
      UserError: if `low` is not below `high`, or the delay line has no length.

    Reference:
      Cover and Thomas, Elements of Information Theory, sections 7.1.5 and 7.2.

    Example:
      >>> channel = reward()
      >>> settings = {"reward.levels": 2, "reward.rate": 1.0, "reward.erasure": 0.75, "reward.flip": 0.0}
      >>> channel.capacity(settings, {"episode_steps": 4.0})
      0.25
    """
    low, high = check_range(name, low, high)
    max_delay = check_line(name, max_delay)
    settings = [
        Setting(f"{name}.levels", 2, 2, 2**20, "L, values that can be told apart", integer=True),
        RATE._replace(name=f"{name}.rate", doc="deliveries per step"),
        Setting(f"{name}.noise", 0.0, 0, 1e6, "σ, noise of what is delivered, reward units"),
        Setting(f"{name}.erasure", 0.0, 0, 1, "e, probability that a reward is lost"),
        Setting(f"{name}.flip", 0.0, 0, 1, "q, probability that a reward arrives as another level"),
    ]
    if max_delay:
        settings.append(Setting(f"{name}.delay", 0, 0, max_delay, "steps that a reward is late", integer=True))

    def init(settings: HParams, value: Array) -> PyTree:
        del settings, value
        line = {"line": jnp.zeros((max_delay,))} if max_delay else {}
        return {"sum": jnp.zeros(()), "clock": jnp.zeros(()), **line}

    def delayed(line: Array, signal: Signal, delay: Array) -> tuple[Array, Array]:
        """`line[i]` arrives i + 1 steps from now. Returns the line and what arrives now."""
        line = jnp.where(signal.first > 0, 0.0, line)
        line = jnp.concatenate([line, jnp.zeros((1,))]).at[delay].add(signal.value)
        value = jnp.where(signal.last > 0, jnp.sum(line), line[0])
        return line[1:], value

    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        value, line = signal.value, {}
        if max_delay:
            # Slot 0 of the extended line is now; what was put in slot d has moved down by one at each step.
            line["line"], value = delayed(state["line"], signal, settings[f"{name}.delay"])
        total = jnp.where(signal.first > 0, 0.0, state["sum"]) + value
        clock = jnp.where(signal.first > 0, 0.0, state["clock"]) + settings[f"{name}.rate"]
        now = (clock >= 1.0 - 1e-4) | (signal.last > 0)  # rounding must not make it late
        state = {"sum": jnp.where(now, 0.0, total), "clock": clock - (clock >= 1.0 - 1e-4), **line}
        key, key_noise = jax.random.split(key)
        value = total + settings[f"{name}.noise"] * jax.random.normal(key_noise)
        levels = settings[f"{name}.levels"].astype(jnp.float32)
        u_flip, u_level, u_erase = jax.random.uniform(key, (3,))
        top = levels - 1.0
        level = jnp.round(jnp.clip((value - low) / (high - low), 0.0, 1.0) * top)
        other = jnp.minimum(jnp.floor(u_level * top), top - 1.0)
        other = other + (other >= level)
        level = jnp.where(u_flip < settings[f"{name}.flip"], other, level)
        kept = (u_erase >= settings[f"{name}.erasure"]).astype(jnp.float32) * signal.present * now
        return state, signal._replace(value=kept * (low + (high - low) * level / top), present=kept)

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        bits = information.symmetric_bits(settings[f"{name}.levels"], settings[f"{name}.flip"])
        steps = known["episode_steps"]
        deliveries = (math.floor(settings[f"{name}.rate"] * (steps - 1.0) + 1e-4) + 1) / steps
        return deliveries * (1.0 - settings[f"{name}.erasure"]) * bits

    return Channel("reward", init, apply, capacity, tuple(settings), ("reward", name, low, high, max_delay))
