"""Which rows are expected of a stage is just which rows it leaves, however it ends."""

from pathlib import Path

import pytest

import regimax as rx
from regimax.sweep import expected, store
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute

from .conftest import Silent, make_tiny, norm, options

OUT = Path("run")
CHAIN = {"rl.updates": [4, 8, 12]}
FRAGILE = {"pretrain.learning_rate": [0.1, 0.9], "rl.updates": [4, 8]}


def fragile():
    """Pretraining that is no longer finite from its second tick on where the learning rate is large."""
    import jax.numpy as jnp
    import optax

    def explode(hparams):
        return optax.scale_by_schedule(
            lambda count: jnp.where((hparams["learning_rate"] > 0.5) & (count >= 3), jnp.nan, -1e-3)
        )

    phases = rx.regimes.pretrain_rl(updates=(8, 8), **options()).phases
    learner = rx.learners.prediction(optimizer=explode)
    return rx.regimes.Regime("fragile", (phases[0]._replace(learner=learner), phases[1]))


def stopped():
    return rx.regimes.pure_rl(updates=8, **options(stop=rx.regimes.Stop("success", 0.0, 2)))


CASES = {
    "solved, and links after it": (stopped, CHAIN, {"solved"}),
    "diverged, and what begins from it": (fragile, FRAGILE, {"done", "diverged"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rows_of_a_run_are_those_that_are_expected(case):
    make, axes, statuses = CASES[case]
    sweep = make_tiny(regimes=[rx.regimes.probed(make(), norm, every=4)], axes=axes, seeds=2, threshold=0.001)
    plan = make_plan(sweep)
    execute(plan, OUT, Options(devices=1), Silent())
    _, stages, curves = store.tables(OUT)
    _, _, probes = store.tables(OUT, store.PROBES)
    ends = {row["stage"]: (row["status"], row["updates_done"]) for row in stages.iter_rows(named=True)}
    assert {status for status, _ in ends.values()} == statuses
    assert expected.incomplete(plan, ends, curves, probes) == set()
    left = {"curves": 0, "probes": 0}
    for rows, wanted, kind in ((curves, expected.evaluations, "curves"), (probes, expected.measurements, "probes")):
        for name, update in rows.select("stage", "update").iter_rows():
            assert update in wanted(plan, plan.stages[name], *ends[name]), (kind, name, update)
            left[kind] += 1
    assert all(left.values())
    # And each of them is missed.
    for i in range(curves.height):
        without = curves.slice(0, i).vstack(curves.slice(i + 1))
        assert expected.incomplete(plan, ends, without, probes) == {curves["stage"][i]}
    for i in range(probes.height):
        without = probes.slice(0, i).vstack(probes.slice(i + 1))
        assert expected.incomplete(plan, ends, curves, without) == {probes["stage"][i]}
