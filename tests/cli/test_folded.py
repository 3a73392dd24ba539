"""The help on a narrow terminal: no word is broken, and no line ends before it is full."""

import itertools

import pytest

from regimax.cli import ACTIONS, main

COMMANDS = ["", *(command.__name__.lower() for command in ACTIONS)]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("columns", [80, 100])
def test_help_is_folded_between_words(command, columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"] if command else [])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    framed = [line.strip("│| ") and line[2:-2].rstrip() for line in lines]
    folds = 0
    for above, below in itertools.pairwise(framed):
        indent = len(below) - len(below.lstrip())
        if indent > 8 and above[indent - 2 : indent] == "  " and above[indent:].strip():  # goes on with the text above
            folds += 1
            assert len(above) + 1 + len(below.split()[0]) > columns - 4, (above, below)
    assert folds >= {"": 5, "run": 15}.get(command, 0)
