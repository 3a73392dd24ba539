"""Factories that give the same object for the same arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
X = TypeVar("X")


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


def once_for(function_of: Callable[[X], Callable[..., Any]]) -> Callable[[Callable[[X], T]], Callable[[X], T]]:
    """Returns a decorator: what is found of a thing is found once for all that share a function, as long as that lives.

    Args:
      function_of: the function of a thing that tells all of the answer.

    Example:
      >>> @once_for(lambda pair: pair[0])
      ... def asked(pair):
      ...     return [pair[1]]
      >>> def double(x):
      ...     return x + x
      >>> asked((double, 1)), asked((double, 2))
      ([1], [1])
    """

    def decorator(find: Callable[[X], T]) -> Callable[[X], T]:
        known: WeakKeyDictionary[Callable[..., Any], T] = WeakKeyDictionary()

        @functools.wraps(find)
        def found(thing: X) -> T:
            function = function_of(thing)
            if function not in known:
                known[function] = find(thing)
            return known[function]

        return found

    return decorator
