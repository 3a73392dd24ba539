"""What is kept of a claim's run is enough to judge it again."""

import json
import re
import sys
from pathlib import Path

import pytest

import regimax
from regimax.claims.folder import stored
from regimax.claims.judge import judge

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
import kept  # pyright: ignore[reportMissingImports]


def test_a_rule_says_the_same_of_what_is_kept_as_of_the_run(run, tmp_path):
    (run.parents[1] / "tiny.py").write_bytes((run / "claim.py").read_bytes())
    target = tmp_path / "kept" / "tiny"
    kept.keep(run, target)
    again = kept.judge(stored(run), target)
    assert again.record() == judge(run, draw=False).verdict.record()
    origin = json.loads((target / "origin.json").read_text())
    assert set(origin) == {"commit", "sweeps"}
    [environment] = origin["sweeps"]["main"]["environments"]
    assert environment["regimax"] == regimax.__version__
    assert {"jax", "jaxlib", "device"} <= set(environment)
    claims = [{"name": "tiny", "verdict": again.record()}]
    (tmp_path / "kept" / "claims.json").write_text(json.dumps(claims))
    assert kept.differences(tmp_path / "kept", run.parents[1]) == []
    claims[0]["verdict"]["worlds"] = 3
    (tmp_path / "kept" / "claims.json").write_text(json.dumps(claims))
    assert kept.differences(tmp_path / "kept", run.parents[1]) == ["tiny"]
    [found] = kept.runs(target).values()
    assert found.curves.height > found.cells.height == 8
    assert [trial.regime for trial in found.tried if trial.chosen] == ["pure_rl", "pretrain_rl"]


def test_what_is_rounded_otherwise_is_the_same_and_what_differs_is_not():
    one = {"value": -0.5076583489112605, "worlds": 40, "checks": [{"holds": None, "high": 1e-17}]}
    assert kept.alike(one, one | {"value": -0.5076583489112623, "checks": [{"holds": None, "high": 0.0}]})
    for changed in ({"value": -0.5076}, {"worlds": 41}, {"worlds": 40.0}, {"checks": []}):
        assert not kept.alike(one, one | changed)
    assert not kept.alike(one, one | {"more": 1})
    assert not kept.alike({"holds": None}, {"holds": False})


def test_the_verdicts_that_are_told_are_those_of_what_is_kept_with_the_code():
    code = Path(__file__).parents[2]
    assert kept.differences(code / "docs" / "results", code / "sweeps") == []


def test_what_is_told_anew_is_what_is_kept_and_the_page_says_so(tmp_path):
    code = Path(__file__).parents[2]
    shown = (code / "docs" / "results" / "README.md").read_text()
    all_claims = json.loads((code / "docs" / "results" / "claims.json").read_text())
    chosen = {"C6", "C10"}
    records = [record for record in all_claims if record["id"] in chosen]
    names = {record["id"]: record["name"] for record in records}
    for name in names.values():
        for path in (code / "docs" / "results").glob(f"{name}*"):
            (tmp_path / path.name).symlink_to(path)
    wrong = [record | {"verdict": record["verdict"] | {"outcome": "invalid"}} for record in records]
    (tmp_path / "claims.json").write_text(json.dumps(wrong))
    other = re.sub("✓ supported|✕ refuted|\\? inconclusive", "! invalid", shown)
    (tmp_path / "README.md").write_text(other.replace("| 16 | holds |", "| 2 |"))
    assert kept.differences(tmp_path, code / "sweeps") == list(names.values())
    assert kept.differences(tmp_path, code / "sweeps", write=True) == list(names.values())
    assert kept.differences(tmp_path, code / "sweeps") == []
    assert [one["verdict"] for one in json.loads((tmp_path / "claims.json").read_text())] == [
        record["verdict"] for record in records
    ]
    told = (tmp_path / "README.md").read_text()
    for name in names:
        parts = [text.split(f"\n## {name}. ")[1].split("\n## ")[0] for text in (shown, told)]
        assert parts[0] == parts[1]


@pytest.mark.parametrize(
    ("folders", "said"),
    [([], "found 0 folders"), (["a", "b"], "found 2 folders"), (["none"], "no claims.json in 'none'")],
)
def test_without_a_folder_of_kept_results_that_is_said(folders, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        kept.given(["kept.py", *folders])
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    results = Path(__file__).parents[2] / "docs" / "results"
    assert kept.given(["kept.py", str(results)]) == (results, False)
    assert kept.given(["kept.py", "--write", str(results)]) == (results, True)
