"""A sweep that is run from Python."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import regimax as rx
from regimax.cli import main
from regimax.sweep import extension, spec

r = rx.regimes
CELL = """
class Mine(rx.envs.Lock):  # of a notebook's cell: there is no file
    pass

sweep = rx.Sweep(Mine(depth=2, actions=2), [r.pure_rl(2, **SMALL)], axes={"rl.learning_rate": [0.1, 0.2]}, seeds=2)
"""
SMALL = {"network": rx.networks.mlp((2,)), "num_envs": 2, "evaluate": r.Evaluate(1, 2)}


@pytest.fixture
def sweep():
    names = {"rx": rx, "r": r, "SMALL": SMALL}
    exec(compile(CELL, "<cell>", "exec"), names)
    return names["sweep"]


def written():
    return sorted((p, p.stat().st_mtime_ns) for p in Path("out").rglob("*") if p.is_file() and p.name != ".lock")


def test_it_runs_goes_on_and_is_read_by_the_command_line(sweep, capsys):
    run = sweep.run("out")
    shown = capsys.readouterr().out
    assert "4 cells in 4 stages" in shown
    assert run.cells["status"].to_list() == ["done"] * 4
    before = written()
    assert sweep.run("out").cells.equals(run.cells)
    assert written() == before
    capsys.readouterr()
    assert main(["table", "out"]) == 0
    assert "rl.learning_rate=0.2 pure_rl" in capsys.readouterr().out
    assert main(["report", "out"]) == 0
    assert "Sweep.run(&#x27;out&#x27;)" in Path("out/report.html").read_text()
    assert main(["report", "out", "--watch"]) == 0
    assert "the run is complete" in capsys.readouterr().out
    assert 'http-equiv="refresh"' not in Path("out/report.html").read_text()


def test_it_may_be_silent_and_refuses_what_cannot_be_run(sweep, capsys):
    for name in ("width", "devices"):
        with pytest.raises(rx.UserError, match=f"{name} = 0"):
            sweep.run("out", **{name: 0}, progress=False)
    assert not Path("out").exists()
    assert capsys.readouterr().out == ""


def test_to_extend_it_says_what_is_used_again_and_asks_where_much_is_run_again(sweep, capsys, monkeypatch):
    sweep.run("out", progress=False)
    asked, before = [], written()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.setattr(extension.Confirm, "ask", lambda *words, **kw: asked.append(words))  # who says no
    longer = spec.override(sweep, ["rl.updates=4"])
    said = lambda: capsys.readouterr().out.replace("\n", " ")
    with pytest.raises(rx.UserError, match=r"^out is left as it is$"):
        longer.run("out", extend=True)
    assert "4 are run again (8 updates)" in said()
    assert (asked, written()) == ([("Go on?",)], before)
    with pytest.raises(rx.UserError, match="cannot be extended to this sweep"):
        replace(sweep, seeds=1).run("out", extend=True)
    run = replace(sweep, seeds=3).run("out", extend=True)
    assert "4 stages are used as they are (8 updates), 2 are new (4 updates)" in capsys.readouterr().out.replace(
        "\n", " "
    )
    assert len(run.cells) == 6
    assert len(replace(longer, seeds=3).run("out", extend=True, yes=True).cells) == 6
    assert len(asked) == 1
