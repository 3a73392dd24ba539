"""A run that is cut off at any of its operations on files ends the same to the byte when it is typed again."""

import contextlib
import errno
import os
import random
import shutil
import types
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

import regimax as rx
from regimax.sweep import checkpoint, disk, store, table
from regimax.sweep import run as module
from regimax.sweep.run import Options, execute

from .conftest import Silent, small_plan

OUT = Path("run")
OPERATIONS = ("open", "write", "fsync", "replace", "rename", "unlink", "rmdir", "mkdir")
"""Of the module `os`, all that a run directory is changed with."""


class Operations:
    """The module `os`, telling of every operation on files before and after it, and when a file is written by half."""

    def __init__(self, before, after):
        self._before, self._after, self._halves = before, after, set()

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in OPERATIONS:
            return real

        def told(*args):
            if name == "write" and len(args[1]) > 1 and args[0] not in self._halves:
                self._halves.add(args[0])
                args = (args[0], args[1][: len(args[1]) // 2])
            self._before(name, *args)
            found = real(*args)
            if name == "open":
                self._halves.discard(found)
            self._after(name, *args)
            return found

        return told


class Twice:
    """A clock by which the first look is a commit, and the fourth: in the lanes of either pool."""

    def __init__(self, seconds):
        del seconds
        self._looks = 0

    def due(self):
        self._looks += 1
        return self._looks in (1, 4)

    def reset(self):
        pass


def go(out=OUT, display=None, keep=False):
    facts = {"name": "small", "command": "regimax run small.py", "set": [], "seeds_given": None}
    return execute(small_plan(keep), out, Options(devices=1, facts=facts), display or Silent())


@pytest.fixture(autouse=True)
def _few_commits(monkeypatch, compiled_once):
    monkeypatch.setattr(module, "_Clock", Twice)


@pytest.fixture
def whole(tmp_path):
    """An uninterrupted run."""
    go(tmp_path / "whole")
    return tmp_path / "whole"


def nothing(*args):
    del args


def watch(monkeypatch, before=nothing, after=nothing, after_save=nothing):
    """Has `before` and `after` told of every operation, and `after_save` of every save of the checkpoint library."""
    orbax = checkpoint._orbax()

    def save(folder, arrays):
        orbax.save(folder, arrays)
        after_save(folder)

    monkeypatch.setattr(disk, "os", Operations(before, after))
    monkeypatch.setattr(checkpoint, "_orbax", lambda: types.SimpleNamespace(save=save, load=orbax.load))


def contents(out=OUT):
    """What a directory holds: bytes by path, None for a folder."""
    paths = sorted(path for path in out.rglob("*") if path.name != ".lock")
    return {str(p.relative_to(out)): p.read_bytes() if p.is_file() else None for p in paths}


def put(held, out=OUT):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    for name, data in held.items():
        (out / name).mkdir(parents=True, exist_ok=True) if data is None else (out / name).write_bytes(data)


def half_saved(held, folder):
    """What a directory may hold when the checkpoint library is cut off: a file by half, and one not at all."""
    inside = [
        name for name, data in held.items() if data and name.startswith(f"{store.CHECKPOINTS}/{folder.parent.name}/")
    ]
    largest = max(inside, key=lambda name: len(held[name]))
    yield held | {largest: held[largest][: len(held[largest]) // 2]}
    yield {name: data for name, data in held.items() if name != inside[-1]}


def results(out):
    """What a run came to: the bytes of its files by name, and its rows; the table's rows are in the files."""
    files = {name: (out / name).read_bytes() for name in (store.CELLS, store.STAGES)}
    return files, [rows(out) for rows in (table.cell_curves, table.cell_probes)]


def assert_results(out, expected):
    files, frames = results(out)
    for name, data in expected[0].items():
        assert files[name] == data, name
    for found, rows in zip(frames, expected[1], strict=True):
        assert_frame_equal(found, rows, check_exact=True)


def assert_same(out, whole):
    assert_results(out, results(whole))


def assert_tidy(out):
    """Nothing is left of a kill, and a kill is no damage."""
    assert {path.name for path in out.iterdir()} <= store.OWN - {disk.QUARANTINE}
    assert not [path for path in out.rglob("*") if path.name.endswith(".tmp")]
    manifest = store.newest_manifest(out)
    for kind in store.PARTS:
        assert {path.name for path in (out / kind).iterdir()} == set(manifest[kind])
    older = [store.read_manifest(out, step)[store.STATES] for step in store.checkpoint_steps(out)]
    assert {path.name for path in (out / store.STATES).iterdir()} <= {name for names in older for name in names}
    assert len(list((out / store.CHECKPOINTS).iterdir())) <= checkpoint.KEEP
    assert len(list((out / store.PLAN).iterdir())) == 1


def test_killed_at_any_operation_it_ends_the_same(whole, monkeypatch):
    moments: list[tuple[str, dict]] = []
    seen = set()

    def note(what, held):
        if (key := hash(tuple(held.items()))) not in seen:
            seen.add(key)
            moments.append((what, held))

    def saved(folder):
        held = contents()
        for i, half in enumerate([held, *half_saved(held, folder)]):
            note(f"save of {folder}, {i}", half)

    with monkeypatch.context() as patch:
        after = lambda name, *args: note(f"{name} {args[0]}", contents() if OUT.exists() else {})
        watch(patch, after=after, after_save=saved)
        go()
    assert_same(OUT, whole)
    assert len({what.split()[0] for what, _ in moments}) >= 6, "operations go by another way"
    monkeypatch.setattr(os, "fsync", nothing)  # it costs most of what follows, and shows in no file that is looked at
    right = results(whole)
    for what, held in moments:
        put(held)
        display = Silent()
        go(display=display)
        assert display.said == [], (what, display.said)
        assert_results(OUT, right)
        assert_tidy(OUT)
    assert len(moments) > 100


class Killed(BaseException):
    """The process is no more: nothing catches it."""


def kind_of(name, *args):
    """An operation, and on what kind of file."""
    path = Path(str(args[1 if name in ("replace", "rename") else 0]))
    if name in ("write", "fsync"):
        path = Path(os.readlink(f"/proc/self/fd/{args[0]}"))
    return f"{name} {path.parent.name if path.parent.name.isalpha() else ''}/{path.name.translate(DIGITS)}"


DIGITS = str.maketrans("0123456789", "NNNNNNNNNN")


def test_a_full_disk_is_said(monkeypatch):
    def full(name, *args):
        if name == "write":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    watch(monkeypatch, before=full)
    with pytest.raises(rx.UserError, match=r"no space is left for 'run'\. What was committed is safe"):
        go()


def test_a_full_disk_at_any_kind_of_write_costs_nothing(whole, monkeypatch):
    def full(name, *args):
        if name in ("open", "write", "fsync", "mkdir", "replace") and (kind := kind_of(name, *args)) not in kinds:
            kinds.append(kind)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), kind)

    kinds = []
    with monkeypatch.context() as patch:
        watch(patch, before=full)
        while True:  # the same directory again and again: every time the disk is full a little later
            before = len(kinds)
            with contextlib.suppress(rx.UserError):
                go()
            if len(kinds) == before:
                break
            assert len(kinds) == before + 1, "the run went on"
            assert not [path for path in OUT.rglob("*") if path.name.endswith(".tmp")], kinds[-1]
    assert_same(OUT, whole)
    assert_tidy(OUT)
    assert len(kinds) > 30
    for name in ("curves", "probes", "finished", "states", store.MANIFEST, store.SWEEP, store.CELLS):
        assert any(name in kind for kind in kinds), name


@pytest.mark.parametrize(("number", "text"), [(errno.EROFS, "Read-only"), (errno.EIO, "Input/output")])
def test_a_disk_that_refuses_is_told_in_a_sentence(monkeypatch, number, text):
    def refuse(name, *args):
        if name == "replace" and str(args[1]).endswith(store.MANIFEST):
            raise OSError(number, os.strerror(number), str(args[1]))

    watch(monkeypatch, before=refuse)
    with pytest.raises(rx.UserError, match=rf"cannot write to 'run/checkpoints.*{text}.*is safe"):
        go()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_killed_at_random_again_and_again_it_ends_the_same(whole, monkeypatch, seed):
    """Kills in the middle of going on after kills, with a commit after every tick."""
    rng = random.Random(seed)
    monkeypatch.setattr(module, "_Clock", lambda seconds: types.SimpleNamespace(due=lambda: True, reset=lambda: None))
    for _ in range(12):
        left = rng.randrange(1, 150)

        def count(name, *args):
            nonlocal left
            del name, args
            left -= 1
            if left <= 0:  # once dead it stays dead: what cleans up after an error does not run either
                raise Killed

        with monkeypatch.context() as patch:
            watch(patch, count, after_save=lambda folder: count("save"))
            with contextlib.suppress(Killed):
                go()
    display = Silent()
    go(display=display)
    assert display.said == []
    assert_same(OUT, whole)
    assert_tidy(OUT)
