"""A life goes on where it was, bit for bit, however often a run is broken off."""

import functools
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from polars.testing import assert_frame_equal

import regimax as rx
from regimax.sweep import files, table
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute

from .conftest import Crash, Silent

FILE = """
import regimax as rx

r = rx.regimes
options = {"network": rx.networks.pair_memory(4, 6, key_size=5), "evaluate": r.Evaluate(every=2, episodes=4)}
regimes = [
    r.in_context((2, 12), **options),
    r.continual_in_context((2, 12), memory="lifetime", **options)._replace(name="both"),
]
sweep = rx.Sweep(
    world=rx.envs.Recall(stable=6, dynamic=2, values=4, queries=4, dimensions=5, drift=0.2, apart=True),
    regimes=regimes, seeds=3, keep_params=True,
)
"""


@functools.cache
def load():
    """The file's sweep, read apart from that of the uninterrupted run."""
    path = Path("lives.py")
    path.write_text(FILE)
    return files.load(path)


def run(out, display=None, **more):
    return execute(make_plan(load()), Path(out), Options(**more), display or Silent())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run of the file."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "lives.py").write_text(FILE)
    execute(make_plan(files.load(folder / "lives.py")), folder / "run", Options(), Silent())
    return folder / "run"


def assert_same_results(one, other):
    for frame in (table.cell_table, table.cell_curves):
        assert_frame_equal(frame(Path(one)), frame(Path(other)), check_exact=True)
    runs = [rx.load_run(out, load()) for out in (one, other)]
    for cell in runs[0].cells["cell"].to_list():
        mine, theirs = (jax.tree.leaves(run.agent(cell).params) for run in runs)
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_life_that_broke_off_goes_on(whole):
    with pytest.raises(ConnectionError):
        run("run", Crash(4), checkpoint_seconds=0, width=8, devices=1)  # one tick to remember, three of a life
    run("run")
    assert_same_results("run", whole)


@pytest.mark.slow
def test_killed_and_typed_again_it_ends_the_same(whole):
    Path("lives.py").write_text(FILE)
    command = [sys.executable, "-m", "regimax", "run", "lives.py", "--out", "run", "--checkpoint-every", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline:
        if len(list(Path("run/checkpoints").glob("*"))) > 1:
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    subprocess.run(command, check=True, capture_output=True)
    assert_same_results("run", whole)
