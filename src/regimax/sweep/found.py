"""What planning finds of a regime in a world, found once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from regimax.precision import products
from regimax.regimes import BoundRegime, Program, Regime, bind_regime
from regimax.regimes.known import Programs
from regimax.sweep.cost import Flops
from regimax.sweep.identity import program_identity


class Known:
    """What was found so far of objects that stay as they are."""

    def __init__(self):
        self._bound: Programs = {}
        self._found: dict[tuple[int, int, str], tuple[Any, Any, Found]] = {}
        self._flops: dict[Any, Flops] = {}
        self._ids: dict[Any, str] = {}
        self._at: dict[tuple[Any, str], dict[str, Any]] = {}

    def found(self, regime: Regime, world: Any, precision: str) -> Found:
        """Returns what was found of a regime object in a world object, at a precision of products."""
        key = id(regime), id(world), precision
        if key not in self._found:
            bound = bind_regime(regime, world, self._bound)
            bound = bound._replace(programs=tuple(self._with(program, precision) for program in bound.programs))
            self._found[key] = regime, world, Found(bound, self)  # the objects are kept: no other takes their place
        return self._found[key][2]

    def _with(self, program: Program, precision: str) -> Program:
        """The program with its products at a precision, which its traces then tell."""
        if precision == "default":
            return program
        key = program.tick, precision
        if key not in self._at:
            names = ("fresh", "init", "tick", "probe")
            self._at[key] = {name: products(getattr(program, name), precision) for name in names}
        return program._replace(**self._at[key])

    def flops(self, program: Program) -> Flops:
        """Returns the FLOPs of a program; those that share their functions share them."""
        return self._flops.setdefault(program.tick, Flops(program))

    def identity(self, program: Program) -> str:
        """Returns the identity of a program; those that share their functions and are evaluated as often share it."""
        key = program.tick, program.phase.evaluate.every
        if key not in self._ids:
            self._ids[key] = program_identity(program, self.flops(program).executed)
        return self._ids[key]


class Found:
    """A regime bound to a world, and what its traces tell.

    Args:
      bound: the regime, bound.
      known: what was found before.

    Attributes:
      bound: the regime, bound.
      flops: of its programs.
    """

    def __init__(self, bound: BoundRegime, known: Known):
        self.bound, self._known = bound, known
        self.flops = tuple(known.flops(program) for program in bound.programs)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """What stands for its programs, one per phase."""
        return tuple(self._known.identity(program) for program in self.bound.programs)


_shared: ContextVar[Known | None] = ContextVar("shared", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """While this lasts what is the same in several regimes, or in several plans, is bound and traced once.

    For plans that are made together: in a longer time what the objects refer to may be changed.
    """
    token = _shared.set(_shared.get() or Known())
    try:
        yield
    finally:
        _shared.reset(token)


def found(regime: Regime, world: Any, precision: str = "default") -> Found:
    """Binds a regime to a world, or returns what was found of the same objects before, see `shared`.

    Raises:
      UserError: if it does not fit the world.
    """
    return (_shared.get() or Known()).found(regime, world, precision)
