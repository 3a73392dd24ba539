"""The reward channel: few levels, now and then, late, with noise, erasures and flips."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from regimax.channels.base import EXACT, RATE, Channel, Signal, at_the_door, check_line, check_range, lost_reads
from regimax.ops import information
from regimax.types import Array, HParams, PyTree, Setting

MOST = 2**EXACT
"""Levels from which on nothing is rounded."""


def reward(low: float = 0.0, high: float = 1.0, max_delay: int = 0, name: str = "reward") -> Channel:
    r"""Makes a channel that carries every reward of every step.

    A reward waits `delay` steps and then for the next delivery: there is one every 1/`rate` steps, and one with the
    last step of an episode for all that still waits. What is delivered is the sum of what waited, with noise of
    standard deviation `noise`. By default it arrives as it is, whatever the range. With fewer than 2²⁴ `levels` it is
    clipped to the range and rounded to the nearest of so many values between `low` and `high`. With probability `flip`
    it becomes one of the other levels.

    With probability `erasure` a delivery is lost, and the learner knows that it is: it learns nothing from the reward
    of that step. Where `reads_zero` is 1 it cannot tell, and takes it for a reward of 0: another and a worse channel.
    A step at which no delivery is due is not a loss: what waits comes later in the episode.

    Capacity, bits per step: :math:`r (1-e)(\log_2 L - h(q) - q \log_2(L-1))`, where
    :math:`r = (\lfloor rate \cdot (T-1) \rfloor + 1) / T` for episodes of T steps; 24 bits a delivery where nothing is
    rounded, which is all that a float32 has. Noise can only lower it: with noise this is an upper bound. Where lost
    reads as 0, it is no more than that and than :func:`regimax.ops.information.zeroed_capacity` for each delivery,
    which is reached without flips where 0 is one of the levels.

    Args:
      low: the least reward of a step, reward units.
      high: the largest.
      max_delay: static length of the delay line; `delay` may be up to this.
      name: prefix of the settings: ``<name>.levels``, ``.rate``, ``.noise``, ``.erasure``, ``.reads_zero``, ``.flip``
        and, with a delay line, ``.delay``.

    Returns:
      the channel.

    Raises:
      UserError: if `low` is not below `high`, or the delay line has no length.

    Reference:
      Cover and Thomas, Elements of Information Theory, sections 7.1.5 and 7.2; problem 7.8 for the Z-channel, of which
      the capacity with `reads_zero` is that of L levels.

    Example:
      >>> channel = reward()
      >>> settings = {"reward.levels": 2, "reward.rate": 1.0, "reward.erasure": 0.75, "reward.flip": 0.0}
      >>> channel.capacity(settings | {"reward.reads_zero": 0}, {"episode_steps": 4.0})
      0.25
      >>> round(channel.capacity(settings | {"reward.reads_zero": 1}, {"episode_steps": 4.0}), 3)
      0.145
    """
    low, high = check_range(name, low, high)
    max_delay = check_line(name, max_delay)
    settings = [
        Setting(f"{name}.levels", MOST, 2, MOST, f"L, values that can be told apart; {MOST} rounds none", integer=True),
        RATE._replace(name=f"{name}.rate", doc="deliveries per step"),
        Setting(f"{name}.noise", 0.0, 0, 1e6, "σ, noise of what is delivered, reward units"),
        Setting(f"{name}.erasure", 0.0, 0, 1, "e, probability that a reward is lost"),
        lost_reads(name),
        Setting(f"{name}.flip", 0.0, 0, 1, "q, probability that a reward arrives as another level"),
    ]
    if max_delay:
        settings.append(Setting(f"{name}.delay", 0, 0, max_delay, "steps that a reward is late", integer=True))

    def init(settings: HParams, value: Array) -> PyTree:
        del settings, value
        zero = jnp.zeros((), jnp.float32)
        line = {"line": jnp.zeros((max_delay, 2), jnp.float32)} if max_delay else {}
        return {"sum": zero, "lost": zero, "clock": zero, **line}

    def delayed(line: Array, sent: Array, signal: Signal, delay: Array) -> tuple[Array, Array]:
        """`line[i]` arrives i + 1 steps from now. Returns the line and what arrives now."""
        line = jnp.where(signal.first > 0, 0.0, line)
        line = jnp.concatenate([line, jnp.zeros_like(line[:1])]).at[delay].add(sent)
        return line[1:], jnp.where(signal.last > 0, jnp.sum(line, axis=0), line[0])

    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        value, gone, line = signal.value, jnp.zeros_like(signal.present), {}
        if signal.lost is not None:
            gone = signal.lost
        if max_delay:
            # Slot 0 of the extended line is now; what was put in slot d has moved down by one at each step.
            sent = jnp.stack([value, gone])
            line["line"], (value, gone) = delayed(state["line"], sent, signal, settings[f"{name}.delay"])
        total = jnp.where(signal.first > 0, 0.0, state["sum"]) + value
        gone = jnp.where(signal.first > 0, 0.0, state["lost"]) + gone
        clock = jnp.where(signal.first > 0, 0.0, state["clock"]) + settings[f"{name}.rate"]
        now = (clock >= 1.0 - 1e-4) | (signal.last > 0)  # rounding must not make it late
        state = {
            "sum": jnp.where(now, 0.0, total),
            "lost": jnp.where(now, 0.0, gone),
            "clock": clock - (clock >= 1.0 - 1e-4).astype(jnp.float32),
            **line,
        }
        key, key_noise = jax.random.split(key)
        value = total + settings[f"{name}.noise"] * jax.random.normal(key_noise, dtype=jnp.float32)
        levels = settings[f"{name}.levels"]
        u_flip, u_level, u_erase = jax.random.uniform(key, (3,), jnp.float32)
        flipped, erased = u_flip < settings[f"{name}.flip"], u_erase < settings[f"{name}.erasure"]
        top = levels.astype(jnp.float32) - 1.0
        level = jnp.round(jnp.clip((value - low) / (high - low), 0.0, 1.0) * top)
        other = jnp.minimum(jnp.floor(u_level * top), top - 1.0)
        other = other + (other >= level).astype(jnp.float32)
        level = jnp.where(flipped, other, level)
        exact = (levels >= MOST) & ~flipped
        value = jnp.where(exact, value, low + (high - low) * level / top)
        told = erased & (settings[f"{name}.reads_zero"] == 0)  # what is lost reads as 0, and whether that is known
        return state, signal._replace(
            value=jnp.where(now & ~erased, value, 0.0),
            present=(now & ~told).astype(jnp.float32),
            lost=(now & (told | (gone > 0))).astype(jnp.float32),
        )

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        levels, lost = settings[f"{name}.levels"], settings[f"{name}.erasure"]
        bits = (1.0 - lost) * information.symmetric_bits(levels, settings[f"{name}.flip"])
        if settings[f"{name}.reads_zero"]:
            bits = min(bits, information.zeroed_capacity(levels, lost))
        return deliveries(settings, known) * bits

    def deliveries(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        """Those that are due per step, the lost ones among them."""
        steps = known["episode_steps"]
        return (math.floor(settings[f"{name}.rate"] * (steps - 1.0) + 1e-4) + 1) / steps

    def delivered(settings: Mapping[str, float], known: Mapping[str, float], due: float) -> float:
        return min(due, deliveries(settings, known)) * (1.0 - settings[f"{name}.erasure"])

    spec = ("reward", name, low, high, max_delay)
    return at_the_door(Channel("reward", init, apply, capacity, tuple(settings), spec, delivered))
