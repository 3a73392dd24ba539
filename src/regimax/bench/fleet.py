"""Blocks of lanes, advanced as a sweep's pool advances them, and timed."""

from __future__ import annotations

import time
from collections import deque

import jax
import numpy as np

from regimax.bench.ladder import Rung
from regimax.regimes.program import DIVERGED
from regimax.sweep.account import Account
from regimax.sweep.lanes import AHEAD, Engine, Lanes, Report


class Fleet:
    """A rung's blocks, dealt out to its devices, each lane with a seed of its own and no end in sight.

    Args:
      engine: its compiled functions; of its devices the first `rung.devices` are used.
      rung: how many lanes.

    Attributes:
      diverged: lanes whose numbers are not finite any more, as of the last tick that was read.
    """

    def __init__(self, engine: Engine, rung: Rung):
        self._engine = engine
        self._devices = rung.devices
        self._status = np.zeros((rung.blocks, engine.block), np.int32)
        self._lanes = [init_block(engine, i, i % rung.devices) for i in range(rung.blocks)]

    @property
    def diverged(self) -> int:
        return int((self._status == DIVERGED).sum())

    def advance(self, ticks: int, account: Account) -> float:
        """Advances every block and waits for all of them.

        Each device has at most `AHEAD` ticks under way; the host reads each tick's report, as a pool does.

        Args:
          ticks: of every block.
          account: told of what the devices do.

        Returns:
          wall-clock, s.
        """
        begun = time.perf_counter()
        own = [range(device, len(self._lanes), self._devices) for device in range(self._devices)]
        waiting = [deque(i for _ in range(ticks) for i in blocks) for blocks in own]
        flights: list[deque[tuple[int, Report]]] = [deque() for _ in own]
        while True:
            for device, queue in enumerate(waiting):
                while queue and len(flights[device]) < AHEAD:
                    block = queue.popleft()
                    self._lanes[block], report = self._engine.advance(device, self._lanes[block])
                    account.dispatched(device, report)
                    flights[device].append((block, report))
                if not flights[device]:
                    account.workless(device)
            under_way = [flight for flight in flights if flight]
            if not under_way:
                return time.perf_counter() - begun
            flight = next((flight for flight in under_way if flight[0][1].is_ready()), under_way[0])
            block, report = flight.popleft()
            (self._status[block], _), _ = jax.device_get(report)


def init_block(engine: Engine, number: int, device: int) -> Lanes:
    """Returns the block of this number. All begin on the first device: there is one program to compile for it."""
    program, block = engine.program, engine.block
    hparams = {
        name: np.full(block, setting.default, np.int32 if setting.integer else np.float32)
        for name, setting in program.settings.items()
    }
    seeds = np.repeat(np.arange(number * block, (number + 1) * block, dtype=np.uint32)[:, None], 2, axis=1)
    end = np.full(block, np.iinfo(np.int32).max, np.int32)
    lanes = engine.init(0, seeds, hparams, end)
    return lanes if device == 0 else jax.device_put(lanes, engine.devices[device])


def evaluation_seconds(engine: Engine) -> float:
    """Returns how long the evaluation of a block takes, s."""
    lanes, seconds = init_block(engine, 0, 0), []
    for _ in range(3):
        jax.block_until_ready(lanes)
        begun = time.perf_counter()
        lanes, report = engine.evaluate(0, lanes)
        jax.block_until_ready(report)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)
