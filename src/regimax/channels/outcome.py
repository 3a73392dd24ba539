"""The outcome channel: the pay for whole episodes, added up, late and with erasures."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from regimax.channels.base import Channel, Signal, check_line
from regimax.types import Array, HParams, PyTree, Setting


def outcome(max_delay: int = 0, name: str = "outcome") -> Channel:
    r"""Makes a channel that carries the outcomes of episodes, each at an episode's last step.

    Outcomes are added up over `episodes` episodes, and the unlabelled sum, divided by their number to stay in the range
    of one outcome, is delivered at the last step of the last of them, or `delay` episodes later; it is lost with
    probability `erasure`.

    Capacity, bits per step, for outcomes in {0, 1}: :math:`(1-e) \log_2(n+1) / (n \cdot steps)`.

    Args:
      max_delay: static length of the delay line, episodes.
      name: prefix of the settings: ``<name>.episodes``, ``.erasure`` and, with a delay line, ``.delay``.

    Returns:
      the channel.

    Raises:
      UserError: if the delay line has no length.

    Example:
      >>> outcome().capacity({"outcome.episodes": 1, "outcome.erasure": 0.0}, {"episode_steps": 4.0})
      0.25
    """
    max_delay = check_line(name, max_delay)
    settings = [
        Setting(f"{name}.episodes", 1, 1, 10**6, "n, episodes whose outcomes arrive as one sum", integer=True),
        Setting(f"{name}.erasure", 0.0, 0, 1, "e, probability that a sum is lost"),
    ]
    if max_delay:
        settings.append(Setting(f"{name}.delay", 0, 0, max_delay, "episodes that a sum is late", integer=True))

    def init(settings: HParams, value: Array) -> PyTree:
        del settings, value
        line = {"line": jnp.zeros((max_delay, 2))} if max_delay else {}  # value and presence of what is under way
        return {"sum": jnp.zeros(()), "count": jnp.zeros((), jnp.int32), **line}

    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        last = signal.last > 0
        episodes = settings[f"{name}.episodes"]
        total = state["sum"] + jnp.where(last, signal.value, 0.0)
        count = state["count"] + last
        full = last & (count >= episodes)
        kept = full & (jax.random.uniform(key) >= settings[f"{name}.erasure"])
        arriving = jnp.stack([jnp.where(kept, total / episodes, 0.0), kept.astype(jnp.float32)])
        line = {}
        if max_delay:
            extended = jnp.concatenate([state["line"], jnp.zeros((1, 2))]).at[settings[f"{name}.delay"]].add(arriving)
            arriving = jnp.where(last, extended[0], 0.0)
            line = {"line": jnp.where(last, extended[1:], state["line"])}
        state = {"sum": jnp.where(full, 0.0, total), "count": jnp.where(full, 0, count), **line}
        return state, signal._replace(value=arriving[0], present=jnp.minimum(arriving[1], 1.0))

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        n = settings[f"{name}.episodes"]
        return (1.0 - settings[f"{name}.erasure"]) * math.log2(n + 1) / (n * known["episode_steps"])

    return Channel("outcome", init, apply, capacity, tuple(settings), ("outcome", name, max_delay))
