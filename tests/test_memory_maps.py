"""Memory maps: counted as Linux counts them, and kept to."""

import math
import mmap

import pytest

import regimax as rx
from regimax import backend, memory_maps


@pytest.fixture
def grant(monkeypatch, tmp_path):
    def to(number):
        (tmp_path / "granted").write_text(f"{number}\n")
        monkeypatch.setattr(memory_maps, "_GRANTED", tmp_path / "granted")

    return to


@pytest.mark.skipif(not memory_maps._MAPS.exists(), reason="no /proc here")
def test_every_map_counts():
    before = memory_maps.taken()
    # Neighbours with equal rights are one map.
    kept = [mmap.mmap(-1, 4096, prot=mmap.PROT_READ | (mmap.PROT_WRITE if i % 2 else 0)) for i in range(200)]
    assert 150 <= memory_maps.taken() - before <= 250
    del kept


def test_where_nothing_is_counted_there_is_room_for_everything(monkeypatch, tmp_path):
    monkeypatch.setattr(memory_maps, "_GRANTED", tmp_path / "none")
    monkeypatch.setattr(memory_maps, "_MAPS", tmp_path / "none")
    assert (memory_maps.granted(), memory_maps.taken(), memory_maps.left()) == (math.inf, 0, math.inf)
    assert not memory_maps.crowded()
    assert memory_maps.most_devices(1000) == 1000
    memory_maps.check()


def test_no_more_devices_than_there_are_maps_for(grant, monkeypatch):
    grant(65_530)
    assert [memory_maps.most_devices(n) for n in (1, 2, 37, 38, 128)] == [1, 2, 37, 37, 37]
    monkeypatch.setattr(backend, "cores", lambda: 64)
    assert backend.usual_devices() == 37
    grant(1)
    assert memory_maps.most_devices(8) == 1
    grant(262_144)
    assert memory_maps.most_devices(64) == 64


def test_more_devices_than_that_are_refused_before_anything_is_split(grant):
    grant(65_530)
    with pytest.raises(rx.UserError, match=r"devices = 64 is above 37, .* 65,530 memory maps .*--backend processes"):
        rx.prepare_cpu(64)


def test_maps_are_counted_when_what_was_compiled_since_could_have_taken_them(grant, monkeypatch):
    grant(100_000)
    room, counted = 92_500 - 80_000, []
    monkeypatch.setattr(memory_maps, "_counted", (math.inf, 0))
    monkeypatch.setattr(memory_maps, "taken", lambda: counted.append(1) or 80_000)
    per_count = room // memory_maps.PER_PROGRAM
    for functions in range(1, 3 * per_count + 1):
        memory_maps.check()
        assert len(counted) == math.ceil(functions / per_count)
    monkeypatch.setattr(memory_maps, "taken", lambda: 92_501)
    with pytest.raises(rx.UserError, match="92,501 of the 100,000"):
        memory_maps.check()


def test_compiling_is_refused_before_the_last_map_is_taken(grant):
    memory_maps.check()
    grant(int(memory_maps.taken() * 1.05) + 1)
    with pytest.raises(rx.UserError, match=r"compiled code has taken .* memory maps of this process: take fewer"):
        memory_maps.check()
