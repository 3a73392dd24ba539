"""Members of a world that a view of it leaves as they are."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TypeVar

View = TypeVar("View", bound=type)


def passes_on(*names: str) -> Callable[[View], View]:
    """Decorates a class whose field `world` is a world: these members of it are members of the class.

    They stand in the class, not behind `__getattr__`, since `isinstance` asks for a protocol's members there from
    Python 3.12 on.

    Args:
      names: of the members.
    """

    def decorate(view: View) -> View:
        for name in names:
            setattr(view, name, property(attrgetter(f"world.{name}")))
        return view

    return decorate
