"""The scripts for SLURM, run to their end with a stand-in for SLURM: nodes are processes of this machine."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.small import small_sweep

from regimax import jobs
from regimax.sweep import store

SWEEP = small_sweep("Small.", before=200, updates=400, seeds=8)

STAND_INS = {
    "srun": """
        # Begins what it is given, once per task, with what SLURM would say of each, and hands on what ends it.
        import os, signal, subprocess, sys
        words, tasks = sys.argv[1:], 1
        while words[0].startswith("-"):
            name, _, value = words.pop(0).partition("=")
            assert name in ("--overlap", "--nodes", "--ntasks", "--nodelist", "--exclude", "--kill-on-bad-exit"), name
            tasks = int(value) if name == "--ntasks" else tasks
        assert os.environ["SRUN_CPUS_PER_TASK"] == os.environ["SLURM_CPUS_PER_TASK"]
        said = {"SLURM_NTASKS": tasks, "SLURM_STEP_NODELIST": os.environ["SLURM_JOB_NODELIST"], "SLURM_LOCALID": 0}
        step = [subprocess.Popen(words, env=os.environ | {k: str(v) for k, v in (said | {"SLURM_PROCID": i}).items()})
                for i in range(tasks)]
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: [one.send_signal(number) for one in step])
        sys.exit(max(one.wait() % 256 for one in step))
    """,
    "scontrol": """
        import os, socket, sys
        if sys.argv[1:3] == ["show", "hostnames"]:
            print(socket.gethostname(), "node2", sep="\\n")
        else:
            assert sys.argv[1:] == ["requeue", os.environ["SLURM_JOB_ID"]]
            open(os.environ["REQUEUED"], "a").write("again\\n")
    """,
}
"""What the scripts find on the PATH."""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Two nodes, with a core for each of them."""
    found = tmp_path / "bin"
    found.mkdir()
    for name, code in STAND_INS.items():
        file = found / name
        file.write_text(f"#!{sys.executable}\n{re.sub('(?m)^ {8}', '', code)}")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    for name, module in {"regimax": "regimax", "ray": "ray.scripts.scripts"}.items():
        (found / name).write_text(f'#!/bin/bash\nexec {sys.executable} -m {module} "$@"\n')
        (found / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{found}:{os.environ['PATH']}")
    monkeypatch.setenv("REQUEUED", str(tmp_path / "requeued"))
    (tmp_path / "mine.py").write_text(SWEEP)
    return tmp_path


def sbatch(name, *words, **more):
    """Begins a script as SLURM does, in a session of its own."""
    said = {
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_CPUS_PER_TASK": "1",
    }
    script = ["bash", str(jobs.files()[name]), *map(str, words)]
    return subprocess.Popen(script, env=os.environ | said | more, start_new_session=True)


def whole(place):
    typed = [sys.executable, "-m", "regimax", "run", place / "mine.py", "--out", place / "whole"]
    assert subprocess.run(typed, check=False).returncode == 0
    return place / "whole"


def assert_same(out, whole):
    for name in (store.CELLS, store.STAGES):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def nothing_is_left(job):
    """Whether everything is gone that a job has begun, Ray above all."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        listed = subprocess.run(["ps", "-eo", "sid=,args="], capture_output=True, text=True, check=False).stdout
        if not [
            line for line in listed.splitlines() if f"/tmp/ray-{os.getpid()}" in line or line.split()[0] == str(job)
        ]:
            return True
        time.sleep(0.5)
    return False


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_job_of_two_nodes_is_put_into_the_queue_again_and_goes_on(slurm):
    pytest.importorskip("ray")
    expected, out = whole(slurm), slurm / "run"
    typed = [slurm / "mine.py", "--out", out, "--checkpoint-every", "0", "--shares", "2"]
    first = sbatch("slurm", *typed)
    shares = out.with_name("run.shares")
    until = time.monotonic() + 300
    while not list(shares.glob("*/checkpoints/*/manifest.json")):
        assert first.poll() is None
        assert time.monotonic() < until
        time.sleep(0.2)
    os.kill(first.pid, signal.SIGUSR1)  # to the script alone, as with --signal=B:USR1
    assert first.wait(200) == 128 + signal.SIGTERM
    assert Path(os.environ["REQUEUED"]).read_text() == "again\n"
    assert not out.exists()
    assert nothing_is_left(first.pid)
    again = sbatch("slurm", *typed, SLURM_RESTART_COUNT="1")
    assert again.wait(400) == 0
    assert Path(os.environ["REQUEUED"]).read_text() == "again\n"
    assert nothing_is_left(again.pid)
    assert_same(out, expected)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_shares_of_an_array_are_merged_to_what_one_run_leaves(slurm):
    expected = whole(slurm)
    requeued = Path(os.environ["REQUEUED"])
    for i in (1, 2):
        said = {"SLURM_ARRAY_TASK_ID": str(i), "SLURM_ARRAY_TASK_COUNT": "2"}
        typed = [slurm / "mine.py", slurm / "run", "--checkpoint-every", "0"]
        job = sbatch("slurm-array", *typed, **said)
        if i == 1:
            until = time.monotonic() + 200
            while not list(slurm.glob("run.1-of-2/checkpoints/*/manifest.json")):
                assert job.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            [step] = children(job.pid)
            os.kill(step, signal.SIGTERM)  # to the steps, as with --signal=TERM
            assert job.wait(100) == 128 + signal.SIGTERM
            assert requeued.read_text() == "again\n"
            job = sbatch("slurm-array", *typed, **said)
        assert job.wait(200) == 0
    assert requeued.read_text() == "again\n"
    merge = [sys.executable, "-m", "regimax", "merge", *slurm.glob("run.*-of-2"), "--out", slurm / "run"]
    assert subprocess.run(merge, check=False).returncode == 0
    assert_same(slurm / "run", expected)


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(one) for one in listed.stdout.split()]
