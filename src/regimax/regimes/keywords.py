"""Keywords that a function declares by a typed dictionary: checked where they are given, and told with its own.

One declaration, ``**options: Unpack[Rl]`` or ``rl: RlPhase``, serves editors, type checkers, whoever runs the
function with a name that is not in it, and its help.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast, get_args, get_type_hints, is_typeddict

from regimax.errors import UserError, unknown

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def chosen(kind: type[T], *given: Mapping[str, Any]) -> T:
    """Returns the options of a kind among those given; of one that is given twice the last counts.

    Args:
      kind: a typed dictionary.
      *given: options by name, those of other kinds among them.

    Example:
      >>> from regimax.regimes.options import Rollouts
      >>> chosen(Rollouts, {"num_envs": 4, "stop": None}, {"num_envs": 8})
      {'num_envs': 8}
    """
    merged = {name: value for options in given for name, value in options.items()}
    return cast(T, {name: value for name, value in merged.items() if name in kind.__annotations__})


def checked(function: F) -> F:
    """Refuses names that a function's typed dictionaries do not have, and shows those that they have in its help.

    Args:
      function: one that takes keywords by ``**options: Unpack[…]``.

    Raises:
      UserError: (the function it returns) for an unknown option, with the nearest, or for options that are no mapping.
    """
    hints = get_type_hints(function)
    *own, last = inspect.signature(function).parameters.values()
    (kind,) = get_args(hints.pop(last.name))
    nested = {name: hint.__annotations__ for name, hint in hints.items() if is_typeddict(hint)}
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=..., annotation=hint)
        for name, hint in get_type_hints(kind).items()
    ]
    signature = inspect.Signature([*own, *more], return_annotation=hints["return"])

    @functools.wraps(function)
    def made(*args: Any, **options: Any) -> Any:
        _check(function.__name__, options, signature.parameters)
        for name, value in inspect.signature(function).bind_partial(*args, **options).arguments.items():
            if name in nested:
                _check(f"{name} of {function.__name__}", value, nested[name])
        return function(*args, **options)

    made.__signature__ = signature  # type: ignore[attr-defined]
    made.__doc__ = _with_options(function.__doc__ or "", last.name, kind)
    return cast(F, made)


def _check(what: str, given: Any, allowed: Iterable[str]) -> None:
    """Refuses an option that is not allowed."""
    if not isinstance(given, Mapping):
        raise UserError(f"{what} = {given!r} is no dictionary of options")
    for name in given:
        if name not in allowed:
            raise unknown(f"option of {what}:", name, allowed)


def _with_options(doc: str, name: str, kind: type) -> str:
    """Returns a docstring in which options follow one by one what is said of all of them."""
    lines = doc.split("\n")
    at = next(i for i, line in enumerate(lines) if line.lstrip().startswith(f"**{name}:"))
    indent = " " * (len(lines[at]) - len(lines[at].lstrip()))
    at = next(i for i in range(at + 1, len(lines)) if not lines[i].startswith(f"{indent} "))
    told = [
        textwrap.fill(f"{key}: {text}", 120, initial_indent=indent, subsequent_indent=f"{indent}  ")
        for key, text in documented(kind).items()
    ]
    return "\n".join([*lines[:at], *told, *lines[at:]])


@functools.cache
def documented(kind: type) -> dict[str, str]:
    """Returns what the docstring below each key of a typed dictionary says, inherited keys first.

    Python keeps neither these nor what a typed dictionary inherits from, so both are read from its source; where there
    is none nothing is known.
    """
    try:
        (found,) = ast.parse(inspect.getsource(kind)).body
    except OSError:
        return {}
    assert isinstance(found, ast.ClassDef)
    docs: dict[str, str] = {}
    for base in found.bases:
        other = getattr(sys.modules[kind.__module__], ast.unparse(base), None)
        docs |= documented(other) if is_typeddict(other) else {}
    for key, text in itertools.pairwise(found.body):
        match key, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(said)):
                docs[name] = " ".join(str(said).split())
    return docs
