"""The decision channel of continuous actions: they have a capacity once they are quantised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from regimax.channels.base import EXACT, RATE, Channel, Signal, at_the_door, check_range, due
from regimax.errors import UserError
from regimax.types import Array, HParams, PyTree, Setting


def quantized_decision(
    low: float | Sequence[float] = -1.0, high: float | Sequence[float] = 1.0, name: str = "decision"
) -> Channel:
    r"""Makes a channel that carries continuous actions to the world, quantised.

    A real number has no finite capacity; what this one says is that of its quantisation. Every number of an action is
    rounded to one of :math:`2^b` levels from `low` to `high`, the ends among them; beyond them the nearest is carried
    out, as in the world itself. Every 1/`rate` steps, from an episode's first step on, a decision is taken, and
    repeated until the next.

    Capacity, bits per step: :math:`rate \cdot N \cdot b`, for N numbers in an action.

    Args:
      low: the least that an action can be, one number for all or one for each.
      high: the largest.
      name: prefix of the settings: ``<name>.rate``, ``.bits``.

    Returns:
      the channel. It applies to evaluations too.

    Raises:
      UserError: if `low` is not below `high`, or there are not as many of them.

    Example:
      >>> settings = {"decision.rate": 0.5, "decision.bits": 3.0}
      >>> quantized_decision(-2, 2).capacity(settings, {"action_bits": 2 * 24.0})  # two numbers
      3.0
    """
    lows, highs = _ends(low), _ends(high)
    if len(lows) != len(highs) or not lows:
        raise UserError(f"channel {name!r}: {len(lows)} numbers are low and {len(highs)} high: give as many")
    ends = tuple(check_range(name, *pair) for pair in zip(lows, highs, strict=True))
    settings = (
        RATE._replace(name=f"{name}.rate", doc="decisions per step"),
        Setting(f"{name}.bits", EXACT, 1, EXACT, f"b, bits per number of an action; {EXACT} rounds nothing"),
    )

    def init(settings: HParams, value: Array) -> PyTree:
        del settings
        if len(ends) not in (1, value.shape[0]):
            raise UserError(f"channel {name!r}: it has {len(ends)} ranges, an action has {value.shape[0]} numbers")
        return {"held": jnp.zeros_like(value), "clock": jnp.zeros(())}

    def apply(key: Array, state: PyTree, signal: Signal, settings: HParams) -> tuple[PyTree, Signal]:
        del key
        clock, now = due(state["clock"], signal.first, settings[f"{name}.rate"])
        least, most = (jnp.asarray(side, jnp.float32) for side in zip(*ends, strict=True))
        bits, share = settings[f"{name}.bits"], jnp.clip((signal.value - least) / (most - least), 0.0, 1.0)
        top = jnp.exp2(bits) - 1.0
        rounded = least + (most - least) * jnp.round(share * top) / top
        held = jnp.where(now, jnp.where(bits >= EXACT, jnp.clip(signal.value, least, most), rounded), state["held"])
        return {"held": held, "clock": clock}, signal._replace(value=held, present=now.astype(jnp.float32))

    def capacity(settings: Mapping[str, float], known: Mapping[str, float]) -> float:
        return settings[f"{name}.rate"] * settings[f"{name}.bits"] * known["action_bits"] / EXACT

    spec = ("quantized_decision", name, ends)
    return at_the_door(Channel("decision", init, apply, capacity, settings, spec, numbers=True))


def _ends(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, Sequence) else (given,)
