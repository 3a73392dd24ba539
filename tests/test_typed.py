"""What the README, the docs and the regimes' examples show passes a strict type checker, and a typo does not."""

import ast
import doctest
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import regimax as rx

ROOT = Path(__file__).parents[1]
SOURCE = Path(rx.__file__).parents[1]
BUILDERS = [name for name in rx.regimes.__all__ if hasattr(getattr(rx.regimes, name), "__signature__")]
NEEDED = {
    "learn_model": "2, ",
    "train_in_model": "2, ",
    "meta_train": "2, ",
    "continual_phase": "2, shown=1, ",
    "predict": "2, ",
}
NEEDED |= {"reinforce": "2, "}
TYPOS = {
    'rx.regimes.pretrain_rl(rl={"updatez": 3})': "updatez",
    'rx.regimes.pretrain_rl(pretrain={"num_env": 3})': "num_env",
    'rx.regimes.pretrain_rl(rl={"updates": "3"})': "rl",
    'rx.regimes.pretrain_rl(inherit=["trunk"])': "inherit",
    "rx.regimes.pretrain_rl(updates=500)": "updates",
    'rx.regimes.always_on(learner={"capacty": 4})': "capacty",
    'rx.regimes.always_on(gradients="stoped")': "gradients",
    'rx.regimes.reward_model(form="shapings")': "form",
    'rx.regimes.yoked(learn_from="rewards")': "learn_from",
    'rx.regimes.learned_model(model_learning={"fit": 4})': "fit",
    'rx.regimes.hand_model(model={"inherit": ()})': "inherit",
    'rx.regimes.continual(life={"learning_rate": 0.1})': "learning_rate",
    'rx.regimes.in_context(meta={"load": "all"})': "meta",
    "rx.regimes.predict(500, sham=None)": "sham",
} | {f"rx.regimes.{name}({NEEDED.get(name, '')}netwrk=None)": "netwrk" for name in BUILDERS}
"""Calls that are wrong, with what a type checker must name."""


OF_OTHERS = (
    "reportUnknownMemberType",
    "reportUnknownVariableType",
    "reportUnknownArgumentType",
    "reportMissingTypeStubs",
)
"""Of JAX, optax, xarray: what goes through `jit`, `grad` or `zeros` is not known. Not asked where it is imported."""


UNANNOTATED = ("reportUnknownParameterType", "reportMissingParameterType", "reportUnknownLambdaType")
ABSENT = ("reportMissingImports", "reportArgumentType")
"""rejax and xarray need not be installed, and channels take plain numbers where arrays are declared."""
PLAIN = ("own_learner_", "own_loop_")
"""Pages whose functions have no annotations, as people write training loops: what they call is checked all the same."""


def blocks():
    """Yields the Python that is shown, by the name of a file for it."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for i, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)):
            yield f"{page.stem.replace('-', '_')}_{i}", block
    for name in BUILDERS:
        yield f"regimes_{name}", example(getattr(rx.regimes, name))


def example(function):
    """Returns the code of a docstring's example; what it shows is printed."""
    shown = [one.source for one in doctest.DocTestParser().get_examples(inspect.getdoc(function))]
    assert shown, f"{function.__name__} has no example"
    return "".join(
        f"print({code.strip()})\n" if isinstance(ast.parse(code).body[0], ast.Expr) else code for code in shown
    )


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """What pyright says in strict mode of all that is shown and of all typos: (file, line, message)."""
    pyright = shutil.which("pyright")
    if pyright is None or subprocess.run([pyright, "--version"], capture_output=True).returncode:
        pytest.skip("pyright is not installed")
    folder = tmp_path_factory.mktemp("typed")
    for name, code in blocks():
        others = OF_OTHERS if re.search("import (jax|xarray)", code) else ()
        spared = (*others, *(UNANNOTATED if name.startswith(PLAIN) else ()))
        spared += ABSENT if name.startswith(("own_loop_", "export_")) else ()
        (folder / f"{name}.py").write_text(code + "".join(f"# pyright: {rule}=false\n" for rule in spared))
    (folder / "typos.py").write_text("\n".join(["import regimax as rx", *TYPOS]) + "\n")
    config = {"include": ["."], "extraPaths": [str(SOURCE)], "typeCheckingMode": "strict"}
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    command = [pyright, "--pythonpath", sys.executable, "--outputjson", "--project", str(folder)]
    said = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    return [
        (Path(one["file"]).stem, one["range"]["start"]["line"], one["message"]) for one in said["generalDiagnostics"]
    ]


@pytest.mark.parametrize("name", [name for name, _ in blocks()])
def test_what_is_shown_is_typed(complaints, name):
    assert [f"line {line + 1}: {said}" for file, line, said in complaints if file == name] == []


@pytest.mark.parametrize(("code", "named"), TYPOS.items())
def test_a_typo_is_an_error(complaints, code, named):
    line = [*TYPOS].index(code) + 1
    assert any(f'"{named}"' in said for file, at, said in complaints if (file, at) == ("typos", line))
