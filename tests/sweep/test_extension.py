"""Going on with more in a run directory."""

from pathlib import Path

import jax
import optax
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import regimax as rx
from regimax.sweep import rundir, store, table
from regimax.sweep.extension import extension
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute, plan_for

from .conftest import WORLD, Silent, options

STOP = rx.regimes.Stop("success", 0.6, 2)


def of_length(updates, threshold=0.9, keep=True, **changes):
    """One regime of one phase, so long."""
    regime = rx.regimes.pure_rl(updates=8, **options(stop=STOP))
    sweep = {"axes": {"rl.learning_rate": [0.001, 0.1]}, "settings": {"rl.updates": updates}, "seeds": 3}
    return rx.Sweep(WORLD, [regime], **(sweep | changes), threshold=threshold, keep_params=keep)


def go(sweep, out, extend=False):
    """Runs a sweep; the updates that it took."""
    display, given = Silent(), Options(extend=extend, checkpoint_seconds=1e9)
    execute(plan_for(sweep, Path(out), given), Path(out), given, display)
    return sum(tick.updates for tick in display.ticks), display.said


def results(out):
    """What tables tell, but for how a phase was cut into stages."""
    cells, curves = table.cell_table(Path(out)), table.cell_curves(Path(out))
    return [frame.drop("stages", strict=False).sort(pl.nth(0), maintain_order=True) for frame in (cells, curves)]


def assert_alike(one, other):
    for mine, theirs in zip(results(one), results(other), strict=True):
        assert_frame_equal(mine, theirs, check_exact=True, check_column_order=False)


def test_a_longer_budget_runs_what_is_added_and_ends_as_the_long_run(tmp_path):
    short, _ = go(of_length(8), "run")
    known = extension(plan_for(of_length(16), Path("run"), Options()), Path("run"))
    with pytest.raises(rx.UserError, match="Give --extend"):
        rundir.compare(plan_for(of_length(16), Path("run"), Options()), Path("run"), extend=False)
    added, _ = go(of_length(16), "run", extend=True)
    long, _ = go(of_length(16), tmp_path / "long")
    assert short + added == long
    assert {"solved", "done"} == set(table.cell_table(Path("run"))["status"])  # some had stopped before
    assert_alike("run", tmp_path / "long")
    assert known == (6, 6 * 8, 0, 0, 6, 6 * 8)
    assert go(of_length(16), "run") == (0, [])  # typed again there is nothing to do
    third, _ = go(of_length(24), "run", extend=True)
    longest, _ = go(of_length(24), tmp_path / "longest")
    assert short + added + third == longest
    assert_alike("run", tmp_path / "longest")
    assert rx.load_run("run", of_length(24)).agent("pure_rl/rl.learning_rate=0.1/0").params


def test_where_learners_were_not_kept_they_are_trained_again_and_it_is_said_before(tmp_path):
    go(of_length(8, keep=False), "run")
    plan = plan_for(of_length(16, keep=False), Path("run"), Options())
    known = extension(plan, Path("run"))
    ran, said = go(of_length(16, keep=False), "run", extend=True)
    assert known.again > 0
    assert "are run again" in known.text()
    assert any(f"{known.again} finished stages are run again" in text for text in said)
    assert ran <= known.again_updates + known.new_updates
    go(of_length(16, keep=False), tmp_path / "long")
    assert_alike("run", tmp_path / "long")


def test_another_threshold_runs_nothing_and_tells_other_times(tmp_path):
    go(of_length(8), "run")
    before = results("run")[0]
    lower = of_length(8, threshold=0.2, consecutive=1)
    assert go(lower, "run", extend=True)[0] == 0
    go(lower, tmp_path / "fresh")
    assert_alike("run", tmp_path / "fresh")
    assert not results("run")[0].equals(before)
    written = pl.read_parquet("run/cells.parquet").sort("cell")
    assert written["solved_at_env_step"].equals(results("run")[0]["solved_at_env_step"])


def test_a_new_axis_takes_what_was_run_without_it(tmp_path):
    axes = {"rl.learning_rate": [0.001, 0.1]}
    alone, _ = go(of_length(8), "run")
    larger = of_length(8, axes=axes | {"reward.erasure": [0.0, 0.5]})
    added, _ = go(larger, "run", extend=True)
    both, _ = go(larger, tmp_path / "fresh")
    assert alone + added == both
    assert_alike("run", tmp_path / "fresh")


def test_who_diverged_does_not_go_on():
    def breaking(hparams):
        del hparams
        return optax.scale_by_schedule(lambda count: jax.numpy.where(count == 3, jax.numpy.nan, -1e-3))

    def sweep(updates):
        phases = rx.regimes.pretrain_rl(updates=(8, 8), **options()).phases
        broken = phases[0]._replace(learner=rx.learners.prediction(optimizer=breaking))
        regime = rx.regimes.Regime("fragile", (broken, phases[1]))
        return rx.Sweep(WORLD, [regime], {"pretrain.updates": updates}, seeds=2, keep_params=True)

    go(sweep([6]), "run")
    assert go(sweep([6, 8]), "run", extend=True)[0] == 0
    cells = table.cell_table(Path("run"))
    assert cells["status"].to_list() == ["diverged"] * 4
    assert store.newest_manifest(Path("run"))["complete"]
    ended = store.finished_rows(Path("run"), store.newest_manifest(Path("run")))
    assert len(ended) == len(make_plan(sweep([6, 8])).stages)
