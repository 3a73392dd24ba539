"""There is one way in and out of a run directory, and what goes by it is whole or told of."""

import ast
import json
from pathlib import Path

import pytest

import regimax
from regimax.sweep import disk

ROOT = Path(regimax.__file__).parent
ROOMS = ("sweep", "executors", "claims", "report")
WAYS = {
    *("open", "write_text", "write_bytes", "unlink", "rmdir", "mkdir", "touch", "rmtree", "read_text", "read_bytes"),
    *("read_parquet", "scan_parquet", "os.open", "os.replace", "os.rename", "os.remove", "os.makedirs"),
}
"""How files are read and changed: functions, methods, and those of `os` that strings and frames have too."""
ELSEWHERE = {
    ("sweep/rundir.py", "open"),  # the lock, which holds nothing
    ("executors/worker.py", "open"),  # the same
    ("executors/slots.py", "open"),  # locks of cores, in a folder of the machine's
    ("executors/slots.py", "mkdir"),
    ("sweep/states.py", "open"),  # a piece of a file, by the hash of its own
    ("sweep/environment.py", "read_text"),  # the processor
    ("sweep/engines.py", "read_bytes"),  # what the kernel tells of this process
    ("sweep/engines.py", "read_text"),
    ("sweep/shipped.py", "read_text"),  # what sweeps ask that come with regimax
    ("claims/folder.py", "read_bytes"),  # the user's own file
    ("claims/judge.py", "read_text"),  # the same
    ("report/page.py", "read_text"),  # assets
    ("claims/page.py", "read_text"),
}


def calls(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            yield f"{of}.{node.func.attr}" if of in ("os", "self") else node.func.attr


@pytest.mark.parametrize(
    "path", [p for room in ROOMS for p in sorted((ROOT / room).glob("*.py"))], ids=lambda p: p.stem
)
def test_nothing_else_reads_or_changes_files(path):
    where = str(path.relative_to(ROOT))
    if where != "sweep/disk.py":
        assert {name for name in calls(path) if name in WAYS and (where, name) not in ELSEWHERE} == set()
        assert "import shutil" not in path.read_text()


SEALED = {"a": 1, "b": [1.5, None, "x"], "c": {"d": True}}


def test_sealed_json_comes_back():
    disk.write_json(Path("x.json"), SEALED)
    assert disk.read_json(Path("x.json")) == SEALED
    assert json.loads(Path("x.json").read_text())["a"] == 1  # and is readable without


@pytest.mark.parametrize("text", ["", "[]", "1", "null", '{"a": 1}', '{"seal": 1}', "[" * 100_000, "\xff"])
def test_what_is_no_sealed_json_is_damaged(text):
    Path("x.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(disk.Damaged, match=r"x\.json is damaged"):
        disk.read_json(Path("x.json"))


def test_every_single_flip_of_sealed_json_says_the_same_or_is_damaged():
    disk.write_json(Path("x.json"), SEALED)
    data = Path("x.json").read_bytes()
    told = 0
    for where in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[where] ^= 1 << bit
            Path("x.json").write_bytes(flipped)
            try:
                assert disk.read_json(Path("x.json")) == SEALED
            except disk.Damaged:
                told += 1
    assert told > 7 * len(data)


def test_names_are_matched_as_a_whole():
    for name in ("part-1", "part-1 (copy)", "xpart-1", "part-1\n", "part-12"):
        Path(name).touch()
    Path("part-2").mkdir()
    assert disk.listed(Path(), "part-[0-9]") == ["part-1"]
    assert disk.listed(Path(), "part-[0-9]", folders=True) == ["part-2"]
    assert disk.listed(Path("nowhere"), ".*") == []


def test_only_temporaries_of_ones_own_are_cleaned():
    names = [".part-1.tmp", ".part-1.swp", ".party.tmp", "part-1.tmp", ".part-1.tmp~"]
    for name in names:
        Path(name).touch()
    disk.clean(Path(), "part-[0-9]")
    assert sorted(path.name for path in Path().iterdir()) == sorted(names[1:])


def test_removing_follows_no_link():
    Path("mine").mkdir()
    Path("mine/precious").touch()
    Path("folder/inner").mkdir(parents=True)
    Path("folder/link").symlink_to("../mine")
    Path("folder/inner/file").touch()
    disk.remove(Path("folder"))
    disk.remove(Path("folder"))
    assert not Path("folder").exists()
    assert Path("mine/precious").exists()
