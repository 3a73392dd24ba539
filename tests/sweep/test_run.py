"""Runs: equal to cells run alone, resumed bit for bit, never a wrong number."""

import errno
import random
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import jax
import numpy as np
import polars as pl
import pytest
from orbax.checkpoint import v1 as orbax_v1
from polars.testing import assert_frame_equal

import regimax as rx
from regimax import memory_maps
from regimax.backend import cores
from regimax.sweep import checkpoint, disk, engines, executables, lanes, optimization, store, table
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Interrupted, Options, execute

from .conftest import Crash, Silent, make_tiny, options


def slow(value):
    """A case that is left out by default, where another one of its kind is not."""
    return pytest.param(value, marks=pytest.mark.slow)


def run(sweep, out, display=None, **more):
    return execute(make_plan(sweep), Path(out), Options(**more), display or Silent())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run of the tiny sweep."""
    out = tmp_path_factory.mktemp("whole") / "run"
    run(make_tiny(), out)
    return out


def assert_same_results(one, other):
    assert_frame_equal(table.cell_table(one), table.cell_table(other), check_exact=True)
    assert_frame_equal(table.cell_curves(one), table.cell_curves(other), check_exact=True)


def test_a_sweep_gives_what_make_train_gives_cell_by_cell(monkeypatch):
    # XLA's own settings as far as kernels are concerned: what is fused decides how numbers are rounded.
    settings = {n: v for n, v in {"xla_cpu_use_fusion_emitters": True}.items() if optimization._exists(n, v)}
    monkeypatch.setitem(optimization.OPTIMIZATIONS, "full", settings)
    world, regime, block = rx.envs.Cipher(3, 2, 2), rx.regimes.pretrain_rl(updates=(4, 8), **options()), 8
    sweep = rx.Sweep(world=world, regimes=[regime], seeds=64, block=block, keep_params=True, optimization="full")
    run(sweep, "run")
    train = rx.make_train(regime, world)
    keys = rx.cell_keys(seeds=64)
    first = jax.tree.map(lambda k: k[:block], keys)
    lowered = jax.jit(jax.vmap(train, in_axes=(0, None))).lower(first, train.default_hparams)
    in_blocks = lowered.compile(compiler_options=settings)
    results = [
        in_blocks(jax.tree.map(lambda k, i=i: k[i : i + block], keys), train.default_hparams)
        for i in range(0, 64, block)
    ]
    alone = jax.tree.map(lambda *leaves: np.concatenate(leaves), *results)
    curves = table.cell_curves(Path("run"))
    for phase in ("pretrain", "rl"):
        swept = curves.filter(pl.col("phase") == phase).sort("seed", "update")
        for metric in alone.curves[phase]:
            expected = alone.curves[phase][metric].astype(np.float64).reshape(-1)
            found = swept[metric].drop_nulls().cast(pl.Float64).to_numpy()  # before the first update nothing was learnt
            # What is learnt is equal to the bit; a mean that is only shown may be fused, and so rounded, differently.
            exact = metric in ("update", "success", "return")
            np.testing.assert_allclose(
                found, expected, rtol=0 if exact else 1e-5, atol=1e-6 * (not exact), err_msg=metric
            )
    loaded = rx.load_run("run", sweep)
    for cell in make_plan(sweep).cells[::7]:
        for phase in ("pretrain", "rl"):
            mine, its = loaded.agent(cell.id, phase).params, alone.params[phase]
            assert jax.tree.structure(mine) == jax.tree.structure(its)
            for part, leaf in zip(jax.tree.leaves(its), jax.tree.leaves(mine), strict=True):
                np.testing.assert_array_equal(part[cell.seed], leaf)
    cells = table.cell_table(Path("run"))
    np.testing.assert_array_equal(cells["env_steps"].to_numpy(), alone.effort["rl"]["env_steps"])
    np.testing.assert_array_equal(cells["passive_steps"].to_numpy(), alone.effort["pretrain"]["passive_steps"])
    flops = alone.effort["rl"]["flops"] + alone.effort["pretrain"]["flops"]
    np.testing.assert_allclose(cells["flops"].to_numpy(), flops, rtol=1e-6)


def test_a_finished_run_does_nothing(whole):
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*") if path.is_file() and path.name != ".lock"}
    display = Silent()
    assert run(make_tiny(), whole, display).already
    assert not display.ticks
    assert before == {p: p.stat().st_mtime_ns for p in whole.rglob("*") if p.is_file() and p.name != ".lock"}


def test_a_run_that_ended_before_its_results_were_written_writes_them(monkeypatch):
    from regimax.sweep import rundir

    sweep, write = make_tiny(regimes=make_tiny().regimes[:1]), rundir.write_results

    def full(out):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rundir, "write_results", full)
    with pytest.raises(rx.UserError, match="no space is left"):
        run(sweep, "run")
    monkeypatch.setattr(rundir, "write_results", write)
    assert run(sweep, "run").already
    assert "success" in pl.read_parquet_schema("run/cells.parquet")


@pytest.mark.parametrize("ticks", [slow(1), pytest.param(3, marks=pytest.mark.versions), slow(5)])
def test_a_crash_after_a_commit_is_resumed_bit_for_bit(whole, ticks):
    with pytest.raises(ConnectionError):
        run(make_tiny(), "run", Crash(ticks), checkpoint_seconds=0)
    run(make_tiny(), "run", width=16)
    assert_same_results(Path("run"), whole)


def test_a_stage_that_was_placed_just_before_a_commit_keeps_its_first_evaluation(tmp_path):
    # 24 stages through 8 lanes: every refill is in the lanes, at update 0, when the next commit is made.
    sweep = make_tiny(regimes=make_tiny().regimes[:1], axes={"rl.updates": [4]}, seeds=24)
    run(sweep, tmp_path / "whole", width=8, devices=1)
    with pytest.raises(ConnectionError):
        run(sweep, "run", Crash(3), checkpoint_seconds=0, width=8, devices=1)
    run(sweep, "run", width=8, devices=1)
    assert_same_results(Path("run"), tmp_path / "whole")


def test_resumed_work_is_not_done_twice(whole):
    first, second = Crash(8), Silent()
    with pytest.raises(ConnectionError):
        run(make_tiny(), "run", first, checkpoint_seconds=0)
    run(make_tiny(), "run", second)
    planned = make_plan(make_tiny()).updates_planned()
    assert 0 < second.updates_before < planned
    assert second.updates_before + sum(t.updates for t in second.ticks) == planned


@pytest.mark.parametrize(("width", "devices"), [(16, 2), (40, 2), (8, 1), (24, 1)])
def test_results_do_not_depend_on_the_width_or_the_devices(whole, width, devices):
    run(make_tiny(), "run", width=width, devices=devices)
    assert_same_results(Path("run"), whole)


def test_cores_that_maps_do_not_suffice_for_are_told_of(whole, monkeypatch):
    monkeypatch.setattr(memory_maps, "most_devices", lambda wanted: 1)
    display = Silent()
    run(make_tiny(), "run", display)
    assert_same_results(Path("run"), whole)
    assert "1 of 2 cores are used" in " ".join(display.said) or cores() == 1
    assert "--backend processes" in " ".join(display.said) or cores() == 1


def newest(run_dir):
    return run_dir / store.CHECKPOINTS / f"{store.checkpoint_steps(run_dir)[0]:06d}"


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def array_files(run_dir):
    return sorted(p for p in newest(run_dir).rglob("*") if p.is_file() and p.stat().st_size > 500 and "/d/" in str(p))


DAMAGES = {
    "bit in an array": lambda run_dir: flip_a_bit(max(array_files(run_dir), key=lambda p: p.stat().st_size)),
    "truncated array": lambda run_dir: array_files(run_dir)[0].write_bytes(array_files(run_dir)[0].read_bytes()[:50]),
    "bit in the manifest": lambda run_dir: flip_a_bit(newest(run_dir) / store.MANIFEST),
    "truncated manifest": lambda run_dir: (newest(run_dir) / store.MANIFEST).write_text('{"step": 1'),
    "truncated curves": lambda run_dir: sorted((run_dir / store.CURVES).glob("*"))[-1].write_bytes(b"PAR1"),
    "missing finished part": lambda run_dir: sorted((run_dir / store.FINISHED).glob("*"))[-1].unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_said_and_recovered_from(whole, damage):
    with pytest.raises(ConnectionError):
        run(make_tiny(), "run", Crash(8), checkpoint_seconds=0)
    DAMAGES[damage](Path("run"))
    display = Silent()
    run(make_tiny(), "run", display)
    assert any("is damaged" in text for text in display.said), display.said
    assert_same_results(Path("run"), whole)


def test_a_checkpoint_without_its_marker_does_not_count(whole):
    with pytest.raises(ConnectionError):
        run(make_tiny(), "run", Crash(8), checkpoint_seconds=0)
    (newest(Path("run")) / store.MANIFEST).unlink()
    run(make_tiny(), "run")
    assert_same_results(Path("run"), whole)


@pytest.mark.parametrize("damage", [flip_a_bit, slow(Path.unlink)])
def test_a_stage_whose_parked_state_is_damaged_is_run_again(whole, damage):
    with pytest.raises(ConnectionError):
        run(make_tiny(), "run", Crash(3), checkpoint_seconds=0)
    parked = sorted(Path("run/states").glob("parked-*"))
    damage(parked[-1])
    display = Silent()
    run(make_tiny(), "run", display)
    assert sum("parked states are missing or damaged" in text for text in display.said) == 1
    assert_same_results(Path("run"), whole)


def test_another_sweep_is_refused_with_the_difference(whole):
    with pytest.raises(rx.UserError, match=r"holds another sweep: points.*was 0.5, is 0.25"):
        run(make_tiny(axes={"reward.erasure": [0.0, 0.25]}), whole)


def test_what_is_no_run_directory_is_refused():
    Path("file").write_text("")
    Path("full").mkdir()
    Path("full/mine.txt").write_text("precious")
    for out, message in (("file", "is a file"), ("file/below", "cannot write"), ("full", "not a run directory")):
        with pytest.raises(rx.UserError, match=message):
            run(make_tiny(), out)
    assert [p.name for p in Path("full").iterdir()] == ["mine.txt"]


def test_a_directory_in_use_is_refused():
    class Second(Silent):
        def tick(self, tick, env_steps):
            with pytest.raises(rx.UserError, match="in use by another process"):
                run(sweep, "run")
            self.say("refused")

    sweep = make_tiny(regimes=make_tiny().regimes[:1])
    display = Second()
    run(sweep, "run", display)
    assert "refused" in display.said


@pytest.mark.parametrize("inside_orbax", [False, True])
def test_a_full_disk_is_said_and_costs_nothing_that_was_committed(whole, monkeypatch, inside_orbax):
    write = orbax_v1.save if inside_orbax else disk.write
    text = "RESOURCE_EXHAUSTED: Error writing 'd/1': No space left on device [os_error_code='28']"

    def full(*args):
        if store.checkpoint_steps(Path("run")):
            raise ValueError(text) if inside_orbax else OSError(errno.ENOSPC, "full")
        return write(*args)

    with monkeypatch.context() as patch:
        if inside_orbax:
            patch.setattr(checkpoint, "_orbax", lambda: types.SimpleNamespace(save=full))
        else:
            patch.setattr(disk, "write", full)
        with pytest.raises(rx.UserError, match=r"no space is left.*What was committed is safe"):
            run(make_tiny(), "run", checkpoint_seconds=0)
    run(make_tiny(), "run")
    assert_same_results(Path("run"), whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, slow(signal.SIGINT)])
def test_a_stop_signal_commits_and_stops(whole, number):
    class Signalled(Silent):
        def tick(self, tick, env_steps):
            super().tick(tick, env_steps)
            if len(self.ticks) == 3:
                signal.raise_signal(number)

    with pytest.raises(Interrupted) as interrupted:
        run(make_tiny(), "run", Signalled())
    assert interrupted.value.number == number
    display = Silent()
    run(make_tiny(), "run", display)
    assert display.updates_before > 0
    assert_same_results(Path("run"), whole)


def test_a_stop_signal_does_not_wait_for_the_compiler(monkeypatch):
    compile, compiled, signals = executables.Executables.compile, threading.Event(), iter([signal.SIGTERM])

    def endless(*args):
        for number in signals:
            signal.pthread_kill(threading.main_thread().ident, number)
        assert compiled.wait(60)
        return compile(*args)

    sweep = make_tiny(regimes=make_tiny().regimes[:1])
    monkeypatch.setattr(engines, "_engines", {})  # as if nobody had run it before
    with monkeypatch.context() as patch:
        patch.setattr(executables.Executables, "compile", endless)
        with pytest.raises(Interrupted):
            run(sweep, "run")
    assert not compiled.is_set()
    compiled.set()
    assert not run(sweep, "run").already


def test_every_program_is_traced_once_in_a_process(monkeypatch):
    made = []

    class Counted(lanes.Engine):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(engines, "Engine", Counted)
    monkeypatch.setattr(engines, "_engines", {})  # as if nobody had run it before
    for again in ("run", "again"):
        outcome = run(make_tiny(seeds=9), again, width=16)
        assert outcome.programs == len(make_plan(make_tiny()).programs) == 2
    assert len(made) == 2
    assert all(set(engine.executables.traces.values()) == {1} for engine in made)
    assert_same_results(Path("run"), Path("again"))


def test_a_diverged_lane_is_marked_and_costs_its_neighbours_nothing():
    calm = make_tiny(regimes=make_tiny().regimes[:1], axes={"rl.value_coef": [0.5]})
    wild = make_tiny(regimes=make_tiny().regimes[:1], axes={"rl.value_coef": [0.5, 1e6], "rl.discount": [1.0]})
    wild = rx.Sweep(**{**vars(wild), "settings": {"rl.max_grad_norm": 1.0}})
    run(calm, "calm")
    run(wild, "wild")
    curves = table.cell_curves(Path("wild")).filter(pl.col("rl.value_coef") == 0.5)
    mine = table.cell_curves(Path("calm"))
    for column in ("success", "loss", "entropy"):
        np.testing.assert_array_equal(curves[column].to_numpy(), mine[column].to_numpy())


def test_non_finite_numbers_end_a_stage_and_its_children(monkeypatch):
    import optax

    def explode(hparams):
        return optax.scale(jax.numpy.where(hparams["learning_rate"] > 0.5, jax.numpy.nan, -1e-3))

    learner = rx.learners.prediction(optimizer=explode)
    phases = rx.regimes.pretrain_rl(updates=(4, 8), **options()).phases
    regime = rx.regimes.Regime("fragile", (phases[0]._replace(learner=learner), phases[1]))
    run(rx.Sweep(rx.envs.Cipher(3, 2, 2), [regime], {"pretrain.learning_rate": [0.1, 0.9]}, seeds=2), "run")
    cells = table.cell_table(Path("run")).sort("pretrain.learning_rate", "seed")
    assert cells["diverged"].to_list() == [False, False, True, True]
    assert cells["status"].to_list() == ["done", "done", "diverged", "diverged"]
    assert cells["env_steps"].to_list()[2:] == [0, 0]
    assert cells["success"].is_not_null().to_list() == [True, True, False, False]


def test_what_never_ran_after_a_stage_that_broke_is_not_charged():
    import optax

    def breaking(hparams):  # in the third tick of two updates, of the first or of the second link of the chain
        at = jax.numpy.where(hparams["learning_rate"] > 0.5, 5, 99)
        return optax.scale_by_schedule(lambda count: jax.numpy.where(count == at, jax.numpy.nan, -1e-3))

    phases = rx.regimes.pretrain_rl(updates=(8, 8), **options()).phases
    regime = rx.regimes.Regime(
        "fragile", (phases[0]._replace(learner=rx.learners.prediction(optimizer=breaking)), phases[1])
    )
    axes = {"pretrain.learning_rate": [0.1, 0.9], "pretrain.updates": [6, 8]}
    run(rx.Sweep(rx.envs.Cipher(3, 2, 2), [regime], axes, seeds=1), "run")
    cells = table.cell_table(Path("run")).sort("pretrain.learning_rate", "pretrain.updates")
    assert cells["status"].to_list() == ["done", "done", "diverged", "diverged"]
    assert cells["updates"].to_list() == [14, 16, 4, 4]
    assert cells["env_steps"].to_list()[2:] == [0, 0]
    assert cells["flops_rl"].to_list()[2:] == [0.0, 0.0]
    assert cells["passive_steps"].to_list() == [n * 8 * 2 for n in (6, 8, 4, 4)]
    # Shared stages once: prediction to 8 and to where it broke, and reinforcement after 6 and after 8.
    assert table.totals(Path("run"))["updates"] == 8 + 4 + 8 + 8


def test_a_stop_rule_freezes_the_cell_and_what_remains_of_its_chain():
    stop = rx.regimes.Stop("success", 0.0, 2)
    regime = rx.regimes.pure_rl(updates=8, **options(stop=stop))
    run(rx.Sweep(rx.envs.Cipher(3, 2, 2), [regime], {"rl.updates": [4, 8, 12]}, seeds=2, threshold=0.001), "run")
    cells = table.cell_table(Path("run"))
    assert set(cells["status"]) == {"solved"}
    # The evaluation before the first update meets it once, the one after two updates a second time.
    assert set(cells["updates"]) == {2}


def test_only_what_was_asked_for_is_kept(whole):
    assert not list((whole / "states").glob("*"))
    sweep = make_tiny(keep_params=True)
    run(sweep, "run")
    assert {path.name[:4] for path in Path("run/states").glob("*")} == {"kept"}
    loaded = rx.load_run("run", sweep)
    assert all(loaded.agent(cell).params for cell in loaded.cells["cell"])


GROWN = {
    "seeds": {"seeds": 4},
    "values": {"axes": {"reward.erasure": [0.25, 0.0, 0.5]}},
    "budgets": {"axes": {"reward.erasure": [0.0, 0.5], "rl.updates": [6, 8, 12]}, "keep_params": True},
}


@pytest.mark.parametrize("grown", ["seeds", slow("values"), slow("budgets")])
def test_a_larger_sweep_takes_up_what_a_smaller_one_has_done(tmp_path, grown):
    small, large = make_tiny(), make_tiny(**GROWN[grown])
    if grown == "budgets":
        small = make_tiny(axes={"reward.erasure": [0.0, 0.5], "rl.updates": [8]}, keep_params=True)
    run(small, "run")
    with pytest.raises(rx.UserError, match="--extend"):
        run(large, "run")
    display = Silent()
    run(large, "run", display, extend=True)
    run(large, tmp_path / "fresh")
    assert_same_results(Path("run"), tmp_path / "fresh")
    # Learners that were not kept are trained again where others begin from them; nothing else is.
    plan = make_plan(large)
    done = set(make_plan(small).stages)
    fresh = sum(s.end - s.start for name, s in plan.stages.items() if name not in done)
    ran = sum(tick.updates for tick in display.ticks)
    assert fresh <= ran < plan.updates_planned()


def test_a_sweep_that_lost_something_does_not_extend(whole):
    with pytest.raises(rx.UserError, match=r"cannot be extended.*seed 2 is gone"):
        run(make_tiny(seeds=2), whole, extend=True)
    with pytest.raises(rx.UserError, match=r"cannot be extended.*block was"):
        run(make_tiny(block=4), whole, extend=True)


@pytest.mark.versions
def test_shared_pretraining_is_run_once_and_changes_nothing(tmp_path):
    erasures = [i / 10 for i in range(8)]
    regime = rx.regimes.pretrain_rl(updates=(8, 2), **options())
    grid = {"pretrain.updates": [2, 4, 6, 8], "reward.erasure": erasures}
    sweep = make_tiny(regimes=[regime], axes=grid, seeds=2)
    run(sweep, "run")
    stages = store.planned(Path("run"))[1]
    pretrained = stages.filter(pl.col("phase") == "pretrain").select(pl.col("updates_done") - pl.col("start"))
    assert pretrained.sum().item() == 2 * 8
    shared = table.cell_curves(Path("run"))
    for budget in grid["pretrain.updates"]:
        alone = tmp_path / str(budget)
        run(make_tiny(regimes=[regime], axes=grid | {"pretrain.updates": [budget]}, seeds=2), alone)
        mine = shared.filter(pl.col("pretrain.updates") == budget)
        assert_frame_equal(table.cell_curves(alone), mine, check_exact=True)


def test_lanes_stay_busy_when_cells_finish_at_different_times(monkeypatch):
    # 16 lanes, 160 stages that end at different times, a tick of one update.
    dispatch, dispatched = lanes.Engine.advance, []
    monkeypatch.setattr(
        lanes.Engine, "advance", lambda engine, *args: dispatched.append(engine.block) or dispatch(engine, *args)
    )
    regime = rx.regimes.pure_rl(updates=40, **options(evaluate=rx.regimes.Evaluate(every=1, episodes=8)))
    budgets = {"rl.learning_rate": [1e-3 * (i + 1) for i in range(10)]}
    stop = rx.regimes.Stop("success", 0.3, 2)
    regime = regime._replace(phases=(regime.phases[0]._replace(stop=stop),))
    display = Silent()
    outcome = run(make_tiny(regimes=[regime], axes=budgets, seeds=16), "run", display, width=16, devices=1)
    cells = table.cell_table(Path("run"))
    assert {"solved", "done"} >= set(cells["status"])
    assert cells["updates"].n_unique() > 3
    # A tick is a twentieth of the median stage at most, and little is run that no cell needed.
    assert cells["updates"].median() >= 20
    assert outcome.shares.occupancy >= 0.9
    # What the device was given to run, lanes that had ended or were empty included, against what cells needed: their
    # updates until they were solved or had spent their budget.
    executed, needed = sum(dispatched), cells["updates"].sum()
    assert executed == sum(tick.lanes for tick in display.ticks)
    assert needed < executed <= 1.1 * needed


COMMAND = [sys.executable, "-m", "regimax", "run", "tiny.py", "--out", "run", "--checkpoint-every", "0"]
FILE = """
import regimax as rx
o = {"network": rx.networks.gru(8), "num_envs": 8, "evaluate": rx.regimes.Evaluate(every=2, episodes=16)}
r = rx.regimes
sweep = rx.Sweep(world=rx.envs.Cipher(symbols=3, skills=2, length=2),
    regimes=[r.pure_rl(updates=8, **o), r.pretrain_rl(updates=(4, 8), **o), r.sham_rl(updates=(4, 8), **o)],
    axes={"reward.erasure": [0.0, 0.5]}, seeds=3)
