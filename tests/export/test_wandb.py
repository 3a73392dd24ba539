"""Offline runs of Weights & Biases."""

import pytest

wandb = pytest.importorskip("wandb")

from regimax.export import wandb as exported  # noqa: E402


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of libraries that wandb brings
def test_every_cell_that_has_begun_is_an_offline_run_with_its_id(found, tmp_path, monkeypatch):
    logged = []
    real = wandb.Run.log
    monkeypatch.setattr(wandb.Run, "log", lambda run, row: logged.append((run.name, row)) or real(run, row))
    exported.write(found, tmp_path)
    runs = [path.name for path in (tmp_path / "wandb").iterdir() if path.name.startswith("offline-run-")]
    assert len(runs) == 2
    assert all(list((tmp_path / "wandb" / run).glob("*.wandb")) for run in runs)
    assert [name for name, _ in logged].count("one/e=0.5/0") == 2
    assert logged[-1][1]["rl/loss"] == 4.0
    assert logged[-1][1]["updates"] == 2
    again = tmp_path / "again"
    again.mkdir()
    exported.write(found, again)
    ids = [
        {path.name.rpartition("-")[2] for path in folder.glob("wandb/offline-run-*")} for folder in (tmp_path, again)
    ]
    assert ids[0] == ids[1]
