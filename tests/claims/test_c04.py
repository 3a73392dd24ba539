"""The rule of C4 finds what was planted, and what a hand-made model lacks is what chance says."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c04_hand_models.py")
LACKS = CLAIM.rule.__globals__["lacks"]
KNOWN, MATTERS = "world.known", "world.known_ancestors"


def run(learnt=6_000, sham=40_000, all_matters=1_000, hand=30_000, scratch=40_000, at_once=1.0, edge=()):
    """A run with a planted effort; by hand from `hand` where nothing is known down to none where all is."""

    def effort(regime, labels):
        if regime == "hand_model":
            return all_matters if labels[MATTERS] else hand * (1 - labels[KNOWN])
        others = {"pure_rl-A2C": scratch, "pure_rl-Q": 200_000}
        return others.get(regime, sham if regime.endswith("sham") else learnt)

    made = planted(replace(CLAIM.small, seeds=16), effort, budget=100_000, every=640)
    whole = made.cells.filter(pl.col("regime") == "hand_model", pl.col(KNOWN) == 1.0)["cell"].to_list()
    names = made.cells.select("cell", "regime", "seed", "world_seed", KNOWN, MATTERS)
    opening = pl.col("cell").is_in(whole) & (pl.col("update") == 0)
    curves = made.curves.with_columns(success=pl.when(opening).then(at_once).otherwise("success"))
    tried = [trial._replace(score=0.5 if trial.regime == "pure_rl-Q" else 0.9) for trial in made.tried]
    tried = [t._replace(edge=["model_learning.updates"] if t.regime in edge else []) for t in tried]
    return SimpleNamespace(
        cells=made.cells, curves=curves.join(names, on="cell", maintain_order="left"), facts=made.facts, tried=tried
    )


def test_what_a_model_lacks_keeps_the_hypergeometric_law():
    world, seeds = CLAIM.small.world, np.arange(2000)
    F, k = world.factors, world.ancestors
    for known in (k, F - 1, F):
        missing = LACKS(world, known / F, 0, seeds)
        assert (missing == 0).mean() == pytest.approx(world.known_enough(known), abs=0.04)  # 3.6 standard deviations
        assert missing.mean() == pytest.approx(k * (1 - known / F), abs=0.1)
    assert not LACKS(world, 1 / 2, 1, seeds).any()


@pytest.mark.parametrize(
    ("given", "outcome", "why"),
    [
        ({}, "supported", "κ = 1/4 > 0.405465"),
        ({"hand": 3_000}, "refuted", "not so: ln T by hand − learnt, κ = 1/4"),
        ({"hand": 11_000}, "inconclusive", "cannot be told: ln T by hand − learnt, κ = 1/4"),
        ({"learnt": 30_000, "sham": 90_000}, "inconclusive", "could not have told: room: ln T scratch"),
        ({"sham": 7_000}, "invalid", "not so: ln T by hand − sham"),
        ({"all_matters": 20_000}, "invalid", "not so: ln T, all that matters"),
        ({"scratch": 150_000}, "inconclusive", "could not have told: censored, scratch (pure_rl-A2C)"),
        ({"at_once": 0.5}, "inconclusive", "could not have told: success at once by hand"),
        ({"edge": ("learned_model",)}, "inconclusive", "could not have told: arms at an end of their grid"),
        ({"edge": ("pure_rl-Q", "learned_model_sham")}, "supported", ""),
    ],
)
def test_c4_finds_what_was_planted(given, outcome, why):
    verdict = CLAIM.rule(run(**given))
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


def test_the_figures_show_all_arms_and_what_hand_made_models_lack():
    steps, missing = CLAIM.figure(run())
    assert {trace.name for trace in steps.data} >= {regime.name for regime in CLAIM.small.regimes}
    assert list(missing.data[0].x) == list(range(CLAIM.small.world.ancestors + 1))
