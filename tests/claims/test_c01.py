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
FILE = CLAIM.rule.__globals__
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


def effort(regime, labels, world, given):
    """FLOPs of a task, after any budget of prediction but the least a part of those from scratch."""
    column = LOOKS if LOOKS in labels else SKILLS
    rich, tried = labels[column], BUDGETS[column, labels[column]]
    if "sham" in regime:
        return given["sham"]
    updates = labels.get(BUDGET, math.inf)
    if updates in tried[: given["stuck"]] or (updates in tried[1:2] and world in given["lost"]):
        return 2 * LIMIT
    alone = given["poor"] if rich == 1 else tried[1] * (given["skills"] if column == SKILLS else given["looks"](rich))
    return alone * (given["left"] if labels.get(BUDGET, 0) > tried[0] else 1 if regime in BEST else 2)


def places(name, column, richness):
    """What step sizes are chosen for: Cipher's after prediction for each budget."""
    each = name == "cipher_predicted"
    return [
        {column: rich} | ({BUDGET: updates} if each else {})
        for rich in richness
        for updates in (BUDGETS[column, rich] if each else [0])
    ]


def runs_of(edge=(), **planted):
    """Runs of all sweeps with a planted effort, up to noise per world.

    Args:
      edge: arms whose step sizes lie at ends of their grids, or with the budget after which they do.
      **planted: `looks`, what a task takes from scratch, by looks, in units of the second least budget of prediction;
        `skills`, the same at any number of skills; `left`, the part of it that is left to reinforcement; `sham`, FLOPs
        of a task after the sham; `poor`, the same from scratch with one look, or one skill; `stuck`, after how many of
        the least budgets nobody gets there; `lost`, worlds in which nobody does after the second least.
    """
    given = {"looks": lambda rich: rich / 8, "skills": 3.0, "left": 0.001, "sham": 1e9, "poor": 1.0}
    given |= {"stuck": 0, "lost": ()} | planted
    rng, runs = np.random.default_rng(0), {}
    for name, sweep in CLAIM.sweeps("small").items():
        rows, curves = [], []
        for regime in sweep.regimes:
            for point in POINTS[name]:
                for world, seed in spec.seed_list(sweep):
                    time = effort(regime.name, point.labels, world, given) * math.exp(0.05 * rng.standard_normal())
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
                where=where,
                score=0.9 if trial.regime in BEST else 0.5,
                edge=["rl.learning_rate"] if {trial.regime, (trial.regime, where.get(BUDGET))} & set(edge) else [],
            )
            for trial in tuned(regime.name for regime in sweep.regimes)
            for where in places(name, column, {row[column] for row in rows})
        ]
        facts = {"resolved": {"threshold": sweep.threshold, "consecutive": sweep.consecutive}}
        runs[name] = SimpleNamespace(
            cells=pl.DataFrame(rows), curves=pl.DataFrame(curves), facts=facts, tried=tuple(tried)
        )
    return runs


@pytest.mark.parametrize(
    ("given", "outcome", "why"),
    [
        ({}, "supported", "slope of ln n* on ln M < -0.2"),
        ({"looks": lambda rich: 32 / rich}, "refuted", "not so: slope of ln n* on ln M < -0.2"),
        ({"looks": lambda rich: 4.0}, "refuted", "not so: slope of ln n* on ln M < -0.2"),
        ({"looks": lambda rich: 2 * rich**0.2}, "inconclusive", "cannot be told: slope of ln n* on ln M < -0.2"),
        ({"looks": lambda rich: rich / 4000}, "inconclusive", "could not have told: room: n*"),
        ({"skills": 0.9}, "inconclusive", "cannot be told: n* with 4 skills < 1"),
        ({"left": 0.02}, "refuted", "not so: share of 100 tasks, 32 looks > 0.5"),
        ({"left": 0.0025}, "inconclusive", "cannot be told: share of 100 tasks, 32 looks > 0.5"),
        ({"stuck": 2}, "supported", ""),
        ({"stuck": 5}, "inconclusive", "could not have told: censored, predicted, exemplar 16"),
        ({"stuck": 6}, "inconclusive", "or none that serves = 0, found 6 of 6 budgets"),
        ({"sham": 10.0}, "invalid", "not so: n* of the sham, exemplar > 100"),
        ({"skills": 1e6, "sham": 10.0}, "invalid", "not so: success of the sham − from scratch, cipher < 0.1"),
        ({"poor": 100.0}, "invalid", "not so: n* with one look > 100"),
        ({"edge": ["pretrain_rl-frozen"]}, "inconclusive", "could not have told: arms at an end"),
        ({"edge": [("imitation_rl", 32)]}, "inconclusive", "could not have told: arms at an end"),
        ({"edge": ["pure_rl-A2C", ("imitation_rl", 64)]}, "supported", ""),
    ],
)
def test_c1_finds_what_was_planted(given, outcome, why):
    verdict = CLAIM.rule(runs_of(**given))
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


@pytest.mark.parametrize(("lost", "place"), [(0, 1), (1, 1), (2, 2), (6, 2)])
def test_a_budget_after_which_some_worlds_never_get_there_is_not_chosen(lost, place):
    seeds = [world for world, _ in spec.seed_list(CLAIM.sweeps("small")["exemplar_scratch"])]
    runs = runs_of(lost=seeds[:lost])
    for kind, rich in ((FILE["EXEMPLAR"], 32), (FILE["CIPHER"], 4)):
        for tasks in (None, 100):
            assert FILE["budget"](runs, kind, rich, tasks) == BUDGETS[kind.rich, rich][place]


def test_where_no_budget_serves_nothing_is_known():
    runs, kind = runs_of(stuck=6), FILE["EXEMPLAR"]
    assert FILE["budget"](runs, kind, 32) is None
    found = FILE["broken_even"](FILE["from_scratch"](runs, kind, 32), FILE["best"](runs, kind, 32))
    assert (found.value, found.low, found.high) == (None, 0.0, math.inf)
    sloping, part = FILE["slope"](runs), FILE["share"](runs, kind, 32, 100)
    assert (sloping.value, sloping.low, sloping.high) == (None, -math.inf, math.inf)
    assert (part.value, part.low, part.high) == (None, 0.0, 1.0)
    assert CLAIM.figure is not None
    assert len(CLAIM.figure(runs)) == 2


def test_a_share_is_that_of_all_budgets_that_are_as_good():
    found = FILE["share"](runs_of(left=0.02), FILE["EXEMPLAR"], 32, 100)
    best, *_, other, _ = BUDGETS[LOOKS, 32][1:]
    task = 100 * 0.02 * 4 * best
    assert other + task < 1.1 * (best + task)
    assert found.value == pytest.approx(best / (best + task), rel=0.05)
    assert found.low <= found.value < other / (other + task) < found.high


def test_figures_have_a_line_for_each_kind_and_number_of_tasks():
    assert CLAIM.figure is not None
    tasks, shares = CLAIM.figure(runs_of())
    assert [len(tasks.data), len(shares.data)] == [2, 6]
    [exemplar, _] = tasks.data
    assert list(exemplar.x) == [1, 4, 8, 16, 32]
    assert list(exemplar.y)[1:] == sorted(exemplar.y[1:], reverse=True)
