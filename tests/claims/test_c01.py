"""The rule of C1 finds what was planted, and its shares are of the same FLOPs."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from regimax.claims import load_claim
from regimax.sweep.cost import Costs
from regimax.sweep.plan import make_plan

from .conftest import tuned

CLAIM = load_claim(Path(__file__).parents[2] / "sweeps" / "c01_compute.py")
LOOKS = "world.looks"


def test_all_shares_are_of_the_same_flops():
    shares = set()
    totals = []
    for sweep in CLAIM.small.values():
        plan = make_plan(sweep)
        costs = Costs(plan)
        for cell in plan.cells:
            stages = [plan.stages[name] for name in cell.path]
            spent = [(plan.programs[s.program].phase.name, (s.end - s.start) * costs(s).flops) for s in stages]
            totals.append(sum(flops for _, flops in spent))
            shares.add(round(sum(flops for phase, flops in spent if phase == "pretrain") / totals[-1], 2))
    assert max(totals) / min(totals) < 1.03  # budgets are whole stretches between evaluations
    assert sorted(shares) == pytest.approx([0, 0.25, 0.5, 0.75, 0.9], abs=0.02)


def run(success):
    """A run that ends with `success(arm, looks, share)`, up to noise per world."""
    rng, rows = np.random.default_rng(0), {"scratch": [], "split": []}
    for name, arms, shares in (
        ("scratch", ["pure_rl"], [0.0]),
        ("split", ["pretrain_rl", "sham_rl"], [0.25, 0.5, 0.75]),
    ):
        for arm, looks, share, world in [
            (a, m, f, w) for a in arms for m in (1, 8, 64) for f in shares for w in range(16)
        ]:
            found = success(arm, looks, share) + 0.01 * rng.standard_normal()
            row = {
                "cell": f"{arm}{looks}{share}{world}",
                "regime": arm,
                "seed": world,
                "world_seed": world,
                LOOKS: looks,
            }
            effort = {"flops": 100.0, "flops_without_env_steps": 100.0 * share, "env_steps": 1, "passive_steps": 1}
            rows[name].append(row | {"status": "done", "success": found} | effort)
    tried = tuned(["pure_rl", "pretrain_rl", "sham_rl"])
    return {name: SimpleNamespace(cells=pl.DataFrame(found), tried=tried) for name, found in rows.items()}


@pytest.mark.parametrize(
    ("rich", "sham", "poor", "outcome", "why"),
    [
        (0.5, 0.0, 0.0, "supported", "f* > 0.5"),
        (0.07, 0.0, 0.0, "refuted", "not so: f* > 0.5"),  # more than the sham, and not worth its price
        (-0.5, 0.0, 0.0, "inconclusive", "could not have told: success after prediction"),
        (0.5, 0.5, 0.0, "invalid", "not so: f* of the sham < 0.2"),
        (0.5, 0.0, 0.3, "invalid", "not so: f* with one look < 0.2"),
    ],
)
def test_c1_finds_what_was_planted(rich, sham, poor, outcome, why):
    def success(arm, looks, share):
        gain = {1: poor, 8: 0.0, 64: sham if arm == "sham_rl" else rich}[looks]
        return 0.4 + gain * share

    runs = run(success)
    verdict = CLAIM.rule(runs)
    assert verdict.outcome == outcome
    assert why in verdict.reason
    assert len(CLAIM.figure(runs).data) == 6
