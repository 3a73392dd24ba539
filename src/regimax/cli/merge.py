"""`regimax merge`."""

from __future__ import annotations

from rich.console import Console

from regimax.cli import arguments
from regimax.errors import UserError


def merge(command: arguments.Merge) -> int:
    """Joins the shares of a sweep."""
    if not command.shares:
        raise UserError("give the run directories of the shares")
    from regimax.sweep import merge as shares
    from regimax.sweep.display import say

    cells = shares.merge(command.shares, command.out, command.partial)
    say(Console(), f"merged: {command.out} holds {cells} cells; next: regimax report {command.out}")
    return 0