"""


def test_eight_devices_give_what_one_gives(whole):
    Path("tiny.py").write_text(FILE)
    subprocess.run([*COMMAND, "--devices", "8", "--width", "64"], check=True, capture_output=True)
    assert_same_results(Path("run"), whole)


def killed_runs(kills, seed):
    """Kills the command at random moments until it ends by itself."""
    rng = random.Random(seed)
    Path("tiny.py").write_text(FILE)
    for kill in range(kills):
        more = rng.choice([[], ["--devices", "1"], ["--width", "8", "--devices", "1"], ["--width", "32"]])
        process = subprocess.Popen([*COMMAND, *more], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        # Let it get somewhere: wait for the run directory, then for a random while.
        deadline = time.monotonic() + 60
        steps = len(list(Path("run/checkpoints").glob("*"))) if kill else 0
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(Path("run/checkpoints").glob("*"))) > steps or rng.random() < 0.005:
                break
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.5))
        process.kill()
        process.wait()
    subprocess.run(COMMAND, check=True, capture_output=True)


def test_killed_twice_and_typed_again_it_ends_the_same(whole):
    killed_runs(2, seed=1)
    assert_same_results(Path("run"), whole)


@pytest.mark.slow
def test_killed_thirty_times_and_typed_again_it_ends_the_same(whole):
    killed_runs(30, seed=2)
    assert_same_results(Path("run"), whole)


PEAK = """
import resource, sys
from regimax.cli import main
assert main(["run", "tiny.py", "--out", sys.argv[1], "--seeds", sys.argv[1]]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_ten_thousand_cells_need_hardly_more_memory_than_a_thousand():
    Path("tiny.py").write_text(FILE)
    peaks = []
    for seeds in (167, 1667):
        done = subprocess.run([sys.executable, "-c", PEAK, str(seeds)], check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout.split()[-1]))
        assert table.cell_table(Path(str(seeds))).height == 6 * seeds
    assert peaks[1] < 1.5 * peaks[0], peaks
