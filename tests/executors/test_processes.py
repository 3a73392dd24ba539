"""Workers that are processes of this machine."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import regimax as rx
from regimax.executors import worker
from regimax.executors.processes import Processes
from regimax.executors.worker import command
from regimax.sweep import rundir, store


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


def workers_of(driver):
    """The processes that a driver has begun."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(driver)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("backend", ["processes", "ray"])
def test_workers_and_the_driver_are_killed_and_the_tables_are_the_same(file, tmp_path, backend):
    if backend == "ray":
        pytest.importorskip("ray")
    regimax = [sys.executable, "-m", "regimax", "run", str(file), "--seeds", "16"]
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert subprocess.run([*regimax, "--out", str(whole)], check=False).returncode == 0
    typed = [*regimax, "--out", str(out), "--backend", backend, "--workers", "2", "--shares", "4"]
    typed += ["--checkpoint-every", "0"]
    rng, kills, drivers = random.Random(0), 0, 0
    while not out.exists():
        driver = subprocess.Popen(typed, start_new_session=True)
        begun, patience = time.monotonic(), rng.uniform(15, 40)
        while driver.poll() is None:
            time.sleep(rng.uniform(2, 6))
            workers = found(out) if backend == "ray" else workers_of(driver.pid)
            if workers and kills < 10:
                os.kill(rng.choice(workers), signal.SIGKILL)
                kills += 1
            if drivers < 3 and time.monotonic() - begun > patience:
                driver.kill()
                driver.wait()
                drivers += 1
                break
        else:
            assert driver.returncode == 0
    assert kills >= 3
    for name in (store.CELLS, store.STAGES):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def found(out):
    """Workers of shares below a run directory, whoever has begun them."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if "--part" in words and any(f"{out.name}.shares" in word for word in words):
            pids.append(int(process.name))
    return pids
