"""Setting up JAX's backend before it starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from regimax.errors import UserError

EIGEN_FLAG = "--xla_cpu_multi_thread_eigen"

POOL_VARIABLE = "NPROC"
"""Environment variable that XLA reads for the size of its pool of threads."""

THREADS_PER_DEVICE = 2
"""Of the pool: one more than a device has programs under way. A still larger pool slows the engine."""

_WANTED = os.environ.get(POOL_VARIABLE, "")
"""Size of the pool that the user has set, before anything here did."""


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_cpu(devices: int | None = None) -> None:
    """Splits the CPU into devices and turns XLA's own threads within an operation off.

    Lanes are sharded over the devices, so one device per core keeps every core busy. Threads within an operation then
    only get in the way.

    XLA's pool of threads is made larger than the number of devices. By default it has a thread per device; but LAPACK's
    operations (`jnp.linalg`, orthogonal initialisers) split a batch over that same pool and wait for it in one of its
    threads, so that programs on all devices at once wait for each other for ever. The networks here do without LAPACK;
    for one of your own that has several such operations in one program, set the variable ``NPROC`` to a larger number.

    Nothing happens on other backends. Call it before anything is computed; the command line does.

    Args:
      devices: number of devices; one per core that this process may use when not given.

    Raises:
      UserError: for fewer than one device, or if JAX's backend has already started with another number.
    """
    import jax

    if devices is not None and devices < 1:
        raise UserError(f"devices = {devices} is below 1")
    devices = devices or cores()
    flags = os.environ.get("XLA_FLAGS", "")
    if EIGEN_FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {EIGEN_FLAG}=false".strip()
    os.environ[POOL_VARIABLE] = str(max(THREADS_PER_DEVICE * devices, int(_WANTED) if _WANTED.isdecimal() else 0))
    if jax.config.values["jax_num_cpu_devices"] == devices:
        return
    try:
        jax.config.update("jax_num_cpu_devices", devices)
    except RuntimeError as error:
        raise UserError("JAX's backend has already started: call prepare_cpu before anything is computed") from error


def use_compilation_cache() -> None:
    """Keeps compiled programs in a per-user folder, so that a sweep typed again compiles nothing.

    The folder is ``regimax/xla`` in the user's cache; the variable ``JAX_COMPILATION_CACHE_DIR`` names another one.
    """
    import jax

    if jax.config.values["jax_compilation_cache_dir"] is None:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(base / "regimax" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    _share_between_devices()


def _share_between_devices() -> None:
    """Lets all devices of a CPU load what one of them has compiled, as JAX itself does on a GPU.

    The cache's key then leaves out which device it is for; the executable is loaded for the right one all the same.
    Without this every device compiles for itself, to the same code.
    """
    from jax._src import cache_key

    original = getattr(cache_key, "_hash_serialized_compile_options", None)
    if original is None or getattr(original, "shared", False):
        return

    def shared(hash_obj: Any, options: Any, strip_device_assignment: bool = True) -> Any:
        del strip_device_assignment
        return original(hash_obj, options, strip_device_assignment=True)

    shared.shared = True  # type: ignore[attr-defined]
    cache_key._hash_serialized_compile_options = shared
