"""The rule of C1 finds what was planted in the costs of base models and of the tasks that share them."""

import math
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from regimax.claims import load_claim
from regimax.sweep import axes, spec

from .conftest import tuned
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c01_compute.py")
LOOKS, SKILLS, BUDGET, PAID = "world.looks", "world.skills", "pretrain.updates", "flops_without_env_steps"
BEST = ("pure_rl-Q", "pretrain_rl-frozen", "imitation_rl")
POINTS = {name: axes.points(sweep) for name, sweep in CLAIM.sweeps("small").items()}
BUDGETS = {
    (column, point.labels[column]): sorted(
        {one.labels[BUDGET] for one in POINTS[name] if one.labels[column] == point.labels[column]}
    )
    for name, column in (("exemplar_predicted", LOOKS), ("cipher_predicted", SKILLS))
    for point in POINTS[name]
}
LIMIT = 1e6  # FLOPs of reinforcement that everybody is given; an update of prediction takes one


def effort(regime, labels, looks, skills, left, sham, poor):
    """FLOPs of a task, after any budget of prediction but the least a part of those from scratch."""
    column = LOOKS if LOOKS in labels else SKILLS
    rich, tried = labels[column], BUDGETS[column, labels[column]]
    if "sham" in regime:
        return sham
    alone = poor if rich == 1 else tried[1] * (skills if column == SKILLS else looks(rich))
    return alone * (left if labels.get(BUDGET, 0) > tried[0] else 1 if regime in BEST else 2)


def runs_of(looks=lambda rich: rich / 8, skills=3.0, left=0.001, sham=1e9, poor=1.0, edge=()):
    """Runs of all sweeps with a planted effort, up to noise per world.

    Args:
      looks: what a task takes from scratch, by looks, in units of the second least budget of prediction.
      skills: the same at any number of skills.
      left: the part of it that is left to reinforcement.
      sham: FLOPs of a task after the sham.
      poor: the same from scratch with one look, or one skill.
      edge: arms whose step sizes lie at ends of their grids.
    """
    rng, runs = np.random.default_rng(0), {}
    for name, sweep in CLAIM.sweeps("small").items():
        rows, curves = [], []
        for regime in sweep.regimes:
            for point in POINTS[name]:
                for world, seed in spec.seed_list(sweep):
                    time = effort(regime.name, point.labels, looks, skills, left, sham, poor)
                    time *= math.exp(0.05 * rng.standard_normal())
                    paid, cell = float(point.labels.get(BUDGET, 0)), f"{regime.name}/{point.labels}/{seed}"
                    known = {"cell": cell, "regime": regime.name, "setting": f"{point.labels}", "seed": seed}
                    rows.append(
                        {**known, "world_seed": world, **point.labels, "status": "done", "env_steps": 1}
                        | {PAID: paid, "passive_steps": 0, "flops": 1.0, "success": float(time < LIMIT)}
                    )
                    seen = [0.99 * time, time, time + 1, time + 2] if time < LIMIT else [0.0, LIMIT]
                    success = [0.0, 1.0, 1.0, 1.0] if time < LIMIT else [0.0, 0.0]
                    curves += [
                        {"cell": cell, "flops": paid + at, "success": value}
                        for at, value in zip(seen, success, strict=True)
                    ]
        column = LOOKS if LOOKS in rows[0] else SKILLS
        tried = [
            trial._replace(
                where={column: rich},
                score=0.9 if trial.regime in BEST else 0.5,
                edge=["rl.learning_rate"] if trial.regime in edge else [],
            )
            for trial in tuned(regime.name for regime in sweep.regimes)
            for rich in {row[column] for row in rows}
        ]
        facts = {"resolved": {"threshold": sweep.threshold, "consecutive": sweep.consecutive}}
        runs[name] = SimpleNamespace(
            cells=pl.DataFrame(rows), curves=pl.DataFrame(curves), facts=facts, tried=tuple(tried)
        )
    return runs


@pytest.mark.parametrize(
    ("given", "outcome", "why"),
    [
        ({}, "supported", "slope of ln n* on ln M < 0"),
        ({"looks": lambda rich: 32 / rich}, "refuted", "not so: slope of ln n* on ln M < 0"),
        ({"looks": lambda rich: 4.0}, "inconclusive", "cannot be told: slope of ln n* on ln M < 0"),
        ({"looks": lambda rich: rich / 4000}, "inconclusive", "could not have told: room: n*"),
        ({"skills": 0.9}, "inconclusive", "cannot be told: n* with 4 skills < 1"),
        ({"left": 0.02}, "inconclusive", "cannot be told: share of 100 tasks, 32 looks"),
        ({"sham": 10.0}, "invalid", "not so: n* of the sham, exemplar > 100"),
        ({"skills": 1e6, "sham": 10.0}, "invalid", "not so: success of the sham − from scratch, cipher < 0.1"),
        ({"poor": 10.0}, "invalid", "not so: n* with one look > 100"),
        ({"edge": ["pretrain_rl-frozen"]}, "inconclusive", "could not have told: arms at an end"),
        ({"edge": ["pure_rl-A2C"]}, "supported", ""),
    ],
)
def test_c1_finds_what_was_planted(given, outcome, why):
    verdict = CLAIM.rule(runs_of(**given))
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


def test_figures_have_a_line_for_each_kind_and_number_of_tasks():
    assert CLAIM.figure is not None
    tasks, shares = CLAIM.figure(runs_of())
    assert [len(tasks.data), len(shares.data)] == [2, 6]
    [exemplar, _] = tasks.data
    assert list(exemplar.x) == [1, 4, 8, 16, 32]
    assert list(exemplar.y)[1:] == sorted(exemplar.y[1:], reverse=True)
