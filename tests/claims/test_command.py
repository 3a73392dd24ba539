"""Bad input is told in two lines, and nothing is written."""

import re
from pathlib import Path

import pytest

from regimax.cli import main

from .conftest import TINY

BAD = [
    (["run"], "give one sweep file or claim file, or --all"),
    (["run", "--all"], "give one sweep file or claim file, or --all"),
    (["run", "tiny.py", "--all"], "no folder 'tiny.py'"),
    (["run", "tiny.py", "--small", "--full"], "--small and --full exclude each other"),
    (["run", "tiny.py", "--full"], "the claim 'T1' has no full sweep"),
    (["run", "tiny.py", "--seeds", "3"], "--set and --seeds do not go with a claim"),
    (["run", "tiny.py", "--block", "8"], "--block does not go with a claim"),
    (["run", "--all", ".", "--block", "8"], "--block does not go with claims or --all"),
    (["run", ".", "--all", "--seeds", "3"], "--set and --seeds do not go with claims or --all"),
    (["run", "tiny.py", "--out", "tiny.py"], "is a file, not a run directory"),
    (["run", "tiny.py", "--out", "full"], "'full' is not empty and not a claim's directory"),
    (["run", "tiny.py", "--out", "/proc/below"], "cannot write"),
    (["run", "bad.py"], "bad.py: tuning.seeds: the world 1 is one of the result"),
    (["run", "unknown.py"], "unknown axis 'rl.learning_rat'. Did you mean 'rl.learning_rate'"),
    (["run", "plain.py", "--small"], "plain.py holds a sweep, not a claim"),
    (["run", "neither.py"], "must define sweep = regimax.Sweep"),
    (["run", "--all", "nowhere"], "no folder 'nowhere'"),
    (["run", "--all", "full"], "'full' holds no claim file and no sweep file"),
    (["run", "--all", "sweeps/nothing"], "no folder 'sweeps/nothing'"),
    (["run", "full"], "'full' is a folder: regimax run --all full"),
    (["run", "--all", ".", "--out", "tiny.py"], "cannot write to 'tiny.py'"),
    (["claims", "nowhere"], "no folder 'nowhere'"),
    (["claims", "full"], "'full' holds no claim's directory"),
    (["report", "full"], "'full' is not a run directory"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_bad_input(capsys, arguments, message):
    Path("tiny.py").write_text(TINY)
    Path("bad.py").write_text(TINY.replace("[100, 101]", "[100, 1]"))
    Path("unknown.py").write_text(TINY.replace("rl.learning_rate", "rl.learning_rat"))
    Path("plain.py").write_text(TINY.replace("claim = rx.Claim(", "sweep = (lambda small, **_: small)("))
    Path("neither.py").write_text("x = 1")
    Path("full").mkdir()
    Path("full/something").write_text("")
    before = sorted(str(path) for path in Path().rglob("*") if "__pycache__" not in str(path))
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert re.search(message, err), err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) <= 2
    assert out == ""
    assert before == sorted(str(path) for path in Path().rglob("*") if "__pycache__" not in str(path))


def test_a_claim_is_planned(tiny, capsys):
    assert main(["plan", str(tiny)]) == 0
    out = capsys.readouterr().out
    assert "T1 tuning\n8 cells in 10 stages" in out
    assert "T1 result\n8 cells in 10 stages" in out
    assert main(["plan", str(tiny), "--full"]) == 2
