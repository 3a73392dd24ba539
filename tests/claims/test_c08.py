"""C8's rule finds what was planted: a model that goes below the floor, or does not, or whose sham does as well."""

import polars as pl
import pytest

from regimax.claims import load_claim

from .conftest import planted
from .test_sweeps import SWEEPS

CLAIM = load_claim(SWEEPS / "c08_human_bandwidths.py")
BITS = {"pure_rl": 700.0, "reward_model": 150.0, "reward_model_sham": 1e9}
"""Median bits of each arm; nobody without the stream can do with fewer than 345."""


def runs(bits, without_concepts=1e9):
    """Runs in which every episode tells a bit."""
    efforts = {"concepts": lambda regime, labels: bits[regime], "none": lambda regime, labels: without_concepts}
    found = {
        name: planted(sweep, efforts[name], budget=1_000, every=10) for name, sweep in CLAIM.sweeps("small").items()
    }
    for run in found.values():
        run.curves = run.curves.with_columns(bits_outcome=pl.col("env_steps").cast(pl.Float64))
    return found


@pytest.mark.parametrize(
    ("bits", "without_concepts", "outcome"),
    [
        (BITS, 1e9, "supported"),
        (dict.fromkeys(BITS, 1e9), 1e9, "inconclusive"),
        (BITS | {"pure_rl": 1e9}, 1e9, "inconclusive"),  # to need less than who never gets there is no feat
        (BITS | {"reward_model": 450.0}, 1e9, "refuted"),
        (BITS | {"reward_model": 345.0}, 1e9, "inconclusive"),
        (BITS | {"reward_model_sham": 150.0}, 1e9, "invalid"),
        (BITS, 150.0, "invalid"),
    ],
)
def test_c8_finds_what_was_planted(bits, without_concepts, outcome):
    found = runs(bits, without_concepts)
    verdict = CLAIM.rule(found)
    assert verdict.outcome == outcome, verdict
    assert CLAIM.figure is not None
    assert len(CLAIM.figure(found).data) >= len(BITS) + 1
