"""Setting up JAX's backend before it starts."""

from __future__ import annotations

import functools
import importlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regimax import memory_maps
from regimax.errors import UserError

if TYPE_CHECKING:
    import jax

FLAGS = ("--xla_cpu_multi_thread_eigen", "--xla_cpu_enable_concurrency_optimized_scheduler")
"""Flags of XLA that are turned off: threads within an operation, and operations of one program side by side."""

DISABLE, PARTITIONS = "--xla_disable_hlo_passes=", "cpu-parallel-task-assigner"
"""XLA's pass that cuts operations into as many pieces as there are devices, and its flag that leaves passes out.

Pieces are rounded otherwise in their last bits, so that results would depend on the number of devices.
"""

POOL_VARIABLE = "NPROC"
"""Environment variable that XLA reads for the size of its pool of threads."""

_WANTED = os.environ.get(POOL_VARIABLE, "")
"""Size of the pool that the user has set, before anything here did."""


LOOPS_SINCE = (0, 11)
"""The version of jax from which on draws keep their loops."""

UNOPTIMIZED = "--xla_backend_optimization_level=0"
"""XLA's flag for code as it comes, without LLVM's passes."""

JAX_KEEPS_FROM = 1.0
"""What JAX asks for of its own: only what takes so many seconds to compile is kept."""


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_devices() -> int:
    """Returns the number of devices that a CPU is split into: one per core, if there are maps enough for that."""
    return memory_maps.most_devices(cores())


def prepare_cpu(devices: int | None = None) -> None:
    """Splits the CPU into devices and keeps each of them to one thread.

    Lanes are sharded over the devices, so one device per core keeps every core busy. More threads only get in the way:
    those within an operation, and a pool that is larger than the number of devices, whose threads take the operations
    of one device to the core of another.

    LAPACK's operations (`jnp.linalg`, orthogonal initialisers) split a batch over that pool and wait for it in one of
    its threads, so that programs on all devices at once wait for each other for ever. The networks here do without
    LAPACK; for one of your own that does not, set the variable ``NPROC`` to one more than there are devices.

    Nothing happens on other backends. Call it before anything is computed; the command line does.

    Args:
      devices: number of devices; one per core that this process may use when not given, or as many as the memory maps
        suffice for that Linux grants a process: 37 as most systems are set.

    Raises:
      UserError: for fewer than one device, for more than that, or if JAX's backend has already started with another
        number.
    """
    import jax

    if devices is not None and devices < 1:
        raise UserError(f"devices = {devices} is below 1")
    if devices is not None and (most := memory_maps.most_devices(devices)) < devices:
        raise UserError(
            f"devices = {devices} is above {most}, for which the {memory_maps.granted():,} memory maps of a process "
            f"suffice: {memory_maps.ADVICE}"
        )
    devices = devices or usual_devices()
    os.environ["XLA_FLAGS"] = _flags(os.environ.get("XLA_FLAGS", ""))
    os.environ[POOL_VARIABLE] = _WANTED if _WANTED.isdecimal() and int(_WANTED) > 0 else str(devices)
    if jax.__version_info__ < LOOPS_SINCE and UNOPTIMIZED not in os.environ["XLA_FLAGS"].split():
        draw_without_loops()
    if jax.config.values["jax_num_cpu_devices"] == devices:
        return
    try:
        jax.config.update("jax_num_cpu_devices", devices)
    except RuntimeError as error:
        raise UserError("JAX's backend has already started: call prepare_cpu before anything is computed") from error


def passes_left_out(given: str, another: str) -> str:
    """Returns the passes that these flags of XLA leave out, and another one, as XLA is told of them.

    Example:
      >>> passes_left_out("--xla_disable_hlo_passes=cse,dce --xla_cpu_enable_fast_math=false", "sort-simplifier")
      'cse,dce,sort-simplifier'
    """
    left_out = [flag.removeprefix(DISABLE).split(",") for flag in given.split() if flag.startswith(DISABLE)]
    return ",".join(dict.fromkeys([*(name for names in left_out for name in names), another]))


def _flags(given: str) -> str:
    """What is given of XLA's flags, and what is turned off."""
    flags = [flag for flag in given.split() if not flag.startswith(DISABLE)]
    turned_off = [f"{flag}=false" for flag in FLAGS if flag not in given]
    return " ".join([*flags, *turned_off, DISABLE + passes_left_out(given, PARTITIONS)])


OF_MANY = (
    "SLURM_STEP_NODELIST",
    "SLURM_NTASKS",
    "SLURM_PROCID",
    "SLURM_LOCALID",
    "OMPI_MCA_orte_hnp_uri",
    "KUBERNETES_SERVICE_HOST",
)
"""Environment variables by which `jax.distributed` takes a process for one of several that run one program."""


