"""Which widths are measured: so many lanes, in blocks, over so many devices.

On a CPU the block is small and stays, and more lanes are more blocks: first one per device, on one device, two, four,
and so on up to all of them, which shows how the work scales over devices; then several per device. On an accelerator
there is one block per device, and more lanes are a larger block, which is another program.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from regimax.errors import UserError
from regimax.sweep.block import CPU_BLOCK

CPU_BLOCKS_PER_DEVICE = 2
"""At the end of a CPU's ladder."""
SMALLEST, FACTOR, LARGEST = 64, 4, 2**20
"""An accelerator's ladder, lanes per device: the first rung, the factor to the next one, and the last. It ends earlier
where memory does, or after two rungs that did not help."""


class Rung(NamedTuple):
    """A width.

    Attributes:
      lanes: all of them.
      block: lanes per vmapped product.
      devices: how many are used; blocks are dealt out to them in turn.
    """

    lanes: int
    block: int
    devices: int

    @property
    def blocks(self) -> int:
        """Blocks of lanes, on all devices together."""
        return self.lanes // self.block


def up_to(number: int) -> list[int]:
    """Returns 1, 2, 4, … and `number`.

    Example:
      >>> up_to(6)
      [1, 2, 4, 6]
    """
    return sorted({*(2**i for i in range(number.bit_length())), number})


def ladder(platform: str, devices: int, widths: Sequence[int], block: int | None) -> list[Rung]:
    """Returns the rungs, narrowest first.

    Args:
      platform: of the devices, for example ``cpu``.
      devices: how many there are.
      widths: lanes, where the user has said so; each is rounded up to whole blocks.
      block: lanes per product, where the user has said so.

    Raises:
      UserError: for a width or a block below 1.

    Example:
      >>> [rung.lanes for rung in ladder("cpu", 2, (), None)]
      [8, 16, 32]
      >>> ladder("gpu", 1, (1000,), None)
      [Rung(lanes=1000, block=1000, devices=1)]
    """
    if block is not None and block < 1:
        raise UserError(f"--block {block} is below 1")
    for width in widths:
        if width < 1:
            raise UserError(f"--widths {width} is below 1")
    if platform == "cpu" or block is not None:
        block = block or CPU_BLOCK
        more = [devices * 2**i for i in range(1, CPU_BLOCKS_PER_DEVICE.bit_length())]
        blocks = [math.ceil(width / block) for width in widths] or [*up_to(devices), *more]
        return [Rung(count * block, block, min(count, devices)) for count in sorted(set(blocks))]
    if widths:
        sizes = sorted({math.ceil(width / devices) for width in widths})
    else:
        sizes = [SMALLEST * FACTOR**i for i in range(1 + round(math.log(LARGEST / SMALLEST, FACTOR)))]
    return [Rung(size * devices, size, devices) for size in sizes]


def over_devices(rung: Rung) -> list[Rung]:
    """Returns rungs with as many lanes per device as `rung` has, on one device, two, four, … fewer than it uses."""
    each = rung.lanes // rung.devices
    return [Rung(each * count, rung.block, count) for count in up_to(rung.devices)[:-1]]
