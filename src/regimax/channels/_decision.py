"""The decision channel: few actions, now and then, and not always those that were meant."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from regimax.channels.base import RATE, Channel, Signal, at_the_door, due
from regimax.ops import information
from regimax.types import Array, HParams, PyTree, Setting


def decision(name: str = "decision") -> Channel:
    r"""Makes a channel that carries actions to the world.

    Every 1/`rate` steps, from an episode's first step on, a decision is taken, and repeated until the next. Of the
    legal actions the first `actions` are allowed; another is carried out as the allowed one at its place modulo their
    number. With probability `flip` another allowed one is carried out.

    Capacity, bits per step: :math:`rate (\log_2 A - h(q) - q \log_2(A-1))`.

    Args:
      name: prefix of the settings: ``<name>.rate``, ``.actions``, ``.flip``.

    Returns:
      the channel. It applies to evaluations too.

    Example:
      >>> settings = {"decision.rate": 0.25, "decision.actions": 100, "decision.flip": 0.0}
      >>> decision().capacity(settings, {"action_bits": 2.0})
      0.5
    """
    settings = (
        RATE._replace(name=f"{name}.rate", doc="decisions per step"),
        Setting(f"{name}.actions", 2**20, 2, 2**20, "A, actions that are allowed at most", integer=True),
        Setting(f"{name}.flip", 0.0, 0, 1, "q, probability that another action is carried out"),
    )

    def init(settings: HParams, value: Array) -> PyTree:
        del settings
        return {"held": jnp.zeros_like(value), "clock": jnp.zeros(())}

    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        if signal.legal is None:
            raise AssertionError("a decision needs to know the legal actions: give Signal(…, legal=…), [A] bool")
        clock, now = due(state["clock"], signal.first, settings[f"{name}.rate"])
        place = jnp.cumsum(signal.legal) - 1  # of each legal action among them
        allowed = jnp.minimum(settings[f"{name}.actions"], place[-1] + 1)
        u_flip, u_other = jax.random.uniform(key, (2,))
        other = 1 + jnp.minimum((u_other * (allowed - 1)).astype(jnp.int32), jnp.maximum(allowed - 2, 0))
        chosen = place[signal.value] + jnp.where(u_flip < settings[f"{name}.flip"], other, 0)
        action = jnp.argmax(signal.legal & (place == chosen % allowed)).astype(signal.value.dtype)
        held = jnp.where(now, action, state["held"])
        return {"held": held, "clock": clock}, signal._replace(value=held, present=now.astype(jnp.float32))

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        levels = min(float(settings[f"{name}.actions"]), 2.0 ** known["action_bits"])
        return settings[f"{name}.rate"] * information.symmetric_bits(levels, settings[f"{name}.flip"])

    return at_the_door(Channel("decision", init, apply, capacity, settings, ("decision", name)))
