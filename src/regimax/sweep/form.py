"""Of which kind fields are that a file describes, told in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from regimax.errors import UserError

KINDS = {
    "regimes": (Sequence, "a list of regimes"),
    "unused": (Sequence, "a list of regimes"),
    "choices": (Sequence, "a list of regimax.Choice"),
    "axes": (Mapping, "a dictionary of axes"),
    "settings": (Mapping, "a dictionary of settings"),
    "derived": (Mapping, "a dictionary of functions"),
    "question": (str, "a text"),
    "keep_params": (bool, "True or False"),
}
"""What each field is, and how it is said."""


def check(sweep: Any) -> None:
    """Refuses fields of another kind.

    Args:
      sweep: a :class:`regimax.sweep.spec.Sweep`.

    Raises:
      UserError: with the first of them.
    """
    check_kinds(sweep, KINDS)
    for axis in sweep.axes:
        if not all(isinstance(name, str) for name in (axis if isinstance(axis, tuple) else (axis,))):
            raise UserError(f"axis {axis!r} is neither a name nor a tuple of names")
    for name in (*sweep.settings, *sweep.derived):
        if not isinstance(name, str):
            raise UserError(f"setting {name!r} is not a name")
    for name, function in sweep.derived.items():
        if not callable(function):
            raise UserError(f"derived setting {name!r} = {function!r} is not a function")


def check_kinds(thing: Any, kinds: Mapping[str, tuple[Any, str]], where: str = "") -> None:
    """Refuses fields of another kind than is told; a text is no list.

    Args:
      thing: what has the fields.
      kinds: by the name of a field its type, or types, and how that is said.
      where: what stands before the name in the message.

    Raises:
      UserError: with the first of them.
    """
    for name, (kind, what) in kinds.items():
        found = getattr(thing, name)
        if not isinstance(found, kind) or (isinstance(found, str) and kind is Sequence):
            raise UserError(f"{where}{name} = {found!r} is not {what}")
