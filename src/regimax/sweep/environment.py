"""The environment: what else the bits of a result may depend on, recorded with every part.

Plain data: `regimax`, `jax` and `jaxlib` (versions), `device` (its kind), `options` (of the compiler, as the user has
set them) and `optimization` (what the run has chosen of it, see :mod:`regimax.sweep.optimization`). The block, which a
run chooses for every program, stands beside it, see :mod:`regimax.sweep.block`.
Nothing of JAX is imported before `current` is asked.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import regimax

Environment = dict[str, str]

HARMLESS = ("--xla_force_host_platform_device_count", "--xla_dump")
"""Flags of XLA, as they begin, on which no number depends."""
CONFIG = ("jax_enable_x64", "jax_default_matmul_precision", "jax_threefry_partitionable", "jax_debug_nans")
"""Options of JAX on which numbers may depend."""
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}
"""Flags of a processor, the widest vectors first: what is compiled for one may round differently on another."""


def current(device: Any) -> Environment:
    """Returns the environment of this process, all but what its run has chosen.

    Args:
      device: of JAX, one that is used.
    """
    import jax

    flags = os.environ.get("XLA_FLAGS", "").split()
    options = sorted({flag for flag in flags if not flag.startswith(HARMLESS)})
    options += [f"{name}={jax.config.values[name]}" for name in CONFIG if jax.config.values.get(name)]
    return {
        "regimax": regimax.__version__,
        "jax": metadata.version("jax"),
        "jaxlib": metadata.version("jaxlib"),
        "device": f"{platform.machine()} CPU{_vectors()}" if device.platform == "cpu" else device.device_kind,
        "options": " ".join(options),
    }


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Returns in words in what two environments differ; empty where they do not.

    Example:
      >>> difference({"jax": "0.10.2", "device": "x86_64"}, {"jax": "0.11.0", "device": "x86_64"})
      'jax was 0.10.2, is 0.11.0'
    """
    names = [name for name in now if before.get(name) != now[name]]
    return "; ".join(f"{name} was {before.get(name) or 'none'}, is {now[name] or 'none'}" for name in names)


def among(now: Mapping[str, str], environments: Sequence[Mapping[str, str]]) -> bool:
    """Returns whether one of the environments differs in nothing that is said of this one.

    Example:
      >>> among({"jax": "0.10.2"}, [{"jax": "0.9.0"}, {"jax": "0.10.2", "optimization": "full"}])
      True
    """
    return any(not difference(one, now) for one in environments)


def labels(environments: Sequence[Mapping[str, str]]) -> list[str]:
    """Returns of each environment what tells it from the others, in words.

    Example:
      >>> labels([{"jax": "0.10.2", "device": "x86_64"}, {"jax": "0.11.0", "device": "x86_64"}])
      ['jax 0.10.2', 'jax 0.11.0']
    """
    names = dict.fromkeys(name for one in environments for name in one)
    differing = [name for name in names if len({one.get(name) for one in environments}) > 1]
    return [", ".join(f"{name} {one.get(name) or 'none'}" for name in differing) for one in environments]


def mixed(environments: Sequence[Mapping[str, str]]) -> str:
    """Returns in words under which environments a run was computed, one after the other.

    Example:
      >>> mixed([{"jax": "0.10.2"}, {"jax": "0.11.0"}])
      'first jax 0.10.2, then jax 0.11.0'
    """
    return "first " + ", then ".join(labels(environments))


def _vectors(path: Path = Path("/proc/cpuinfo")) -> str:
    if not path.is_file():
        return ""
    lines = path.read_text().splitlines()
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return next((f", {words}" for flag, words in VECTORS.items() if flag in flags), "")
