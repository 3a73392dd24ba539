"""How many lanes a block has: chosen for every program when a run begins, and kept.

The last bits of a result may depend on it, so that what was chosen belongs to a run: its directory records it, and
whoever goes on with the run takes it from there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from regimax.errors import UserError
from regimax.sweep.lanes import Engine, Memory, bytes_per_lane
from regimax.sweep.width import KNEE, blocks_in, free_memory

if TYPE_CHECKING:
    from regimax.sweep.plan import Plan

AUTO = "auto"
"""The block that suits the platform."""

CPU_BLOCK = 8
"""Lanes of a block on a CPU."""


def check(block: Any) -> None:
    """Refuses what is no number of lanes.

    Raises:
      UserError: with what is allowed.
    """
    if block == AUTO:
        return
    if not isinstance(block, int):
        raise UserError(f"block = {block!r} is neither a whole number above 0 nor {AUTO!r}")
    if block < 1:
        raise UserError(f"block = {block!r} is below 1")


def choose_block(platform: str, stages: int, devices: int, lane: Memory, free: int, knee: int = KNEE) -> int:
    """Returns the number of lanes of a program's blocks.

    On a CPU it is 8: enough for its vectors, and little enough for its caches.

    An accelerator launches as many kernels for 8 lanes as for 2,048, and with few lanes launching is what takes the
    time: two blocks of half the size would take twice as long as one. So a block is the least power of two that holds
    all that can run at once on a device, up to the knee, from where twice the lanes take twice the time. What is more
    than that makes two blocks per device: the device runs one while the host reads and refills the other. Two of them
    must fit into memory, whether or not there are two. Powers of two, so that larger and smaller sweeps share what was
    compiled.

    Args:
      platform: of the devices.
      stages: of the program that can run at once.
      devices: over which they are spread.
      lane: what one lane needs.
      free: memory of a device that is free, bytes.
      knee: lanes of a block from which on more make it no faster.

    Example:
      >>> lane = Memory(resident=100_000, temporary=1_400_000)
      >>> [choose_block("gpu", stages, 1, lane, 140 * 10**9) for stages in (18, 1000, 16_384)]
      [32, 1024, 2048]
      >>> choose_block("gpu", 16_384, 1, lane, 2 * 10**9), choose_block("cpu", 16_384, 2, lane, 2 * 10**9)
      (512, 8)
    """
    if platform == "cpu":
        return CPU_BLOCK
    block = _least_power(math.ceil(stages / devices))
    while block > 1 and (block > knee or blocks_in(_times(lane, block), free) < 2):
        block //= 2
    return block


def at_once(plan: Plan, waves: Sequence[Sequence[str]]) -> Counter[str]:
    """Returns how many stages of each program can run at once at most, in any of the waves.

    Of stages that begin from one another only one can.

    Args:
      plan: the plan.
      waves: ids of stages, parents before children; each holds whole trees.
    """
    most: Counter[str] = Counter()
    for wave in waves:
        found: Counter[str] = Counter()
        after: dict[str, Counter[str]] = {}
        for stage in (plan.stages[name] for name in reversed(wave)):
            own = after.pop(stage.id, Counter())
            own[stage.program] = max(1, own[stage.program])
            (after.setdefault(stage.parent, Counter()) if stage.parent else found).update(own)
        most |= found
    return most


def planned(plan: Plan, stages: Mapping[str, int], devices: Sequence[Any]) -> dict[str, int]:
    """Returns the block of every program before anything is compiled: memory counts by the states' size alone.

    What else a lane needs can only make it smaller, see :func:`fitted`; to guess that first would leave states of
    many megabytes, which rings are, with half the lanes that there is room for.

    Args:
      plan: the plan.
      stages: that can run at once, by program.
      devices: of JAX, those that are used.
    """
    asked = plan.sweep.block
    if isinstance(asked, int):
        return dict.fromkeys(plan.programs, asked)
    platform, free = devices[0].platform, free_memory(devices[0])
    found = {}
    for name, program in plan.programs.items():
        found[name] = choose_block(platform, stages[name], len(devices), Memory(bytes_per_lane(program), 0), free)
    return found


def fitted(block: int, stages: int, engine: Callable[[int], Engine]) -> int:
    """Returns the largest block, from a planned one down, for which memory suffices as the compiler plans it.

    Args:
      block: as it was planned.
      stages: of the program that can run at once.
      engine: makes the program's engine for a block; its tick is compiled.
    """
    while True:
        its = engine(block)
        memory, devices = its.memory(), its.devices
        lane = Memory(*(math.ceil(size / block) for size in memory))
        smaller = choose_block(devices[0].platform, stages, len(devices), lane, free_memory(devices[0]))
        if smaller >= block:
            return block
        block = smaller


def of_run(
    plan: Plan,
    known: dict[str, int],
    stages: Mapping[str, int],
    devices: Sequence[Any],
    engine: Callable[[str, int], Engine],
) -> dict[str, int]:
    """Returns the block of every program of a run: the one that it began with, or else the one that is chosen now.

    Args:
      plan: the plan.
      known: blocks that were chosen when the run began, by program.
      stages: that can run at once, by program.
      devices: of JAX, those that are used.
      engine: makes the engine of a program for a block. On an accelerator its tick is compiled to know its memory.
    """
    found = planned(plan, stages, devices) | known
    new = [name for name in plan.programs if name not in known]
    if plan.sweep.block != AUTO or devices[0].platform == "cpu":
        return found
    for name in new:  # side by side
        engine(name, found[name]).prepare("advance")
    return found | {
        name: fitted(found[name], stages[name], lambda block, name=name: engine(name, block)) for name in new
    }


def _least_power(number: int) -> int:
    """The least power of two that is not below a number."""
    return 1 << max(0, number - 1).bit_length()


def _times(lane: Memory, block: int) -> Memory:
    return Memory(lane.resident * block, lane.temporary * block)
