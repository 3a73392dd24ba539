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
        "cpu": cpu(),
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


VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}
"""Flags of a processor, the widest first, and what they are called."""


def cpu(path: Path = Path("/proc/cpuinfo")) -> str:
    """Returns the processor's name where the system tells it, else its architecture, and its widest vectors.

    One name can stand for processors that differ by half in speed, above all where it is a rented machine's.

    Args:
      path: where Linux tells it.
    """
    told: dict[str, str] = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        key, _, value = line.partition(":")
        told.setdefault(key.strip(), value.strip())
    flags = told.get("flags", "").split()
    vectors = [words for flag, words in VECTORS.items() if flag in flags]
    return ", ".join([told.get("model name") or platform.processor() or platform.machine(), *vectors[:1]])


def in_words(found: dict[str, Any]) -> str:
    """Returns the device in a few words, for example "2 × cpu (AMD EPYC, AVX2)".

    Args:
      found: the facts.
    """
    name = f"{found['device']} ({found['cpu']})" if found["platform"] == "cpu" else found["device"]
    return f"{found['devices']} × {name}"
