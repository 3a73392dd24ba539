"""Effort along a path, and when a cell was solved, by hand."""

import json
import math
from pathlib import Path

import polars as pl
import pytest

import regimax as rx
from regimax.sweep import checkpoint, disk, store, table


def write_run(success, status="done", consecutive=2, old=False, pending=False, told=None, folder="run"):
    """One cell: 4 updates of prediction, then 6 of reinforcement learning with evaluations every two."""
    run = Path(folder)
    for folder in (store.CURVES, store.FINISHED, store.STATES, store.CHECKPOINTS):
        (run / folder).mkdir(parents=True)
    cells = {"cell": ["a/0"], "regime": ["a"], "setting": [""], "seed": [0], "world_seed": [0], "stages": [["p", "q"]]}
    stages = {"stage": ["p", "q"], "phase": ["pretrain", "rl"], "start": [0, 0], "end": [4, 6]}
    costs = {"flops": [10.0, 100.0], "env_steps": [0, 5], "passive_steps": [7, 0]}
    costs |= {"flops_prediction": [9.0, 20.0], "flops_experience": [1.0, 30.0], "flops_reinforcement": [0.0, 50.0]}
    costs |= {"present_sensory_bound": [0.25, math.nan], "rewards_delivered": [0.0, 0.5]}
    costs |= {f"bits_{name}": [0.5, 2.0] for name in ("sensory", "abstraction", "decision", "reward", "outcome")}
    stages |= {f"{name}_per_update": values for name, values in costs.items()}
    stages["flops_executed_per_update"] = [20.0, 200.0]
    stages |= {"predictable_share": [0.25, 0.5], "floor_scratch": [9.0, 16.0], "floor_stream": [1.0, 2.0]}
    if old:
        since = ("flops_pred", "flops_exp", "flops_rein", "rewards", "predictable", "floor")
        stages = {name: values for name, values in stages.items() if not name.startswith(since)}
    write_plan(run, cells, stages, consecutive)
    updates = [0, 2, 4, 6][: len(success)]
    rows = {"stage": ["p"] + ["q"] * len(success), "update": [0, *updates], "success": [None, *success]}
    rows["return"] = rows["success"]
    rows["throughput"] = [None, *(float(i) for i in range(len(success)))]
    if told is not None:
        rows["reward_bits_bound"] = [None, *told]
    ended = {"stage": ["p", "q"], "status": ["done", status], "updates_done": [4, updates[-1]], "state": ["", ""]}
    if pending:
        ended = {name: values[:1] for name, values in ended.items()}
    commit(run, 1, rows, ended)
    return run


def write_plan(run, cells, stages, consecutive=2):
    files = {store.CELLS: disk.as_parquet(pl.DataFrame(cells)), store.STAGES: disk.as_parquet(pl.DataFrame(stages))}
    store.write_sweep(run, {"axes": [], "resolved": {"threshold": 0.9, "consecutive": consecutive}}, files)


def commit(run, step, rows, ended, environments=("here",)):
    """One part of each kind, computed under the last of the environments."""
    name, number = f"part-{step:06d}.parquet", len(environments) - 1
    parts = {store.PROBES: {}}
    for kind, frame in ((store.CURVES, rows), (store.FINISHED, ended)):
        written = disk.write_frame(run / kind / name, pl.DataFrame(frame))
        parts[kind] = {name: {"sha256": written, "environment": number}}
    before = store.newest_manifest(run) or {kind: {} for kind in store.PARTS}
    whole = {kind: before[kind] | part for kind, part in parts.items()}
    facts = {"environments": [{"jax": name} for name in environments], "sweep": "", store.STATES: []}
    checkpoint.save(run, step, {}, facts | whole)


def test_effort_is_added_up_along_the_path():
    row = table.cell_table(write_run([0.0, 0.1, 0.2, 0.3])).row(0, named=True)
    assert (row["updates"], row["env_steps"], row["passive_steps"]) == (10, 30, 28)
    assert (row["flops"], row["flops_without_env_steps"], row["flops_rl"]) == (640.0, 40.0, 600.0)
    split = [row[f"flops_{kind}"] for kind in ("prediction", "experience", "reinforcement")]
    assert split == [4 * 9 + 6 * 20, 4 * 1 + 6 * 30, 6 * 50]
    assert sum(split) == row["flops"]
    assert row["bits_reward"] == 4 * 0.5 + 6 * 2.0
    assert row["rewards_delivered"] == 6 * 0.5
    # Ten steps between evaluations, each of which stands for those before it; what was never measured is not known.
    assert row["used_decision"] == 10 * (1 + 2 + 3)
    assert (row["reward_bits_bound"], row["present_sensory_bound"]) == (None, None)
    assert row["success"] == pytest.approx(0.3)
    assert (row["censored"], row["diverged"], row["solved_at_update"]) == (True, False, None)


def test_a_run_from_before_flops_were_told_apart_says_nothing_of_it():
    row = table.cell_table(write_run([0.0, 0.1], old=True)).row(0, named=True)
    assert (row["flops"], row["flops_prediction"], row["flops_reinforcement"]) == (240.0, None, None)
    assert row["rewards_delivered"] is None


