"""What the README and the docs show runs."""

import json
import re
from pathlib import Path

import pytest

import regimax

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[-1][:40])
def test_python_blocks_run(block, capsys):
    names = {}
    exec(compile(block, str(README), "exec"), names)
    if isinstance(sweep := names.get("sweep"), regimax.Sweep):
        from regimax.sweep.plan import make_plan

        plan = make_plan(sweep)
        pretraining = [s for s in plan.stages.values() if s.phase == "pretrain"]
        assert sum(s.end - s.start for s in pretraining) == 32 * 1000


def test_what_the_docs_show_of_regimes_runs():
    from regimax.regimes import bind_regime

    [code] = re.findall(r"```python\n(.*?)```", (README.parent / "docs" / "regimes.md").read_text(), re.DOTALL)
    names = {}
    exec(compile(code, "regimes.md", "exec"), names)
    sweep = names["sweep"]
    for regime in sweep.regimes:
        bind_regime(regime, sweep.world)
    assert [regime.name for regime in sweep.regimes] == [
        "pure_rl",
        "pretrain_rl",
        "heads",
        "always_on-8",
        "learned_model",
    ]


SWEEPS = [path for path in sorted((README.parent / "sweeps").glob("*.py")) if not re.match(r"c\d\d_", path.name)]
"""Sweeps that are no claims: those have tests of their own."""


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_sweep_files_plan_and_say_what_they_are(path):
    from regimax.sweep import files
    from regimax.sweep.plan import make_plan

    text = path.read_text()
    if "envs.gymnax" in text:
        pytest.importorskip("gymnax")
    sweep = files.load(path)
    plan = make_plan(sweep)
    assert sweep.question
    for part in ("Command:", "Cells:", "Time:", "Expected:"):
        assert part in text
    assert re.search(rf"Cells: {len(plan.cells)} in {len(plan.stages)} stages", text)


ROOT = README.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
TEXTS = [*PAGES, *ROOT.glob("docs/*.py"), *ROOT.glob("sweeps/**/*.py")]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_are_there(path):
    text = path.read_text()
    named = re.findall(r"(?<![\w/.])(?:docs|sweeps|tests|benchmarks|src)/[\w./-]*\w", text)
    assert [name for name in named if not (ROOT / name).exists() and "c99_example" not in name] == []
    linked = re.findall(r"\]\((?!https?:)([^)#\s]+)", text) if path in PAGES else []
    assert [name for name in linked if not (path.parent / name).exists()] == []


def test_tables_that_sweeps_name_can_be_made():
    there = re.findall(r'^    "(\w+)": \w+,$', (ROOT / "docs" / "tables.py").read_text(), re.MULTILINE)
    for path in ROOT.glob("sweeps/*.py"):
        for command in re.findall(r"^Table: python docs/tables.py (.*)$", path.read_text(), re.MULTILINE):
            assert {Path(run).name for run in command.split()} <= set(there), path.name


CLAIMS = json.loads((README.parent / "docs" / "results" / "claims.json").read_text())


def test_every_claim_has_a_verdict_that_its_file_and_the_readme_tell():
    files = {path.stem: path.read_text() for path in (README.parent / "sweeps").glob("c[0-9][0-9]_*.py")}
    assert sorted(files) == [claim["name"] for claim in CLAIMS]
    for claim in CLAIMS:
        outcome = claim["verdict"]["outcome"]
        assert f"Measured: {outcome}" in files[claim["name"]]
        for page in (README, README.parent / "docs" / "findings.md"):
            assert re.search(rf"\| \[?{claim['id']}\b.*\| {outcome} \|", page.read_text()), page


def test_parts_written_in_a_sweep_file_work(tmp_path):
    [code] = re.findall(r"```python\n(.*?)```", (README.parent / "docs" / "own-parts.md").read_text(), re.DOTALL)
    path = tmp_path / "guess.py"
    path.write_text(code)
    from regimax.cli import main

    assert main(["run", str(path), "--out", "run"]) in (0, None)
    cells = regimax.load_run("run").cells
    assert len(cells) == 2 * 2 * 2 * 8
    easy = cells.filter((cells["noisy.sigma"] == 0) & (cells["rl.decay"] == 0) & (cells["world.numbers"] == 2))
    assert easy["success"].mean() > 0.9


OWN_LOOPS = re.findall(r"```python\n(.*?)```", (README.parent / "docs" / "own-loop.md").read_text(), re.DOTALL)


def test_a_loop_in_the_manner_of_purejaxrl_learns(capsys):
    names = {}
    exec(compile(OWN_LOOPS[0], "own-loop.md", "exec"), names)
    assert set(names["curves"]) == {"Cipher", "Exemplar"}
    for curve in names["curves"].values():
        assert curve.shape == (8, 200)
        assert curve[:, -10:].mean() > 0.9 > 0.7 > curve[:, :5].mean()


def test_rejax_trains_in_our_worlds():
    pytest.importorskip("rejax")
    names = {}
    exec(compile(OWN_LOOPS[1], "own-loop.md", "exec"), names)
    assert names["curve"].shape == (4, 3)


def test_our_channels_stand_around_a_world_of_gymnax(capsys):
    pytest.importorskip("gymnax")
    names = {}
    exec(compile(OWN_LOOPS[2], "own-loop.md", "exec"), names)
    (clear, all_arrive), (blurred, some_arrive) = names["clear"], names["blurred"]
    assert blurred.mean() > 2 * clear.mean()
    assert all_arrive.tolist() == [1.0] * 32
    assert abs(some_arrive.mean() - 0.5) < 0.02
