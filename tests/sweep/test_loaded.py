"""Getting tables, the spec and learners out of a run."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import regimax as rx
from regimax import prng, rollout
from regimax.sweep import store
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute

from .conftest import Silent, make_tiny


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    out = tmp_path_factory.mktemp("kept") / "run"
    sweep = make_tiny(regimes=make_tiny().regimes[1:2], keep_params=True)
    execute(make_plan(sweep), out, Options(facts={"set": [], "seeds_given": None}), Silent())
    return out, sweep


def test_the_tables_and_the_spec(kept):
    run = rx.load_run(*kept)
    assert run.sweep is kept[1]
    assert run.cells.height == 6
    assert set(run.curves["phase"]) == {"pretrain", "rl"}
    assert run.stages["status"].to_list() == ["done"] * 9
    assert run.facts["resolved"]["threshold"] == 0.9


def test_an_agent_acts_just_as_its_last_evaluation_did(kept):
    run = rx.load_run(*kept)
    for row in run.cells.iter_rows(named=True):
        agent = run.agent(row["cell"])
        policy = rollout.Policy(agent.carry, agent.act, lambda carry, obs: jnp.zeros(len(obs)))
        key = prng.named(rx.cell_keys([row["seed"]], [row["world_seed"]]).learner[0], "evaluate", "rl", 8)
        play = jax.jit(lambda k, a=agent, p=policy: rollout.evaluate(k, a.world, a.world_params, (), p, 16, {}))
        found = play(key)
        assert {name: float(found[name]) for name in ("success", "return")} == pytest.approx(
            {name: row[name] for name in ("success", "return")}, abs=1e-6
        )


def test_what_cannot_be_had_is_said(kept, tmp_path):
    run = rx.load_run(*kept)
    with pytest.raises(rx.UserError, match="cell"):
        run.agent("nobody")
    with pytest.raises(rx.UserError, match="phase"):
        run.agent(run.cells["cell"][0], "dreaming")
    with pytest.raises(rx.UserError, match="keeps no sweep file"):
        rx.load_run(kept[0]).agent(run.cells["cell"][0])
    with pytest.raises(rx.UserError, match="no longer what"):
        rx.load_run(kept[0], make_tiny(keep_params=True)).agent(run.cells["cell"][0])
    with pytest.raises(rx.UserError, match="not a run directory"):
        rx.load_run(Path(tmp_path))


SOURCE = """
import pathlib
import regimax as rx
pathlib.Path("executed").touch()
o = {"network": rx.networks.gru(8), "num_envs": 8, "evaluate": rx.regimes.Evaluate(every=2, episodes=16)}
sweep = rx.Sweep(world=rx.envs.Cipher(symbols=3, skills=2, length=2),
    regimes=[rx.regimes.pretrain_rl(updates=(4, 8), **o)], axes={"reward.erasure": [0.0, 0.5]}, seeds=3,
    keep_params=True)
"""


def test_the_copy_of_the_sweeps_file_is_executed_only_as_it_was_registered_or_where_it_is_trusted(kept, tmp_path):
    run, cell = tmp_path / "run", rx.load_run(kept[0]).cells["cell"][0]
    facts = {"set": [], "seeds_given": None}
    execute(make_plan(kept[1]), run, Options(facts=facts, source=SOURCE), Silent())
    loaded = rx.load_run(run)
    assert loaded.curves.height
    assert not Path("executed").exists()  # tables execute nothing
    assert loaded.agent(cell).params
    assert Path("executed").exists()
    Path("executed").unlink()
    (copy,) = run.rglob(store.SOURCE)
    copy.write_text(SOURCE.replace("seeds=3", "seeds=range(3)"))
    with pytest.raises(rx.UserError, match=r"is not the file that its run registered.*trust=True"):
        rx.load_run(run).agent(cell)
    assert not Path("executed").exists()
    assert rx.load_run(run, trust=True).agent(cell).params
    assert Path("executed").exists()


def test_a_run_that_was_taken_to_where_its_folder_is_not_gives_its_sweep(kept, tmp_path):
    run = tmp_path / "run"
    facts = {"set": [], "seeds_given": None, "folder": str(tmp_path / "elsewhere")}
    execute(make_plan(kept[1]), run, Options(facts=facts, source=SOURCE), Silent())
    assert rx.load_run(run).sweep.seeds == 3
