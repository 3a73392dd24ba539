"""The command line as its users meet it."""

import gc
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.small import small_sweep

from regimax.cli import main

SWEEP = small_sweep("Is it there?", before=4, updates=4, seeds=2)


@pytest.fixture
def spec():
    Path("tiny.py").write_text(SWEEP)
    return "tiny.py"


def entries():
    return {p.name for p in Path().iterdir()} - {"__pycache__"}


BAD = [
    (
        ["run", "tiny.py", "--set", "reward.erasures=0.5"],
        r"unknown axis 'reward.erasures'. Did you mean 'reward.erasure'\?",
    ),
    (
        ["run", "tiny.py", "--set", "regime=pure_r"],
        r"unknown regime 'pure_r'. Did you mean 'pure_rl'\? Allowed: pure_rl",
    ),
    (["run", "tiny.py", "--set", "reward.erasure=1.5"], r"reward.erasure = 1.5 is out of range: a number in \[0, 1\]"),
    (["run", "tiny.py", "--set", "reward.levels=1"], r"reward.levels = 1 is out of range"),
    (["run", "tiny.py", "--set", "world.skills=5"], r"world.skills = 5 is out of range: a whole number in \[1, 2\]"),
    (["run", "tiny.py", "--set", "reward.erasure="], "no values"),
    (["run", "tiny.py", "--set", "rl.updates=3"], "rl.updates = 3 is not a positive multiple of the 2 updates"),
    (["run", "tiny.py", "--seeds", "0"], "--seeds 0 is below 1"),
    (["run", "tiny.py", "--block", "0"], "--block 0 is below 1"),
    (["plan", "tiny.py", "--block", "-8"], "--block -8 is below 1"),
    (["run", "tiny.py", "--width", "0"], "--width 0 is below 1"),
    (["run", "tiny.py", "--out", "tiny.py"], "is a file, not a run directory"),
    (["run", "tiny.py", "--out", "tiny.py/below"], "cannot write"),
    (["run", "tiny.py", "--out", "/proc/below"], "cannot write"),
    (["run", "tinny.py"], r"no sweep file 'tinny.py'. Did you mean 'tiny.py'\?"),
    (["run", "broken.py"], r"cannot import broken.py, line 1: SyntaxError"),
    (["run", "empty.py"], r"axis 'reward.erasure' is empty"),
    (["run", "impossible.py"], r"line 2: Cipher: skills = 0 is out of range"),
    (["plan", "tiny.py", "--set", "rl.erasure=1"], "unknown axis 'rl.erasure'"),
    (["run", "tiny.py", "--part", "3/2"], "--part '3/2' is not I/N with I from 1 to N"),
    (["run", "tiny.py", "--part", "half"], "--part 'half' is not I/N"),
    (["run", "tiny.py", "--part", "1/99"], "99 shares are too many"),
    (["run", "tiny.py", "--part", "1/2", "--extend"], "--part and --extend exclude each other"),
    (["run", "tiny.py", "--workers", "2"], "--workers goes with --backend processes or ray"),
    (["run", "tiny.py", "--backend", "processes", "--workers", "0"], "--workers 0 is below 1"),
    (["run", "tiny.py", "--backend", "processes", "--workers", "9999"], "--workers 9999 is above the"),
    (["run", "tiny.py", "--backend", "processes", "--workers", "1", "--shares", "99"], "99 shares are too many"),
    (["run", "tiny.py", "--backend", "ray", "--shares", "99"], "99 shares are too many"),
    (["run", "tiny.py", "--backend", "ray", "--out", "tiny.py"], "is a file, not a run directory"),
    (["run", "tiny.py", "--hang-seconds", "900"], "--hang-seconds goes with --backend processes or ray"),
    (
        ["run", "tiny.py", "--backend", "processes", "--hang-seconds", "60"],
        "--hang-seconds 60 is not above --checkpoint-every 60",
    ),
    (["run", "tiny.py", "--backend", "processes", "--address", "auto"], "--address goes with --backend ray"),
    (["run", "tiny.py", "--backend", "processes", "--part", "1/2"], "--backend processes does not go with --part"),
    (["merge", "nowhere", "--out", "there"], "'nowhere' is not a run directory"),
    (["merge", "--out", "there"], "give the run directories of the shares"),
    (["table", "nowhere"], "'nowhere' is not a run directory"),
    (["report", "nowhere"], "'nowhere' is not a run directory"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_bad_input_is_told_in_two_lines_and_nothing_is_written(spec, capsys, arguments, message):
    Path("broken.py").write_text("sweep = (")
    Path("empty.py").write_text(SWEEP.replace("[0.0, 0.5]", "[]"))
    Path("impossible.py").write_text("import regimax as rx\nrx.envs.Cipher(skills=0)\n")
    before = entries()
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert re.search(message, err), err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) <= 2
    assert out == ""
    assert entries() == before


@pytest.mark.parametrize(("seeds", "devices"), [("2", 1), ("3", 2), ("99", 2)])
def test_a_cpu_is_split_into_no_more_devices_than_there_are_blocks(spec, monkeypatch, seeds, devices):
    asked = []
    monkeypatch.setattr("regimax.backend.cores", lambda: 2)
    monkeypatch.setattr("regimax.backend.prepare_cpu", asked.append)
    monkeypatch.setattr("regimax.sweep.run.make_plan", lambda *args: 1 / 0)  # enough is known
    with pytest.raises(ZeroDivisionError):
        main(["run", spec, "--seeds", seeds, "--traceback"])
    assert asked == [None, devices]  # four cells for each seed, in blocks of eight


def test_another_sweeps_directory_is_refused(spec, capsys):
    assert main(["run", spec, "--out", "out"]) == 0
    before = {p: p.read_bytes() for p in Path("out").rglob("*") if p.is_file()}
    assert main(["run", spec, "--out", "out", "--set", "reward.erasure=0.25"]) == 2
    assert "holds another sweep: points was 2 entries, is 1 entries" in capsys.readouterr().err
    assert before == {p: p.read_bytes() for p in Path("out").rglob("*") if p.is_file()}


@pytest.mark.versions
def test_run_table_report_and_again(spec, capsys):
    assert main(["run", spec]) == 0
    assert re.search(r"finished: 8 cells in \d+:\d\d · 2 programs ·", capsys.readouterr().out)
    assert main(["run", spec]) == 0
    assert "finished: runs/tiny holds all 8 cells; nothing to do" in capsys.readouterr().out

    assert main(["table", "runs/tiny", "--format", "csv"]) == 0
    cells = pl.read_csv(io.StringIO(capsys.readouterr().out))
    assert cells.height == 8
    for column in (
        "cell regime seed reward.erasure success return updates env_steps flops flops_without_env_steps flops_rl "
        "bits_sensory bits_decision bits_reward bits_outcome solved_at_update solved_at_env_step "
        "solved_at_flops censored diverged"
    ).split():
        assert column in cells.columns
    assert cells["updates"].to_list() == [4] * 4 + [8] * 4
    assert cells["env_steps"].to_list() == [4 * 8 * 2] * 8
    assert cells["passive_steps"].to_list() == [0] * 4 + [4 * 8 * 2] * 4
    # One bit per step at most, half of it where half is lost; log2(2) bits per episode of two steps.
    # 64 steps with 24 bits each, for nothing is rounded; half of them where half of the rewards are lost.
    assert cells["bits_reward"].to_list() == [64.0 * 24, 64.0 * 24, 32.0 * 24, 32.0 * 24] * 2
    assert cells["bits_outcome"].to_list() == [32.0] * 8

    assert main(["table", "runs/tiny", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 8
    assert main(["table", "runs/tiny"]) == 0
    assert len(capsys.readouterr().out.strip().splitlines()) == 1 + 4 + 1  # medians of two regimes at two settings
    assert main(["table", "runs/tiny", "--cells"]) == 0
    assert len(capsys.readouterr().out.strip().splitlines()) == 1 + 8

    assert main(["report", "runs/tiny"]) == 0
    assert capsys.readouterr().out.strip() == "runs/tiny/report.html"
    assert "<title>" in Path("runs/tiny/report.html").read_text()


def test_plan_as_json(spec, capsys):
    assert main(["plan", spec, "--json", "--seeds", "3"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["cells"] == 12
    assert plan["stages"] == 6 + 3 + 6
    assert plan["programs"] == 2
    assert plan["updates_planned"] == 12 * 4 + 3 * 4
    assert plan["updates_without_sharing"] == 12 * 4 + 6 * 4
    assert plan["env_steps_planned"] == 12 * 4 * 16
    assert plan["block"] == 8
    assert not Path("runs").exists()


def test_plan_for_people(spec, capsys):
    assert main(["plan", spec]) == 0
    assert "8 cells in 10 stages, 2 programs to compile" in capsys.readouterr().out


@pytest.mark.versions
def test_parquet_goes_to_standard_output(spec):
    main(["run", spec])
    command = [sys.executable, "-m", "regimax", "table", "runs/tiny", "--format", "parquet"]
    found = subprocess.run(command, capture_output=True, check=True)
    assert pl.read_parquet(io.BytesIO(found.stdout)).height == 8


OWN = """import regimax as rx
r = rx.regimes
def odd(num_inputs, heads):
    net = rx.networks.mlp((4,))(num_inputs, heads)
    def apply(params, carry, x, first, code=None):
        return net.apply(params, carry, WRONG, first, code)
    return net._replace(apply=apply)
options = {"network": odd, "num_envs": 2, "evaluate": r.Evaluate(2, 4)}
sweep = rx.Sweep(world=rx.envs.Lock(depth=2, actions=2), regimes=[r.pure_rl(updates=4, **options)], seeds=1)
"""


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("x @ x", r"own.py, line 6, in apply: TypeError: dot_general requires contracting dimensions .*\."),
        ("{}['no such key']", r"own.py, line 6, in apply: KeyError: 'no such key'"),
        ("x.nothing", r"own.py, line 6, in apply: AttributeError: .*has no attribute '?nothing"),
        ("float(x[0, 0])", r"own.py, line 6, in apply: TypeError: Only scalar arrays"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run"])
def test_where_own_code_fails_when_it_is_traced_is_told_in_a_line(capsys, command, wrong, message):
    Path("own.py").write_text(OWN.replace("WRONG", wrong))
    assert main([command, "own.py"]) == 2
    err = capsys.readouterr().err
    assert re.search(message, err), err
    assert len(err.strip().splitlines()) == 1
    assert not Path("runs").exists()
    with pytest.raises((TypeError, KeyError, AttributeError)):
        main([command, "own.py", "--traceback"])


def test_a_fault_of_regimax_itself_is_not_hidden(spec, monkeypatch):
    from regimax.sweep import summary

    # A function that asks for other arguments, also for whoever has imported it by name.
    monkeypatch.setattr(summary.plan_text, "__code__", summary.plan_summary.__code__)
    with pytest.raises(TypeError):
        main(["plan", spec])


@pytest.mark.versions
def test_unknown_options_end_with_2():
    found = subprocess.run(
        [sys.executable, "-m", "regimax", "run", "--colour"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 2
    assert "Traceback" not in found.stderr


def test_every_sweep_of_a_folder_is_run_where_it_holds_no_claim(spec, capsys):
    folder = Path("small")
    folder.mkdir()
    one = SWEEP.replace("seeds=2", "seeds=1").replace(", rx.regimes.pretrain_rl(updates=(4, 4), **rl)", "")
    (folder / "b_one.py").write_text(one)
    (folder / "c_two.py").write_text(one.replace("[0.0, 0.5]", "[0.25]"))
    (folder / "d_beside.py").write_text("x = 1")
    (folder / "e_refused.py").write_text(one.replace("reward.erasure", "reward.erasures"))
    (folder / "a_broken.py").write_text("sweep = (")
    for run in range(2):
        assert main(["run", str(folder), "--all", "--out", "out"]) == 1
        out, err = capsys.readouterr()
        assert "2 of 4 sweeps are finished" in out
        assert out.count("nothing to do") == 2 * run
        assert re.search("regimax: a_broken: cannot import", err)
        assert re.search("regimax: e_refused: .*unknown axis", err)
    assert {p.name for p in Path("out").iterdir()} == {"b_one", "c_two"}
    assert main(["run", "--all", str(folder), "--full"]) == 2
    assert "the folder holds none" in capsys.readouterr().err


def test_a_key_that_interrupts_what_is_no_run_is_told_in_a_line(spec, monkeypatch, capsys):
    def interrupted(command):
        raise KeyboardInterrupt

    monkeypatch.setattr("regimax.cli.plan.plan", interrupted)
    assert main(["plan", "tiny.py"]) == 130
    assert capsys.readouterr().err == "regimax: stopped\n"


@pytest.mark.parametrize(("before", "after"), [(700, 50_000), (2_000_000, 2_000_000)])
def test_garbage_is_not_looked_for_more_often_than_the_process_did(before, after):
    kept = gc.get_threshold()
    gc.set_threshold(before)
    try:
        assert main(["list", "networks"]) == 0
        assert gc.get_threshold()[0] == after
    finally:
        gc.set_threshold(*kept)
