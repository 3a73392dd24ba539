"""Programs that serve every run of a process."""

import os
import threading
from pathlib import Path

import jax
import pytest

from regimax import memory_maps
from regimax.sweep import engines
from regimax.sweep.executables import Workers
from regimax.sweep.plan import make_plan
from regimax.sweep.waves import order


def of(plan, name, **changes):
    asked = {"block": 8, "devices": jax.local_devices(), "optimization": "none"} | changes
    return engines.engine(name, plan.programs[name], compiling=_nothing, workers=Workers(1), **asked)


class _nothing:
    def __enter__(self):
        return None

    def __exit__(self, *exc):
        return None


@pytest.fixture(autouse=True)
def _nobody_was_here_before(monkeypatch):
    """What others made is not let go, which takes a look at all there is."""
    monkeypatch.setattr(engines, "_engines", {})


def test_one_identity_is_one_engine_whoever_asks(tiny):
    plan, again = make_plan(tiny()), make_plan(tiny(seeds=1, axes={}))
    assert set(again.programs) == set(plan.programs)
    [name, other] = plan.programs
    first = of(plan, name)
    assert of(again, name) is first
    assert of(plan, other) is not first
    assert of(plan, name, block=4) is not first
    assert of(plan, name, optimization="full") is not first
    assert of(plan, name, devices=jax.local_devices()[:1]) is not first
    assert of(plan, name) is first
    engines.forget()
    assert of(plan, name) is not first


def test_the_oldest_are_let_go(tiny, monkeypatch):
    monkeypatch.setattr(engines, "KEPT", 1)
    plan = make_plan(tiny())
    [name, other] = plan.programs
    first = of(plan, name)
    of(plan, other)
    assert of(plan, name) is not first


def test_the_newer_half_stays(tiny, monkeypatch):
    monkeypatch.setattr(engines, "KEPT", 3)
    plan = make_plan(tiny())
    [name, other] = plan.programs
    made = [of(plan, program, block=block) for program, block in ((name, 2), (other, 2), (name, 4), (other, 4))]
    assert of(plan, other, block=4) is made[3]
    assert of(plan, name, block=4) is made[2]
    assert of(plan, other, block=2) is not made[1]
    assert of(plan, name, block=2) is not made[0]


def test_all_but_those_that_are_wanted_are_let_go(tiny):
    plan = make_plan(tiny())
    [name, other] = plan.programs
    first, second = of(plan, name), of(plan, other)
    engines.forget(but=[second])
    assert of(plan, other) is second
    assert of(plan, name) is not first


def test_what_is_let_go_frees_its_code(tiny, tmp_path, loaded_each_time):
    """Programs of thirty sizes are more than a process has maps for."""
    if not memory_maps._MAPS.exists():
        pytest.skip("no /proc here")
    del loaded_each_time
    engines.forget()
    before = memory_maps.taken()
    tiny().run(tmp_path / "run")
    held = memory_maps.taken()
    engines.forget()
    assert held > before + 100
    assert memory_maps.taken() < before + (held - before) / 2


def engines_of(plan, blocks=None):
    settled = dict.fromkeys(plan.programs, 8) if blocks is None else blocks
    return engines.Engines(order(plan), settled, lambda name, block: of(plan, name, block=block))


def begun(its):
    return its.executables.devices("place")


def test_what_runs_next_is_compiled_as_far_as_there_is_room(tiny, monkeypatch):
    plan = make_plan(tiny(seeds=100))
    first, second = order(plan)
    stages = {first: 100, second: 100}
    monkeypatch.setattr(engines.Engine, "prepare", lambda self, *names, devices: asked.append((self, names, devices)))
    for room, programs in ((0, []), (1.9, [(first, 1)]), (2.5, [(first, 2)])):
        asked = []
        monkeypatch.setattr(memory_maps, "left", lambda room=room: room * memory_maps.PER_PROGRAM)
        its = engines_of(plan)
        its.prepare(stages)
        # The fake begins nothing, so that the second program finds the same room.
        assert [(engine, devices) for engine, _, devices in asked][: len(programs)] == [
            (its(name), devices) for name, devices in programs
        ]
        assert len(asked) == 2 * len(programs)
        assert all(names[:4] == ("init", "advance", "take", "place") for _, names, _ in asked)


