"""Factories that give the same object for the same arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def once(factory: F) -> F:
    """Returns a factory that makes a thing once for equal arguments.

    Phases that hold the same objects are bound and traced once, however often they were written down. Only for
    factories of what never changes, such as functions. Arguments that cannot be hashed are made anew.

    Example:
      >>> @once
      ... def adder(n, m=0):
      ...     return lambda x: x + n + m
      >>> adder(1) is adder(1), adder(1) is adder(1.0), adder([1]) is adder([1])
      (True, False, False)
    """
    kept = functools.lru_cache(maxsize=1024, typed=True)(factory)

    @functools.wraps(factory)
    def made(*args: Any, **options: Any) -> Any:
        try:
            hash((args, tuple(options.items())))
        except TypeError:
            return factory(*args, **options)
        return kept(*args, **options)

    return cast(F, made)
