"""Scores against a setting: medians with their intervals, and none where few worlds bound nothing."""

import polars as pl
import pytest

from regimax.report.score import score_against


def table(worlds: int) -> pl.DataFrame:
    """Arm `a` scores 0.1 to 1.6 over worlds with 4 pairs and 1 more with 8; arm `b` has 4 pairs only."""
    rows = [
        {"regime": arm, "pairs": pairs, "seed": world, "world_seed": world, "status": "done"}
        | {"recall": (world + 1) / 10 + (pairs == 8)}
        for arm, there in (("a", (4, 8)), ("b", (4,)))
        for pairs in there
        for world in range(worlds)
    ]
    return pl.DataFrame(rows)


def test_medians_have_their_intervals():
    figure = score_against(
        table(16), "pairs", ["a", "b"], measure="recall", axis="pairs", score="answers that are right"
    )
    a, b = figure.data
    assert (list(a.x), list(b.x)) == ([4, 8], [4])
    assert list(a.y) == pytest.approx([0.85, 1.85])
    assert list(a.error_y.array) == pytest.approx([0.45, 0.45])
    assert list(a.error_y.arrayminus) == pytest.approx([0.45, 0.45])
    assert a.text[0] == "0.85 recall (0.4 to 1.3), 16 worlds"
    assert figure.layout.title.text == "answers that are right against pairs"
    assert figure.layout.xaxis.type == "log"
    assert a.line.dash != b.line.dash
    assert a.marker.symbol != b.marker.symbol


def test_few_worlds_bound_nothing():
    a, _ = score_against(table(3), "pairs", ["a", "b"], measure="recall").data
    assert list(a.error_y.array) == [0.0, 0.0]
    assert list(a.y) == pytest.approx([0.2, 1.2])
