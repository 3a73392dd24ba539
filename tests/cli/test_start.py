"""How one begins: without a checkout, by names alone."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import regimax as rx
from regimax.cli import main
from regimax.cli.start import KINDS
from regimax.sweep import files, shipped


def listed(kind):
    return [name for name, _ in KINDS[kind]()]


def test_alone_it_shows_how_to_begin(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert "regimax run quickstart" in capsys.readouterr().out


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"regimax {rx.__version__}\n"


@pytest.mark.parametrize("typed", [[], ["--version"], ["list", "channels"]], ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_fault(typed):
    reads, writes = os.pipe()
    os.close(reads)
    with open(writes, "wb") as closed:
        asked = [sys.executable, "-m", "regimax", *typed]
        ended = subprocess.run(asked, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode in (128 + 13, 1)  # 1 is what rich gives, where it writes
    assert ended.stderr == ""


def test_a_sweep_is_found_by_its_name(capsys):
    assert main(["plan", "quickstart"]) == 0
    assert "120 cells in 136 stages" in capsys.readouterr().out


def test_what_is_there_comes_before_what_is_shipped():
    assert shipped.resolve(Path("quickstart")) == shipped.files()["quickstart"]
    Path("quickstart").mkdir()  # a folder is no sweep
    assert shipped.resolve(Path("quickstart")) == shipped.files()["quickstart"]
    Path("quickstart").rmdir()
    Path("quickstart").write_text("")
    assert shipped.resolve(Path("quickstart")) == Path("quickstart")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("quickstrat", r"no sweep file 'quickstrat', and none of that name comes with regimax. Did you mean 'quick"),
        ("mine", r"none of that name comes with regimax. Did you mean 'mine.py'\?"),
        ("sweeps/lock.py", r"no sweep file 'sweeps/lock.py'. One of that name comes with regimax: type lock"),
        ("lock.py", r"no sweep file 'lock.py'. One of that name comes with regimax: type lock"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_name_that_nothing_has_is_told(capsys, command, typed, message):
    Path("mine.py").write_text("")
    assert main([command, typed]) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("file", ["mine", "mine.py"])
def test_a_new_file_plans_and_says_its_own_name(capsys, file):
    assert main(["new", file]) == 0
    assert "Command: regimax run mine.py" in Path("mine.py").read_text()
    assert len(files.load(Path("mine.py")).regimes) == 3
    before = Path("mine.py").read_text()
    assert main(["new", file, "--like", "quickstart"]) == 2
    assert "'mine.py' exists, and is left as it is" in capsys.readouterr().err
    assert Path("mine.py").read_text() == before


def test_a_new_file_may_be_like_another(capsys):
    assert main(["new", "mine", "--like", "lock"]) == 0
    assert Path("mine.py").read_text() == shipped.files()["lock"].read_text().replace("sweeps/lock.py", "mine.py")
    assert main(["new", "other", "--like", "lok"]) == 2
    assert "unknown sweep 'lok'. Did you mean 'lock'?" in capsys.readouterr().err
    assert main(["new", "nowhere/other"]) == 2
    assert "cannot write 'nowhere/other.py': No such file" in capsys.readouterr().err
    assert not Path("other.py").exists()


@pytest.mark.parametrize("name", shipped.files())
def test_what_a_sweep_imports_is_known_to_come_beside_it(name):
    import ast
    import importlib.util

    path = shipped.files()[name]
    there = {path.stem for path in shipped.neighbours(path)}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        assert all(name in there or importlib.util.find_spec(name.partition(".")[0]) for name in names)


def test_a_new_file_brings_along_what_it_imports(capsys):
    assert main(["new", "mine", "--like", "rewards_digits_dense"]) == 0
    assert "imports rewards_digits.py, c06_always_on.py, written beside it" in capsys.readouterr().out
    for name in ("rewards_digits", "c06_always_on"):
        assert Path(f"{name}.py").read_text() == shipped.files()[name].read_text()
    assert main(["new", "again", "--like", "rewards_digits_dense"]) == 0  # what is there is the same
    Path("c06_always_on.py").write_text("")
    before = sorted(Path().iterdir())
    assert main(["new", "other", "--like", "rewards_digits"]) == 2
    message = "'rewards_digits' imports c06_always_on.py, and 'c06_always_on.py' would be another file"
    assert message in capsys.readouterr().err
    assert main(["new", "sub/rewards_digits", "--like", "rewards_digits_dense"]) == 2
    assert sorted(Path().iterdir()) == before


def test_everything_is_listed_with_a_line(capsys):
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for kind in KINDS:
        for name, about in KINDS[kind]():
            assert name in shown
            assert about.endswith((".", "?")), (kind, name)
    assert main(["list", "world"]) == 2
    assert "unknown kind 'world'. Did you mean 'worlds'?" in capsys.readouterr().err


def test_lists_hold_what_can_be_made_and_nothing_else():
    assert {"Cipher", "Recall", "gymnax.make"} < set(listed("worlds"))
    assert not {"Oracle", "HandModel", "LearnedModel", "Environment", "Streams"} & set(listed("worlds"))
    assert {"pure_rl", "yoked"} < set(listed("regimes"))
    assert not {"bind", "options", "predict"} & set(listed("regimes"))
    assert set(listed("objectives")) == {"next_step", "masked", "contrastive", "latent"}
    assert {"gru", "mlp", "transformer"} < set(listed("networks"))
    assert {"reward", "sensory"} < set(listed("channels"))


@pytest.mark.slow  # builds a wheel
def test_a_wheel_holds_the_sweeps(tmp_path):
    root = Path(rx.__file__).parents[2]
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, root]
    if subprocess.run(build, check=False, capture_output=True).returncode:
        pytest.skip("hatchling is not installed")
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "site")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    asked = [sys.executable, "-m", "regimax", "plan", "quickstart"]
    found = subprocess.run(asked, check=True, capture_output=True, text=True, env=environment)
    assert "120 cells in 136 stages" in found.stdout
    where = [sys.executable, "-c", "from regimax.sweep import shipped; print(shipped.folder())"]
    folder = subprocess.run(where, check=True, capture_output=True, text=True, env=environment).stdout.strip()
    assert folder == str(tmp_path / "site" / "regimax" / "sweeps")
