"""One damaged directory is one sentence and exit code 2; the others are judged."""

import json
import random
import shutil
from pathlib import Path

import pytest

from regimax.claims import folder
from regimax.claims.judge import judge, judge_all
from regimax.cli import main
from regimax.sweep import disk, store

from .conftest import TINY


@pytest.fixture
def root(done):
    shutil.copytree(done[0] / "runs", "runs")
    for copy in ("other", "third"):
        shutil.copytree("runs/tiny", f"runs/{copy}")
    return Path("runs")


def flip(path, rng=None):
    data = bytearray(path.read_bytes())
    where = rng.randrange(len(data)) if rng else len(data) // 2
    data[where] ^= 1 << (rng.randrange(8) if rng else 0)
    path.write_bytes(data)


def part(run, kind=store.CURVES):
    return sorted((run / kind).iterdir())[0]


DAMAGES = {
    "facts": lambda out: flip(out / folder.FACTS),
    "facts gone dark": lambda out: (out / folder.FACTS).write_bytes(b"\xff\x00"),
    "facts a folder": lambda out: (out / folder.FACTS).unlink() or (out / folder.FACTS).mkdir(),
    "rule": lambda out: flip(out / folder.SOURCE),
    "rule gone": lambda out: (out / folder.SOURCE).unlink(),
    "choices": lambda out: flip(out / folder.CHOICES),
    "curves of the result": lambda out: flip(part(out / "result")),
    "stages that ended in the tuning": lambda out: part(out / "tuning", store.FINISHED).unlink(),
    "sweep of the result": lambda out: (out / "result" / store.SWEEP).write_text("{}"),
    "sweep of the result gone": lambda out: (out / "result" / store.SWEEP).unlink(),
    "plan of the tuning": lambda out: flip(next((out / "tuning" / store.PLAN).rglob(store.CELLS))),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_others_are_judged_and_the_exit_code_tells(root, damage, capsys):
    DAMAGES[damage](root / "other")
    judged = {one.name: one for one in judge_all(root, draw=False)}
    assert [name for name in judged if judged[name].damage] == ["other"]
    assert judged["other"].verdict.outcome == "inconclusive"
    assert judged["tiny"].verdict.outcome == judged["third"].verdict.outcome == "supported"
    assert main(["claims", str(root), "--json"]) == 2
    out, err = capsys.readouterr()
    assert [one["verdict"]["outcome"] for one in json.loads(out) if one["name"] in ("tiny", "third")] == [
        "supported"
    ] * 2
    assert err.startswith("regimax: other: ")
    assert err.count("\n") == 1
    assert (root / "claims.html").is_file()


@pytest.mark.parametrize(
    "damages",
    [
        ["facts", "choices", "curves of the result", "stages that ended in the tuning"],
        ["rule", "sweep of the result", "plan of the tuning"],
    ],
)
def test_the_command_of_the_claim_puts_it_right(root, damages):
    def told_of(out):
        return judge(out, draw=False)._replace(name="", command="", effort={}, notes=[]).record()

    Path("tiny.py").write_text(TINY)
    for damage in damages:
        DAMAGES[damage](root / "other")
    assert main(["run", "tiny.py", "--out", str(root / "other")]) == 0
    assert told_of(root / "other") == told_of(root / "third")


def test_a_damaged_registration_is_not_made_up_from_another_file(root, capsys):
    Path("tiny.py").write_text(TINY.replace("-2.0", "-1.0"))
    flip(root / "other" / folder.FACTS)
    before = {path: path.read_bytes() for path in (root / "other").rglob("*") if path.is_file()}
    assert main(["run", "tiny.py", "--out", str(root / "other")]) == 2
    assert "claim.json is damaged" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in (root / "other").rglob("*") if path.is_file()}


def test_a_damaged_list_is_told_and_the_claims_that_are_there_are_judged(root, capsys):
    flip(root / folder.LIST)
    assert main(["claims", str(root), "--json"]) == 2
    out, err = capsys.readouterr()
    assert "claims.json is damaged" in err
    assert [one["name"] for one in json.loads(out)] == ["claims.json", "other", "third", "tiny"]


def test_no_rule_that_was_changed_is_executed_unless_it_is_trusted(root):
    path = root / "other" / folder.SOURCE
    path.write_text(TINY + '\nimport pathlib\npathlib.Path("executed").touch()\n')
    found = judge(root / "other", draw=False)
    assert "is not the file that its run registered" in found.damage
    assert "--trust" in found.damage
    assert not Path("executed").exists()
    assert main(["claims", str(root / "other"), "--trust"]) == 0
    assert Path("executed").exists()


def test_what_others_have_left_is_no_claim(root):
    right = [one.name for one in judge_all(root, draw=False)]
    for name in (".DS_Store", "claims.json~", "#claims.json#"):
        (root / name).write_bytes(b"not mine")
    shutil.copytree(root / "tiny", root / ".tiny.swp")
    (root / "notes").mkdir()
    assert [one.name for one in judge_all(root, draw=False)] == right


def test_a_hundred_flips_are_told_of_or_change_no_verdict(root):
    rng, told = random.Random(0), 0
    out = root / "tiny"
    right = judge(out, draw=False).record()
    files = [out / name for name in (folder.FACTS, folder.SOURCE, folder.CHOICES)]
    files += [path for kind in ("tuning", "result") for path in (out / kind).rglob("*") if path.is_file()]
    files = [path for path in files if path.stat().st_size]
    chosen = files[:3] * 10 + rng.sample(files, min(len(files), 50)) + rng.sample(files, min(len(files), 20))
    for path in chosen:
        kept = path.read_bytes()
        flip(path, rng)
        found = judge(out, draw=False)
        path.write_bytes(kept)
        told += bool(found.damage)
        assert found.damage or found.record() == right, path
        assert "\n" not in found.damage
    assert len(chosen) >= 60
    assert told > 20
    assert disk.QUARANTINE not in {path.name for path in out.iterdir()}
