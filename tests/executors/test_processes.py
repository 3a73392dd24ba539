"""Workers that are processes of this machine."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

import regimax as rx
from regimax.executors import worker
from regimax.executors.processes import Processes
from regimax.executors.worker import command
from regimax.sweep import rundir, store

from .conftest import Watch, workers_of


def test_there_are_no_more_workers_than_cores():
    cores = len(os.sched_getaffinity(0))
    with pytest.raises(rx.UserError, match=f"is above the {cores} cores"):
        Processes(cores + 1)
    assert Processes(cores).slots == cores


def test_a_worker_without_its_parent_does_nothing(tmp_path):
    words = command([], ["run", "nothing.py", "--out", str(tmp_path / "out")])
    words[3] = "1"  # somebody else's child
    assert subprocess.run(words, check=False, timeout=100).returncode == 128 + signal.SIGKILL
    assert not list(tmp_path.iterdir())


def test_a_run_directory_that_somebody_holds_is_waited_for_and_then_left_for_later(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "PATIENCE", 0.3)
    lock = tmp_path / "out" / ".lock"
    assert worker._is_free(lock)
    with rundir.locked(lock.parent):
        assert not worker._is_free(lock)
    assert worker._is_free(lock)


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("backend", ["processes", "ray"])
def test_workers_and_the_driver_are_killed_and_the_tables_are_the_same(file, tmp_path, backend):
    """Ten workers that have just committed, and the driver after every second of them."""
    if backend == "ray":
        pytest.importorskip("ray")
    regimax = [sys.executable, "-m", "regimax", "run", str(file), "--seeds", "16", "--set", "rl.updates=200"]
    expected, out = tmp_path / "whole", tmp_path / "run"
    assert subprocess.run([*regimax, "--out", str(expected)], check=False).returncode == 0
    typed = [*regimax, "--out", str(out), "--backend", backend, "--workers", "2", "--shares", "4"]
    typed += ["--checkpoint-every", "0"]
    watch, kills, drivers, seen = Watch(out), 0, 0, {}
    driver = subprocess.Popen(typed, start_new_session=True)
    while kills < 10 or drivers < 5:
        time.sleep(0.1)
        assert driver.poll() is None, "all was done before all were killed"
        watch.look()
        for share, pid in workers_of(out).items():
            if watch.commits.get(share, 0) > seen.get(share, 0) and kills < 2 * (drivers + 1):
                seen[share] = watch.commits[share]
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
        if kills == 2 * (drivers + 1):
            driver.kill()
            driver.wait()
            drivers += 1
            driver = subprocess.Popen(typed, start_new_session=True)
    while driver.poll() is None:
        time.sleep(0.5)
        watch.look()
    assert (driver.returncode, kills, drivers) == (0, 10, 5)
    for name in (store.CELLS, store.STAGES):
        assert (out / name).read_bytes() == (expected / name).read_bytes()
