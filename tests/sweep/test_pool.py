"""How stages flow through the lanes of a pool."""

from pathlib import Path

from regimax.sweep import lanes
from regimax.sweep.plan import make_plan
from regimax.sweep.pool import AHEAD
from regimax.sweep.run import Options, execute

from .conftest import Silent, make_tiny


def test_a_device_begins_while_its_other_blocks_are_being_filled(monkeypatch):
    done = []

    def watched(name):
        call = getattr(lanes.Engine, name)
        monkeypatch.setattr(lanes.Engine, name, lambda *args: done.append(name) or call(*args))

    watched("place")
    watched("advance")
    sweep = make_tiny(regimes=make_tiny().regimes[:1], axes={}, seeds=32)
    execute(make_plan(sweep), Path("run"), Options(devices=1, width=32), Silent())
    # Four blocks, of which two are given a tick as soon as they are filled; no more before anything is read.
    begun = ["place", "advance"] * AHEAD + ["place"] * (4 - AHEAD)
    assert done[: len(begun)] == begun
    assert done.count("advance") == 4 * 4
