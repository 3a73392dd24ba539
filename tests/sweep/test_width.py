"""How many lanes fit, and going on with fewer when they do not."""

import time
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

from regimax.sweep import environment, lanes, table
from regimax.sweep.ledger import Ledger
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute
from regimax.sweep.width import blocks_in, num_blocks, out_of_memory

from .conftest import Silent, make_tiny


@pytest.mark.parametrize(
    ("resident", "temporary", "free", "blocks"),
    # 0.8 of the memory, less two ticks' needs and a prepared block.
    [(10, 5, 1000, 78), (10, 5, 100, 6), (100, 0, 1000, 7), (10**9, 10**9, 1000, 1)],
)
def test_blocks_that_fit(resident, temporary, free, blocks):
    assert blocks_in(lanes.Memory(resident, temporary), free) == blocks


@pytest.mark.parametrize(
    ("platform", "block", "stages", "width", "blocks"),
    [
        ("cpu", 8, 10**6, None, 8),  # 32 lanes per device
        ("cpu", 64, 10**6, None, 4),
        ("cpu", 8, 20, None, 3),
        ("gpu", 2048, 10**6, None, 4),  # two of the knee per device, whatever memory holds
        ("gpu", 1024, 2000, None, 2),  # what can run at once, in one each
        ("gpu", 8, 10**6, None, 512),  # where the user wants small ones, so many as reach the knee
        ("gpu", 4096, 10**6, None, 2),  # where memory holds fewer
        ("gpu", 8, 10**6, 100, 13),  # where the user has said so
    ],
)
def test_as_many_lanes_as_make_the_devices_fastest_and_no_more(platform, block, stages, width, blocks):
    device = SimpleNamespace(platform=platform, memory_stats=lambda: {"bytes_limit": 10**10})
    memory = lanes.Memory(block * 400_000, block * 400_000)
    engine = SimpleNamespace(devices=[device] * 2, block=block, memory=lambda: memory)
    assert num_blocks(engine, stages, width) == blocks  # type: ignore[arg-type]


def test_what_is_out_of_memory():
    assert out_of_memory(MemoryError())
    assert out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes"))
    assert not out_of_memory(RuntimeError("INVALID_ARGUMENT"))


def test_a_pool_that_does_not_fit_is_run_narrower_and_gives_the_same(monkeypatch):
    advance, told = lanes.Engine.advance, Silent()
    used = set()

    def small(self, device, block):
        """A device that holds one block."""
        used.add((self.program.phase.name, device))
        if sum(name == self.program.phase.name for name, _ in used) > 1:
            used.clear()
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return advance(self, device, block)

    execute(make_plan(make_tiny()), Path("wide"), Options(), Silent())
    monkeypatch.setattr(lanes.Engine, "advance", small)
    begun = time.monotonic()
    execute(make_plan(make_tiny()), Path("narrow"), Options(width=16), told)
    elapsed = time.monotonic() - begun
    assert any("do not fit into the device's memory: going on from the last commit with 8" in t for t in told.said)
    for read in (table.cell_table, table.cell_curves):
        assert read(Path("wide")).equals(read(Path("narrow")))
    plan, here = make_plan(make_tiny()), environment.current(jax.local_devices()[0])
    ledger = Ledger(plan, Path("narrow"), here, dict.fromkeys(plan.programs, 8))
    ledger.recover(told.say)
    assert 0 < ledger.seconds <= elapsed  # what was spent before it was planned anew counts once
