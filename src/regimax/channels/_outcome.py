"""The outcome channel: the reward for whole episodes, added up, late and with erasures."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from regimax.channels.base import Channel, Signal, at_the_door, check_line, lost_reads
from regimax.ops import information
from regimax.types import Array, HParams, PyTree, Setting


def outcome(max_delay: int = 0, name: str = "outcome") -> Channel:
    r"""Makes a channel that carries the outcomes of episodes, each at an episode's last step.

    Outcomes are added up over `episodes` episodes, and the unlabelled sum, divided by their number to stay in the range
    of one outcome, is delivered at the last step of the last of them, or `delay` episodes later; it is lost with
    probability `erasure`.

    Where an episode that is paid for ends and no sum is delivered, because it was lost, waits for others or is late,
    the learner knows that: it learns nothing from the reward of that step. Where `reads_zero` is 1 it cannot tell, and
    takes it for an outcome of 0: another and a worse channel.

    Capacity, bits per step, for outcomes in {0, 1}: :math:`(1-e) \log_2(n+1) / (n \cdot steps)`, and where lost reads
    as 0 :func:`regimax.ops.information.zeroed_capacity` of n + 1 levels in the place of :math:`(1-e) \log_2(n+1)`.

    Args:
      max_delay: static length of the delay line, episodes.
      name: prefix of the settings: ``<name>.episodes``, ``.erasure``, ``.reads_zero`` and, with a delay line,
        ``.delay``.

    Returns:
      the channel.

    Raises:
      UserError: if the delay line has no length.

    Example:
      >>> settings = {"outcome.episodes": 1, "outcome.erasure": 0.0, "outcome.reads_zero": 0}
      >>> outcome().capacity(settings, {"episode_steps": 4.0})
      0.25
    """
    max_delay = check_line(name, max_delay)
    settings = [
        Setting(f"{name}.episodes", 1, 1, 10**6, "n, episodes whose outcomes arrive as one sum", integer=True),
        Setting(f"{name}.erasure", 0.0, 0, 1, "e, probability that a sum is lost"),
        lost_reads(name),
    ]
    if max_delay:
        settings.append(Setting(f"{name}.delay", 0, 0, max_delay, "episodes that a sum is late", integer=True))

    def init(settings: HParams, value: Array) -> PyTree:
        del settings, value
        # Value and presence of what is under way.
        line = {"line": jnp.zeros((max_delay, 2), jnp.float32)} if max_delay else {}
        return {"sum": jnp.zeros((), jnp.float32), "count": jnp.zeros((), jnp.int32), **line}

    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        last, paid = signal.last > 0, (signal.last > 0) & (signal.present > 0)
        episodes, unknown = settings[f"{name}.episodes"], settings[f"{name}.reads_zero"] > 0
        total = state["sum"] + jnp.where(paid, signal.value, 0.0)
        count = state["count"] + paid.astype(jnp.int32)
        full = paid & (count >= episodes)
        kept = full & (jax.random.uniform(key, dtype=jnp.float32) >= settings[f"{name}.erasure"])
        seen = kept | (full & unknown)
        arriving = jnp.stack([jnp.where(kept, total / episodes.astype(jnp.float32), 0.0), seen.astype(jnp.float32)])
        line = {}
        if max_delay:
            extended = jnp.concatenate([state["line"], jnp.zeros_like(arriving)[None]])
            extended = extended.at[settings[f"{name}.delay"]].add(arriving)
            arriving = jnp.where(last, extended[0], 0.0)
            line = {"line": jnp.where(last, extended[1:], state["line"])}
        state = {"sum": jnp.where(full, 0.0, total), "count": jnp.where(full, 0, count), **line}
        lost = (paid & (arriving[1] == 0.0) & ~unknown).astype(jnp.float32)
        if signal.lost is not None:
            lost = jnp.maximum(lost, signal.lost)
        return state, signal._replace(value=arriving[0], present=jnp.minimum(arriving[1], 1.0), lost=lost)

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        n, lost = settings[f"{name}.episodes"], settings[f"{name}.erasure"]
        bits = (1.0 - lost) * math.log2(n + 1)
        if settings[f"{name}.reads_zero"]:
            bits = information.zeroed_capacity(n + 1, lost)
        return bits / (n * known["episode_steps"])

    def delivered(settings: Mapping[str, float], known: Mapping[str, float], due: float) -> float:
        del known
        return due * (1.0 - settings[f"{name}.erasure"]) / settings[f"{name}.episodes"]

    spec = ("outcome", name, max_delay)
    return at_the_door(Channel("outcome", init, apply, capacity, tuple(settings), spec, delivered))
