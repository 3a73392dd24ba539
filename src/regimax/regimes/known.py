"""What decides what a phase's functions compute: phases that agree in it share them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from regimax.regimes.base import Phase

if TYPE_CHECKING:
    from regimax.regimes.program import Program

Programs = dict[tuple[Any, ...], tuple[Any, "Program"]]
"""Programs by what they are compiled from, each with the world that it was bound to."""

PLAIN = (bool, int, float, str, type(None))
"""Types whose values are told apart by how they are written."""


def compiled_from(phase: Phase, world: Any) -> tuple[Any, ...]:
    """Returns what stands for all that decides what a phase's functions compute: its objects, and its plain data.

    Its budget, how often it is evaluated, what it inherits and the defaults of its settings reach them as arguments
    only. It stands for them as long as the objects are kept.
    """
    several = (phase.channels or (), phase.probes)
    objects = (phase.source, phase.learner, phase.network, phase.world)
    ids = (*(id(one) for one in objects), *(tuple(id(one) for one in some) for some in several))
    plain = (phase.name, phase.channels is None, phase.freeze, phase.evaluate.episodes, phase.stop)
    return (told_apart(world), *ids, *plain)


def told_apart(world: Any) -> Any:
    """Returns what stands for a world, as long as it is kept.

    Of a frozen dataclass that holds plain data alone it is what it holds: a sweep file often makes its world anew for
    each of several sweeps. Any other world is one with itself alone.

    Example:
      >>> from regimax.envs import Lock
      >>> told_apart(Lock(depth=3, actions=2)) == told_apart(Lock(depth=3, actions=2))
      True
    """
    kind = type(world)  # what lies in slots `vars` does not tell
    if not dataclasses.is_dataclass(kind) or any(vars(base).get("__slots__") for base in kind.__mro__):
        return id(world)
    held = vars(world)
    frozen = kind.__dataclass_params__.frozen  # type: ignore[attr-defined] - a dataclass has it
    if not frozen or any(type(value) not in PLAIN for value in held.values()):
        return id(world)
    return kind, tuple((name, repr(value)) for name, value in held.items())
