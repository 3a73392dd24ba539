"""Checkpoints: what was written comes back, and damage anywhere is seen."""

from pathlib import Path

import numpy as np
import pytest

from regimax.sweep import checkpoint, store

RUN = Path("run")
ARRAYS = {"a": np.arange(2000, dtype=np.float32).reshape(40, 50), "b": np.array([True, False])}
FACTS = {"complete": False, "seconds": 1.5, store.CURVES: {}, store.FINISHED: {}}


def saved(steps=1):
    RUN.mkdir()
    for step in range(1, steps + 1):
        checkpoint.save(RUN, step, {name: array + step for name, array in ARRAYS.items()}, FACTS)


def test_arrays_and_facts_come_back():
    saved()
    arrays, manifest = checkpoint.load(RUN, 1)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array + 1, strict=True)
    assert FACTS.items() <= manifest.items()


def test_the_last_two_are_kept():
    saved(4)
    assert store.checkpoint_steps(RUN) == [4, 3]
    assert sorted(path.name for path in (RUN / store.CHECKPOINTS).iterdir()) == ["000003", "000004"]


def files():
    return sorted(path for path in (RUN / store.CHECKPOINTS / "000002").rglob("*") if path.is_file())


@pytest.mark.parametrize("where", [0.0, 0.5, 0.999])
def test_a_flipped_bit_in_any_file_is_seen(where):
    saved(2)
    for path in files():
        data = path.read_bytes()
        if not data:
            continue
        damaged = bytearray(data)
        damaged[int(where * len(data))] ^= 1
        path.write_bytes(damaged)
        said = []
        _, manifest = checkpoint.load_newest(RUN, said.append)
        assert manifest["step"] == 1, path
        assert said == [] or "checkpoint 2 is damaged" in said[0]
        path.write_bytes(data)
    assert checkpoint.load_newest(RUN, print)[1]["step"] == 2


def test_any_truncated_or_missing_file_is_seen():
    saved(2)
    for path in files():
        data = path.read_bytes()
        for damaged in (data[: len(data) // 2], None):
            if damaged == data:
                continue
            path.unlink() if damaged is None else path.write_bytes(damaged)
            assert checkpoint.load_newest(RUN, lambda text: None)[1]["step"] == 1, path
        path.write_bytes(data)
    assert checkpoint.load_newest(RUN, print)[1]["step"] == 2
