"""Checkpoints: what was written comes back, and damage anywhere is seen."""

from pathlib import Path

import numpy as np
import pytest

from regimax.sweep import checkpoint, disk, store

RUN = Path("run")
ARRAYS = {"a": np.arange(2000, dtype=np.float32).reshape(40, 50), "b": np.array([True, False])}
FACTS = {"complete": False, "seconds": 1.5, store.CURVES: {}, store.FINISHED: {}}


def saved(steps=1):
    RUN.mkdir()
    for step in range(1, steps + 1):
        checkpoint.save(RUN, step, {name: array + step for name, array in ARRAYS.items()}, FACTS)


def load(step):
    return checkpoint.load_arrays(RUN, store.read_manifest(RUN, step))


def there():
    return sorted(path.name for path in (RUN / store.CHECKPOINTS).iterdir())


@pytest.mark.versions
def test_arrays_and_facts_come_back():
    saved()
    arrays, manifest = load(1), store.read_manifest(RUN, 1)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array + 1, strict=True)
    assert FACTS.items() <= manifest.items()


@pytest.mark.versions
def test_the_last_two_are_kept():
    saved(4)
    assert store.checkpoint_steps(RUN) == [4, 3]
    assert there() == ["000003", "000004"]


def cut_short(folder):
    (folder / store.MANIFEST).unlink()


def without_an_array(folder):
    next(path for path in folder.rglob("d/*") if path.is_file()).unlink()


def with_another_manifest(folder):
    (folder / store.MANIFEST).write_text("{}")


@pytest.mark.parametrize("damage", [cut_short, without_an_array, with_another_manifest])
@pytest.mark.versions
def test_only_whole_ones_count_among_those_that_are_kept(damage):
    saved(4)
    damage(store.checkpoint_folder(RUN, 4))
    checkpoint.save(RUN, checkpoint.last_number(RUN) + 1, {}, FACTS)
    assert there() == ["000003", "000005"]
    assert store.checkpoint_steps(RUN) == [5, 3]
    assert set(load(3)) == set(ARRAYS)


STRAYS = [
    "7x",
    "000007 (copy)",
    ".000007.tmp",
    "000007~",
    "#000007#",
    ".DS_Store",
    "-00007",
    "\u0660\u0660\u0660\u0660\u0660\u0667",
]


@pytest.mark.parametrize("kind", [Path.mkdir, Path.touch])
def test_names_that_are_not_a_checkpoints_as_a_whole_are_left_alone(kind):
    saved(3)
    for name in STRAYS:
        kind(RUN / store.CHECKPOINTS / name)
    assert store.checkpoint_steps(RUN) == [3, 2]
    assert checkpoint.last_number(RUN) == 3
    checkpoint.save(RUN, 4, {}, FACTS)
    assert there() == sorted([*STRAYS, "000003", "000004"])


def test_a_file_of_a_checkpoints_name_is_none_and_is_not_written_over():
    saved(2)
    (RUN / store.CHECKPOINTS / "000009").write_text("mine")
    assert store.checkpoint_steps(RUN) == [2, 1]
    assert checkpoint.last_number(RUN) == 9


def files(step):
    return sorted(path for path in store.checkpoint_folder(RUN, step).rglob("*") if path.is_file())


@pytest.mark.parametrize("where", [0.0, 0.5, 0.999])
@pytest.mark.versions
def test_a_flipped_bit_in_any_file_is_seen(where):
    saved()
    for path in files(1):
        data = path.read_bytes()
        if not data:
            continue
        damaged = bytearray(data)
        damaged[int(where * len(data))] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(disk.Damaged, match="damaged"):
            load(1)
        path.write_bytes(data)
    assert load(1)


@pytest.mark.versions
def test_any_truncated_or_missing_file_is_seen():
    saved()
    for path in files(1):
        data = path.read_bytes()
        for damaged in (data[: len(data) // 2], None):
            if damaged == data:
                continue
            path.unlink() if damaged is None else path.write_bytes(damaged)
            with pytest.raises(disk.Damaged):
                load(1)
        path.write_bytes(data)
    assert load(1)
