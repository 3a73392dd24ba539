"""Probes in a run: they change nothing, and are resumed like everything else."""

import contextlib
import functools
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import regimax as rx
from regimax.regimes import bind, probed
from regimax.regimes.program import as_hparams
from regimax.sweep import files, table
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute

from .conftest import Crash, Silent, make_tiny

FILE = """
import jax, jax.numpy as jnp
import regimax as rx

def scale(learner, altered):
    def measure(key, subject, hparams):
        flat = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(subject.state.params)])
        return {"norm": jnp.linalg.norm(flat), "draw": jax.random.uniform(key)}
    return rx.probes.Probe("scale", measure, ("scale",))

o = {"network": rx.networks.gru(8), "num_envs": 8, "evaluate": rx.regimes.Evaluate(every=2, episodes=16)}
r = rx.regimes
regimes = [r.pure_rl(updates=8, **o), r.pretrain_rl(updates=(4, 8), **o), r.sham_rl(updates=(4, 8), **o)]
sweep = rx.Sweep(world=rx.envs.Cipher(symbols=3, skills=2, length=2),
    regimes=[r.probed(regime, scale, every=4) for regime in regimes],
    axes={"rl.updates": [6, 12]}, seeds=6)
"""


def load():
    Path("tiny.py").write_text(FILE)
    return loaded()


@functools.cache
def loaded():
    return files.load(Path("tiny.py"))