def test_what_is_being_compiled_takes_room_too(tiny, monkeypatch):
    plan = make_plan(tiny(seeds=100))
    first, second = order(plan)
    monkeypatch.setattr(memory_maps, "left", lambda: 2 * memory_maps.PER_PROGRAM)
    monkeypatch.setattr(Workers, "submit", lambda self, name, task: None)  # nothing ever comes to an end
    its = engines_of(plan)
    its.prepare({first: 100, second: 100})
    assert begun(its(first)) == {0, 1}
    assert not begun(its(second))
    its.prepare({first: 8, second: 100}, running=second)  # what runs is compiled, come what may
    assert begun(its(second)) == {0, 1}


def test_what_is_finished_makes_room_and_then_all_that_does_not_run(tiny, monkeypatch):
    plan = make_plan(tiny(seeds=100))
    first, second = order(plan)
    monkeypatch.setattr(engines.Engine, "prepare", lambda self, *names, devices: None)
    monkeypatch.setattr(memory_maps, "crowded", lambda: True)
    monkeypatch.setattr(memory_maps, "left", lambda: room * memory_maps.PER_PROGRAM)
    for room, left, kept in ((9, 100, True), (9, 0, False), (0, 100, False)):
        its = engines_of(plan)
        before = its(first)
        its.prepare({first: left, second: 100}, running=second)
        assert (its(first) is before) is kept, (room, left)
    assert its.used == {first, second}


def test_a_block_that_is_tried_out_is_the_run_s_own_where_it_is_chosen(tiny):
    """On an accelerator every tick is compiled to know its memory; none twice."""
    plan = make_plan(tiny())
    [name, _] = plan.programs
    blocks = {}
    its = engines_of(plan, blocks)
    larger = its(name, 16)
    smaller = its(name, 8)
    assert (larger.block, smaller.block) == (16, 8)
    blocks[name] = 8
    assert its(name) is smaller


def test_a_run_without_room_for_two_programs_gives_the_same(tiny, tmp_path, monkeypatch):
    sweep = tiny()
    sweep.run(tmp_path / "roomy")
    engines._engines.clear()
    let_go = []
    monkeypatch.setattr(memory_maps, "crowded", lambda: True)
    monkeypatch.setattr(memory_maps, "left", lambda: 0)
    monkeypatch.setattr(engines, "forget", lambda but=(): let_go.append(len(but)))
    sweep.run(tmp_path / "narrow")
    assert let_go
    roomy, narrow = ((tmp_path / name / "cells.parquet").read_bytes() for name in ("roomy", "narrow"))
    assert roomy == narrow


def test_only_so_many_are_compiled_ahead(tiny, monkeypatch):
    plan = make_plan(tiny())
    asked, [name, _] = [], order(plan)
    monkeypatch.setattr(engines.Engine, "prepare", lambda self, *names, devices: asked.append(self))
    names = [f"program {i}" for i in range(3 * engines.AHEAD)]
    its = engines.Engines(names, dict.fromkeys(names, 8), lambda program, block: of(plan, name))
    its.prepare(dict.fromkeys(names, 8), running=names[2])
    assert len(asked) == 1 + engines.AHEAD
    assert its.used == {names[2], *names[:2], *names[3 : engines.AHEAD + 1]}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
def test_what_is_freed_goes_back_to_the_system():
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def in_a_thread():
        kept.append([bytearray(5_000) for _ in range(40_000)])

    kept = []
    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    last = kept[0][-1]  # glibc gives back what is free at the end of its own accord
    full = resident()
    kept.clear()
    engines.return_memory()
    assert full - resident() > 100e6
    assert last is not None
