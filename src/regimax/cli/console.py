"""Where the command line writes."""

from __future__ import annotations

from rich.console import Console


def console(width: int, stderr: bool = False) -> Console:
    """A console, of the terminal's width or where there is none of `width` columns."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=width)
