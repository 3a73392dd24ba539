"""Whether two workers take half of one's time: a compute-bound sweep on the first two cores, by several engines.

One worker has one core. Beside it, in turns: two workers with a core each, by processes and by Ray, and the engine in
one process on two devices, a core each, and on one. What is compiled is compiled before, by a short run of each kind,
so that all load it from a cache. Seconds of CPU are those of everything that a run has begun, Ray's own processes too.

Command: PYTHONPATH=src python benchmarks/workers.py [--turns 3] [--updates 1000] [--only NAME …] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SWEEP = '''"""64 learners of one program, alike in their work."""
import regimax as rx

rl = {"network": rx.networks.gru(32), "num_envs": 16, "evaluate": rx.regimes.Evaluate(every=100, episodes=64)}
sweep = rx.Sweep(
    world=rx.envs.Cipher(symbols=8, skills=8, length=4),
    regimes=[rx.regimes.pure_rl(updates=1000, **rl)],
    seeds=64,
    threshold=1.0,
    consecutive=1000,
    optimization="full",
)
'''
MARK = "REGIMAX_BENCHMARK"
"""In the environment of everything that a run begins."""
TICK = 1 / os.sysconf("SC_CLK_TCK")


class Kind(NamedTuple):
    """A way to run it.

    Attributes:
      cores: that it may use.
      words: of the command line.
      cluster: CPUs of the Ray cluster that is started for it, outside of what is timed; none when 0.
    """

    cores: int
    words: tuple[str, ...]
    cluster: int = 0


KINDS = {
    "one worker, a process": Kind(1, ("--backend", "processes", "--workers", "1", "--shares", "2")),
    "two workers, processes": Kind(2, ("--backend", "processes", "--workers", "2", "--shares", "2")),
    "one worker, Ray": Kind(2, ("--backend", "ray", "--shares", "2"), cluster=1),
    "two workers, Ray": Kind(2, ("--backend", "ray", "--shares", "2"), cluster=2),
    "in process, one device": Kind(1, ("--devices", "1")),
    "in process, two devices": Kind(2, ("--devices", "2")),
}
BESIDE = {"two workers, processes": "one worker, a process", "two workers, Ray": "one worker, Ray"}
BESIDE["in process, two devices"] = "in process, one device"


def cpu_seconds(mark: str, seen: dict[int, float]) -> None:
    """Notes what every process with the mark has used so far."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                words = (process / "stat").read_text().rpartition(")")[2].split()
                seen[int(process.name)] = (int(words[11]) + int(words[12])) * TICK


def timed(typed: list[str], cores: int, environment: dict[str, str]) -> tuple[float, float]:
    """Runs a command; returns seconds by the wall's clock and of CPU."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    before: dict[int, float] = {}
    cpu_seconds(environment[MARK], before)  # of the cluster that is there already
    seen, begun = dict(before), time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(typed, env=environment, stdout=subprocess.DEVNULL, stderr=said)
        os.sched_setaffinity(process.pid, allowed)  # while it has one thread; all that it begins inherits them
        while process.poll() is None:
            cpu_seconds(environment[MARK], seen)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
        seconds = time.monotonic() - begun
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read())
    return seconds, sum(seen.values()) - sum(before.values())


@contextlib.contextmanager
def cluster(cpus: int, environment: dict[str, str]) -> Iterator[list[str]]:
    """A Ray cluster of so many CPUs; yields what names it to `regimax run`."""
    if not cpus:
        yield []
        return
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    start = [*ray, "start", "--head", "--block", "--port=6380", f"--num-cpus={cpus}", "--include-dashboard=false"]
    head = subprocess.Popen(start, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        answers = [*ray, "status", "--address=127.0.0.1:6380"]
        while subprocess.run(answers, check=False, capture_output=True).returncode:
            time.sleep(1.0)
        yield ["--address", "127.0.0.1:6380"]
    finally:
        head.terminate()
        head.wait()


def turn(kind: Kind, place: Path, updates: int, mark: str) -> tuple[float, float]:
    """Runs the sweep once by a kind."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = os.environ | token | {MARK: mark, "JAX_COMPILATION_CACHE_DIR": str(place / "cache")}
    file, out = place / "mine.py", place / "run"
    file.write_text(SWEEP)
    shutil.rmtree(out, ignore_errors=True)
    typed = [sys.executable, "-m", "regimax", "run", str(file), "--out", str(out), "--set", f"rl.updates={updates}"]
    with cluster(kind.cluster, environment) as address:
        return timed([*typed, *kind.words, *address], kind.cores, environment)


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--turns", type=int, default=3)
    flags.add_argument("--updates", type=int, default=1000)
    flags.add_argument("--only", nargs="*", default=list(KINDS))
    flags.add_argument("--json", type=Path)
    given = flags.parse_args()
    kinds = {name: KINDS[name] for name in given.only}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, kind in kinds.items():
            turn(kind, place, 100, f"{os.getpid()}-warm-{name}")
        for i in range(given.turns):
            for name, kind in kinds.items():
                found[name].append(turn(kind, place, given.updates, f"{os.getpid()}-{i}-{name}"))
                print(f"{name}: {found[name][-1][0]:.1f} s, {found[name][-1][1]:.1f} CPU s", flush=True)
    medians = {
        name: [statistics.median(column) for column in zip(*turns, strict=True)] for name, turns in found.items()
    }
    print("\n| | seconds | CPU seconds | of one |\n|---|---|---|---|")
    for name, (seconds, cpu) in medians.items():
        one = medians.get(BESIDE.get(name, ""))
        print(f"| {name} | {seconds:.1f} | {cpu:.1f} | {'' if one is None else f'{seconds / one[0]:.2f}'} |")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
