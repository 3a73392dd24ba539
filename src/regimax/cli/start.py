"""`regimax new` and `list`: how to begin."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from regimax.cli import arguments
from regimax.cli.console import console
from regimax.errors import UserError, unknown

WIDTH = 120
"""Columns of what is listed, where there is no terminal."""


def new(command: arguments.New) -> int:
    """Writes a file like one that comes with regimax, under its own name; beside a sweep what that one imports."""
    from regimax import jobs
    from regimax.sweep import shipped

    known, for_clusters = shipped.files(), jobs.files()
    if command.like in for_clusters:
        return _new_job(command, for_clusters[command.like])
    if command.like not in known:
        raise unknown("sweep", command.like, [*known, *for_clusters])
    file = _named(command.file, ".py")
    text = re.sub(r"regimax run \S+\.py", f"regimax run {file}", known[command.like].read_text())
    beside = {file.with_name(path.name): path.read_text() for path in shipped.neighbours(known[command.like])}
    for path, needed in beside.items():
        if path == file or (path.exists() and not _holds(path, needed)):
            raise UserError(
                f"{command.like!r} imports {path.name}, and {str(path)!r} would be another file: nothing is written"
            )
    for path, written in {**beside, file: text}.items():
        _write(path, written)
    also = f" (it imports {', '.join(path.name for path in beside)}, written beside it)" if beside else ""
    print(f"{file}{also}: read it, change it, then: regimax plan {file}; regimax run {file}")
    return 0


def _new_job(command: arguments.New, like: Path) -> int:
    file = _named(command.file, like.suffix)
    _write(file, like.read_text().replace(like.name, file.name))
    print(f"{file}: read it, and fill in what your cluster needs; its first lines say how it is begun")
    return 0


def _named(file: Path, suffix: str) -> Path:
    """The file to write, which gets a suffix where it has none.

    Raises:
      UserError: if it is there.
    """
    file = file if file.suffix == suffix else file.with_name(file.name + suffix)
    if os.path.lexists(file):
        raise UserError(f"{str(file)!r} exists, and is left as it is")
    return file


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise UserError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def listing(command: arguments.List) -> int:
    """Lists what there is, with a line about each."""
    from rich.table import Table
    from rich.text import Text

    if command.kind is not None and command.kind not in KINDS:
        raise unknown("kind", command.kind, KINDS)
    out = console(WIDTH)
    kinds = list(KINDS) if command.kind is None else [command.kind]
    for kind in kinds:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for name, line in KINDS[kind]():
            table.add_row(Text(f"  {name}", no_wrap=True), Text(line))
        out.print(Text(HEADS.get(kind, f"{kind}: regimax.{kind}"), style="bold"), table, sep="\n")
    return 0


def _sweeps() -> Iterable[tuple[str, str]]:
    from regimax.sweep import shipped

    return [(name, shipped.asks(path)) for name, path in shipped.files().items()]


def _jobs() -> Iterable[tuple[str, str]]:
    from regimax import jobs

    return [(name, jobs.about(path)) for name, path in jobs.files().items()]


def _worlds() -> Iterable[tuple[str, str]]:
    """Classes that are worlds, not what is put around one, and the two ways to have other people's."""
    from regimax import envs

    for name, found in _public(envs):
        whole = inspect.isclass(found) and all(hasattr(found, member) for member in ("reset", "step", "describe"))
        if whole and all(p.default is not p.empty for p in inspect.signature(found).parameters.values()):
            yield name, _about(found)
    for module in (envs.gymnax, envs.craftax):
        yield f"{module.__name__.rpartition('.')[2]}.make", _about(module)


def _made(room: str, returns: str) -> Callable[[], Iterable[tuple[str, str]]]:
    """What lists the functions of a room that say they return something."""

    def listed() -> Iterable[tuple[str, str]]:
        for name, found in _public(import_module(f"regimax.{room}")):
            if inspect.isfunction(found) and found.__annotations__.get("return") == returns:
                yield name, _about(found)

    return listed


def _public(module: ModuleType) -> list[tuple[str, Any]]:
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    return [(name, getattr(module, name)) for name in sorted(names)]


def _about(found: Any) -> str:
    from regimax.sweep.files import first_paragraph

    return first_paragraph(inspect.getdoc(found))


KINDS = {
    "sweeps": _sweeps,
    "worlds": _worlds,
    "channels": _made("channels", "Channel"),
    "regimes": _made("regimes", "Regime"),
    "networks": _made("networks", "NetworkFactory"),
    "learners": _made("learners", "LearnerFactory"),
    "objectives": _made("learners.objectives", "ObjectiveFactory"),
    "sources": _made("sources", "SourceFactory"),
    "probes": _made("probes", "ProbeFactory"),
    "jobs": _jobs,
}
"""What lists each kind."""
HEADS = {
    "sweeps": "sweeps: regimax run NAME, or regimax new FILE --like NAME",
    "worlds": "worlds: regimax.envs",
    "jobs": "jobs, for clusters: regimax new FILE --like NAME",
    "objectives": "objectives: regimax.learners.objectives",
}
"""What stands above those whose names say it not as they are: other kinds are rooms of the package."""
