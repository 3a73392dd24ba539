"""Commits cost little: they are written while the devices go on, and hold what there is and nothing else."""

import threading

import pytest

import regimax as rx
from regimax.sweep import checkpoint, disk, store
from regimax.sweep import run as module

from .conftest import Crash, Silent
from .test_crash import OUT, Twice, assert_same, go


@pytest.fixture(autouse=True)
def _few_commits(monkeypatch, compiled_once):
    monkeypatch.setattr(module, "_Clock", Twice)


def test_ticks_go_on_while_a_commit_is_written(tmp_path, monkeypatch):
    go(tmp_path / "whole")
    ticked, waited, save = threading.Event(), [], checkpoint.save

    class Display(Silent):
        def tick(self, tick, env_steps):
            super().tick(tick, env_steps)
            if len(self.ticks) == 2:  # the first commit is made after the first one
                ticked.set()

    def slow(*args):
        waited.append(ticked.wait(30))
        save(*args)

    monkeypatch.setattr(checkpoint, "save", slow)
    go(display=Display())
    assert waited[0]
    assert_same(OUT, tmp_path / "whole")


def test_what_fails_while_it_is_written_ends_the_run_at_the_next_tick(monkeypatch):
    failed = threading.Event()

    def full(*args):
        failed.set()
        raise OSError(28, "No space left on device")

    class Display(Silent):
        def tick(self, tick, env_steps):
            super().tick(tick, env_steps)
            assert len(self.ticks) == 1 or failed.wait(30)

    class Once(Twice):
        def due(self):
            self._looks += 1
            return self._looks == 1

    monkeypatch.setattr(module, "_Clock", Once)
    monkeypatch.setattr(checkpoint, "save", full)
    display = Display()
    with pytest.raises(rx.UserError, match="no space is left"):
        go(display=display)
    assert len(display.ticks) < 8


def test_empty_slots_are_not_written():
    with pytest.raises(ConnectionError):
        go(display=Crash(2))
    manifest = store.newest_manifest(OUT)
    assert manifest is not None
    stages = len(manifest["slots"])
    assert 0 < stages < 8
    assert None not in manifest["slots"]
    assert {len(array) for array in checkpoint.load_arrays(OUT, manifest).values()} == {stages}


def test_parts_hold_what_is_new():
    go()
    manifest = store.newest_manifest(OUT)
    assert manifest is not None
    for kind in (store.CURVES, store.FINISHED):
        frames = [disk.read_frame(OUT / kind / name, part["sha256"]) for name, part in manifest[kind].items()]
        keys = ["stage", "update"] if kind == store.CURVES else ["stage"]
        rows = [row for frame in frames for row in frame.select(keys).rows()]
        assert len(frames) > 1
        assert len(rows) == len(set(rows))


def test_they_are_the_rarer_the_dearer(monkeypatch):
    monkeypatch.undo()
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def first_due(seconds, cost):
        clock = module._Clock(seconds)
        clock.cost = cost
        clock.reset()
        began = now[0]
        while not clock.due():
            now[0] += 1.0
        return now[0] - began

    assert first_due(60.0, 0.5) == 60.0
    assert first_due(60.0, 6.0) == 6.0 / module.SAVING == 300.0
    assert first_due(0.0, 6.0) == 0.0  # asked for after every tick
