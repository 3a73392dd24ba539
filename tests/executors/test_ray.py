"""What a Ray cluster has room for; and on a cluster of two nodes of this machine, what may go wrong there."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time

import pytest

from regimax.executors.ray import LEFT_OUT, Room, left_out, room
from regimax.sweep import store

from .conftest import Watch, workers_of

HEAD = {"CPU": 8.0, "memory": 1e9, "node:10.0.0.1": 1.0}


@pytest.mark.parametrize(
    ("nodes", "workers", "found"),
    [
        ([HEAD], None, Room(None, 1, 8)),
        ([HEAD], 1, Room(None, 8, 1)),
        ([{"CPU": 4.0}, {"CPU": 4.0}], 2, Room(None, 4, 2)),
        ([{"CPU": 4.0}, {"CPU": 4.0}], 3, Room(None, 2, 3)),  # all of a worker's cores are on one node
        ([{"CPU": 2.0}, {"CPU": 16.0}], 2, Room(None, 8, 2)),
        ([HEAD], 12, Room(None, 1, 12)),  # some wait
        ([{"CPU": 0.0}], None, Room(None, 1, 1)),  # what is asked for is seen by an autoscaler
        ([], None, Room(None, 1, 1)),
        ([HEAD, {"CPU": 4.0, "GPU": 4.0}], None, Room("GPU", 1, 4)),  # not the head's cores
        ([HEAD, {"CPU": 16.0, "GPU": 2.0}, {"CPU": 6.0, "GPU": 2.0}], None, Room("GPU", 3, 4)),
        ([{"CPU": 16.0, "GPU": 2.0}], 1, Room("GPU", 8, 1)),
        ([HEAD, {"CPU": 24.0, "TPU": 4.0, "TPU-v6e-4-head": 1.0}], None, Room("TPU", 6, 4)),
        ([{"CPU": 0.0}, {"CPU": 0.0, "GPU": 1.0}], None, Room("GPU", 0, 1)),
    ],
)
def test_a_worker_finds_all_that_it_needs_on_one_node(nodes, workers, found):
    assert room(nodes, workers) == found


def test_results_do_not_travel_with_the_file_of_a_sweep(tmp_path):
    for name in ("mine/sweep.json", "other/one/sweep.json", "own/parts.py", "data.npz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert left_out(tmp_path) == [*LEFT_OUT, "/mine", "/other/one"]


RAY = [sys.executable, "-m", "ray.scripts.scripts"]


@contextlib.contextmanager
def cluster(*nodes):
    """A cluster of nodes that are begun with these options, the head first; yields its address."""
    pytest.importorskip("ray")
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    start = [*RAY, "start", "--block", "--disable-usage-stats", "--min-worker-port=0", "--max-worker-port=0"]
    head = ["--head", "--node-ip-address=127.0.0.1", f"--port={port}", "--include-dashboard=false"]
    with contextlib.ExitStack() as begun:
        for i, options in enumerate(nodes):
            words = [*start, *(options), *([f"--address={address}"] if i else head)]
            node = subprocess.Popen(words, stdout=subprocess.DEVNULL)
            begun.callback(node.wait)
            begun.callback(node.terminate)
            until = time.monotonic() + 120
            while subprocess.run([*RAY, "status", "--address", address], capture_output=True, check=False).returncode:
                assert node.poll() is None
                assert time.monotonic() < until
                time.sleep(1)
        yield address


def typed(file, *more):
    return [sys.executable, "-m", "regimax", "run", str(file), "--seeds", "16", *map(str, more)]


@pytest.fixture
def expected(file, tmp_path):
    assert subprocess.run(typed(file, "--out", tmp_path / "whole"), check=False).returncode == 0
    return tmp_path / "whole"


def assert_same(out, whole):
    for name in (store.CELLS, store.STAGES):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


HOG = """
import sys
import numpy as np
import ray
ray.init(address=sys.argv[1], log_to_driver=False)
kept = []
try:
    while True:
        kept.append(ray.put(np.zeros(4_000_000, np.uint8)))
except ray.exceptions.ObjectStoreFullError:
    print("full", len(kept), flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_workers_that_hang_beside_a_full_object_store_cost_time_and_nothing_else(file, tmp_path, expected, monkeypatch):
    """One worker is stopped in the middle of its work, and then one together with Ray's own process above it."""
    monkeypatch.setenv("RAY_automatic_object_spilling_enabled", "0")
    monkeypatch.setenv("RAY_oom_grace_period_s", "1")
    out, stopped = tmp_path / "run", []
    small = ["--num-cpus=1", f"--object-store-memory={80 * 2**20}"]
    with (
        cluster(small, small) as address,
        subprocess.Popen(
            [sys.executable, "-c", HOG, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as hog,
    ):
        assert hog.stdout.readline().startswith("full")
        more = ["--out", out, "--backend", "ray", "--address", address, "--shares", "4", "--checkpoint-every", "0"]
        driver = subprocess.Popen(typed(file, *more, "--hang-seconds", "20"), stdout=subprocess.PIPE, text=True)
        watch = Watch(out)
        while driver.poll() is None and len(stopped) < 2:
            time.sleep(0.1)
            watch.look()
            for share, worker in workers_of(out).items():
                if watch.commits.get(share) and share not in stopped and len(stopped) < 2:
                    above = [parent(worker)] if stopped else []
                    for process in (*above, worker):
                        os.kill(process, signal.SIGSTOP)
                    stopped.append(share)
        said = driver.communicate(timeout=600)[0]
        hog.communicate()
    assert len(stopped) == 2
    assert driver.returncode == 0
    assert said.count("has committed nothing for 20 s: it is begun again") >= 2
    assert "--width" not in said
    assert_same(out, expected)
    assert not workers_of(out)


def parent(pid):
    listed = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(listed.stdout)
