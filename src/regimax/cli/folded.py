"""Help whose lines are folded between words, and nowhere else."""

from __future__ import annotations

import ast
import contextlib
import inspect
import itertools
import shutil
import sys
import textwrap
from typing import IO, Any, TypeVar, cast

Command = TypeVar("Command", bound=type)


def folded(command: Command) -> Command:
    """Gives each field of a command the text below it as help, as one line: tyro would keep the breaks of the file.

    Args:
      command: the class, with annotations that are text.
    """
    (source,) = ast.parse(textwrap.dedent(inspect.getsource(command))).body
    assert isinstance(source, ast.ClassDef)
    for field, below in itertools.pairwise(source.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            text = " ".join(ast.literal_eval(below.value).split())
            name = field.target.id
            command.__annotations__[name] = f"Annotated[{command.__annotations__[name]}, tyro.conf.arg(help={text!r})]"
    return command


def whole_words() -> contextlib.redirect_stdout[IO[str]]:
    """While this lasts, printed paragraphs are folded at the terminal's width: tyro folds what stands in its boxes."""
    return contextlib.redirect_stdout(cast(IO[str], _Folding(sys.stdout)))


class _Folding:
    """A stream that folds long lines of plain text."""

    def __init__(self, stream: Any):
        self._stream = stream

    def write(self, text: str) -> int:
        width = shutil.get_terminal_size().columns
        fold = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
        lines = (fold.fill(line) if _is_plain(line) else line for line in text.split("\n"))
        return self._stream.write("\n".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _is_plain(line: str) -> bool:
    """Whether a line is of a paragraph, without frames or colours."""
    return line[:1].isalnum() and "\x1b" not in line
