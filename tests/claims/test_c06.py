"""C6's rule finds what was planted: prediction beside that saves rewards, or does not, or not enough, or without
concepts."""

from types import SimpleNamespace

import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c06_always_on.py")
RICH = {
    "pure_rl-A2C": 15_000.0,
    "pure_rl-Q": 1_000.0,
    "always_on": 60.0,
    "always_on-shared": 400.0,
    "always_on_sham": 9_000.0,
    "pretrain_rl": 60.0,
    "pretrain_rl-A2C": 100.0,
    "sham_rl": 2_000.0,
    "oracle": 50.0,
}
POOR = {"pure_rl-A2C": 500.0, "pure_rl-Q": 100.0, "always_on": 60.0}


def runs(rich=RICH, poor=POOR, edge=()):
    """What a rule is given: at 64 observations per reward, and alike at the others."""
    found = {}
    for name, sweep in CLAIM.small.items():
        median = poor if name == "one_look" else rich
        found[name] = planted(sweep, lambda regime, _, median=median: median[regime], every=2.0, budget=3_000)
        tried = [trial._replace(score=0.5 if "A2C" in trial.regime else 0.9) for trial in found[name].tried]
        tried = [t._replace(edge=["rl.learning_rate"] if t.regime in edge else []) for t in tried]
        found[name] = SimpleNamespace(**vars(found[name]) | {"tried": tuple(tried)})
    return found


@pytest.mark.parametrize(
    ("given", "outcome", "why"),
    [
        ({}, "supported", "ln R scratch − always-on > 0.693147"),
        ({"rich": RICH | {"always_on": 1_000.0}, "poor": POOR | {"always_on": 95.0}}, "refuted", "scratch − always-on"),
        # Whether it saves half cannot be told; that it is not enough can.
        (
            {"rich": RICH | {"always_on": 560.0}, "poor": POOR | {"always_on": 95.0}},
            "refuted",
            "not so: ln R always-on − predicted",
        ),
        ({"rich": RICH | {"always_on": 105.0}}, "inconclusive", "cannot be told: ln R always-on − predicted"),
        ({"rich": RICH | {"always_on": 200.0}}, "refuted", "not so: ln R always-on − predicted < 0.405465"),
        ({"rich": RICH | {"always_on_sham": 60.0}}, "invalid", "not so: ln R sham − always-on"),
        ({"poor": POOR | {"always_on": 5.0}}, "invalid", "not so: ln R saved with 16 looks − with one"),
        ({"rich": RICH | {"sham_rl": 60.0}}, "inconclusive", "could not have told: ln R sham_rl − predicted"),
        ({"rich": RICH | {"pure_rl-Q": 9_000.0}}, "inconclusive", "could not have told: censored, scratch (pure_rl-Q)"),
        ({"edge": ("always_on",)}, "inconclusive", "could not have told: arms at an end of their grid"),
        ({"edge": ("always_on-shared", "pure_rl-A2C")}, "supported", ""),
    ],
)
def test_c6_finds_what_was_planted(given, outcome, why):
    verdict = CLAIM.rule(runs(**given))
    assert verdict.outcome == outcome, verdict.reason
    assert why in verdict.reason


def test_what_is_neither_supported_nor_refuted_says_that_no_worlds_would_decide_it():
    verdict = CLAIM.rule(runs(RICH | {"always_on": 105.0}))
    [need] = [need for need in verdict.needs if "always-on − predicted" in need]
    assert need.endswith("nothing, it lies between what supports the claim and what refutes it")


def test_the_figure_has_a_line_for_every_arm_and_the_floors():
    drawn = CLAIM.figure(runs())
    lines = [trace.name for trace in drawn.data if trace.mode == "lines+markers"]
    assert set(lines) == set(RICH)
    assert set(lines[-2:]) == {"pure_rl-A2C", "always_on_sham"}  # who gets there in no world
    assert {"floor without a stream", "floor with a stream"} <= {trace.name for trace in drawn.data}
    assert list(drawn.layout.xaxis.tickvals) == [1, 4, 16, 64, 256, 1024]
    [scratch] = [trace for trace in drawn.data if trace.name == "pure_rl-Q"]
    assert list(scratch.x) == [1, 4, 16, 64, 256, 1024]
    [shared] = [trace for trace in drawn.data if trace.name == "always_on-shared"]
    assert list(shared.x) == [1, 4, 16, 64]


@pytest.mark.parametrize(("left_out", "worlds"), [((), 96), (("more", "rarer"), 16)])
def test_what_lies_close_together_is_compared_in_all_worlds_that_there_are(left_out, worlds):
    verdict = CLAIM.rule({name: run for name, run in runs().items() if name not in left_out})
    [close] = [check for check in verdict.claim if check.name == "ln R always-on − predicted"]
    assert close.estimate.worlds == worlds


def test_no_world_of_the_first_version_is_used_again():
    for sweep in CLAIM.small.values():
        assert min(sweep.seeds) >= 16
    assert not {*CLAIM.small["rare"].seeds} & {*CLAIM.small["more"].seeds}
