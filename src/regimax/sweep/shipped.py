"""The sweep files that come with regimax."""

from __future__ import annotations

import ast
from pathlib import Path

from regimax.errors import UserError, nearest
from regimax.sweep.files import first_paragraph

_PACKAGE = Path(__file__).parents[1]


def folder() -> Path:
    """Returns where they are: in the installed package, or at the top of a checkout."""
    installed = _PACKAGE / "sweeps"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "sweeps"


def files() -> dict[str, Path]:
    """Returns them by name, in the order of their names."""
    return {path.stem: path for path in sorted(folder().glob("*.py"))}


def neighbours(path: Path) -> list[Path]:
    """Returns the sweep files that one imports, and those that they import, without running any."""
    known, found, to_read = files(), [], [path]
    while to_read:
        imports = [node for node in ast.walk(ast.parse(to_read.pop().read_text())) if isinstance(node, ast.ImportFrom)]
        for near in (known[node.module] for node in imports if node.module in known):
            if near not in found:
                found.append(near)
                to_read.append(near)
    return found


def asks(path: Path) -> str:
    """Returns what a sweep file asks, the first paragraph of its docstring, without running it."""
    return first_paragraph(ast.get_docstring(ast.parse(path.read_text())))


def resolve(path: Path) -> Path:
    """Returns the file that is meant by what was typed: a path, or the name of a file that comes with regimax.

    Args:
      path: of a file, which need not exist; what exists is what is meant.

    Raises:
      UserError: if it is a bare name that nothing has.
    """
    known, bare = files(), len(path.parts) == 1 and not path.suffix
    if bare and path.name in known and not path.is_file():
        return known[path.name]
    if path.exists():
        return path
    if bare:
        hint = nearest(path.name, [*known, *(file.name for file in sorted(Path().glob("*.py")))])
        raise UserError(f"no sweep file {str(path)!r}, and none of that name comes with regimax.{hint}")
    if path.stem in known:
        raise UserError(f"no sweep file {str(path)!r}. One of that name comes with regimax: type {path.stem}")
    return path


def resolve_folder(path: Path) -> Path:
    """Returns the folder that is meant: one that is there, or by a name like `sweeps` one that comes with regimax."""
    inside = folder().joinpath(*path.parts[1:])
    return inside if path.parts[:1] == ("sweeps",) and not path.exists() and inside.is_dir() else path