def forget_the_cluster() -> None:
    """Has this process and those that it begins be on their own, whatever has started them.

    Under SLURM's `srun`, MPI or Kubernetes JAX would otherwise take them for parts of one program, should anything that
    is imported call `jax.distributed.initialize`: each would wait for the others, and end with any of them. What tells
    of the job as a whole stays, such as ``SLURM_JOB_ID`` and ``SLURM_TMPDIR``.
    """
    for name in OF_MANY:
        os.environ.pop(name, None)


def draw_without_loops() -> bool:
    """Has JAX compile Threefry on a CPU as one expression, not as a loop of five rounds.

    That is what it does on other platforms; on a CPU each of many draws becomes a loop of some 18 kernels, and a
    learner takes up to twice as long to compile. The bits are the same. Not so from jax 0.11 on, where XLA always
    emits fused operations in its newer way: with jax 0.12 such an expression takes LLVM minutes at any level but 0.
    Nor where XLA is told to pass code on as it comes: what is shorter is then sooner compiled and loaded.

    Returns:
      whether this version of JAX lets it; where it does not, all goes on as it came.
    """
    try:
        from jax._src.interpreters import mlir

        threefry2x32 = _threefry()
        rule = mlir.lower_fun(_as_one_expression(threefry2x32._threefry2x32_lowering), multiple_results=True)
        mlir.register_lowering(threefry2x32.threefry2x32_p, rule, platform="cpu")
    except Exception:  # not a public part of JAX: names come and go
        return False
    return True


@functools.cache
def _as_one_expression(lowering: Callable[..., Any]) -> Callable[..., Any]:
    """Threefry without loops, traced once per shape: JAX alone traces its rounds anew for each program that draws."""
    import jax

    return jax.jit(functools.partial(lowering, use_rolled_loops=False), inline=True)


def _threefry() -> Any:
    """The module of JAX that holds Threefry; before jax 0.10.2 it was that of all key implementations."""
    try:
        return importlib.import_module("jax._src.random.threefry2x32")
    except ImportError:
        return importlib.import_module("jax._src.prng")


def check_lapack(lowered: jax.stages.Lowered, what: str, devices: Sequence[Any]) -> None:
    """Refuses a program that would wait for ever, see :func:`prepare_cpu`.

    Args:
      lowered: the program; looked through only where it matters.
      what: the program does, for the error.
      devices: on which it is to run side by side.

    Raises:
      UserError: if it calls LAPACK on several devices of a CPU and the pool has no thread to spare for that.
    """
    pool = int(os.environ.get(POOL_VARIABLE, "0"))
    if devices[0].platform == "cpu" and len(devices) > 1 and pool <= len(devices) and _calls_lapack(lowered):
        raise UserError(
            f"{what} calls LAPACK, which would wait for ever for one of XLA's {pool} threads. Run it on one device, "
            f"set {POOL_VARIABLE}={len(devices) + 1}, or do without LAPACK as regimax.networks.initializers does"
        )


def _calls_lapack(lowered: jax.stages.Lowered) -> bool:
    """Whether LAPACK is named in a program: in its bytecode, which is there in a sixth of the time of its text."""
    code = io.BytesIO()
    lowered.compiler_ir().operation.write_bytecode(code)  # type: ignore[union-attr] - a module of MLIR
    return b"lapack_" in code.getvalue()


def loops_wait(platform: str | None = None) -> bool:
    """Returns whether a loop whose length is not known when compiled waits for the host in every turn.

    So it is on accelerators; on a CPU such a loop costs nothing.

    Args:
      platform: of the device; JAX's default one when not given.
    """
    import jax

    return (platform or jax.default_backend()) != "cpu"


def user_cache() -> Path:
    """Returns the folder for what may be made again, ``regimax`` in the user's cache. It need not be there."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regimax"


def use_compilation_cache() -> None:
    """Keeps compiled programs in a per-user folder, so that a sweep typed again compiles nothing.

    The folder is ``regimax/xla`` in the user's cache; the variable ``JAX_COMPILATION_CACHE_DIR`` names another one.
    What takes 0.2 s and more is kept, unless JAX was told otherwise.
    """
    import jax

    if jax.config.values["jax_compilation_cache_dir"] is None:
        jax.config.update("jax_compilation_cache_dir", str(user_cache() / "xla"))
    if jax.config.values["jax_persistent_cache_min_compile_time_secs"] == JAX_KEEPS_FROM:
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
