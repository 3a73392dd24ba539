"""An export is there whole or not at all, and replaces nothing but an export."""

import builtins
import json
from pathlib import Path

import polars as pl
import pytest

import regimax as rx
from regimax import UserError
from regimax.cli import main
from regimax.export import WRITERS, _export, export, results


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    small = {"network": rx.networks.mlp((2,)), "num_envs": 2, "evaluate": rx.regimes.Evaluate(1, 2)}
    sweep = rx.Sweep(rx.envs.Lock(depth=2, actions=2), [rx.regimes.pure_rl(1, **small)], seeds=2)
    return sweep.run(tmp_path_factory.mktemp("runs") / "lock", progress=False).path


def test_a_run_is_exported_beside_it(run, capsys):
    assert main(["export", str(run), "--to", "csv"]) == 0
    folder = run.with_name("lock-csv")
    assert capsys.readouterr().out == f"{folder}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["cells.csv", "curves.csv", "regimax-export.json"]
    assert pl.read_csv(folder / "cells.csv")["status"].to_list() == ["done", "done"]
    assert len(pl.read_csv(folder / "curves.csv")) == len(rx.load_run(run).curves)


def test_what_the_columns_are(run):
    found = results(run)
    assert found.labels == ["cell", "regime", "setting", "seed", "world_seed"]
    assert {"success", "return", "loss"} <= set(found.metrics(found.curves))
    assert not {"update", "flops", "phase", "seed"} & set(found.metrics(found.curves))
    [(cell, rows), _] = found.by_cell()
    assert rows["cell"].unique().to_list() == [cell["cell"]]
    last = found.measured(rows.row(-1, named=True))
    assert last["rl/success"] == cell["success"]
    assert last["effort/env_steps"] == cell["env_steps"]


def test_an_export_is_renewed_and_nothing_else_is_touched(run):
    out = Path("deep/out")
    assert export(run, "csv", out) == out
    (out / "cells.csv").write_text("old")
    (out / "older.csv").write_text("old")
    export(run, "csv", out)
    assert (out / "cells.csv").read_text() != "old"
    assert not (out / "older.csv").exists()
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    (out / "regimax-export.json").unlink()
    Path("a-file").write_text("mine")
    Path("link").symlink_to("nowhere")
    for taken in (out, Path("a-file"), Path("link")):
        with pytest.raises(UserError, match="exists and is not an export: it is left as it is"):
            export(run, "csv", taken)
    assert Path("a-file").read_text() == "mine"


def test_what_fails_leaves_nothing(run, monkeypatch):
    def fails(results, folder):
        (folder / "half").write_text("")
        raise UserError("no")

    export(run, "csv", "out")
    before = json.dumps(sorted(map(str, Path().rglob("*"))))
    monkeypatch.setattr("regimax.export.csv.write", fails)
    for out in ("out", "new"):
        with pytest.raises(UserError, match=r"^no$"):
            export(run, "csv", out)
    assert json.dumps(sorted(map(str, Path().rglob("*")))) == before


@pytest.mark.parametrize(
    ("to", "out", "message"),
    [
        ("cvs", "out", r"unknown target 'cvs'. Did you mean 'csv'\?"),
        ("csv", "{run}/out", "is in the run directory"),
        ("csv", "{run}", "is in the run directory"),
    ],
)
def test_what_cannot_be_is_told(run, to, out, message):
    before = sorted(run.rglob("*"))
    with pytest.raises(UserError, match=message):
        export(run, to, out.format(run=run))
    assert sorted(run.rglob("*")) == before


def test_a_folder_that_is_no_run_is_told(capsys):
    assert main(["export", ".", "--to", "csv"]) == 2
    assert "is not a run directory" in capsys.readouterr().err


LIBRARIES = [(to, library) for to, needed in WRITERS.items() for library in needed]


@pytest.mark.parametrize(("to", "library"), LIBRARIES)
def test_a_library_that_is_missing_is_told_before_anything(to, library, monkeypatch, capsys):
    def imported(name, *rest):
        if name == library:
            raise ImportError(f"No module named {name!r}")
        return object() if name in dict(map(reversed, LIBRARIES)) else builtins.__import__(name, *rest)

    monkeypatch.setattr(_export.importlib, "import_module", imported)
    with pytest.raises(UserError, match=rf"--to {to} needs {library}, .*pip install 'regimax\[export\]'"):
        export("nowhere", to)
