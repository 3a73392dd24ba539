"""A file may have modules of its own beside it, and they stay its own."""

import sys
from pathlib import Path

import pytest

import regimax as rx
from regimax.sweep import files

SWEEP = """
import regimax as rx
import {name}
sweep = rx.Sweep(world=None, regimes=[], question={name}.question)
"""


def written(folder, question, name="beside"):
    Path(folder).mkdir(exist_ok=True)
    (Path(folder) / "own.py").write_text(SWEEP.format(name=name))
    (Path(folder) / f"{name}.py").write_text(f"question = {question!r}\n")
    return Path(folder) / "own.py"


def test_two_files_have_modules_of_one_name():
    one, other = written("one", "One?"), written("other", "Other?")
    path = list(sys.path)
    assert [files.load(file).question for file in (one, other, one)] == ["One?", "Other?", "One?"]
    assert "beside" not in sys.modules
    assert sys.path == path
    assert not list(Path("one").glob("__pycache__"))


def test_an_edit_within_a_second_is_seen():
    assert files.load(written("one", "Was?")).question == "Was?"
    assert files.load(written("one", "Is_?")).question == "Is_?"


def test_a_module_of_that_name_from_elsewhere_is_left_alone(monkeypatch):
    Path("elsewhere").mkdir()
    Path("elsewhere/beside.py").write_text("question = 'Elsewhere?'\n")
    monkeypatch.syspath_prepend("elsewhere")
    import beside  # type: ignore[import-not-found]

    assert files.load(written("one", "One?")).question == "One?"
    assert sys.modules["beside"] is beside
    assert beside.question == "Elsewhere?"
    del sys.modules["beside"]


def test_packages_beside_a_file_may_be_imported():
    Path("one/package").mkdir(parents=True)
    Path("one/package/part.py").write_text("question = 'Part?'\n")
    Path("one/own.py").write_text(
        "import regimax as rx\nfrom package import part\nsweep = rx.Sweep(None, [], question=part.question)\n"
    )
    assert files.load(Path("one/own.py")).question == "Part?"
    assert "package" not in sys.modules


def test_a_copy_finds_the_modules_where_they_were():
    written("one", "One?")
    Path("copy.py").write_text(Path("one/own.py").read_text())
    assert files.load(Path("copy.py"), beside=Path("one")).question == "One?"
    with pytest.raises(rx.UserError, match="No module named 'beside'"):
        files.load(Path("copy.py"))


def test_what_could_not_be_imported_leaves_nothing_behind():
    Path("one").mkdir()
    Path("one/own.py").write_text("import beside\n1 / 0\n")
    Path("one/beside.py").write_text("")
    path, writes = list(sys.path), sys.dont_write_bytecode
    with pytest.raises(rx.UserError, match="line 2: ZeroDivisionError"):
        files.load(Path("one/own.py"))
    assert sys.path == path
    assert "beside" not in sys.modules
    assert sys.dont_write_bytecode == writes
