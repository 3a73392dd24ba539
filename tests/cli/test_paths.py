"""What is typed as a path and cannot be one is told in a sentence, by every command that takes one."""

from pathlib import Path

import pytest

from regimax.cli import main

COMMANDS = [
    ["run", "{}"],
    ["run", "--all", "{}"],
    ["run", "quickstart", "--out", "{}", "--set", "nothing=1"],
    ["plan", "{}"],
    ["merge", "{}", "other", "--out", "joined"],
    ["merge", "one", "other", "--out", "{}"],
    ["table", "{}"],
    ["report", "{}"],
    ["export", "{}", "--to", "csv"],
    ["claims", "{}"],
    ["bench", "ppo-cartpole", "--against", "{}"],
    ["bench", "ppo-cartpole", "--json", "{}", "--widths", "-1"],
    ["new", "{}"],
]
NAMES = ["a" * 300, "a" * 254, "b/" * 2500, "x\0y", "file/x", "loop"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "name", ["a" * 300, "a" * 254, "b/" * 2500, "x\0y", "file/x", "loop"], ids=lambda name: name[:6]
)
def test_a_path_that_cannot_be_one_is_told(command, name, capsys):
    Path("file").write_text("")
    Path("loop").symlink_to("loop")
    before = sorted(path.name for path in Path().iterdir())
    assert main([word.format(name) for word in command]) == 2
    told = capsys.readouterr().err
    assert told.startswith("regimax: ")
    assert "Traceback" not in told
    assert sorted(path.name for path in Path().iterdir()) == before
