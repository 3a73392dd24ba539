"""What is kept of a claim's run is enough to judge it again."""

import json
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


def test_the_verdicts_that_are_told_are_those_of_what_is_kept_with_the_code():
    """Of the claims that are kept whole; those that were run before curves were kept have no folder."""
    code = Path(__file__).parents[2]
    assert kept.differences(code / "docs" / "results", code / "sweeps") == []


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
    assert kept.given(["kept.py", str(Path(__file__).parents[2] / "docs" / "results")]).name == "results"
