"""The one exception of the user's making.

A :class:`UserError` is shown by the command line as one or two lines on stderr with exit code 2. Library code that
is called from Python sees it as a ``ValueError``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Something that the user can mend: the message names the thing, what was found and what is allowed."""


def nearest(found: str, allowed: Iterable[str]) -> str:
    """Returns " Did you mean 'x'?" for the name in `allowed` that is most like `found`, or an empty string."""
    match = difflib.get_close_matches(str(found), list(map(str, allowed)), n=1, cutoff=0.5)
    return f" Did you mean {match[0]!r}?" if match else ""


def unknown(kind: str, found: str, allowed: Iterable[str]) -> UserError:
    """Builds the error for a name that does not exist.

    Args:
      kind: what was looked up, for example "axis".
      found: the name that was given.
      allowed: the names that exist.

    Returns:
      the error, to be raised by the caller.

    Example:
      >>> print(unknown("axis", "reward.erasures", ["reward.erasure", "reward.flip"]))
      unknown axis 'reward.erasures'. Did you mean 'reward.erasure'? Allowed: reward.erasure, reward.flip
    """
    names = list(map(str, allowed))
    return UserError(f"unknown {kind} {found!r}.{nearest(found, names)} Allowed: {', '.join(names)}")
