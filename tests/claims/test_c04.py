"""The rule of C4 finds what was planted, and what it takes a hand-made model to hold is what chance says."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c04_hand_models.py")
HOLDS_ALL = CLAIM.rule.__globals__["holds_all"]
KNOWN, MATTERS = "world.known", "world.known_ancestors"


def steps(learnt=15_000, sham=46_000, all_matters=1_000, least=36_000):
    """Median steps of each arm; by hand from `least` at κ = 1/4 to none at κ = 1."""

    def effort(regime, labels):
        if regime == "hand_model":
            return all_matters if labels[MATTERS] else least * (1 - labels[KNOWN])
        return {"pure_rl": 43_000, "learned_model": learnt, "learned_model_sham": sham}[regime]

    return effort


def run(effort, lawful=True):
    """A run in which what is learnt by hand works at once where the model holds all, or else everywhere."""
    made = planted(CLAIM.small, effort, budget=150_000, every=1_280)
    cells = made.cells.filter(pl.col("regime") == "hand_model")
    due = []
    for (known, matters), group in cells.group_by(KNOWN, MATTERS):
        holds = HOLDS_ALL(CLAIM.small.world, known, matters, group["world_seed"].to_numpy())
        due.append(group.select("cell", once=pl.Series(holds if lawful else np.ones_like(holds)).cast(pl.Float64)))
    opening = pl.col("once").is_not_null() & (pl.col("update") == 0)
    curves = made.curves.join(pl.concat(due), on="cell", how="left", maintain_order="left")
    curves = curves.with_columns(success=pl.when(opening).then("once").otherwise("success"))
    return SimpleNamespace(cells=made.cells, curves=curves, facts=made.facts, tried=made.tried)


def test_who_holds_all_keeps_the_hypergeometric_law():
    world, seeds = CLAIM.small.world, np.arange(2000)
    for known in (4, 6, 7, 8):
        share = HOLDS_ALL(world, known / 8, 0, seeds).mean()
        assert share == pytest.approx(world.known_enough(known), abs=0.04)  # 3.6 standard deviations
    assert HOLDS_ALL(world, 4 / 8, 1, seeds).all()


@pytest.mark.parametrize(
    ("effort", "lawful", "outcome", "why"),
    [
        (steps(), True, "supported", "0.25 < κ* < 1"),
        (steps(least=14_000), True, "refuted", "not so: ln T by hand − learnt"),
        (steps(learnt=60_000, sham=200_000), True, "inconclusive", "could not have told: room: ln T scratch − learnt"),
        (steps(learnt=60_000), True, "inconclusive", "could not have told: ln T sham − learnt"),
        (steps(sham=10_000), True, "invalid", "not so: ln T by hand − sham"),
        (steps(all_matters=40_000), True, "invalid", "not so: ln T, all that matters"),
        (steps(), False, "refuted", "not so: worlds against the law"),
        (steps(learnt=18_000), True, "inconclusive", "cannot be told: ln T by hand − learnt"),
    ],
)
def test_c4_finds_what_was_planted(effort, lawful, outcome, why):
    made = run(effort, lawful)
    verdict = CLAIM.rule(made)
    assert verdict.outcome == outcome, verdict
    assert why in verdict.reason
    law, against = CLAIM.figure(made)
    assert len(law.data) == 2
    assert len(against.data) >= 4
