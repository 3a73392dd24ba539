"""Options that a function hands on to others, checked by name where they are given."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from regimax.errors import unknown

F = TypeVar("F", bound=Callable[..., Any])


def names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Returns the names of the options of a function, with those that it hands on where :func:`hands_on` knows them."""
    if hasattr(function, "options"):
        return function.options  # type: ignore[attr-defined]
    kinds = inspect.signature(function).parameters.values()
    return tuple(p.name for p in kinds if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))


def check(what: str, given: Iterable[str], *functions: Callable[..., Any]) -> None:
    """Refuses an option that none of these functions has.

    Args:
      what: whose options they are, for the message.
      given: their names.
      *functions: what takes them.

    Raises:
      UserError: for the first that is unknown.
    """
    allowed = list(dict.fromkeys(name for function in functions for name in names(function)))
    for name in given:
        if name not in allowed:
            raise unknown(f"option of {what}:", name, allowed)


def chosen(what: str, given: Mapping[str, Any] | None, *functions: Callable[..., Any]) -> dict[str, Any]:
    """Returns options that were given as a mapping, checked; none where there is no mapping."""
    check(what, given or (), *functions)
    return dict(given or {})


def hands_on(*functions: Callable[..., Any], also: Sequence[str] = (), without: Sequence[str] = ()) -> Callable[[F], F]:
    """Marks a function with ``**options`` that it hands on: others are refused with the nearest name.

    Args:
      *functions: what it hands them on to.
      also: options that it takes out of them itself.
      without: options that it gives itself, so that nobody else can.
    """

    def decorate(function: F) -> F:
        own = [p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
        handed = [name for other in functions for name in names(other) if name not in (*without, "updates")]

        @functools.wraps(function)
        def checked(*args: Any, **options: Any) -> Any:
            check(function.__name__, options, checked)
            return function(*args, **options)

        checked.options = tuple(dict.fromkeys((*own, *handed, *also)))  # type: ignore[attr-defined]
        return checked  # type: ignore[return-value]

    return decorate
