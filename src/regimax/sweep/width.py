"""How many lanes run side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from regimax.sweep.lanes import Engine, Memory

FRACTION = 0.8
"""Of a device's memory that lanes may fill."""

CPU_LANES = 32
"""Lanes per device of a CPU: enough to keep it busy while one block is refilled; more only leave its caches."""

KNEE = 2048
"""Lanes per device of an accelerator from which on more make it no faster, where that was not measured."""


def out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that a device's memory did not suffice."""
    text = str(error)
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower()


def num_blocks(engine: Engine, stages: int, width: int | None) -> int:
    """Returns the number of blocks of a pool: one at least, and no more than there are stages for.

    Args:
      engine: of the pool's program. Its tick is compiled for the first device to measure what a block needs.
      stages: that can run, some of them maybe later.
      width: lanes, where the user has said so.
    """
    if width is None:
        width = _lanes(engine, None if _on_cpu(engine) else engine.memory())
    return max(1, math.ceil(min(width, stages) / engine.block))


def planned(engine: Engine, stages: int) -> int:
    """Returns the lanes of a pool before anything is compiled: memory counts by the states' size alone."""
    size = engine.block * engine.bytes_per_lane()
    width = min(_lanes(engine, Memory(size, 0)), stages)
    return max(1, math.ceil(width / engine.block)) * engine.block


def _on_cpu(engine: Engine) -> bool:
    return engine.devices[0].platform == "cpu"


def _lanes(engine: Engine, memory: Memory | None) -> int:
    """Lanes that keep the devices busy."""
    device = engine.devices[0]
    if memory is None or _on_cpu(engine):
        return len(engine.devices) * max(CPU_LANES, 2 * engine.block)
    return len(engine.devices) * lanes_of_accelerator(engine.block, memory, free_memory(device))


def lanes_of_accelerator(block: int, memory: Memory, free: int) -> int:
    """Returns the lanes that keep an accelerator busy: so many as make it fastest, or two blocks where that is more.

    They must fit the stated fraction of its memory; more of them would only be slower to fill and to save.

    Args:
      block: lanes of a block.
      memory: of a block.
      free: memory of the device that is free, bytes.
    """
    return min(max(KNEE, 2 * block), blocks_in(memory, free) * block)


def blocks_in(memory: Memory, free: int) -> int:
    """Returns how many blocks fit into `free` bytes: what stays of each, a prepared one, and what two ticks need."""
    return max(1, int(FRACTION * free - 2 * memory.temporary) // max(memory.resident, 1) - 1)


def free_memory_of(devices: Sequence[object]) -> int:
    """Returns the bytes of memory that are not in use of devices of one kind, all together."""
    return len(devices) * free_memory(devices[0])


def free_memory(device: object) -> int:
    """Returns the bytes of a device's memory that are not in use."""
    stats = device.memory_stats() or {}  # type: ignore[attr-defined]
    return stats.get("bytes_limit", 8 * 2**30) - stats.get("bytes_in_use", 0)
