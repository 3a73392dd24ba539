"""C9's rule finds what was planted: gains that fall and rise with the delay, or do not, or need no outcome."""

import polars as pl
import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c09_time_scales.py")
SLOPES = {"pure_rl": 1.0, "pretrain_rl": 1.2, "model_rl": 0.2, "reward_model": 0.3, "reward_model_sham": 1.2}
"""Of ln T on ln n; with one decision prediction saves a factor of 8."""


def runs(slopes, without=1e9):
    def effort(regime, labels):
        start = 500.0 if "pretrain" in regime or "reward" in regime else 4_000.0
        return start * labels["world.decisions"] ** slopes[regime]

    efforts = {"ladder": effort, "never": lambda regime, labels: without}
    found = {
        name: planted(sweep, efforts[name], budget=200_000, every=100) for name, sweep in CLAIM.sweeps("small").items()
    }
    for run in found.values():
        run.curves = run.curves.with_columns(pl.col("success").alias("return"))
    return found


@pytest.mark.parametrize(
    ("slopes", "without", "outcome"),
    [
        (SLOPES, 1e9, "supported"),
        (dict.fromkeys(SLOPES, 0.8), 1e9, "inconclusive"),
        (SLOPES | {"pretrain_rl": 0.5}, 1e9, "refuted"),
        (SLOPES | {"model_rl": 1.5, "reward_model": 1.8}, 1e9, "invalid"),
        (SLOPES | {"reward_model_sham": 0.0}, 1e9, "invalid"),
        (SLOPES, 1e3, "invalid"),
    ],
)
def test_c9_finds_what_was_planted(slopes, without, outcome):
    found = runs(slopes, without)
    verdict = CLAIM.rule(found)
    assert verdict.outcome == outcome, verdict
    assert CLAIM.figure is not None
    assert len(CLAIM.figure(found).data) >= 5
