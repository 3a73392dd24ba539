"""Tasks on a Ray cluster. Needs the extra ``ray``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from regimax.errors import UserError
from regimax.executors.base import ON_ACCELERATOR, ON_CORE, Ended, Task
from regimax.executors.processes import GRACE, TAIL

LEFT_OUT = ["runs", "*.shares", "*.parquet", "__pycache__", ".[!.]*"]
"""Of the folder of a sweep's file, which travels with its tasks, beside run directories."""
ACCELERATORS = ("GPU", "TPU")
"""Resources of Ray that a worker has one of, where a cluster has any."""
LOOK = 5.0
"""Seconds between looks at which nodes there are: they come and go."""


class Room(NamedTuple):
    """What a cluster has room for.

    Attributes:
      accelerator: the kind of which a worker has one; None where there is none, and a worker has cores.
      cores: of a worker.
      workers: at once.
    """

    accelerator: str | None
    cores: int
    workers: int


def room(nodes: Sequence[Mapping[str, float]], workers: int | None) -> Room:
    """Returns what nodes have room for: a worker must find its accelerator and all of its cores on one of them.

    Args:
      nodes: their resources, as Ray names them.
      workers: at once; as many as there are accelerators, or else cores, when None. More than there is room for wait
        until nodes come: an autoscaler sees them.

    Example:
      >>> room([{"CPU": 8.0}, {"CPU": 16.0, "GPU": 4.0}, {"CPU": 6.0, "GPU": 2.0}], None)
      Room(accelerator='GPU', cores=3, workers=6)
      >>> room([{"CPU": 4.0}, {"CPU": 10.0}], 3)
      Room(accelerator=None, cores=4, workers=3)
    """
    for kind in ACCELERATORS:
        if having := [node for node in nodes if node.get(kind, 0) >= 1]:
            cores = min(int(node.get("CPU", 0) // node[kind]) for node in having)
            return Room(kind, cores, workers or sum(int(node[kind]) for node in having))
    each = [int(node.get("CPU", 0)) for node in nodes]
    fitting = (cores for cores in range(max(each, default=1), 0, -1) if sum(n // cores for n in each) >= (workers or 0))
    return Room(None, next(fitting, 1) if workers else 1, workers or max(1, sum(each)))


class Ray:
    """An executor on a Ray cluster: a worker per accelerator, or as many as there are groups of cores.

    A task is a process of its own on its node, so that Ray's assignment of devices holds for it and nothing of one task
    is left for the next. The folder of the sweep's file travels with it where the cluster is elsewhere. A node with
    other versions of regimax, jax or Python refuses it. Nodes may come and go while it runs.

    Args:
      workers: tasks at once; as many as the cluster has accelerators, or else cores, when None.
      address: of a running cluster, as `ray.init` takes it; one is started here, and stopped in the end, when None.
      folder: that of the sweep's file.

    Raises:
      UserError: if Ray is missing, or refuses.
    """

    def __init__(self, workers: int | None, address: str | None, folder: Path):
        if find_spec("ray") is None:
            raise UserError("--backend ray needs Ray: pip install 'regimax[ray]'")
        self._ray: Any = import_module("ray")
        away = {"runtime_env": {"working_dir": str(folder), "excludes": left_out(folder)}} if address else {}
        try:
            self._ray.init(address=address or "local", log_to_driver=False, logging_level="error", **away)
        except ConnectionError as error:
            what = "there is no Ray cluster, or one with another RAY_AUTH_TOKEN"
            raise UserError(f"--address {address!r}: {what} ({error})") from error
        except self._ray.exceptions.RuntimeEnvSetupError as error:
            raise UserError(
                f"the folder of the sweep's file, {str(folder)!r}, travels to the workers, and cannot: {_line(error)}. "
                "Give the file a folder of its own"
            ) from error
        except (
            self._ray.exceptions.RayError,
            RuntimeError,
            ValueError,
        ) as error:  # such as a secret that is not the cluster's
            raise UserError(f"--backend ray: {_line(error)}") from error
        self._wanted, self._away, self._looked = workers, address is not None, -LOOK
        self._running: dict[Any, Task] = {}
        self._cancelled: dict[Any, float] = {}
        self.worth = ON_ACCELERATOR if self._room().accelerator else ON_CORE

    @property
    def slots(self) -> int:
        """How many run at once."""
        return self._room().workers

    def submit(self, task: Task) -> None:
        """Gives a task to the cluster."""
        kind, cores, _ = self._room()
        needs = {"num_gpus": 1} if kind == "GPU" else {"resources": {kind: 1}} if kind else {}
        remote = self._ray.remote(_run).options(num_cpus=cores, max_retries=0, **needs)
        file = task.file.name if self._away else str(task.file)
        first, *rest = task.arguments
        self._running[remote.remote([first, file, *rest], max(1, cores), versions())] = task

    def wait(self, seconds: float) -> list[Ended]:
        """Returns the tasks that have ended."""
        if not self._running:
            time.sleep(seconds)
            return []
        done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        ended = [self._ended(one) for one in done]
        for handle, since in list(self._cancelled.items()):  # its worker hangs itself: nobody waits for it any longer
            if handle in self._running and time.monotonic() - since > GRACE:
                ended.append(Ended(self._running.pop(handle), None, "its worker does not answer"))
        return ended

    def cancel(self, task: Task) -> None:
        """Kills a task."""
        for handle, one in self._running.items():
            if one == task:
                self._ray.cancel(handle, force=True)
                self._cancelled[handle] = time.monotonic()

    def close(self) -> None:
        """Asks all tasks to end, kills those that do not, and ends the cluster where it was started here."""
        handles = list(self._running)
        for handle in handles:
            self._ray.cancel(handle)
        if handles:
            _, left = self._ray.wait(handles, num_returns=len(handles), timeout=GRACE)
            for handle in left:
                self._ray.cancel(handle, force=True)
        self._running = {}
        self._ray.shutdown()

    def _room(self) -> Room:
        if time.monotonic() - self._looked >= LOOK:
            self._looked = time.monotonic()
            self._found = room([node["Resources"] for node in self._ray.nodes() if node["Alive"]], self._wanted)
        return self._found

    def _ended(self, handle: Any) -> Ended:
        task = self._running.pop(handle)
        self._cancelled.pop(handle, None)
        try:
            code, said = self._ray.get(handle)
        except self._ray.exceptions.RayTaskError as error:  # what is installed on its node: it would be so again
            return Ended(task, 1, f"regimax: a worker cannot run it: {_line(error)}")
        except self._ray.exceptions.RayError as error:
            return Ended(task, None, type(error).__name__)
        return Ended(task, code, said)


def left_out(folder: Path) -> list[str]:
    """Returns what of the folder of a sweep's file stays where it is: results, caches and what is hidden."""
    from regimax.sweep import store  # what Ray's own processes import is nothing slow

    runs = [path.parent.relative_to(folder) for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{store.SWEEP}")]
    return [*LEFT_OUT, *sorted(f"/{run.as_posix()}" for run in runs)]


def _line(error: Exception) -> str:
    """The last line of what an error says, which is what it comes down to."""
    return next(reversed([line.strip() for line in str(error).splitlines() if line.strip()]), type(error).__name__)


def versions() -> dict[str, str]:
    """Returns what a worker must have the same of as the driver."""
    import platform
    from importlib import metadata

    names = ("regimax", "jax", "jaxlib", "flax", "optax")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}


ONE_CHIP = {
    "TPU_CHIPS_PER_PROCESS_BOUNDS": "1,1,1",
    "TPU_PROCESS_BOUNDS": "1,1,1",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "true",
}
"""Of a process that has one of a host's TPU chips, beside others: Ray says which, by older names than libtpu's."""


def _run(arguments: list[str], cores: int, wanted: dict[str, str]) -> tuple[int, str]:
    """Runs on a node: a task in a process of its own. Returns its exit code and the end of what it said."""
    import signal
    import subprocess
    import tempfile

    from regimax.executors.slots import slot
    from regimax.executors.worker import command

    here = versions()
    if here != wanted:
        name = next(name for name in wanted if here.get(name) != wanted[name])
        return 2, f"regimax: a worker on {os.uname().nodename} has {name} {here.get(name)}, the driver {wanted[name]}"
    chip = ONE_CHIP if os.environ.get("TPU_VISIBLE_CHIPS") else {}
    with slot(cores) as own, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command(own, arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=os.environ | chip,
        )
        try:
            while process.poll() is None:  # Ray interrupts Python, not the operating system's wait
                time.sleep(0.1)
        except KeyboardInterrupt:  # is cancelled
            process.send_signal(signal.SIGTERM)
            process.wait(GRACE)
        said.seek(0)
        return process.returncode, said.read().decode(errors="replace")[-TAIL:]
