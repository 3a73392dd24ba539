"""Files that describe what is to be run: found, run, and told apart from what cannot be."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from regimax.errors import UserError, nearest
from regimax.sweep.spec import Sweep


def load_file(path: Path, beside: Path | None = None) -> ModuleType:
    """Runs a Python file that describes what is to be run.

    While it runs it may import modules that lie beside it. Those are its own: another file may have others of the same
    names.

    Args:
      path: the file.
      beside: where those modules are; the file's folder when not given.

    Raises:
      UserError: if there is no such file, or it cannot be imported.
    """
    if not path.is_file():
        there = sorted(str(p) for p in path.parent.glob("*.py")) if path.parent.is_dir() else []
        raise UserError(f"no sweep file {str(path)!r}.{nearest(str(path), there)}")
    name = "regimax_sweep_" + path.stem
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise UserError(f"the sweep file {str(path)!r} is not a Python file (.py)")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    try:
        with _modules_of(path.parent if beside is None else beside):
            module_spec.loader.exec_module(module)
    except UserError as error:
        raise UserError(f"{path}{_line(error, path)}: {error}") from error
    except Exception as error:
        raise UserError(f"cannot import {path}{_line(error, path)}: {_explain(error)}") from error
    return module


@contextlib.contextmanager
def _modules_of(folder: Path) -> Iterator[None]:
    """Lets modules of a folder be imported, and forgets them afterwards."""
    folder = folder.resolve()
    inside = folder.iterdir() if folder.is_dir() else ()  # a run may have been taken to another machine
    own = {path.stem for path in inside if path.suffix == ".py" or path.is_dir()}
    aside = {name: module for name, module in sys.modules.items() if _stands_in(name, module, own, folder)}
    for name in aside:
        del sys.modules[name]
    before, entry, writes = set(sys.modules), str(folder), sys.dont_write_bytecode
    sys.path.insert(0, entry)
    # What Python keeps of a module is told by its time and size: an edit within a second could go unseen.
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(entry)
        for name in set(sys.modules) - before:
            if _lies_in(sys.modules[name], folder):
                del sys.modules[name]
        sys.modules.update(aside)


def _stands_in(name: str, module: ModuleType, own: set[str], folder: Path) -> bool:
    """Whether a module is somebody's own, and stands where one of the folder's would be looked for."""
    first = name.partition(".")[0]
    if first not in own or first in sys.stdlib_module_names or first in ("regimax", "__main__"):
        return False
    file = getattr(module, "__file__", None) or ""
    return "site-packages" not in file and not _lies_in(module, folder)


def _lies_in(module: ModuleType, folder: Path) -> bool:
    """Whether a module was found in a folder, not further down among installed packages."""
    file = getattr(module, "__file__", None)
    places = [file] if file else list(getattr(module, "__path__", []))  # a folder without __init__.py has no file
    inside = [Path(place).resolve() for place in places]
    return any(p.is_relative_to(folder) and "site-packages" not in p.relative_to(folder).parts for p in inside)


def load(path: Path, beside: Path | None = None) -> Sweep:
    """Loads the object `sweep` of a sweep file.

    Args:
      path: a Python file.
      beside: as for :func:`load_file`.

    Raises:
      UserError: if there is no such file, it cannot be imported, or it holds no :class:`Sweep` of that name.
    """
    return sweep_of(load_file(path, beside), path)


def sweep_of(module: ModuleType, path: Path) -> Sweep:
    """Returns the object `sweep` of a file that was run.

    Raises:
      UserError: if it holds no :class:`Sweep` of that name.
    """
    sweep = getattr(module, "sweep", None)
    if not isinstance(sweep, Sweep):
        found = "nothing of that name" if sweep is None else f"{type(sweep).__name__}"
        raise UserError(f"{path} must define sweep = regimax.Sweep(...), found {found}")
    if not sweep.question:
        sweep = replace(sweep, question=question(module))
    return sweep


def question(module: ModuleType) -> str:
    """Returns the first paragraph of a file's docstring."""
    return first_paragraph(inspect.getdoc(module))


def first_paragraph(text: str | None) -> str:
    """Returns the first paragraph of a docstring, in one line; nothing of none."""
    return (text or "").partition("\n\n")[0].replace("\n", " ")


def told(error: Exception) -> str | None:
    """Says in a line where code outside of regimax and of what is installed has failed, at whatever depth.

    Args:
      error: what was raised, for example when a part of the user's was traced.

    Returns:
      file, line, function and the error; None where all of its traceback is regimax's and libraries'.
    """
    package = Path(__file__).parents[1]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        installed = {"site-packages", "dist-packages"} & set(path.parts) or path.is_relative_to(_STANDARD)
        if path.is_file() and not installed and not path.is_relative_to(package):
            return f"{frame.filename}, line {frame.lineno}, in {frame.name}: {_explain(error)}"
    return None


_STANDARD = Path(os.__file__).parent
FEW = 60
"""Names that are worth being told; an array has more."""


def _line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    return f", line {lines[-1]}" if lines else ""


def _explain(error: Exception) -> str:
    text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if isinstance(error, AttributeError) and error.obj is not None:
        names = [name for name in dir(error.obj) if not name.startswith("_")]
        public = getattr(error.obj, "__all__", names)
        allowed = f" Allowed: {', '.join(public)}" if len(public) <= FEW else ""
        return f"{text.rstrip('.')}.{nearest(error.name or '', names)}{allowed}"
    return text
