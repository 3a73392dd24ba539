"""Chips by description: what JAX compiles for where there is none."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from regimax.errors import UserError, nearest

LAUNCH_SECONDS = 2.5e-6
"""What the host takes to launch a kernel on a GPU, one after the other, s."""
SUFFIX = ".txtpb"
"""Of the files that describe a chip."""
PLUGINS = ("xla_cuda13", "xla_cuda12")
"""Modules of `jax_plugins` that compile for NVIDIA's chips."""
NEEDED = ("name", "device_memory_size", "cuda_compute_capability", "core_count")
"""Fields of a description without which XLA's compiler breaks off, or nothing can be said of the chip."""
TPUS = {
    "v5e": ("v5e:2x2", "v5litepod-4", 16 * 10**9),
    "v5p": ("v5p:2x2x1", "v5p-8", 95 * 10**9),
    "v6e": ("v6e:2x2", "v6e-4", 32 * 10**9),
}
"""TPUs by name: the smallest slice that libtpu describes, its type, and the memory of one of its chips, bytes."""


class Chip(NamedTuple):
    """A chip that need not be there.

    Attributes:
      name: as its maker calls it.
      platform: as JAX lowers for it.
      device: what JAX compiles for.
      memory: bytes.
      launch_seconds: what it takes to launch a kernel, s; None where the chip runs a whole program by itself.
    """

    name: str
    platform: str
    device: Any
    memory: int
    launch_seconds: float | None


def names() -> list[str]:
    """Returns the names of the chips that regimax knows."""
    files = resources.files("regimax.targets").iterdir()
    return sorted([*(file.name.removesuffix(SUFFIX) for file in files if file.name.endswith(SUFFIX)), *TPUS])


def chip(target: str) -> Chip:
    """Returns the chip of a name, or of a file: XLA's `GpuTargetConfigProto` as text.

    From then on JAX computes on the CPU in this process, and an accelerator that is there is left alone; nothing is
    kept in the compilation cache, for what is compiled without its chip cannot be loaded.

    Args:
      target: one of `names`, or a file.

    Raises:
      UserError: for a name that does not exist, a file that cannot be read or does not describe a chip, and where
        the compiler for it is not installed.
    """
    return _tpu(target) if target in TPUS else _gpu(target)


def _gpu(target: str) -> Chip:
    text = _description(target)
    _check_installed(target, "jax_plugins", PLUGINS, "NVIDIA's compiler", "gpu")
    for name in NEEDED:
        if not re.search(rf"\b{name}\b", text):
            raise UserError(f"the target {target} describes no chip: it has no {name}")
    os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"  # of the driver, which is not there
    device = _device(target, "", platform="cuda", topology="1x1x1", target_config=text)
    memory = re.search(r"\bdevice_memory_size: *(\d+)", text)
    assert memory is not None, "XLA has read it"
    return Chip(device.device_kind, "cuda", device, int(memory[1]), LAUNCH_SECONDS)


def _tpu(target: str) -> Chip:
    _check_installed(target, "libtpu", (), "libtpu", "tpu")
    # It asks the machine which TPU there is, and complains of every question that has no answer.
    topology, kind, memory = TPUS[target]
    for variable, value in (("SKIP_MDS_QUERY", "1"), ("ACCELERATOR_TYPE", kind), ("WORKER_HOSTNAMES", "localhost")):
        os.environ.setdefault(f"TPU_{variable}", value)
    device = _device(target, topology, platform="tpu")
    return Chip(device.device_kind, "tpu", device, memory, None)


def _device(target: str, *args: Any, **options: Any) -> Any:
    """One device of a described topology."""
    import jax
    from jax.experimental import topologies

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        return topologies.get_topology_desc(*args, **options).devices[0]
    except Exception as error:  # XLA's own, of several kinds
        raise UserError(f"the target {target} describes no chip: {str(error).splitlines()[0]}") from error


def _description(target: str) -> str:
    if target in names():
        return (resources.files("regimax.targets") / f"{target}{SUFFIX}").read_text()
    file = Path(target)
    if not file.is_file():
        hint = nearest(target, names())
        raise UserError(
            f"unknown target {target!r}.{hint} Allowed: {', '.join(names())}, or a file that describes a chip"
        )
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the target {target}: {error}") from error


def installed(package: str, modules: Sequence[str] = ()) -> bool:
    """Returns whether a package is there, and one of its modules where some are named."""
    if importlib.util.find_spec(package) is None:
        return False
    return not modules or any(importlib.util.find_spec(f"{package}.{name}") for name in modules)


def _check_installed(target: str, package: str, modules: Sequence[str], what: str, extra: str) -> None:
    if not installed(package, modules):
        raise UserError(
            f"the target {target} needs {what}, which is not installed here: pip install 'regimax[{extra}]'. "
            f"It needs no {extra.upper()}"
        )
