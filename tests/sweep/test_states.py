"""Parked states: what was put comes back from memory and from disk, and files go with their last child."""

from pathlib import Path

import numpy as np
import pytest

from regimax.sweep.states import States, read

RUN = Path("run")


def state(i):
    return [np.full((3, 2), i, np.float32), np.array([i], np.int32)]


@pytest.fixture
def made():
    (RUN / "states").mkdir(parents=True)
    return States(RUN, spill_bytes=100)


def same(one, other):
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(one, other, strict=True))


def test_states_come_back_from_memory_and_from_disk(made):
    for i in range(5):  # 28 bytes each: the fourth one spills
        made.put(str(i), state(i), keep=False)
    assert len(made.files()) == 1
    assert all(same(made.get(str(i), state(0)), state(i)) and made.has(str(i)) for i in range(5))
    assert not made.has("another")
    with pytest.raises(ValueError, match="missing or damaged"):
        made.get("another", state(0))


def test_a_file_goes_with_the_last_child_of_its_states(made):
    for i in range(3):
        made.put(str(i), state(i), keep=i == 2)
    made.spill()
    made.drop("0")
    assert len(made.files()) == 2
    made.drop("1")
    made.drop("2")  # kept
    assert [name[:4] for name in made.files()] == ["kept"]
    made.clear(set(made.files()))
    assert [path.name for path in (RUN / "states").iterdir()] == made.files()
    assert same(made.get("2", state(0)), state(2))


def test_another_process_takes_them_up(made):
    made.put("0", state(7), keep=False)
    made.spill()
    ticket = made.ticket("0")
    later = States(RUN)
    later.remember("0", ticket, keep=False)
    assert same(later.get("0", state(0)), state(7))
    later.put("1", state(1), keep=False)
    later.spill()
    assert len(later.files()) == 2  # under a name of its own


def test_damage_is_seen(made):
    made.put("0", state(7), keep=False)
    made.spill()
    path = RUN / "states" / made.ticket("0").file
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    assert not made.has("0")
    with pytest.raises(ValueError, match="missing or damaged"):
        read(RUN, made.ticket("0"), state(0))
