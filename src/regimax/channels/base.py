"""What every channel promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from regimax.types import Array, HParams, PyTree, Setting, Spec


class Signal(NamedTuple):
    """One sample on one stream.

    Attributes:
      value: `[]` or `[D]`; zero where not present.
      present: `[]` in {0, 1}, whether anything arrives.
      first: `[]` in {0, 1}, whether this step opens an episode.
      last: `[]` in {0, 1}, whether it closes one.
    """

    value: Array
    present: Array
    first: Array
    last: Array


class Channel(NamedTuple):
    """A pair of pure functions over one stream; the rollout vmaps.

    Attributes:
      place: where the rollout puts it: ``outcome`` (the pay for whole episodes) or ``reward`` (all pay).
      init: `settings -> state`.
      apply: `(key, state, signal, settings) -> (state, signal)`.
      capacity: `(settings, episode_steps) -> bits per step`, nominal.
      settings: the traced settings, named ``<channel>.<setting>``, with their defaults.
      spec: what it is.
    """

    place: str
    init: Callable[[HParams], PyTree]
    apply: Callable[[Array, PyTree, Signal, HParams], tuple[PyTree, Signal]]
    capacity: Callable[[Mapping[str, float], float], float]
    settings: tuple[Setting, ...]
    spec: Spec


PLACES = ("outcome", "reward")
