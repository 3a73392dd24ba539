"""What figures depend on besides the code: device, driver, versions, flags. No date, no name of a host."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

import regimax
from regimax.backend import POOL_VARIABLE

PACKAGES = ("jax", "jaxlib", "flax", "optax", "gymnax", "numpy")


def facts() -> dict[str, Any]:
    """Returns plain data.

    Keys: `device` (kind), `platform`, `devices` (how many), `device_bytes` (of one's memory, or None), `driver`
    (the platform's version, as JAX tells it), `cpu`, `cores` (that this process may use), `system`, `versions`,
    `dtype`, `matmul_precision`, `xla_flags`, `xla_threads`.
    """
    devices = jax.local_devices()
    first = devices[0]
    versions = {"regimax": regimax.__version__, "python": platform.python_version()}
    return {
        "device": first.device_kind,
        "platform": first.platform,
        "devices": len(devices),
        "device_bytes": (first.memory_stats() or {}).get("bytes_limit"),
        "driver": " ".join(first.client.platform_version.split()),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions | {name: version for name in PACKAGES if (version := _version(name))},
        "dtype": "float64" if jax.config.values["jax_enable_x64"] else "float32",
        "matmul_precision": jax.config.values["jax_default_matmul_precision"] or "default",
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "xla_threads": os.environ.get(POOL_VARIABLE),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    """The processor's name where the system tells it, else its architecture."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def in_words(found: dict[str, Any]) -> str:
    """Returns the device in a few words, for example "2 × cpu (AMD EPYC)".

    Args:
      found: the facts.
    """
    name = f"{found['device']} ({found['cpu']})" if found["platform"] == "cpu" else found["device"]
    return f"{found['devices']} × {name}"
