"""Tasks on a Ray cluster. Needs the extra ``ray``."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from regimax.errors import UserError
from regimax.executors.base import Ended, Task

LEFT_OUT = ["runs", ".git", "*.parquet", "__pycache__"]
"""Of the folder of a sweep's file, which travels with its tasks."""


class Ray:
    """An executor on a Ray cluster: a worker per accelerator, or as many as there are groups of cores.

    A task is a process of its own on its node, so that Ray's assignment of devices holds for it and nothing of one task
    is left for the next. The folder of the sweep's file travels with it where the cluster is elsewhere. A node with
    other versions of regimax, jax or Python refuses it.

    Args:
      workers: tasks at once; as many as the cluster has accelerators, or else cores, when None.
      address: of a running cluster, as `ray.init` takes it; one is started here, and stopped in the end, when None.
      folder: that of the sweep's file.

    Raises:
      UserError: if Ray is missing, or there is no cluster at the address.
    """

    def __init__(self, workers: int | None, address: str | None, folder: Path):
        if find_spec("ray") is None:
            raise UserError("--backend ray needs Ray: pip install 'regimax[ray]'")
        import ray  # type: ignore[import-not-found]

        self._ray = ray
        away = {"runtime_env": {"working_dir": str(folder), "excludes": LEFT_OUT}} if address else {}
        try:
            ray.init(address=address or "local", log_to_driver=False, logging_level="error", **away)
        except ConnectionError as error:
            raise UserError(f"--address {address!r}: there is no Ray cluster ({error})") from error
        has = ray.cluster_resources()
        self._gpus = int(has.get("GPU", 0))
        self._workers = workers or self._gpus or int(has.get("CPU", 1))
        self._cores = max(1, int(has.get("CPU", 1)) // self._workers)
        self._away, self._running = address is not None, {}

    @property
    def slots(self) -> int:
        """How many run at once."""
        return self._workers

    def submit(self, task: Task) -> None:
        """Gives a task to the cluster."""
        needs = {"num_gpus": 1} if self._gpus else {}
        remote = self._ray.remote(_run).options(num_cpus=self._cores, max_retries=0, **needs)
        file = task.file.name if self._away else str(task.file)
        first, *rest = task.arguments
        self._running[remote.remote([first, file, *rest], self._cores, versions())] = task

    def wait(self, seconds: float) -> list[Ended]:
        """Returns the tasks that have ended."""
        if not self._running:
            return []
        done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        return [self._ended(one) for one in done]

    def cancel(self, task: Task) -> None:
        """Kills a task."""
        for handle, one in self._running.items():
            if one == task:
                self._ray.cancel(handle, force=True)

    def close(self) -> None:
        """Ends all tasks, and the cluster where it was started here."""
        for handle in self._running:
            self._ray.cancel(handle, force=True)
        self._running = {}
        self._ray.shutdown()

    def _ended(self, handle: Any) -> Ended:
        task = self._running.pop(handle)
        try:
            code, said = self._ray.get(handle)
        except self._ray.exceptions.RayError as error:
            return Ended(task, None, str(error))
        return Ended(task, code, said)


def versions() -> dict[str, str]:
    """Returns what a worker must have the same of as the driver."""
    import platform
    from importlib import metadata

    names = ("regimax", "jax", "jaxlib", "flax", "optax")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}


def _run(arguments: list[str], cores: int, wanted: dict[str, str]) -> tuple[int, str]:
    """Runs on a node: a task in a process of its own. Returns its exit code and the end of what it said."""
    import subprocess

    from regimax.executors.processes import TAIL
    from regimax.executors.slots import slot
    from regimax.executors.worker import command

    here = versions()
    if here != wanted:
        name = next(name for name in wanted if here.get(name) != wanted[name])
        return 2, f"regimax: a worker on {os.uname().nodename} has {name} {here.get(name)}, the driver {wanted[name]}"
    with slot(cores) as own:
        done = subprocess.run(
            command(own, arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    return done.returncode, done.stderr.decode(errors="replace")[-TAIL:]
