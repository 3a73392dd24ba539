"""How many lanes fit, and going on with fewer when they do not."""

import time
from pathlib import Path

import jax
import pytest

from regimax.sweep import environment, lanes, table
from regimax.sweep.ledger import Ledger
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute
from regimax.sweep.width import blocks_in, out_of_memory

from .conftest import Silent, make_tiny


@pytest.mark.parametrize(
    ("resident", "temporary", "free", "blocks"),
    # 0.8 of the memory, less two ticks' needs and a prepared block.
    [(10, 5, 1000, 78), (10, 5, 100, 6), (100, 0, 1000, 7), (10**9, 10**9, 1000, 1)],
)
def test_blocks_that_fit(resident, temporary, free, blocks):
    assert blocks_in(lanes.Memory(resident, temporary), free) == blocks


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
