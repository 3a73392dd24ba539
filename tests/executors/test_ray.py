"""What a Ray cluster has room for; and on a cluster of two nodes of this machine, what may go wrong there."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import regimax as rx
from regimax.executors import Ended, Task, ray
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


class Fake(types.ModuleType):
    """Stands in for Ray: what is submitted ends as `ends` says, once it is waited for."""

    def __init__(self, refuses=None):
        super().__init__("ray")
        self.__spec__ = ModuleSpec("ray", None)
        names = ("RayTaskError", "WorkerCrashedError", "RuntimeEnvSetupError")
        self.exceptions = types.SimpleNamespace(
            RayError=RayError, **{name: type(name, (RayError,), {}) for name in names}
        )
        self.refuses, self.ends, self.options, self.given, self.killed = refuses, {}, [], [], []

    def init(self, **words):
        if self.refuses:
            raise self.refuses(self)

    def nodes(self):
        return [{"Alive": True, "Resources": {"CPU": 4.0, "GPU": 2.0}}, {"Alive": False, "Resources": {"CPU": 99.0}}]

    def remote(self, function):
        def submit(*given):
            self.given.append(given)
            return f"handle {len(self.given)}"

        def options(**words):
            self.options.append(words)
            return types.SimpleNamespace(remote=submit)

        return types.SimpleNamespace(options=options)

    def wait(self, handles, num_returns, timeout):
        done = [one for one in handles if one in self.ends][:num_returns]
        return done, [one for one in handles if one not in done]

    def get(self, handle):
        if isinstance(self.ends[handle], Exception):
            raise self.ends[handle]
        return self.ends[handle]

    def cancel(self, handle, force=False):
        self.killed.append((handle, force))

    def shutdown(self):
        self.killed.append("all")


class RayError(Exception):
    pass


def task(number):
    return Task(number, Path("/sweeps/mine.py"), ("run", "--out", "x"), Path("/shared/x"))


@pytest.fixture
def fake(monkeypatch):
    made = Fake()
    monkeypatch.setitem(sys.modules, "ray", made)
    monkeypatch.setattr(ray, "GRACE", 0.0)
    return made


def test_what_ends_on_a_cluster_is_lost_or_is_an_error_of_its_own(fake, tmp_path):
    executor = ray.Ray(None, "auto", tmp_path)
    assert executor.slots == 2
    for number in (1, 2, 3):
        executor.submit(task(number))
    assert fake.options[0] == {"num_cpus": 2, "num_gpus": 1, "max_retries": 0}
    assert fake.given[0][0] == ["run", "mine.py", "--out", "x"]  # the file's folder has travelled
    crashed, broken = (
        fake.exceptions.WorkerCrashedError("It died.\nIts node too."),
        fake.exceptions.RayTaskError("a\nb\n"),
    )
    fake.ends = {"handle 1": (0, "said"), "handle 2": crashed, "handle 3": broken}
    ended = [one for _ in range(3) for one in executor.wait(0.0)]
    assert ended == [
        Ended(task(1), 0, "said"),
        Ended(task(2), None, "WorkerCrashedError"),
        Ended(task(3), 1, "regimax: a worker cannot run it: b"),
    ]
    assert executor.wait(0.0) == []


def test_a_worker_that_does_not_answer_is_given_up_and_the_others_are_asked_to_end(fake, tmp_path):
    executor = ray.Ray(None, None, tmp_path)
    for number in (1, 2):
        executor.submit(task(number))
    assert executor.wait(0.0) == []
    executor.cancel(task(1))
    assert executor.wait(0.0) == [Ended(task(1), None, "its worker does not answer")]
    executor.close()
    assert fake.killed == [("handle 1", True), ("handle 2", False), ("handle 2", True), "all"]


@pytest.mark.parametrize(
    ("refuses", "told"),
    [
        (lambda fake: ConnectionError("no"), r"--address 'auto': there is no Ray cluster, or .* \(no\)"),
        (
            lambda fake: fake.exceptions.RuntimeEnvSetupError("x\ntoo large"),
            "travels to the workers, and cannot: too large",
        ),
        (lambda fake: RuntimeError("token\nwrong"), "--backend ray: wrong"),
        (lambda fake: RayError("a"), "--backend ray: a"),
    ],
)
def test_what_ray_refuses_is_told_in_a_line(fake, tmp_path, refuses, told):
    fake.refuses = refuses
    with pytest.raises(rx.UserError, match=told):
        ray.Ray(None, "auto", tmp_path)


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
    head = ["--head", f"--port={port}", "--include-dashboard=false"]
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
    updates = ["--seeds", "16", "--set", "rl.updates=400"]  # some seconds, with a commit after every tick
    return [sys.executable, "-m", "regimax", "run", str(file), *updates, *map(str, more)]


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
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

ray.init(address=sys.argv[1], log_to_driver=False)
fill = ray.remote(num_cpus=0, num_returns=30)(lambda: [np.zeros(4_000_000, np.uint8) for _ in range(30)])
nodes = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in ray.nodes()]
kept = [one for node in nodes for one in fill.options(scheduling_strategy=node).remote()]
ray.wait(kept, num_returns=len(kept), fetch_local=False)
print("full", flush=True)
sys.stdin.read()
"""
"""Holds 120 MB on every node: the object store is full, and what does not fit into it lies on the disk."""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_workers_that_hang_beside_a_full_object_store_cost_time_and_nothing_else(file, tmp_path, expected, monkeypatch):
    """One worker is stopped in the middle of its work, and then one together with Ray's own process above it."""
    monkeypatch.setenv("RAY_automatic_object_spilling_enabled", "0")
    out, stopped = tmp_path / "run", []
    small = ["--num-cpus=1", f"--object-store-memory={80 * 2**20}"]
    with (
        cluster(small, small) as address,
        subprocess.Popen(
            [sys.executable, "-c", HOG, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as hog,
    ):
        assert hog.stdout.readline() == "full\n"
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
