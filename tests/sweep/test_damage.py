"""A flipped bit anywhere is told of or costs nothing, and only what it lay in is run again."""

import os
import random
import shutil
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

import regimax as rx
from regimax import report
from regimax.sweep import disk, store, table
from regimax.sweep import run as module
from regimax.sweep.run import Options, execute

from .conftest import Crash, Silent, small_plan
from .test_crash import Twice, assert_results, assert_same, contents, go, put, results

OUT = Path("run")
READERS = (table.cell_table, table.cell_curves, table.cell_probes, store.environments)


@pytest.fixture(autouse=True)
def _few_commits(monkeypatch, compiled_once):
    monkeypatch.setattr(module, "_Clock", Twice)


@pytest.fixture
def whole(tmp_path):
    go(tmp_path / "whole")
    return tmp_path / "whole"


@pytest.fixture
def half(tmp_path):
    """A run that was cut off with a stage in the lanes and another one parked."""
    with pytest.raises(ConnectionError):
        go(tmp_path / "half", Crash(2))
    assert [name[:6] for name in store.newest_manifest(tmp_path / "half")[store.STATES]] == ["parked"]
    return tmp_path / "half"


@pytest.fixture
def kept(tmp_path):
    """A finished run that keeps its learners."""
    go(tmp_path / "kept", keep=True)
    return tmp_path / "kept"


def flipped(held, rng, many):
    """Yields the name of a file, and what a directory holds with a bit of that file flipped; `many` of every file."""
    for name in sorted(name for name, data in held.items() if data):
        for _ in range(many):
            data = bytearray(held[name])
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            yield name, bytes(data)


def same(one, other):
    if isinstance(one, tuple):
        return one[0] == other[0] and one[1].equals(other[1])
    return one.equals(other, null_equal=True)


def shown(reader, run):
    """What a reader gives, or the sentence that it refuses with."""
    try:
        return reader(run)
    except disk.Damaged as error:
        return str(error)


def test_readers_tell_of_a_flip_or_show_what_they_showed(whole, half):
    rng, flips, told = random.Random(0), 0, set()
    for run, many in ((whole, 20), (half, 10)):
        right = [reader(run) for reader in READERS]
        for name, data in flipped(contents(run), rng, many):
            kept = (run / name).read_bytes()
            (run / name).write_bytes(data)
            flips += 1
            for reader, expected in zip(READERS, right, strict=True):
                found = shown(reader, run)
                if isinstance(found, str):
                    assert Path(name).name in found
                    assert "\n" not in found
                    told.add(name.split("/")[0])
                else:
                    assert same(found, expected), (name, reader)
            (run / name).write_bytes(kept)
    assert flips >= 400
    assert told >= {store.SWEEP, store.PLAN, store.CURVES, store.PROBES, store.FINISHED, store.CHECKPOINTS}


def resumed_right(held, name, data, right):
    put(held | {name: data})
    display = Silent()
    go(display=display)
    assert_results(OUT, right)
    assert go().already, name
    manifest = store.newest_manifest(OUT)
    for kind in store.PARTS:
        assert set(manifest[kind]) <= {path.name for path in (OUT / kind).iterdir()}
    # What was damaged is there to be looked at, and was told of; where it made no difference it may be as it was.
    aside = [path for path in (OUT / disk.QUARANTINE).rglob("*") if path.is_file()]
    assert bool(display.said) == bool(aside) or "states" in name or store.CELLS in name or store.STAGES in name, name
    return display


def test_a_flip_in_any_file_is_put_right_when_the_run_goes_on(whole, half):
    rng, right = random.Random(1), results(whole)
    for run in (whole, half):
        held = contents(run)
        for name, data in flipped(held, rng, 1):
            resumed_right(held, name, data, right)


@pytest.mark.slow
def test_four_hundred_flips_are_put_right_when_the_run_goes_on(whole, half):
    rng, flips, right = random.Random(2), 0, results(whole)
    for run, many in ((whole, 14), (half, 14)):
        held = contents(run)
        for name, data in flipped(held, rng, many):
            resumed_right(held, name, data, right)
            flips += 1
    assert flips >= 400


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("kind", [store.CURVES, store.PROBES])
def test_a_part_costs_the_stages_whose_rows_it_held(whole, kept, kind, keep):
    """And where their states were not kept those that they begin from; the last part holds the last stages' rows."""
    run, stages = kept if keep else whole, small_plan(keep).stages
    shutil.copytree(run, OUT)
    part = sorted((OUT / kind).iterdir())[-1]
    held = {*disk.read_frame(part, store.newest_manifest(OUT)[kind][part.name]["sha256"])["stage"]}
    before = {*stages} - held
    damage(part)
    display = Silent()
    go(display=display, keep=keep)
    again = held if keep else held | before
    assert sum(tick.updates for tick in display.ticks) == sum(stages[s].end - stages[s].start for s in again)
    assert held
    assert before
    assert any(f"{kind}/{part.name} is damaged" in text for text in display.said)
    assert any(f"{len(held)} of the {len(stages)} stages" in text for text in display.said)
    assert [path.name for path in (OUT / disk.QUARANTINE / kind).iterdir()] == [part.name]
    assert_same(OUT, run)


