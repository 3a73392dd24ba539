"""What planning finds of a regime in a world, found once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from regimax.precision import products
from regimax.regimes import Program, Regime, bind_regime
from regimax.sweep.cost import Flops
from regimax.sweep.identity import program_identity


class Found:
    """A regime bound to a world, and what its traces tell.

    Args:
      regime: the regime.
      world: the world.
      precision: of products, see `Sweep.precision`.

    Attributes:
      bound: the regime, bound.
      flops: of its programs.

    Raises:
      UserError: if the regime does not fit the world.
    """

    def __init__(self, regime: Regime, world: Any, precision: str = "default"):
        bound = bind_regime(regime, world)
        self.bound = bound._replace(programs=tuple(_at(program, precision) for program in bound.programs))
        self.flops = tuple(Flops(program) for program in self.bound.programs)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """What stands for its programs, one per phase."""
        return tuple(program_identity(p, f.executed) for p, f in zip(self.bound.programs, self.flops, strict=True))


def _at(program: Program, precision: str) -> Program:
    """The program with its products at a precision, which its traces then tell."""
    if precision == "default":
        return program
    names = ("fresh", "init", "tick", "probe")
    return program._replace(**{name: products(getattr(program, name), precision) for name in names})


_shared: ContextVar[dict[tuple[int, int, str], tuple[Any, Any, Found]] | None] = ContextVar("shared", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """While this lasts a regime object in a world object is bound and traced once, however many plans hold it.

    For plans that are made together: in a longer time what the objects refer to may be changed.
    """
    token = _shared.set({} if (known := _shared.get()) is None else known)
    try:
        yield
    finally:
        _shared.reset(token)


def found(regime: Regime, world: Any, precision: str = "default") -> Found:
    """Binds a regime to a world, or returns what was found of the same objects before, see `shared`.

    Raises:
      UserError: if it does not fit the world.
    """
    known = _shared.get()
    if known is None:
        return Found(regime, world, precision)
    # The objects are kept, so that no other can take their place.
    if (id(regime), id(world), precision) not in known:
        known[id(regime), id(world), precision] = regime, world, Found(regime, world, precision)
    return known[id(regime), id(world), precision][2]