def run(sweep, out, display=None, **more):
    return execute(make_plan(sweep), Path(out), Options(**more), display or Silent())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run of the file."""
    folder = tmp_path_factory.mktemp("whole")
    with contextlib.chdir(folder):
        run(load(), "run")
    return folder / "run"


def assert_same_results(one, other):
    for frame in (table.cell_table, table.cell_curves, table.cell_probes):
        assert_frame_equal(frame(Path(one)), frame(Path(other)), check_exact=True)


def test_probes_change_no_result_by_a_bit(whole):
    sweep = load()
    bare = [probed(regime) for regime in sweep.regimes]
    rich = [probed(regime, rx.probes.concepts(episodes=16), every=2, phases=["rl"]) for regime in bare]
    run(make_tiny(regimes=bare, axes=sweep.axes, seeds=6), "bare")
    run(make_tiny(regimes=rich, axes=sweep.axes, seeds=6), "rich", width=8)
    for frame in (table.cell_table, table.cell_curves):
        assert_frame_equal(frame(Path("bare")), frame(whole), check_exact=True)
        assert_frame_equal(frame(Path("bare")), frame(Path("rich")), check_exact=True)
    assert rx.load_run("bare").probes.height == 0
    measured = rx.load_run("rich").probes
    assert set(measured["phase"]) == {"rl"}
    assert measured["concepts_accuracy_oracle"].is_between(0.3, 1.0).all()


def test_rows_are_where_they_were_asked_for(whole):
    rows = rx.load_run(whole).probes
    found = {(r, p): rows.filter((pl.col("regime") == r) & (pl.col("phase") == p)) for r, p in
             (("pure_rl", "rl"), ("pretrain_rl", "pretrain"), ("sham_rl", "rl"))}  # fmt: skip
    short, long = ({"rl.updates": n} for n in (6, 12))
    # The beginning, every four updates, the fork and the end; a fork counts for the cell that goes on from it too.
    for axes, updates in ((short, [0, 4, 6]), (long, [0, 4, 6, 8, 12])):
        mine = found["pure_rl", "rl"].filter(pl.col("rl.updates") == axes["rl.updates"])
        assert mine.group_by("seed").agg("update")["update"].to_list() == [updates] * 6
    assert set(found["pretrain_rl", "pretrain"]["update"]) == {0, 4}
    assert rows["scale_norm"].is_not_null().all()
    # Measurement is no effort: it stands where the evaluation at the same update stands.
    curves = rx.load_run(whole).curves
    both = rows.join(curves, on=["cell", "phase", "update"], how="inner")
    assert both.height == rows.height
    assert (both["flops"] == both["flops_right"]).all()


def test_a_probe_sees_the_very_learner(whole):
    rows = rx.load_run(whole).probes
    program = bind(load().regimes[0].phases[0], rx.envs.Cipher(symbols=3, skills=2, length=2))
    hparams = as_hparams(program.settings, program.defaults())
    keys = rx.cell_keys(seeds=6)

    def first(keys):
        return program.probe(keys, hparams, program.init(keys, hparams, {}))

    alone = jax.jit(jax.vmap(first))(keys)
    swept = rows.filter((pl.col("regime") == "pure_rl") & (pl.col("update") == 0) & (pl.col("rl.updates") == 6))
    np.testing.assert_array_equal(swept.sort("seed")["scale_draw"], np.asarray(alone["scale_draw"], np.float64))
    np.testing.assert_allclose(swept.sort("seed")["scale_norm"], alone["scale_norm"], rtol=1e-6)
    assert swept["scale_draw"].n_unique() == 6


@pytest.mark.parametrize("ticks", [2, 9])
def test_a_crash_after_a_commit_is_resumed_with_the_same_rows(whole, ticks):
    with pytest.raises(ConnectionError):
        run(load(), "run", Crash(ticks), checkpoint_seconds=0, width=8, devices=1)
    run(load(), "run", width=16)
    assert_same_results("run", whole)


@pytest.mark.slow
def test_killed_and_typed_again_it_ends_with_the_same_rows(whole):
    Path("tiny.py").write_text(FILE)
    command = [sys.executable, "-m", "regimax", "run", "tiny.py", "--out", "run", "--checkpoint-every", "0"]
    for _ in range(3):
        process = subprocess.Popen([*command, "--width", "8"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        parts, deadline = len(list(Path("run/probes").glob("*"))), time.monotonic() + 100
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(Path("run/probes").glob("*"))) > parts:
                break
            time.sleep(0.01)
        process.kill()
        process.wait()
    subprocess.run(command, check=True, capture_output=True)
    assert_same_results("run", whole)


def test_a_damaged_part_is_gone_back_from(whole):
    with pytest.raises(ConnectionError):
        run(load(), "run", Crash(6), checkpoint_seconds=0)
    sorted(Path("run/probes").glob("*"))[-1].write_bytes(b"PAR1")
    display = Silent()
    run(load(), "run", display)
    assert any("probes/part" in text and "damaged" in text for text in display.said)
    assert_same_results("run", whole)


def test_a_stage_is_measured_where_its_stop_rule_ends_it_and_not_where_it_diverged():
    import optax

    def explode(hparams):
        return optax.scale(jnp.where(hparams["learning_rate"] > 0.5, jnp.nan, -1e-3))

    [phase] = load().regimes[0].phases
    phase = phase._replace(
        learner=rx.learners.actor_critic(optimizer=explode),
        network=rx.networks.mlp((4,)),
        stop=rx.regimes.Stop("success", 0.0, 3),
        probe_every=4,
    )
    axes = {"rl.learning_rate": [0.1, 0.9], "rl.updates": [6, 12]}
    run(make_tiny(regimes=[rx.regimes.Regime("fragile", (phase,))], axes=axes, seeds=2), "run")
    rows = rx.load_run("run").probes.filter(pl.col("rl.updates") == 12).sort("rl.learning_rate", "seed", "update")
    # The evaluation before the first update meets the rule once, those after two and four updates twice more; there a
    # measurement is due as well, and is made once. What diverged in its first tick is measured before that only.
    assert rows["update"].to_list() == [0, 4] * 2 + [0] * 2


def test_what_cannot_be_measured_is_refused(whole):
    sweep = load()
    with pytest.raises(rx.UserError, match=r"holds another sweep.*probe_every is gone"):
        run(make_tiny(regimes=[probed(r) for r in sweep.regimes], axes=sweep.axes, seeds=6), whole)
    more = [probed(regime, *regime.phases[0].probes, every=2) for regime in sweep.regimes]
    with pytest.raises(rx.UserError, match=r"cannot be extended.*probe_every was 4, is 2"):
        run(make_tiny(regimes=more, axes=sweep.axes, seeds=6), whole, extend=True)
    with pytest.raises(rx.UserError, match=r"the phase 'rl' is the same in the regimes 'pure_rl' and 'pretrain_rl'"):
        make_plan(make_tiny(regimes=[sweep.regimes[0], probed(sweep.regimes[1])]))
    with pytest.raises(rx.UserError, match=r"probe_every = 3 is not a positive multiple of evaluate\.every = 2"):
        make_plan(make_tiny(regimes=[probed(sweep.regimes[0], every=3)]))
    with pytest.raises(rx.UserError, match="different names"):
        make_plan(make_tiny(regimes=[probed(sweep.regimes[0], *sweep.regimes[0].phases[0].probes * 2)]))
    with pytest.raises(rx.UserError, match="unknown phase"):
        probed(sweep.regimes[0], phases=["sleep"])


def test_a_probe_is_no_part_of_a_stage(whole):
    sweep = load()
    bare = make_tiny(regimes=[probed(regime) for regime in sweep.regimes], axes=sweep.axes, seeds=6)
    assert list(make_plan(bare).stages) == list(make_plan(sweep).stages)
