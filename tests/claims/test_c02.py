"""C2's rule finds what was planted: reinforcement that brings out what is there, goes beyond, or needs all weights."""

import math
from types import SimpleNamespace

import polars as pl
import pytest

from regimax.claims import load_claim
from regimax.sweep import spec

from .conftest import planted
from .scored import scored
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c02_highlights.py")
KAPPA = "world.coverage"


def runs(
    ends=lambda kappa: kappa,
    known=lambda kappa: max(kappa, 0.2),
    rank=1.2,
    sham=0.03,
    dense=0.98,
    curious=0.5,
    half=None,
    blind=0.05,
    full=10_000.0,
    edge=(),
):
    """What a rule is given.

    Args:
      ends: success where reinforcement ends, by κ.
      known: the base model's pass@256, by κ.
      rank: episodes that rank 1 needs, for each of full fine-tuning.
      sham: success after the sham.
      dense: success of Q-learning that is paid for every step.
      curious: success with more entropy.
      half: success at half of the budget, of who ends elsewhere; as at its end when None.
      blind: pass@256 of a policy that knows nothing.
      full: episodes that full fine-tuning needs, where they are counted; elsewhere nobody gets there.
      edge: pairs of a sweep and an arm that chose an end of its grid there.
    """

    def score(regime, labels):
        if "paid" in labels:
            return curious if labels["paid"] == "at the end, more entropy" else dense
        if regime.startswith("imitation_rl") and regime != "imitation_rl-frozen":
            return ends(labels[KAPPA])
        return {"imitation_sham": sham, "pure_rl-A2C": 0.01, "pure_rl-Q": 0.02}.get(regime, 0.3)

    def measured(regime, labels, at):
        most = blind if regime.startswith("pure") else known(labels[KAPPA])
        return {"pass_at_1": most / 4, "pass_at_256": most}

    def took(regime, labels):
        return 4 * full * (rank if "rank" in regime else 1.0)

    def never(regime, labels):
        return math.inf

    found = {}
    for name, sweep in CLAIM.small.items():
        made = scored(sweep, score, probed=measured)
        counted = name == "ranks"
        steps = {"every": 1_280, "budget": 256_000} if counted else {"every": 2_560, "budget": 128_000}
        times = planted(sweep, took if counted else never, noise=0.05, **steps)
        ending = made.curves.filter(pl.col("update") == pl.col("update").max())
        before = ending.with_columns(
            update=pl.col("update") // 2, success=pl.col("success") if half is None else pl.lit(half)
        )
        rest = pl.concat([before, ending]).select(
            "cell", "regime", "seed", "world_seed", KAPPA, "phase", "update", "success"
        )
        curves = pl.concat([times.curves.with_columns(phase=pl.lit("timed")), rest], how="diagonal_relaxed")
        found[name] = SimpleNamespace(
            cells=times.cells.drop("success").join(made.cells.select("cell", "success"), on="cell"),
            curves=curves,
            probes=made.probes,
            facts=times.facts,
            tried=tuple(
                t._replace(
                    score=0.5,
                    edge=["rl.learning_rate"] if (name, t.regime) in edge else [],
                    where={"paid": paid} if paid else {},
                )
                for t in made.tried
                for paid in (sweep.axes.get("paid") or [None])
            ),
        )
    return found


def test_no_world_was_seen_in_an_earlier_run():
    small, full = (
        {name: {world for world, _ in spec.seed_list(sweep)} for name, sweep in CLAIM.sweeps(scale).items()}
        for scale in ("small", "full")
    )
    seen = set(range(16))
    assert not seen & set().union(*small.values())
    assert not small["ranks"] & small["coverage"]
    assert not (seen | set().union(*small.values())) & set().union(*full.values())


@pytest.mark.parametrize(
    ("given", "outcome", "why"),
    [
        ({}, "supported", "ln T rank 1 − full < 0.405465"),
        ({"rank": 2.6}, "refuted", "not so: ln T rank 1 − full"),
        ({"rank": 1.7}, "inconclusive", "cannot be told: ln T rank 1 − full"),
        (
            {"ends": lambda kappa: kappa + 0.3 * (kappa == 0.25)},
            "refuted",
            "not so: success − base's pass@256, κ = 0.25",
        ),
        ({"curious": 0.8}, "refuted", "more entropy"),
        ({"ends": lambda kappa: 0.8 * kappa}, "inconclusive", "cannot be told: success, κ = 0.75"),
        ({"sham": 0.3}, "invalid", "not so: success, sham − scratch"),
        ({"ends": lambda kappa: max(kappa, 0.2)}, "invalid", "not so: success, κ = 0 − scratch"),
        ({"dense": 0.5}, "inconclusive", "could not have told: room: success paid for every step"),
        ({"half": 0.3}, "inconclusive", "could not have told: -0.1 < success, end − halfway"),
        ({"blind": 0.5}, "inconclusive", "could not have told: pass@256 of who knows nothing"),
        ({"full": 200_000.0}, "inconclusive", "could not have told: censored, imitation_rl"),
        ({"edge": [("ranks", "imitation_rl-rank-1")]}, "inconclusive", "could not have told: arms at an end"),
        ({"edge": [("coverage", "imitation_rl")]}, "inconclusive", "could not have told: arms at an end"),
        ({"edge": [("whole", "pretrain_rl"), ("half", "imitation_rl")]}, "supported", ""),
    ],
)
def test_c2_finds_what_was_planted(given, outcome, why):
    verdict = CLAIM.rule(runs(**given))
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


def test_the_figure_shows_what_the_base_model_knew():
    drawn = CLAIM.figure(runs())
    assert [trace.name for trace in drawn.data] == [
        "imitation_rl",
        "imitation_rl-rank-1",
        "base model, 1 try",
        "base model, 256 tries",
        "κ",
    ]
