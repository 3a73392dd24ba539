"""Paired differences and slopes whose ends can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from regimax import UserError
from regimax.report.statistics import difference, effect, elasticity, ln_ratio, pairs, scores, slopes
from regimax.report.statistics.paired import by_world


def table(reached: list[float | None], low: list[float], high: list[float], worlds: list[int] | None = None, **more):
    size = len(reached)
    frame = pl.DataFrame(
        {
            "world_seed": worlds or list(range(size)),
            "seed": list(range(size)),
            "reached": pl.Series(reached, dtype=pl.Float64),
            "low": low,
            "high": high,
            "unit": "steps",
        }
    )
    return frame.with_columns(**{name: pl.Series(values) for name, values in more.items()})


INF = math.inf


def test_ends_of_a_difference():
    a = table([20.0, None, 20.0, None], [10.0, 40.0, 10.0, 40.0], [20.0, INF, 20.0, INF])
    b = table([50.0, 50.0, None, None], [40.0, 40.0, 80.0, 80.0], [50.0, 50.0, INF, INF])
    found = pairs(a, b, scale="linear")
    assert found["low"].to_list() == [-40.0, -10.0, -INF, -INF]
    assert found["high"].to_list() == [-20.0, INF, -60.0, INF]
    # As shown, T is the evaluation; of what is censored only the budget is known.
    assert found["shown_low"].to_list() == [-30.0, -10.0, -INF, -INF]
    assert found["shown_high"].to_list() == [-30.0, INF, -60.0, INF]
    assert found["unit"].unique().to_list() == ["steps"]


def test_logarithms_of_a_time_that_may_be_nothing():
    found = pairs(table([10.0], [0.0], [10.0]), table([10.0], [0.0], [10.0]))
    assert found.select("low", "high", "shown_low", "shown_high").row(0) == (-INF, INF, 0.0, 0.0)
    assert found["unit"][0] == "ln steps"


def test_learners_of_a_world_count_once_by_their_median():
    x = [float(i) for i in range(1, 7)]
    same = table([0.0] * 6, [0.0] * 6, [0.0] * 6, [0, 0, 0, 1, 1, 1])
    ends = by_world(pairs(table(x, x, x, [0, 0, 0, 1, 1, 1]), same, scale="linear"))
    assert ends["low"].tolist() == [2.0, 5.0]
    assert effect(pairs(table(x, x, x, [0, 0, 0, 1, 1, 1]), same, scale="linear")).worlds == 2


def test_a_shared_factor_is_found_however_worlds_differ(arm_of):
    rng = np.random.default_rng(0)
    world = rng.normal(7.0, 1.0, size=(16, 1))
    found = ln_ratio(arm_of(world - 1.0, spacing=1.0), arm_of(world, spacing=1.0))
    assert found.low < -1.0 < found.high
    assert found.high - found.low < 0.1
    assert found.worlds == 16


def test_a_failure_of_the_other_arm_leaves_a_bound(arm_of):
    fast, never = arm_of(np.full((16, 1), math.log(1000.0))), arm_of(np.full((16, 1), 20.0))
    found = ln_ratio(fast, never)
    assert (found.value, found.low) == (None, -INF)
    assert found.high == pytest.approx(math.log(1000.0 / 20_000.0))
    nothing = ln_ratio(never, never)
    assert (nothing.value, nothing.low, nothing.high) == (None, -INF, INF)


def test_scores_are_subtracted_as_they_are():
    cells = pl.DataFrame(
        {
            "cell": list("abcdefghijklmnop"),
            "regime": ["x"] * 8 + ["y"] * 8,
            "world_seed": list(range(8)) * 2,
            "seed": list(range(8)) * 2,
            "status": "done",
            "success": [0.75] * 8 + [0.5] * 8,
        }
    )
    found = difference(scores(cells, "x"), scores(cells, "y"))
    assert found[:4] == (0.25, 0.25, 0.25, "success")


def test_differences_of_differences(arm_of):
    world = np.random.default_rng(1).normal(7.0, 0.5, size=(16, 1))
    near, far = (pairs(arm_of(world - gain, spacing=1.0), arm_of(world, spacing=1.0)) for gain in (0.5, 1.5))
    found = effect(pairs(far, near))
    assert found.value == pytest.approx(-1.0, abs=0.02)
    assert found.unit == "ln env_steps"


def frames(arm_of, ln_times: dict[float, np.ndarray], name: str = "depth", **more) -> pl.DataFrame:
    return pl.concat([arm_of(ln_time, **{name: value}, **more) for value, ln_time in ln_times.items()])


def test_slopes_are_least_squares_within_each_world(arm_of):
    rng = np.random.default_rng(2)
    depths = np.array([3.0, 4.0, 6.0])
    ln_time = rng.normal(5.0, 1.0, size=(16, 1)) + 0.5 * depths + 0.1 * rng.normal(size=(16, 3))
    frame = frames(arm_of, {d: ln_time[:, i : i + 1] for i, d in enumerate(depths)}, spacing=0.01)
    found = slopes(frame, {"depth": pl.col("depth")}, "depth").sort("world_seed")
    expected = np.polyfit(depths, ln_time.T, 1)[0]
    assert found["shown_low"].to_numpy() == pytest.approx(expected, abs=1e-3)
    assert (found["low"] <= found["high"]).all()
    assert effect(slopes(frame, {"depth": pl.col("depth")}, "depth")).unit == "ln env_steps per depth"


def test_two_terms_are_told_apart(arm_of):
    world = np.random.default_rng(3).normal(4.0, 1.0, size=(12, 1))
    parts = [
        arm_of(world + 0.7 * math.log(k) + 0.3 * d, spacing=0.01, skills=k, depth=d) for k in (2, 4, 8) for d in (1, 2)
    ]
    terms = {"ln skills": pl.col("skills").log(), "depth": pl.col("depth")}
    for of, expected in (("ln skills", 0.7), ("depth", 0.3)):
        assert effect(slopes(pl.concat(parts), terms, of)).value == pytest.approx(expected, abs=1e-3)


def test_a_slope_beyond_the_budget_has_a_lower_end_only(arm_of):
    near, far = np.full((16, 1), math.log(1000.0)), np.full((16, 1), 15.0)
    found = effect(slopes(frames(arm_of, {1: near, 3: far}, spacing=1.0), {"depth": pl.col("depth")}, "depth"))
    assert found.value is None
    assert found.low == pytest.approx(math.log(20.0) / 2, abs=1e-3)
    assert found.high == INF


def test_a_setting_without_weight_may_be_censored(arm_of):
    """In the middle of three equal steps: its pseudoinverse is 0, up to a rounding."""
    ends, beyond = np.full((16, 1), math.log(1000.0)), np.full((16, 1), 15.0)
    frame = frames(arm_of, {1: ends, 4: beyond, 16: ends}, spacing=1.0)
    found = effect(slopes(frame, {"ln depth": pl.col("depth").log()}, "ln depth"))
    assert (found.value, found.low, found.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-2)


def test_elasticity_of_a_power_law(arm_of):
    world = np.random.default_rng(4).normal(7.0, 1.0, size=(16, 1))
    frame = frames(arm_of, {c: world - 0.8 * math.log(c) for c in (1, 2, 4)}, "bits", spacing=0.1)
    found = elasticity(frame, pl.col("bits"))
    assert found.value == pytest.approx(0.8, abs=0.01)
    assert found.low < 0.8 < found.high


def test_nonsense_is_refused(arm_of):
    a = arm_of(np.full((6, 1), 5.0))
    with pytest.raises(UserError, match="unknown scale 'ln'"):
        pairs(a, a, scale="ln")
    with pytest.raises(UserError, match="occur twice in one arm"):
        pairs(pl.concat([a, a]), a)
    with pytest.raises(UserError, match="no world and seed in common"):
        pairs(a, a.with_columns(pl.col("seed") + 100))
    with pytest.raises(UserError, match="must have one unit"):
        pairs(a, a.with_columns(unit=pl.lit("flops")))
    two = frames(arm_of, {1: np.full((6, 1), 5.0), 2: np.full((6, 1), 6.0)})
    with pytest.raises(UserError, match="do not tell apart"):
        slopes(two, {"depth": pl.col("depth"), "twice": 2 * pl.col("depth")}, "depth")
    with pytest.raises(UserError, match="not all of the 2 settings"):
        slopes(two[:-1], {"depth": pl.col("depth")}, "depth")
