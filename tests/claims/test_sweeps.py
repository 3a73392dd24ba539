"""The claim files: they plan, say what they are, and their rules find what was planted and nothing else."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from regimax.claims import load_claim
from regimax.claims.execute import plans
from regimax.sweep.plan import make_plan

from .conftest import planted

SWEEPS = Path(__file__).parents[2] / "sweeps"
FILES = sorted(SWEEPS.glob("c[0-9][0-9]_*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_claim_files_plan_and_say_what_they_are(path):
    claim, text = load_claim(path), path.read_text()
    for part in ("Command:", "Cells:", "Time:", "Supported if:", "Refuted if:"):
        assert part in text
    cells, stages = {}, {}
    planned = plans(claim, "small")
    for kind, found in planned._asdict().items():
        cells[kind] = sum(len(plan.cells) for plan in found.values())
        stages[kind] = sum(len(plan.stages) for plan in found.values())
    said = f"Cells: {cells['result']:,} in {stages['result']:,} stages"
    if cells["tuning"]:
        said += f", and {cells['tuning']:,} in {stages['tuning']:,} stages of tuning"
    assert said in text
    for name, plan in planned.result.items():
        assert len({cell.world_seed for cell in plan.cells}) >= 16, name
    assert re.fullmatch(r"C\d+", claim.id)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_full_sweeps_plan_too(path):
    claim = load_claim(path)
    for sweep in claim.sweeps("full").values():
        make_plan(replace(sweep, seeds=1))


def test_the_claim_of_the_docs_can_be_planned_and_judged(tmp_path):
    [code] = re.findall(r"```python\n(.*?)```", (SWEEPS.parent / "docs" / "claims.md").read_text(), re.DOTALL)
    (tmp_path / "c99_example.py").write_text(code)
    claim = load_claim(tmp_path / "c99_example.py")
    found = plans(claim, "small")
    assert len(found.result["main"].cells) == 3 * 2 * 16
    assert len(found.tuning["main"].cells) == 3 * 3 * 4

    def effort(regime, labels):
        return 1_000 if regime == "pretrain_rl" and labels["coverage"] == "the task's skills" else math.inf

    assert claim.rule(planned(claim, effort)).outcome == "supported"
    assert claim.rule(planned(claim, lambda regime, labels: math.inf)).outcome == "inconclusive"


def planned(claim, effort):
    """The run of a claim's one small sweep, with a planted effort."""
    return planted(claim.small, effort, budget=4_000)
