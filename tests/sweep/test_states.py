"""Parked states: what was put comes back from the device and from disk, and goes with its last child."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from regimax.sweep.states import States, read
from regimax.sweep.writer import Writer

RUN = Path("run")
BLOCK, SIZE = 4, 3 * 2 * 4 + 4
TEMPLATE = [np.zeros((3, 2), np.float32), np.zeros((), np.int32)]


class Lanes(NamedTuple):
    """What of a block's lanes is looked at."""

    state: Any


class Engine:
    """Moves lanes between host arrays, as an engine does on a device."""

    block, devices = BLOCK, (SimpleNamespace(memory_stats=lambda: {"bytes_limit": 10**9}),)

    def bytes_per_lane(self):
        return SIZE

    def place(self, device, lanes, new, rows, slots):
        lanes = lanes or Lanes([np.zeros((BLOCK, *leaf.shape), leaf.dtype) for leaf in TEMPLATE])
        for old, block in zip(lanes.state, new.state, strict=True):
            old[slots] = block[rows]
        return lanes


def ended(*values):
    """A block in which the slots' states hold these values."""
    value = np.zeros(BLOCK)
    value[: len(values)] = values
    return Lanes([np.tile(value[:, None, None], (1, 3, 2)).astype(np.float32), value.astype(np.int32)])


@pytest.fixture
def writer():
    made = Writer()
    yield made
    made.close()


@pytest.fixture
def make(writer):
    """Makes the states of ten stages of one program, of which the last is kept."""
    (RUN / "states").mkdir(parents=True)
    stages = SimpleNamespace(program=np.zeros(10, int), keep=np.arange(10) == 9)
    stages = type("Stages", (), {**vars(stages), "__len__": lambda self: 10})()

    return lambda **more: States(RUN, stages, writer, **more)  # type: ignore[arg-type] - as much of them as is needed


def put(states, *stages, asked=True):
    """Puts states that hold ten times their stage's number."""
    number = np.asarray(stages)
    states.put(Engine(), 0, ended(*10 * number), number, np.arange(len(number)), np.full(len(number), asked))


def spill(states, writer):
    for write in states.spill():
        writer.submit(write)
    writer.wait()


def values(states, *stages):
    first, second = states.read(np.asarray(stages), TEMPLATE)
    assert (first == second[:, None, None]).all()
    assert (first.dtype, second.dtype) == (np.float32, np.int32)
    return second.tolist()


def test_states_come_back_from_the_device_and_from_disk(make, writer):
    states = make(resident_bytes=2 * BLOCK * SIZE)
    put(states, 3, 1, 2)
    put(states, 5, 4, 0)  # side by side: two of them into the next lot
    put(states, 6, 7, 8)
    assert values(states, 4, 1, 8) == [40, 10, 80]
    assert states.files() == ["parked-000001"]  # the third lot was too much
    assert [len(states.on_disk(np.asarray(some))) for some in ([3, 1, 2, 5], [4, 0, 6, 7, 8])] == [4, 0]
    assert [len(rows) for _, _, rows in states.on_devices(np.arange(9))] == [4, 1]
    spill(states, writer)
    assert states.files() == ["parked-000001", "parked-000002", "parked-000003"]
    assert values(states, *range(9)) == [10 * i for i in range(9)]
    assert all(states.has(stage) for stage in range(9))
    assert not states.has(9)
    with pytest.raises(ValueError, match="missing or damaged"):
        states.read(np.asarray([9]), TEMPLATE)


def test_what_nobody_asks_for_any_more_is_let_go_of(make, writer):
    states = make()
    put(states, 0, 1, 9)
    states.drop(np.asarray([0]))
    assert len(states.on_disk(np.asarray([0, 1, 9]))) == 1
    spill(states, writer)
    assert states.files() == ["kept-000001", "parked-000002"]
    states.drop(np.asarray([1, 9]))
    assert states.files() == ["kept-000001"]
    assert not list(states.on_devices(np.arange(10)))
    states.clear(set(states.files()))
    assert [path.name for path in (RUN / "states").iterdir()] == states.files()
    assert values(states, 9) == [90]


def test_what_is_only_to_be_kept_goes_to_disk_and_leaves_the_device(make, writer):
    states = make()
    put(states, 9, asked=False)
    assert len(list(states.on_devices(np.asarray([9])))) == 1
    spill(states, writer)
    spill(states, writer)
    assert not list(states.on_devices(np.asarray([9])))
    assert states.files() == ["kept-000001"]


def test_a_state_that_goes_while_it_is_written_harms_nothing(make, writer):
    states = make()
    put(states, 0, 1)
    [write] = states.spill()
    states.drop(np.asarray([0, 1]))
    writer.submit(write)
    writer.wait()
    assert states.files() == []


def test_another_process_takes_them_up(make, writer):
    states = make()
    put(states, 7)
    spill(states, writer)
    tickets = states.tickets(np.asarray([7, 8]))()
    assert tickets.files == ["parked-000001", ""]
    assert tickets.size.tolist() == [SIZE, 0]
    assert tickets.digests == [states.ticket(7).digest, ""]
    later = make()
    later.remember(7, states.ticket(7))
    assert values(later, 7) == [70]
    put(later, 1)
    spill(later, writer)
    assert len(later.files()) == 2  # under a name of its own


def test_damage_is_seen(make, writer):
    states = make()
    put(states, 2)
    spill(states, writer)
    path = RUN / "states" / states.ticket(2).file
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    later = make()
    later.remember(2, states.ticket(2))
    assert not later.has(2)
    assert later.on_disk(np.asarray([2])).tolist() == [0]
    with pytest.raises(ValueError, match="missing or damaged"):
        read(RUN, states.ticket(2), TEMPLATE)
