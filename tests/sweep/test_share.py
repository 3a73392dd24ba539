"""Shares of a plan, run apart, and joined."""

import shutil
from pathlib import Path

import jax
import pytest

import regimax as rx
from regimax.sweep import merge, share, store
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute, plan_for

from .conftest import Silent, make_tiny

CHAINS = {"pretrain.updates": [2, 4], "reward.erasure": [0.0, 0.5]}


def sweep(**changes):
    return make_tiny(**({"axes": CHAINS, "seeds": 4, "keep_params": True} | changes))


def go(out, part=None, given=None):
    display, how = Silent(), Options(share=part, checkpoint_seconds=1e9)
    plan = plan_for(given or sweep(), Path(out), how)
    execute(plan, Path(out), how, display)
    return plan, sum(tick.updates for tick in display.ticks)


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_shares_are_whole_trees_of_about_equal_work(of):
    plan = make_plan(sweep(seeds=9))
    parts = [share.cut(plan, i, of) for i in range(1, of + 1)]
    assert sorted(c.id for part in parts for c in part.cells) == sorted(c.id for c in plan.cells)
    assert sorted(s for part in parts for s in part.stages) == sorted(plan.stages)
    for part in parts:
        assert all(s.parent is None or s.parent in part.stages for s in part.stages.values())
        assert all(s in part.stages for cell in part.cells for s in cell.path)
        assert [s for s in plan.stages if s in part.stages] == list(part.stages)
        assert set(part.programs) == {s.program for s in part.stages.values()}
        assert part.share.at_once == parts[0].share.at_once
    work = [part.updates_planned() for part in parts]
    assert sum(work) == plan.updates_planned()
    assert max(work) - min(work) <= 2 * max(s.end for s in plan.stages.values()) * 8


def test_more_shares_than_can_run_apart_are_refused():
    with pytest.raises(rx.UserError, match=r"99 shares are too many: .* makes 16 at most"):
        share.cut(make_plan(sweep()), 1, 99)


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """A sweep as one run, and as three shares."""
    root = tmp_path_factory.mktemp("apart")
    _, whole = go(root / "whole")
    ran = [go(root / f"s{i}", (i, 3))[1] for i in (1, 2, 3)]
    assert sum(ran) == whole
    return root


def test_merged_shares_are_what_one_run_leaves_to_the_byte(apart, tmp_path):
    assert merge.merge([apart / "s3", apart / "s1", apart / "s2"], tmp_path / "all") == len(make_plan(sweep()).cells)
    for name in (store.CELLS, store.STAGES):
        assert (tmp_path / "all" / name).read_bytes() == (apart / "whole" / name).read_bytes()
    one, other = rx.load_run(apart / "whole", sweep()), rx.load_run(tmp_path / "all", sweep())
    assert one.curves.equals(other.curves)
    assert one.facts["resolved"] == other.facts["resolved"]
    cell = one.cells["cell"][-1]
    assert abs_sum(one.agent(cell).params) == abs_sum(other.agent(cell).params)
    assert go(tmp_path / "all")[1] == 0  # nothing is left
    assert rx.load_run(apart / "s2", sweep()).agent(rx.load_run(apart / "s2").cells["cell"][0]).params


def abs_sum(tree):
    return sum(float(abs(leaf).sum()) for leaf in jax.tree.leaves(tree))


def test_what_is_there_is_joined_and_the_rest_run(apart, tmp_path):
    with pytest.raises(rx.UserError, match=r"of 3 shares these are missing: 2; --partial joins what is there"):
        merge.merge([apart / "s3", apart / "s1"], tmp_path / "some")
    assert not list(tmp_path.iterdir())
    merge.merge([apart / "s3", apart / "s1"], tmp_path / "some", partial=True)
    two = share.cut(make_plan(sweep()), 2, 3).updates_planned()
    assert go(tmp_path / "some")[1] == two
    for name in (store.CELLS, store.STAGES):
        assert (tmp_path / "some" / name).read_bytes() == (apart / "whole" / name).read_bytes()


def test_shares_that_do_not_go_together_are_refused(apart, tmp_path):
    with pytest.raises(rx.UserError, match=r"no share of a sweep: run it with --part"):
        merge.merge([apart / "s1", apart / "whole"], tmp_path / "all")
    with pytest.raises(rx.UserError, match=r"are the same share, 1 of 3"):
        merge.merge([apart / "s1", apart / "s1", apart / "s2"], tmp_path / "all")
    with pytest.raises(rx.UserError, match="is there already"):
        merge.merge([apart / "s1"], apart / "whole")
    with pytest.raises(rx.UserError, match="not a run directory"):
        merge.merge([tmp_path / "nothing"], tmp_path / "all")
    go(tmp_path / "other", (2, 3), sweep(seeds=5))
    with pytest.raises(rx.UserError, match=r"are shares of different sweeps: seeds"):
        merge.merge([apart / "s1", tmp_path / "other"], tmp_path / "all")
    go(tmp_path / "half", (2, 2))
    with pytest.raises(rx.UserError, match=r"are shares of different sweeps: share\[1\] was 3, is 2"):
        merge.merge([apart / "s1", tmp_path / "half"], tmp_path / "all")
    with pytest.raises(rx.UserError, match=r"holds another sweep: share\[0\] was 1, is 2"):
        go(apart / "s1", (2, 3))
    assert {path.name for path in tmp_path.iterdir()} == {"other", "half"}


def test_a_damaged_share_is_told_and_leaves_nothing(apart, tmp_path):
    shutil.copytree(apart / "s1", tmp_path / "s1")
    part = next((tmp_path / "s1" / store.CURVES).iterdir())
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(rx.UserError, match=r"curves.* is damaged"):
        merge.merge([tmp_path / "s1", apart / "s2", apart / "s3"], tmp_path / "all")
    assert {path.name for path in tmp_path.iterdir()} == {"s1"}
