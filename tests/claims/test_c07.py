"""C7's rule finds what was planted: elasticities, what prediction leaves of them, channels that tell nothing."""

import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c07_bandwidth_ladder.py")


def episodes(reward=1.0, senses=0.2, after=1.0, small=800.0, sham=4_000.0, below=0.0):
    """Median episodes by elasticities: of reward from scratch and after prediction, of the senses, and below the noise.

    Args:
      small: with wide channels after prediction; 6,000 from scratch.
      sham: after a sham.
    """
    wide = {"pure_rl": 4_000.0, "pretrain_rl": small, "sham_rl": sham}

    def effort(regime, labels):
        bits = labels["sensory.bits"]
        fine = (min(bits, 6) / 6) ** -senses * (max(bits, 6) / 6) ** -below
        erased = (1.0 - labels["reward.erasure"]) ** -(after if regime == "pretrain_rl" else reward)
        return wide[regime] * labels["world.looks"] / 8 * fine * erased

    return effort


def run(effort, budget=25_600):
    return {name: planted(sweep, effort, noise=0.1, budget=budget) for name, sweep in CLAIM.small.items()}


@pytest.mark.parametrize(
    ("effort", "outcome", "why"),
    [
        (episodes(), "supported", "ε reward, scratch > 0.25"),
        (episodes(reward=0.0, after=0.0, senses=-0.2), "refuted", "not so: ε reward, scratch > 0.25"),
        (episodes(reward=0.5, after=0.5, senses=1.6), "refuted", "not so: ε reward − ε senses"),
        (episodes(after=0.1), "refuted", "not so: -0.5 < ε reward, predicted − scratch < 0.5"),
        (episodes(small=5_000.0, sham=15_000.0), "inconclusive", "could not have told: ln T scratch − predicted > 0"),
        (episodes(sham=800.0), "invalid", "not so: ln T sham − predicted"),
        (episodes(below=0.7), "invalid", "not so: -0.25 < ε below the noise, pure_rl < 0.25"),
        (episodes(after=1.5, senses=0.4), "inconclusive", "cannot be told: -0.5 < ε reward, predicted − scratch < 0.5"),
    ],
)
def test_c7_finds_what_was_planted(effort, outcome, why):
    verdict = CLAIM.rule(run(effort))
    assert verdict.outcome == outcome, verdict
    assert why in verdict.reason


def test_c7_draws_what_was_not_reached_too():
    figures = CLAIM.figure(run(episodes(senses=0.8), budget=8_000))
    ladder, widths, phases = figures
    assert [len(figure.data) > 1 for figure in figures] == [True] * 3
    assert len(ladder.data[0].x) == 4
    assert any(trace.type == "scatter" and len(trace.x) for trace in widths.data)  # fields without a median
    assert {trace.name for trace in phases.data} >= {"P = ½", "both solve"}