@pytest.mark.parametrize(
    ("success", "solved_at"),
    [
        ([0.9, 0.9, 0.0, 0.0], 0),
        ([0.0, 0.9, 1.0, 0.0], 2),
        ([0.9, 0.0, 0.9, 0.0], None),
        ([0.0, 0.0, 0.95, 0.9], 4),
        ([0.0, 0.0, 0.0, 1.0], None),
    ],
)
def test_solved_is_the_first_of_consecutive_evaluations(success, solved_at):
    row = table.cell_table(write_run(success)).row(0, named=True)
    assert row["solved_at_update"] == (None if solved_at is None else 4 + solved_at)
    assert row["solved_at_env_step"] == (None if solved_at is None else 5 * solved_at)
    assert row["solved_at_flops"] == (None if solved_at is None else 40 + 100 * solved_at)
    assert row["censored"] == (solved_at is None)


def test_efficiency_is_the_floor_of_the_bits_that_were_told_until_it_was_solved():
    row = table.cell_table(write_run([0.0, 0.9, 1.0, 1.0], told=[0.0, 0.25, 0.5, 0.5])).row(0, named=True)
    assert (row["predictable_share"], row["floor_scratch"], row["floor_stream"]) == (0.25, 16.0, 2.0)
    assert (row["solved_at_reward"], row["solved_at_reward_bits"]) == (2 * 0.5, 10 * 0.25)
    assert row["information_efficiency"] == 2.0 / 2.5  # it has predicted something
    again = table.cell_table(write_run([0.0, 0.9, 0.0, 1.0], told=[0.0, 0.25, 0.5, 0.5], folder="other"))
    assert again["information_efficiency"].to_list() == [None]


def test_an_early_stop_costs_what_it_used():
    row = table.cell_table(write_run([0.9, 1.0], status="solved")).row(0, named=True)
    assert (row["status"], row["updates"], row["env_steps"]) == ("solved", 6, 10)


def test_what_is_pending_has_no_result():
    row = table.cell_table(write_run([0.5, 0.6], pending=True)).row(0, named=True)
    assert (row["status"], row["success"], row["censored"], row["updates"]) == ("pending", None, False, 4)


def test_curves_carry_cumulative_effort():
    curves = table.cell_curves(write_run([0.0, 0.1, 0.2, 0.3]))
    assert curves["env_steps"].to_list() == [0, 0, 10, 20, 30]
    assert curves["flops"].to_list() == [0, 40, 240, 440, 640]
    assert curves["phase"].to_list() == ["pretrain"] + ["rl"] * 4


def test_totals_count_shared_stages_once_and_padding():
    found = table.totals(write_run([0.0, 0.1, 0.2, 0.3]))
    assert found == {
        "stages": 2,
        "updates": 10,
        "env_steps": 30,
        "passive_steps": 28,
        "flops_executed": 4 * 20 + 6 * 200,
    }


def test_a_manifest_that_was_changed_does_not_count():
    run = write_run([0.0])
    path = run / store.CHECKPOINTS / "000001" / store.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"step": 2}))
    with pytest.raises(disk.Damaged, match="seal"):
        store.read_manifest(run, 1)
    with pytest.raises(disk.Damaged, match="seal"):  # an older one would tell of fewer results
        table.cell_table(run)


def test_cells_say_under_which_environments_they_were_computed_where_there_were_several():
    run = write_run([0.0, 0.1], pending=True)
    assert "computed_under" not in table.cell_table(run).columns
    rest = {"stage": ["q", "q"], "update": [4, 6], "success": [0.2, 0.3], "return": [0.2, 0.3]}
    ended = {"stage": ["q"], "status": ["done"], "updates_done": [6], "state": [""]}
    commit(run, 2, rest, ended, environments=("0.10.2", "0.11.0"))
    row = table.cell_table(run).row(0, named=True)
    assert (row["status"], row["success"]) == ("done", pytest.approx(0.3))
    assert row["computed_under"] == "jax 0.10.2 + jax 0.11.0"
    assert "computed_under" not in table.cell_curves(run).columns


def test_other_folders_are_no_runs():
    with pytest.raises(rx.UserError, match="not a run directory"):
        table.cell_table(Path("nowhere"))


@pytest.mark.parametrize(
    ("there", "typed", "meant"),
    [
        (["runs/mine"], "mine", "runs/mine"),
        (["runs/mine"], "runs", "runs/mine"),
        (["runs/mine"], ".", "runs/mine"),
        (["runs/mine", "runs/other"], "runs/mne", "runs/mine"),
        (["runs/mine", "runs/other"], "other", "runs/other"),
        (["runs/mine", "runs/other"], "runs", "runs/mine"),
        ([], "mine", None),
    ],
)
def test_the_run_that_was_meant_is_named(there, typed, meant):
    for name in there:
        Path(name).mkdir(parents=True)
        (Path(name) / "sweep.json").write_text("{}")
    with pytest.raises(rx.UserError, match="not a run directory") as told:
        table.cell_table(Path(typed))
    assert str(told.value).endswith(f"Did you mean {meant!r}?" if meant else "it has no sweep.json.")
