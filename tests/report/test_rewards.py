"""Rewards against what is seen for each: medians with their bands, bounds as arrows, floors and people's ratio."""

from typing import Any

import polars as pl
import pytest

from regimax.report.rewards import COLUMN, rewards_against

from .conftest import run_with


def test_medians_have_bands_and_bounds_are_arrows():
    run = run_with({("a", 1): 80, ("a", 64): 20, ("b", 1): 40, ("b", 64): None}, [COLUMN])
    run.curves = run.curves.with_columns(rewards_delivered=pl.col("env_steps"))
    figure = rewards_against([run], ["a", "b"], floors={"least": 5.0}, bits=12.0, title="What pay costs")
    by_name: dict[str, Any] = {trace.name: trace for trace in figure.data}
    assert (list(by_name["a"].x), list(by_name["a"].y)) == ([1, 64], [80.0, 20.0])
    assert list(by_name["a: 95 %"].x) == [1, 64, 64, 1]
    assert (list(by_name["b"].x), list(by_name["b: more than"].x)) == ([1], [64])
    assert list(by_name["b: more than"].y) == [pytest.approx(100.0)]
    assert list(by_name["least"].y) == [5.0, 5.0]
    assert list(figure.layout.xaxis.ticktext) == ["1<br>12", "64<br>768"]
    assert "abstraction about 3·10<sup>3</sup>, senses about 3·10<sup>6</sup>" in figure.layout.xaxis.title.text
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.title.text == "What pay costs"
