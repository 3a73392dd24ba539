"""The four outcomes at their stated error rates, on estimates whose truth is planted.

Each run draws 16 worlds per check; a border lies at 0 throughout, so that a truth of 0 is the worst case of either
error. Numbers are normal, or heavy-tailed, as an exact interval must not care.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest

from regimax.report.statistics import Check, above, below, decide, median_interval, within

CELLS = pl.DataFrame({"status": ["done"], "flops": [1.0], "env_steps": [1], "passive_steps": [0]})
RUNS, WORLDS = 400, 16
TRUE, FALSE, BORDER = 2.5, -2.5, 0.0
"""Truths of a check that asks for more than 0, in standard deviations over worlds."""


def drawn(rng: np.random.Generator, truths: Sequence[float], tails: str) -> list[list[Check]]:
    """`[RUNS][K]` checks that ask for more than 0, with these truths."""
    shape = (RUNS, len(truths), WORLDS)
    noise = rng.standard_normal(shape) if tails == "normal" else rng.standard_t(3, shape)
    numbers = noise + np.asarray(truths)[:, None]
    return [[above(f"part {k}", median_interval(x, x), 0.0) for k, x in enumerate(run)] for run in numbers]


def outcomes(
    claim: Sequence[float],
    assay: Sequence[float] = (TRUE, TRUE),
    control: Sequence[float] = (TRUE,),
    null: Sequence[float] = (TRUE,),
    tails: str = "normal",
) -> Counter[str]:
    """How often each outcome comes up, by what is true of the checks."""
    rng = np.random.default_rng(0)
    kinds = [drawn(rng, truths, tails) for truths in (claim, assay, control, null)]
    return Counter(
        decide(parts, assay=room, control=sham, null=poor, cells=CELLS).outcome
        for parts, room, sham, poor in zip(*kinds, strict=True)
    )


def no_more_often_than(events: int, rate: float) -> bool:
    return bool(binomtest(events, RUNS, rate, alternative="greater").pvalue > 1e-3)


@pytest.mark.parametrize("tails", ["normal", "heavy"])
def test_a_true_effect_is_supported_and_a_false_one_refuted(tails: str) -> None:
    assert outcomes([TRUE] * 3, tails=tails)["supported"] > 0.9 * RUNS
    found = outcomes([TRUE, TRUE, FALSE], tails=tails)
    assert found["refuted"] > 0.85 * RUNS
    assert found["supported"] == 0


@pytest.mark.parametrize("claim", [[TRUE, TRUE], [TRUE, FALSE]], ids=["true", "false"])
@pytest.mark.parametrize("broken", ["control", "null"])
def test_a_broken_control_says_nothing_of_the_claim(claim: list[float], broken: str) -> None:
    found = outcomes(claim, control=[FALSE]) if broken == "control" else outcomes(claim, null=[FALSE])
    assert found["invalid"] > 0.9 * RUNS
    assert found["supported"] + found["refuted"] == 0


@pytest.mark.parametrize("claim", [[TRUE, TRUE], [TRUE, FALSE]], ids=["true", "false"])
@pytest.mark.parametrize("blind", [FALSE, BORDER], ids=["blind", "at the border"])
def test_an_assay_that_is_blind_decides_nothing(claim: list[float], blind: float) -> None:
    """One that is just too weak passes in error as often as any check: 2.5 %."""
    found = outcomes(claim, assay=[TRUE, blind])
    assert no_more_often_than(found["supported"] + found["refuted"], 0.025)
    assert found["invalid"] == 0
    assert found["inconclusive"] > 0.9 * RUNS


@pytest.mark.parametrize("tails", ["normal", "heavy"])
@pytest.mark.parametrize("parts", [1, 4, 8])
def test_supported_and_refuted_come_up_in_error_as_rarely_as_each_other(parts: int, tails: str) -> None:
    """All parts at the border: refuting is an error to whom they are just so, supporting to whom they are just not."""
    found = outcomes([BORDER] * parts, tails=tails)
    assert no_more_often_than(found["refuted"], 0.025)
    assert no_more_often_than(found["supported"], 0.025)
    assert outcomes([TRUE] * (parts - 1) + [BORDER], tails=tails)["supported"] / RUNS < 0.05


def test_without_a_share_of_the_error_rate_eight_parts_would_refute_more_often() -> None:
    single = sum(any(c.holds is False for c in run) for run in drawn(np.random.default_rng(0), [BORDER] * 8, "normal"))
    assert not no_more_often_than(single, 0.025)


def test_invalid_comes_up_no_more_often_than_is_said() -> None:
    found = outcomes([TRUE], control=[BORDER] * 2, null=[BORDER])
    assert no_more_often_than(found["invalid"], 3 * 0.025)
    numbers = np.random.default_rng(1).standard_normal((4, WORLDS))
    claim, room, sham, poor = (median_interval(x + TRUE, x + TRUE) for x in numbers)
    verdict = decide(
        [above("a", claim, 0.0)],
        assay=[above("room", room, 0.0)],
        control=[above("sham", sham, 0.0), below("sham", sham, 9.0)],
        null=[within("poor", poor, 0.0, 9.0)],
        cells=CELLS,
    )
    assert verdict.errors.endswith("refuted in error at most 2.5 %, invalid in error at most 10 %")
