"""A claim from its file to its verdict: tuning, choice, result, resume, and what stands in the way of a verdict."""

import json
import shutil
from pathlib import Path

import pytest

import regimax as rx
from regimax.claims import folder
from regimax.claims.judge import judge, judge_all
from regimax.cli import main
from regimax.sweep import disk
from regimax.sweep.plan import make_plan
from regimax.sweep.table import cell_table

from .conftest import TINY


def test_one_that_fails_does_not_stop_the_others(done):
    where, code = done
    assert code == 1
    judged = {one.name: one for one in judge_all(where / "runs", draw=False)}
    assert list(judged) == ["a_broken", "tiny", "z_refused"]
    assert judged["tiny"].verdict.outcome == "supported"
    assert judged["a_broken"].verdict.outcome == "inconclusive"
    assert "cannot import" in judged["a_broken"].verdict.reason
    assert judged["z_refused"].verdict.outcome == "inconclusive"
    assert judged["z_refused"].verdict.reason.startswith("not begun: unknown axis 'rl.learning_rat'")
    assert judged["z_refused"].verdict.rule == "Supported iff success exceeds -1."


def test_what_was_chosen_is_what_the_result_ran_with(run):
    tried = folder.read_choices(run)
    assert tried is not None
    chosen = {trial.regime: trial.grid["rl.learning_rate"] for trial in tried["main"] if trial.chosen}
    assert len(tried["main"]) == 4
    assert all(trial.cells == 2 for trial in tried["main"])
    resolved = json.loads((run / "result" / "sweep.json").read_text())["resolved"]
    assert {c["regime"]: c["settings"]["rl.learning_rate"] for c in resolved["choices"]} == chosen
    tuning = cell_table(run / "tuning")
    assert tuning["world_seed"].unique().sort().to_list() == [100, 101]
    assert tuning["reward.erasure"].unique().to_list() == [0.0]
    assert cell_table(run / "result")["world_seed"].unique().sort().to_list() == [0, 1]


def test_the_verdict_comes_with_cells_effort_and_figures(run):
    found = judge(run)
    assert found.cells == {"tuning": (8, 8), "result": (8, 8)}
    assert found.effort["env_steps"] == 4 * 8 * 2 * 8 + 2 * 8 * 2 * 8
    assert found.effort["flops_executed"] > 0
    assert found.tuning["main"]["seeds"] == [100, 101]
    assert len(found.figures) == 2
    assert found.notes == []
    assert json.loads(json.dumps(found.record(), allow_nan=False))["verdict"]["outcome"] == "supported"


def test_the_same_command_again_has_nothing_to_do_and_changes_nothing(run, capsys):
    Path("tiny.py").write_text(TINY)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert main(["run", "tiny.py", "--out", str(run)]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_it_goes_on_from_the_tuning(run, capsys):
    Path("tiny.py").write_text(TINY)
    whole = cell_table(run / "result")
    shutil.rmtree(run / "result")
    assert judge(run).verdict.reason == "unfinished: its result is not begun"
    (run / folder.CHOICES).unlink()
    assert main(["run", "tiny.py", "--out", str(run)]) == 0
    assert "going on" not in capsys.readouterr().out
    assert cell_table(run / "result").equals(whole)


def test_a_rule_that_was_changed_afterwards_does_not_count_unless_asked_for(run, capsys):
    changed = TINY.replace('gain", success, -2.0', 'gain", success, 2.0')
    Path("tiny.py").write_text(changed)
    disk.write_json(run / folder.FACTS, folder.read(run) | {"file": str(Path("tiny.py").resolve())})
    assert main(["run", "tiny.py", "--out", str(run)]) == 0
    assert "was changed after this run began" in capsys.readouterr().out
    fixed, now = judge(run), judge(run, current=True)
    assert fixed.verdict.outcome == "supported"
    assert "by the rule that it began with" in fixed.notes[0]
    assert now.verdict.outcome == "refuted"
    assert "changed after the run began" in now.notes[0]
    Path("tiny.py").write_text(TINY.replace('"""Does it pay?\n', '"""It pays.\n'))
    assert judge(run).notes == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("    return st.decide", "    1 / 0\n    return st.decide", "its rule failed: ZeroDivisionError"),
        ("    return st.decide", "    return 1\n    return st.decide", "its rule returned a int, not a Verdict"),
        ("cells=run.cells, worlds=2", "cells=run.cells", "2 worlds are fewer than 16"),
        ("claim = rx", "claim = rxx", "cannot import"),
    ],
)
def test_whatever_a_rule_does_the_claim_is_inconclusive_with_the_reason(run, old, new, reason):
    assert old in TINY
    (run / folder.SOURCE).write_text(TINY.replace(old, new))
    found = judge(run, trust=True)
    assert found.verdict.outcome == "inconclusive"
    assert reason in found.verdict.reason


def test_a_figure_that_cannot_be_drawn_leaves_the_verdict(run):
    (run / folder.SOURCE).write_text(
        TINY.replace('    control="none",', '    figure=lambda run: 1 / 0, control="none",')
    )
    found = judge(run, trust=True)
    assert found.verdict.outcome == "supported"
    assert found.figures == []
    assert "could not be drawn: ZeroDivisionError" in found.notes[-1]


def test_another_version_of_a_claim_is_refused(run, capsys):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for old, new, message in [
        ("(0.001, 0.1)", "(0.001, 0.01)", "holds another claim or another version of it: tuning.main.axes"),
        ("seeds=2,", "seeds=3,", "result' holds another sweep: seeds was"),
        ('"T1"', '"T2"', "id was T1, is T2"),
    ]:
        assert old in TINY
        Path("tiny.py").write_text(TINY.replace(old, new))
        assert main(["run", "tiny.py", "--out", str(run)]) == 2
        assert message in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_the_page_the_table_and_json(done, capsys):
    root = done[0] / "runs"
    assert main(["claims", str(root)]) == 0
    out = capsys.readouterr().out
    assert "✓ supported" in out
    assert "T1: gain > -2" in out
    assert out.strip().splitlines()[-1] == str(root / "claims.html")
    assert main(["claims", str(root), "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["verdict"]["outcome"] for record in records] == ["inconclusive", "supported", "inconclusive"]
    page = (root / "claims.html").read_text()
    assert "Does it pay?" in page
    assert "rl.learning_rate 0.001" in page


def test_the_sweep_of_the_result_is_at_hand_in_python(run):
    from regimax.claims.execute import result_sweep

    sweep = result_sweep(folder.stored(run), "small", "main", (folder.read_choices(run) or {})["main"])
    assert make_plan(sweep).resolved == rx.load_run(run / "result").facts["resolved"]