def test_damaged_lanes_cost_no_part(whole, half):
    """Where the newest checkpoint's arrays are gone its parts count all the same; its lanes go on from before."""
    newest = store.checkpoint_folder(half, store.checkpoint_steps(half)[0])
    damage(max((path for path in newest.rglob("d/*") if path.is_file()), key=lambda path: path.stat().st_size))
    parts = {path.name for path in (half / store.CURVES).iterdir()}
    display = Silent()
    go(half, display)
    assert any("its lanes go on from before" in text for text in display.said)
    assert display.updates_before > 0
    assert parts <= {path.name for path in (half / store.CURVES).iterdir()}
    assert_same(half, whole)


def test_when_no_manifest_is_whole_nothing_is_lost_from_the_disk(whole, half):
    before = {name: data for name, data in contents(half).items() if data}
    for step in store.checkpoint_steps(half):
        damage(store.checkpoint_folder(half, step) / store.MANIFEST)
    display = Silent()
    go(half, display)
    assert any("no checkpoint is whole: the run begins anew" in text for text in display.said)
    aside = contents(half / disk.QUARANTINE)
    for name, data in before.items():
        if name.split("/")[0] in (store.CURVES, store.PROBES, store.FINISHED, store.STATES):
            assert aside[name] == data
    assert_same(half, whole)


def test_without_a_whole_sweep_json_only_the_very_sweep_goes_on(half, whole, tiny):
    from regimax.sweep.plan import make_plan

    damage(half / store.SWEEP)
    other = make_plan(tiny(regimes=tiny().regimes[:1]))
    before = contents(half)
    with pytest.raises(rx.UserError, match=r"holds another sweep, and its sweep.json"):
        execute(other, half, Options(devices=1), Silent())
    assert contents(half) == before
    display = Silent()
    go(half, display)
    assert any("sweep.json is damaged" in text for text in display.said)
    assert_same(half, whole)


STRAYS = [
    "states/.kept-000001.tmp", "states/parked-000001 (copy)", "states/#kept-000001#", "states/kept-1x", ".DS_Store",
    "curves/part-000001.parquet~", "curves/.part-000009.parquet.tmp", "curves/notes.txt", "finished/.DS_Store",
    "plan/000001~", "checkpoints/.DS_Store", "sweep.json~", ".sweep.json.swp",
]  # fmt: skip
FOLDERS = ["checkpoints/7x", "checkpoints/000099", "curves/part-000098.parquet", "states/kept-000097", "plan/000096"]


def test_what_others_have_left_is_no_part_of_a_run(half, whole):
    right = table.cell_table(half)
    for name in STRAYS:
        (half / name).write_bytes(b"not mine")
    for name in FOLDERS:
        (half / name).mkdir()
    assert_frame_equal(table.cell_table(half), right)
    go(half)
    assert_same(half, whole)
    for name in STRAYS:  # only what a run calls its own temporaries it clears away
        assert (half / name).exists() != (name in ("states/.kept-000001.tmp", "curves/.part-000009.parquet.tmp")), name


def test_a_folder_in_the_place_of_a_part_is_damage(half, whole):
    part = sorted((half / store.FINISHED).iterdir())[0]
    part.unlink()
    part.mkdir()
    with pytest.raises(disk.Damaged, match="cannot be read"):
        table.cell_table(half)
    go(half)
    assert_same(half, whole)


def test_report_and_learners_tell_of_damage(kept):
    whole, plan = kept, small_plan(keep=True)
    loaded = rx.load_run(whole, plan.sweep)
    cell = loaded.cells["cell"][-1]
    assert loaded.agent(cell).params
    assert report.write_report(whole).is_file()
    row = loaded._finished[plan.cells[-1].path[-1]]
    path = whole / store.STATES / row["state_file"]
    data = bytearray(path.read_bytes())
    data[row["state_start"]] ^= 1
    path.write_bytes(data)
    with pytest.raises(rx.UserError, match=r"is missing or damaged.*Typing the command"):
        loaded.agent(cell)
    damage(sorted((whole / store.PROBES).iterdir())[0])
    with pytest.raises(disk.Damaged):
        report.write_report(whole)
    with pytest.raises(disk.Damaged):
        _ = rx.load_run(whole).probes


def test_a_damaged_run_is_told_on_the_command_line(whole, capsys):
    from regimax.cli import main

    damage(sorted((whole / store.CURVES).iterdir())[0])
    for command in ("table", "report"):
        assert main([command, str(whole)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert "is damaged" in err


def test_results_for_other_programs_are_written_again(whole):
    right = contents(whole)
    damage(whole / store.CELLS)
    assert go(whole).already
    assert {name: data for name, data in contents(whole).items() if not name.startswith(disk.QUARANTINE)} == right
    assert (whole / disk.QUARANTINE / store.CELLS).is_file()


def test_what_is_put_aside_takes_no_others_place(tmp_path):
    for text in ("one", "two"):
        disk.write(tmp_path / "file", text.encode())
        disk.put_aside(tmp_path, tmp_path / "file")
    assert (tmp_path / disk.QUARANTINE / "file").read_text() == "one"
    assert (tmp_path / disk.QUARANTINE / "file.2").read_text() == "two"
    disk.put_aside(tmp_path, tmp_path / "file")
    os.symlink("nowhere", tmp_path / "link")
    disk.put_aside(tmp_path, tmp_path / "link")
    assert sorted(os.listdir(tmp_path)) == [disk.QUARANTINE]
