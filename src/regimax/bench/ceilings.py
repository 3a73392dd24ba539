"""What the devices can do at best, measured in the same run as the workloads.

Three kernels: a large matrix product, a batch of small ones of a shape that workloads have, and a pass over memory.
Each runs on one device and on several at once. A ceiling is the *best* of its repetitions.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from regimax.types import Array

LARGE, HALF, SMALL, MEMORY = "large product", "large product, bfloat16", "small products", "memory"

REPETITION_SECONDS = 0.05
"""How long a repetition takes at least."""


class Kernel(NamedTuple):
    """Something to be timed over and over.

    Attributes:
      name: of what it measures.
      about: its shapes in words.
      unit: of its rate, per second: ``FLOP`` or ``B``.
      work: FLOPs or bytes of one call on one device.
      argument: what it is called on at first, on the host.
      function: one call; what it returns is the next call's argument, and takes its place in memory.
    """

    name: str
    about: str
    unit: str
    work: float
    argument: Any
    function: Callable[[Any], Any]


class Ceiling(NamedTuple):
    """What a kernel reached.

    Attributes:
      name: the kernel's.
      about: the kernel's.
      unit: of the rates, per second.
      devices: how many ran it at once.
      best: rate of its fastest repetition, all devices together.
      median: rate of the median one.
    """

    name: str
    about: str
    unit: str
    devices: int
    best: float
    median: float


def product(side: int, times: int, dtype: Any, name: str = LARGE) -> Kernel:
    """Runs a chain of `times` products of square matrices, at JAX's default precision.

    Args:
      side: n; a product takes 2n³ FLOPs.
      times: products per call.
      dtype: of the matrices.
      name: of the ceiling.
    """
    pair = _matrices((side, side), (side, side), dtype)
    about = f"{side} × {side}, {np.dtype(dtype).name}"
    return Kernel(name, about, "FLOP", 2.0 * side**3 * times, pair, lambda pair: _chain(pair, times))


def small_products(batch: int, times: int) -> Kernel:
    """Runs a chain of `times` batches of products [128, 64] · [64, 64], each with a matrix of its own, as lanes have.

    Args:
      batch: products side by side; each takes 2 · 128 · 64 · 64 FLOPs.
      times: batches per call.
    """
    rows, side = 128, 64
    pair = _matrices((batch, rows, side), (batch, side, side), np.float32)
    work = 2.0 * batch * rows * side * side * times
    about = f"{batch} of 128 × 64 · 64 × 64 side by side, float32"
    return Kernel(SMALL, about, "FLOP", work, pair, lambda pair: _chain(pair, times))


def memory(size: int) -> Kernel:
    """Passes over memory in place: every byte is read once and written once.

    Args:
      size: bytes of the array, many times the caches.
    """
    x = np.zeros(size // 4, np.float32)
    about = f"{x.nbytes / 2**20:.0f} MiB read and written in place"
    return Kernel(MEMORY, about, "B", 2.0 * x.nbytes, x, lambda x: x + 1.0)


def _matrices(left: tuple[int, ...], right: tuple[int, ...], dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Random ones; those on the right keep the norm of what they are multiplied with, so that a chain stays finite."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal(right, np.float32) / math.sqrt(right[-1])
    return rng.standard_normal(left, np.float32).astype(dtype), weights.astype(dtype)


def _chain(pair: tuple[Array, Array], times: int) -> tuple[Array, Array]:
    x, w = pair
    y, _ = jax.lax.scan(lambda y, _: (y @ w, None), x, None, length=times)
    # Each call begins at the same size, however often it is called.
    return y * (jnp.linalg.norm(x) / jnp.linalg.norm(y)).astype(y.dtype), w


def kernels(platform: str, block: int, devices: int) -> list[Kernel]:
    """Returns the kernels, sized so that a call takes well under a second.

    Args:
      platform: of the devices, for example ``cpu``.
      block: lanes per product; the batch of the small products on a CPU.
      devices: how many will run one at once; a CPU's memory is divided among them.
    """
    if platform == "cpu":
        size = max(16 * 2**20, min(128 * 2**20, 2**30 // devices))
        return [product(1024, 2, np.float32), small_products(block, 64), memory(size)]
    return [
        product(8192, 4, np.float32),
        product(8192, 4, jnp.bfloat16, HALF),
        small_products(4096, 64),
        memory(2**30),
    ]


def measure(kernel: Kernel, devices: Sequence[Any], repetitions: int) -> Ceiling:
    """Times a kernel on all of `devices` at once, every repetition waited for.

    Args:
      kernel: what to time.
      devices: where, each with a copy of its own.
      repetitions: at least one, after one that is not counted.
    """
    call = jax.jit(kernel.function, donate_argnums=0)
    held = [jax.block_until_ready(call(jax.device_put(kernel.argument, device))) for device in devices]

    def repeat(calls: int) -> float:
        begun = time.perf_counter()
        for _ in range(calls):
            for i, argument in enumerate(held):
                held[i] = call(argument)
        jax.block_until_ready(held)
        return time.perf_counter() - begun

    calls = max(1, math.ceil(REPETITION_SECONDS / repeat(1)))
    seconds = [repeat(calls) for _ in range(repetitions)]
    work = kernel.work * calls * len(devices)
    best, median = work / min(seconds), work / statistics.median(seconds)
    return Ceiling(kernel.name, kernel.about, kernel.unit, len(devices), best, median)
