"""C7's rule finds what was planted: which rung is steepest, at either operating point and for either arm."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import polars as pl
import pytest

from regimax.claims import load_claim
from regimax.ops import information

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c07_bandwidth_ladder.py")
RULE = CLAIM.rule.__globals__
SENSES, FEATURES, FLIPPED, LOST, SUMMED, UNSEEN = (
    "sensory.bits",
    "abstraction.dimensions",
    "decision.flip",
    "reward.erasure",
    "outcome.episodes",
    "outcome.erasure",
)


def episodes(reward=1.0, senses=0.4, features=0.2, decisions=0.3, after=0.2, small=300.0, sham=3_000.0, **more):
    """Median episodes by elasticities.

    Args:
      reward: ε of reward.
      senses: of bits down to the noise.
      features: of abstraction.
      decisions: of decisions.
      after: of abstraction after prediction, of which the others are the same.
      small: T with the widest channels after prediction; 1,500 from scratch.
      sham: after a sham.
      more: `below`, ε of bits below the noise; `outcome`, by how much more lost outcomes cost than lost rewards.
    """
    wide = {"pure_rl": 1_500.0, "pretrain_rl": small, "pure_rl-A2C": 3_000.0, "sham_rl": sham}
    scratch = {"reward": reward, "senses": senses, "features": features, "decisions": decisions}

    def effort(regime, labels):
        e = scratch | {"features": after} if regime == "pretrain_rl" else scratch
        bits = labels[SENSES]
        lost = (1.0 - labels[LOST]) * (1.0 - labels[UNSEEN])
        factor = (min(bits, 6) / 6) ** -e["senses"] * (max(bits, 6) / 6) ** -more.get("below", 0.0)
        factor *= (labels[FEATURES] / 32) ** -e["features"] * lost ** -e["reward"]
        factor *= (2.0 if labels[FLIPPED] else 1.0) ** e["decisions"]
        return wide[regime] * factor * (more.get("outcome", 1.0) if labels[UNSEEN] else 1.0)

    return effort


@cache
def base(budget=1e6, vague=0.05, **given):
    """Runs with planted efforts: most tests ask the same ones."""
    effort = episodes(**given)
    return {
        name: planted(
            replace(sweep, seeds=16),
            effort,
            noise=vague if name == "pretrain_rl" else 0.05,
            budget=budget,
            every=16,
        )
        for name, sweep in CLAIM.small.items()
    }


def runs(edge=(), weak=False, **given):
    """What the rule is given: `edge` names arms that chose a rate at an end, `weak` has A2C tune better."""
    found, scores = {}, {"pure_rl": 0.5 if weak else 0.7, "pure_rl-A2C": 0.6}
    for name, one in base(**given).items():
        tried = [t._replace(score=scores.get(t.regime, 0.9)) for t in one.tried]
        tried = [t._replace(edge=["rl.learning_rate"] if t.regime in edge else []) for t in tried]
        found[name] = SimpleNamespace(**vars(one) | {"tried": tuple(tried)})
    return found


@pytest.mark.parametrize(
    ("given", "outcome", "why"),
    [
        ({}, "supported", "|ε| reward − senses, pure_rl, HUMAN_SCALED > 0"),
        ({"senses": 1.6}, "refuted", "not so: |ε| reward − senses, pure_rl, HUMAN_SCALED"),
        ({"after": 1.6}, "refuted", "not so: |ε| reward − abstraction, pretrain_rl, HUMAN_SCALED"),
        ({"decisions": -1.6}, "refuted", "not so: |ε| reward − decisions, pure_rl, HUMAN_SCALED"),
        ({"senses": 1.6, "vague": 0.4}, "refuted", "not so: |ε| reward − senses, pure_rl, HUMAN_SCALED"),
        ({"sham": 500.0}, "invalid", "not so: ln T sham − scratch"),
        ({"below": 0.9}, "invalid", "not so: -0.25 < ε below the noise, pure_rl < 0.25"),
        ({"outcome": 2.0}, "invalid", "not so: -0.405465 < ln T half of outcomes − half of rewards"),
        ({"senses": 0.0}, "inconclusive", "could not have told: ε senses, scratch > 0.1"),
    ],
)
def test_c7_finds_what_was_planted(given, outcome, why):
    verdict = CLAIM.rule(runs(**given))
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"edge": ("pretrain_rl",)}, "could not have told: arms at an end of their grid"),
        ({"weak": True}, "could not have told: score of Q-learning − A2C"),
        ({"budget": 1_600.0}, "could not have told: censored, pure_rl, half of"),
    ],
)
def test_c7_says_why_it_could_not_have_told(given, why):
    verdict = CLAIM.rule(runs(**given))
    assert verdict.outcome == "inconclusive", verdict.reason
    assert why in verdict.reason


def test_sizes_of_slopes_are_those_of_their_intervals():
    given = pl.DataFrame({"low": [-2.0, -1.0, 1.0], "high": [-1.0, 3.0, 2.0], "shown_low": [-2.0, 1.0, 1.0]})
    found = RULE["size"](given.with_columns(shown_high=pl.Series([-1.0, 2.0, 2.0])))
    assert found.rows() == [(1.0, 2.0, 1.0, 2.0), (0.0, 3.0, 1.0, 2.0), (1.0, 2.0, 1.0, 2.0)]


def test_each_rung_is_half_and_twice_as_wide_by_the_channels_own_capacity():
    for point in RULE["POINTS"]:
        for name in RULE["RUNGS"]:
            values = RULE["widths"](point, name)
            assert len(values) == (2 if name == "decisions" else 3)
            if name == "reward":
                assert [1.0 - v for v in values] == [(1.0 - values[1]) * factor for factor in (0.5, 1.0, 2.0)]
            elif name != "decisions":
                assert list(values) == [values[1] / 2, values[1], values[1] * 2]
    assert information.symmetric_bits(4.0, RULE["HALF"]) == pytest.approx(1.0, abs=1e-4)


def test_c7_draws_what_was_not_reached_too():
    figures = CLAIM.figure(runs(budget=1_600.0))
    for drawn in figures:
        assert [trace.name for trace in drawn.data] == [f"{a}, {p}" for a in RULE["ARMS"] for p in RULE["POINTS"]]
        assert list(drawn.layout.xaxis.ticktext) == ["reward", "decisions", "abstraction", "senses"]
    assert max(len(trace.x) for trace in figures[0].data) == 4  # of whom all is seen
