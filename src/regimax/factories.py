"""Factories that give the same object for the same arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar, cast
from weakref import WeakKeyDictionary

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
X = TypeVar("X")


class _Call(NamedTuple):
    """Arguments of a factory, told apart by what they are."""

    key: Hashable
    args: tuple[Any, ...]
    options: dict[str, Any]

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Call) and self.key == other.key


def once(factory: F) -> F:
    """Returns a factory that makes a thing once for equal arguments.

    Phases that hold the same objects are bound and traced once, however often they were written down. Only for
    factories of what never changes, such as functions. Dictionaries, lists and sets among the arguments are told apart
    by what they hold, and copied, so that nobody changes them later. Arguments that cannot be hashed are made anew.

    Example:
      >>> import numpy as np
      >>> @once
      ... def adder(n, m=0):
      ...     return lambda x: x + n + m
      >>> adder(1) is adder(1), adder(1) is adder(1.0), adder({"n": [1]}) is adder({"n": [1]})
      (True, False, True)
      >>> adder(np.ones(1)) is adder(np.ones(1))
      False
    """
    kept = functools.lru_cache(maxsize=1024)(lambda call: factory(*call.args, **call.options))

    @functools.wraps(factory)
    def made(*args: Any, **options: Any) -> Any:
        key = key_of((args, options))
        try:
            hash(key)
        except TypeError:
            return factory(*args, **options)
        return kept(_Call(key, *_copied((args, options))))

    return cast(F, made)


def key_of(value: Any) -> Any:
    """Returns what tells a value apart, with its type, so that 1 is not 1.0; it may be hashed if the value may."""
    kind = type(value)
    if kind is dict:
        return kind, tuple((key_of(name), key_of(one)) for name, one in value.items())
    if kind in (list, tuple):
        return kind, tuple(key_of(one) for one in value)
    if kind is set:
        return kind, frozenset(key_of(one) for one in value)
    return kind, value


def _copied(value: Any) -> Any:
    """A value with containers of its own."""
    kind = type(value)
    if kind is dict:
        return {name: _copied(one) for name, one in value.items()}
    if kind in (list, tuple):
        return kind(_copied(one) for one in value)
    return set(value) if kind is set else value


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
