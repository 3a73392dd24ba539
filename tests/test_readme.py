"""What the README shows runs."""

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


@pytest.mark.parametrize("path", sorted((README.parent / "sweeps").glob("*.py")), ids=lambda path: path.stem)
def test_sweep_files_plan_and_say_what_they_are(path):
    from regimax.sweep import spec
    from regimax.sweep.plan import make_plan

    sweep = spec.load(path)
    plan = make_plan(sweep)
    text = path.read_text()
    assert sweep.question
    for part in ("Command:", "Cells:", "Time:", "Expected:"):
        assert part in text
    assert re.search(rf"Cells: {len(plan.cells)} in {len(plan.stages)} stages", text)
