"""All that is to be measured on an accelerator, in one command of under nine minutes.

Parts run one after the other, each in a process of its own with so many seconds and those that the parts before it
left, the most valuable first; one that fails or takes too long costs the others nothing of theirs. What is found is
written as it comes into one JSON file, which is whole at any moment. Typed again with the same file, it goes on with
what is missing: as a rule with the last four, for which one turn has no time. The parts, in their order:

- ``machine``: device, versions, ceilings of products and memory, seconds per kernel that is launched;
- ``bench WORKLOAD``: the rates of each at 2,048, 8, 8,192, 512 and 64 lanes, as `regimax bench` takes them;
- ``plain``: `plain_ppo.py`, agents side by side in one program, in turns with the engine at as many lanes;
- ``bytes``: one sweep at two widths, and killed and taken up again, all at one block: is everything equal to the bit?
- ``cpu``: a tick of two learners on the accelerator and on a CPU, from equal states, beside stated tolerances;
- ``sweep``: the flagship grid, 1,024 cells, as `regimax run` runs it;
- ``claim``: the file of `--claim`, with `--full`, as far as it gets; it goes on from there when typed again;
- ``passes WORKLOAD``: compiled as a run does it and with all of XLA's passes, in turns: what the one left out is worth.

Command, on an H200, in a checkout:
    PYTHONPATH=src python benchmarks/on_device.py --out benchmarks/results/on-device-h200.json
Needs jax, flax, optax, chex, orbax-checkpoint, numpy, scipy and rich. ``bench ppo-…`` and ``plain`` also need gymnax,
gymnasium with Farama-Notifications and cloudpickle, and six (2 MB; without matplotlib, seaborn and pandas, for which
blank modules stand in); ``bytes``, ``sweep`` and ``claim`` need polars and polars-runtime-32 (55 MB). So, beside those:
    pip download --no-deps -d wheels gymnax gymnasium Farama-Notifications cloudpickle six polars polars-runtime-32
and on the machine: pip install --no-index --no-deps wheels/*.whl
`--claim` needs plotly, too, where the claim's file draws.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).resolve()
SECONDS = 520.0
"""For all parts together."""
FEWEST_SECONDS = 5.0
"""Left to a part, below which it is not begun."""


class Part(NamedTuple):
    """Something to be measured.

    Attributes:
      name: of the part, and what it is asked for: the first word names a function of `device_parts`.
      seconds: that it may take, start and compiling included.
      ending: seconds of these that it needs to end after it was told to.
    """

    name: str
    seconds: float
    ending: float = 1.0


PARTS = (
    Part("machine", 25),
    Part("bench ppo-cartpole", 75),
    Part("bench cipher-rl", 45),
    Part("bench cipher-pretrain", 40),
    Part("bench exemplar-rl", 40),
    Part("plain", 50),
    Part("bytes", 40),
    Part("cpu", 30),
    Part("sweep", 55),
    Part("claim", 120, ending=30),
    Part("passes exemplar-rl", 60),
    Part("passes ppo-cartpole", 90),
    Part("bench cipher-transformer", 80),
    Part("bench ppo-breakout", 90),
)
"""In the order in which they run."""


class Record:
    """The JSON file: of every part its `status`, its `seconds`, and what it found.

    Args:
      path: the file, there or not.
    """

    def __init__(self, path: Path):
        self._path = path

    def read(self) -> dict[str, Any]:
        """Returns what is in it, by part."""
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def put(self, part: str, **facts: Any) -> None:
        """Adds facts to a part; the file is replaced as a whole."""
        found = self.read()
        found.setdefault(part, {}).update(facts)
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        new.write_text(json.dumps(found, indent=1) + "\n")
        os.replace(new, self._path)


class Put:
    """What a part writes with.

    Args:
      record: the file.
      part: its name.
    """

    def __init__(self, record: Record, part: str):
        self._record, self._part = record, part

    def __call__(self, **facts: Any) -> None:
        self._record.put(self._part, **facts)

    def before(self, part: str) -> dict[str, Any]:
        """Returns what a part before has found."""
        return self._record.read().get(part, {})


def run(parts: Sequence[Part], command: Sequence[str], record: Record, seconds: float) -> list[str]:
    """Runs parts one after the other; what one leaves of its seconds, the next may take.

    Args:
      parts: the most valuable first. One that the record has as done is not run again.
      command: what runs a part in a process of its own, given its name behind it.
      record: told of each part's end.
      seconds: for all of them.

    Returns:
      the names of parts that are not done.
    """
    end, known = time.monotonic() + seconds, record.read()
    left = [part for part in parts if known.get(part.name, {}).get("status") != "done"]
    due = max(time.monotonic(), end - sum(part.seconds for part in left))
    for part in left:
        begun, due = time.monotonic(), due + part.seconds
        given = min(due, end) - begun
        if end - begun < min(FEWEST_SECONDS, part.seconds):
            record.put(part.name, status="not begun: no time was left")
            print(f"{part.name}: not begun, no time was left", flush=True)
            continue
        record.put(part.name, status="begun")
        print(f"{part.name}: at most {given:.0f} s", flush=True)
        code, said = _child([*command, part.name], given, min(part.ending, given / 2))
        status = {0: "done", None: f"ended: it had {given:.0f} s"}.get(code, f"failed with {code}")
        facts = {"status": status, "seconds": round(time.monotonic() - begun, 1)}
        record.put(part.name, **facts, **({} if code == 0 else {"said": said[-3000:]}))
        print(f"{part.name}: {status} in {facts['seconds']} s", flush=True)
    found = record.read()
    return [part.name for part in parts if found[part.name]["status"] != "done"]


def _child(command: Sequence[str], seconds: float, ending: float) -> tuple[int | None, str]:
    """Runs a command, which is told to end so many seconds before its time is over.

    Returns:
      its exit code, or None where time ran out, and what it said on stderr.
    """
    with tempfile.TemporaryFile("w+") as stderr:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True)
        code: int | None = None
        try:
            code = child.wait(timeout=seconds - ending)
        except subprocess.TimeoutExpired:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=ending)
        finally:  # nothing goes on, whatever ends this
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        stderr.seek(0)
        return code, stderr.read()


def _part(name: str, given: argparse.Namespace) -> None:
    """Measures one part, in this process."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a part may have a process beside it
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if given.miniature:  # compiling is what takes the time
        from regimax.backend import UNOPTIMIZED

        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + f" {UNOPTIMIZED}"
    import device_parts

    record = Record(given.out)
    kind, *arguments = name.split()
    size = device_parts.MINIATURE if given.miniature else device_parts.FULL
    try:
        with tempfile.TemporaryDirectory() as folder:
            device_parts.prepare(given.cache)
            device_parts.PARTS[kind](size, Put(record, name), Path(folder), *arguments)
    except BaseException:
        record.put(name, traceback=traceback.format_exc().splitlines()[-30:])
        raise


def main(arguments: Sequence[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--out", type=Path, required=True, help="the JSON file")
    flags.add_argument("--seconds", type=float, default=SECONDS, help="for all parts together")
    flags.add_argument("--parts", nargs="+", help="only these, by name or first word")
    flags.add_argument("--claim", type=Path, help="a claim file to run at full size")
    flags.add_argument("--miniature", action="store_true", help="all of it in small, to see that it works: on a CPU")
    flags.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "regimax-on-device", help="compiled")
    flags.add_argument("--part", help=argparse.SUPPRESS)
    given = flags.parse_args(arguments)
    if given.part:
        _part(given.part, given)
        return 0
    parts = [part._replace(name=f"claim {given.claim}") if part.name == "claim" else part for part in PARTS]
    parts = [part for part in parts if given.claim or not part.name.startswith("claim")]
    if given.parts:
        parts = [part for part in parts if {part.name, part.name.split()[0]} & set(given.parts)]
    command = [sys.executable, str(FILE), "--out", str(given.out), "--cache", str(given.cache)]
    command += ["--miniature"] if given.miniature else []
    left = run(parts, [*command, "--part"], Record(given.out), given.seconds)
    print(f"all {len(parts)} parts are done" if not left else f"not done: {', '.join(left)}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
