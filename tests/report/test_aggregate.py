"""Aggregation over seeds against numbers worked out by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from regimax.report import learning_curves, paired, pretraining, quantity, summary, threshold_median, wilson
from regimax.report.quantities import difference, duration, fraction


def cell_row(cell: str, regime: str = "pure_rl", setting: str = "", seed: int = 0, **measures: Any) -> dict[str, Any]:
    """A finished cell that spent 100 environment steps and 1000 FLOPs and was not solved."""
    row = {
        "cell": cell,
        "regime": regime,
        "setting": setting,
        "seed": seed,
        "success": 0.0,
        "env_steps": 100,
        "passive_steps": 7,
        "flops": 1000.0,
        "flops_without_env_steps": 250.0,
        "solved_at_update": None,
        "solved_at_env_step": None,
        "solved_at_flops": None,
        "diverged": False,
        "status": "done",
    }
    return row | measures


def table_of(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), infer_schema_length=None)


def pending(cell: str, **keys: Any) -> dict[str, Any]:
    measured = ("success", "env_steps", "passive_steps", "flops", "flops_without_env_steps")
    return cell_row(cell, status="pending", **dict.fromkeys(measured), **keys)


def curve(cell: str, successes: Sequence[float | None], *, regime: str = "pure_rl", setting: str = "") -> pl.DataFrame:
    """Evaluations at updates 0, 10, 20, ... that cost 4 environment steps and 100 FLOPs per update."""
    updates = [10 * i for i in range(len(successes))]
    return pl.DataFrame(
        {
            "cell": cell,
            "regime": regime,
            "setting": setting,
            "phase": "rl",
            "update": updates,
            "env_steps": [4 * u for u in updates],
            "flops": [100.0 * u for u in updates],
            "success": pl.Series(successes, dtype=pl.Float64),
        }
    )


# Newcombe (1998), Statistics in Medicine 17, table I, method 3; and 8 of 10, which is in every textbook.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (8, 10, 0.4902, 0.9433),
    ],
)
def test_wilson_agrees_with_published_intervals(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_symmetric_and_bounded() -> None:
    for trials in (1, 2, 7, 64):
        for successes in range(trials + 1):
            low, high = wilson(successes, trials)
            mirrored = wilson(trials - successes, trials)
            assert 0.0 <= low <= successes / trials <= high <= 1.0
            assert (low, high) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]), abs=1e-12)


def test_wilson_solves_its_quadratic() -> None:
    # At the ends x the normal approximation just rejects: |p - x| = z sqrt(x (1-x) / n).
    for end in wilson(8, 10):
        assert abs(0.8 - end) == pytest.approx(1.959963984540054 * math.sqrt(end * (1 - end) / 10), rel=1e-12)


def test_wilson_of_nothing_knows_nothing_and_nonsense_is_refused() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="11 of 10"):
        wilson(11, 10)


def test_threshold_median_counts_failures() -> None:
    assert threshold_median([30.0, 10.0, 20.0], [50.0] * 3) == (20.0, False)
    # Two of four are half: the median lies between 30 and what a failure would have needed.
    assert threshold_median([10.0, None, 30.0, None], [50.0] * 4) == (40.0, True)
    assert threshold_median([10.0, 20.0, 30.0, None], [50.0] * 4) == (25.0, False)
    assert threshold_median([10.0, None, None], [50.0] * 3) == (50.0, True)
    assert threshold_median([], []) == (None, False)
    assert threshold_median([None], [None]) == (None, True)


def test_threshold_median_bounds_unequal_budgets_from_below() -> None:
    # Whatever the failures would have needed, at least two of three needed 40 or more.
    assert threshold_median([10.0, None, None], [50.0, 40.0, 60.0]) == (40.0, True)
    # Any completion of the two failures has a median of at least the bound.
    for rest in itertools.product((40.0, 45.0, 500.0), (60.0, 900.0)):
        assert sorted([10.0, *rest])[1] >= 40.0


def test_curve_is_median_and_quartiles_over_seeds() -> None:
    curves = pl.concat([curve("a", [0.0, 0.2]), curve("b", [0.0, 0.4]), curve("c", [0.3, 1.0])])
    found = learning_curves(curves, "env_steps")
    assert found.columns == [
        "regime",
        "setting",
        "phase",
        "update",
        "effort",
        "median",
        "q25",
        "q75",
        "n",
        "solved",
        "diverged",
        "seeds",
    ]
    assert found["effort"].to_list() == [0.0, 40.0]
    assert found["median"].to_list() == pytest.approx([0.0, 0.4])
    assert found["q25"].to_list() == pytest.approx([0.0, 0.3])
    assert found["q75"].to_list() == pytest.approx([0.15, 0.7])
    assert found["n"].to_list() == [3, 3]
    assert found["seeds"].to_list() == [3, 3]
    assert learning_curves(curves, "flops")["effort"].to_list() == [0.0, 1000.0]


def test_curve_of_one_seed_is_itself() -> None:
    found = learning_curves(curve("a", [0.1, 0.5]), "env_steps")
    for name in ("median", "q25", "q75"):
        assert found[name].to_list() == pytest.approx([0.1, 0.5])
    assert found["n"].to_list() == [1, 1]


def stopped(cell: str, **more: Any) -> dict[str, Any]:
    return cell_row(cell, status="solved", success=1.0, **more)


def test_a_seed_that_stopped_as_solved_counts_as_above_all_others() -> None:
    curves = pl.concat([curve("a", [0.0, 0.3]), curve("b", [0.0, 0.2, 0.4]), curve("c", [0.0, 0.1, 0.2])])
    alone = learning_curves(curves, "env_steps")
    assert alone["n"].to_list() == [3, 3, 2]
    assert alone["solved"].to_list() == [0, 0, 0]
    assert alone["median"].to_list() == pytest.approx([0.0, 0.2, 0.3])

    table = table_of(stopped("a"), cell_row("b", seed=1, success=0.4), cell_row("c", seed=2, success=0.2))
    found = learning_curves(curves, "env_steps", table=table)
    assert found["n"].to_list() == [3, 3, 2]
    assert found["solved"].to_list() == [0, 1, 1]
    # Of 0.2, 0.4 and what is above both. Its own last value, 0.3, would have made the median 0.3.
    assert found["median"].to_list() == pytest.approx([0.0, 0.2, 0.4])
    assert found["q25"].to_list() == pytest.approx([0.0, 0.15, 0.3])
    assert found["q75"].to_list() == [0.0, pytest.approx(0.25), None]
    assert found["effort"].to_list() == [0.0, 40.0, 80.0]


@pytest.mark.parametrize(("seeds", "last"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (8, 3)])
def test_a_line_ends_where_half_of_its_seeds_have_been_solved(seeds: int, last: int) -> None:
    # Seed i is solved at its evaluation i, one after the other.
    names = [f"{i}" for i in range(seeds)]
    curves = pl.concat([curve(name, [0.1] * i + [1.0]) for i, name in enumerate(names)])
    table = table_of(*(stopped(name, seed=i) for i, name in enumerate(names)))
    found = learning_curves(curves, "env_steps", table=table)
    assert found["update"].to_list() == [10 * i for i in range(last + 1)]
    assert found["solved"].to_list() == [i + 1 for i in range(last + 1)]
    assert (found["median"] <= 1).all()


def test_a_seed_that_was_solved_in_a_phase_counts_as_above_in_the_rest_of_that_phase_only() -> None:
    def two_phases(cell: str, first: list[float | None], then: list[float | None]) -> pl.DataFrame:
        model = curve(cell, first).with_columns(phase=pl.lit("model"))
        return pl.concat([model, curve(cell, then).with_columns(flops=pl.col("flops") + 9000.0)])

    a, b = two_phases("a", [0.9], [0.3, 0.4]), two_phases("b", [0.1, 0.5], [0.5, 0.6])
    curves = pl.concat([a, b, two_phases("c", [0.2, 0.4], [0.4])])
    table = table_of(cell_row("a"), cell_row("b", seed=1), cell_row("c", seed=2, status="diverged", success=0.4))
    found = learning_curves(curves, "flops", table=table)
    assert found["phase"].to_list() == ["model", "model", "rl", "rl"]
    assert found["median"].to_list() == pytest.approx([0.2, 0.5, 0.4, 0.4])
    assert found["solved"].to_list() == [1, 1, 0, 0]
    assert found["diverged"].to_list() == [0, 0, 0, 1]


def test_no_curve_goes_beyond_its_last_measurement() -> None:
    curves = pl.concat([curve("a", [0.0, 1.0]), curve("b", [0.0, 1.0], regime="oracle"), curve("c", [0.0, 0.1, 0.2])])
    table = table_of(
        cell_row("a", status="solved"),
        cell_row("b", regime="oracle", status="solved"),
        cell_row("c", seed=1),
    )
    found = learning_curves(curves, "env_steps", table=table)
    assert found.filter(pl.col("regime") == "oracle")["update"].to_list() == [0, 10]
    assert found["n"].min() == 1


def test_a_diverged_seed_goes_on_as_the_failure_it_is_and_a_pending_one_is_not_carried() -> None:
    curves = pl.concat([curve("a", [0.0, 0.8]), curve("b", [0.0, 0.8, 0.9]), curve("c", [0.0])])
    lost = cell_row("a", status="diverged", diverged=True, success=math.nan)
    table = table_of(lost, cell_row("b", seed=1, success=0.9), pending("c", seed=2))
    found = learning_curves(curves, "env_steps", table=table)
    assert found["median"].to_list() == pytest.approx([0.0, 0.8, 0.45])
    assert found["n"].to_list() == [3, 2, 1]
    assert found["diverged"].to_list() == [0, 0, 1]
    assert found["solved"].to_list() == [0, 0, 0]


def test_curves_keep_regimes_settings_and_phases_apart_and_in_order() -> None:
    rl = curve("a", [0.1, 0.2], regime="z", setting="x = 2").with_columns(flops=pl.col("flops") + 5000.0)
    first = curve("a", [None, None], regime="z", setting="x = 2").with_columns(phase=pl.lit("pretrain"))
    middle = curve("a", [0.5, 0.6], regime="z", setting="x = 2").with_columns(
        phase=pl.lit("model"), flops=pl.col("flops") + 2000.0
    )
    other = curve("b", [0.3], regime="a", setting="x = 1")
    # Rows come in no particular order within a cell: the phases are ordered by what they cost.
    found = learning_curves(pl.concat([rl, first, middle, other]), "flops")
    assert found.select("regime", "phase", "update").rows() == [
        ("z", "model", 0),
        ("z", "model", 10),
        ("z", "rl", 0),
        ("z", "rl", 10),
        ("a", "rl", 0),
    ]
    assert found["effort"].to_list() == [2000.0, 3000.0, 5000.0, 6000.0, 0.0]


def test_nan_is_not_a_measurement() -> None:
    found = learning_curves(pl.concat([curve("a", [math.nan, 0.5]), curve("b", [0.1, 0.7])]), "env_steps")
    assert found["n"].to_list() == [1, 2]
    assert found["median"].to_list() == pytest.approx([0.1, 0.6])


def test_pretraining_is_the_effort_before_the_first_measurement() -> None:
    before = curve("a", [None, None, None], regime="pretrain_rl").with_columns(
        phase=pl.lit("pretrain"), env_steps=pl.lit(0, pl.Int64)
    )
    after = curve("a", [0.1, 0.2], regime="pretrain_rl").with_columns(flops=pl.col("flops") + 2000.0)
    curves = pl.concat([before, after, curve("b", [0.0, 0.1])])
    assert pretraining(curves, "flops").rows() == [("pretrain_rl", "", 2000.0)]
    assert pretraining(curves, "env_steps").rows() == [("pretrain_rl", "", 0.0)]


def test_summary_by_hand() -> None:
    solved = {"solved_at_update": 5, "solved_at_env_step": 20, "solved_at_flops": 200.0}
    table = table_of(
        cell_row("0", "oracle", "x = 1", 0, success=1.0, env_steps=40, status="solved", **solved),
        cell_row(
            "1",
            "oracle",
            "x = 1",
            1,
            success=0.96,
            env_steps=60,
            status="solved",
            **(solved | {"solved_at_env_step": 30}),
        ),
        cell_row("2", "oracle", "x = 1", 2, success=0.5),
        cell_row("3", "pure_rl", "x = 1", 0, success=0.2),
        cell_row("4", "pure_rl", "x = 1", 1, success=None, status="diverged", diverged=True, env_steps=10),
        pending("5", regime="pure_rl", setting="x = 1", seed=2),
        pending("6", regime="oracle", setting="x = 2", seed=0),
    )
    rows = {(r["regime"], r["setting"]): r for r in summary(table).iter_rows(named=True)}
    assert list(rows) == [("oracle", "x = 1"), ("pure_rl", "x = 1"), ("oracle", "x = 2")]

    oracle = rows["oracle", "x = 1"]
    assert (oracle["seeds"], oracle["finished"], oracle["diverged"], oracle["solved"]) == (3, 3, 0, 2)
    assert oracle["success_median"] == pytest.approx(0.96)
    assert (oracle["success_q25"], oracle["success_q75"]) == pytest.approx((0.73, 0.98))
    assert oracle["solved_fraction"] == pytest.approx(2 / 3)
    assert (oracle["solved_low"], oracle["solved_high"]) == pytest.approx(wilson(2, 3))
    assert (oracle["threshold_env_steps"], oracle["threshold_flops"]) == (30.0, 200.0)
    assert oracle["threshold_censored"] is False
    assert (oracle["env_steps"], oracle["flops"], oracle["flops_without_env_steps"], oracle["passive_steps"]) == (
        60.0,
        1000.0,
        250.0,
        7.0,
    )

    pure = rows["pure_rl", "x = 1"]
    assert (pure["seeds"], pure["finished"], pure["diverged"], pure["solved"]) == (3, 2, 1, 0)
    assert pure["success_median"] == pytest.approx(0.1)
    assert pure["threshold_censored"] is True
    # What the setting was given: the diverged cell would not have got there after its 10 steps either.
    assert pure["threshold_env_steps"] == 100.0

    empty = rows["oracle", "x = 2"]
    assert (empty["seeds"], empty["finished"]) == (1, 0)
    for name in ("success_median", "solved_fraction", "solved_low", "threshold_env_steps", "env_steps"):
        assert empty[name] is None


def test_summary_of_one_seed_without_axes() -> None:
    (row,) = summary(table_of(cell_row("0", success=0.4))).iter_rows(named=True)
    assert (row["setting"], row["seeds"], row["success_median"], row["success_q25"]) == ("", 1, 0.4, 0.4)
    assert (row["threshold_env_steps"], row["threshold_censored"]) == (100.0, True)


def test_summary_where_nothing_ran_yet() -> None:
    (row,) = summary(table_of(pending("0"), pending("1", seed=1))).iter_rows(named=True)
    assert (row["seeds"], row["finished"], row["success_median"]) == (2, 0, None)


def test_paired_by_hand() -> None:
    a, b = [0.9, 0.5, 0.3, 1.0, 0.7], [0.4, 0.5, 0.6, 0.2, 0.1]
    rows = [cell_row(f"a{i}", "a", "x = 1", i, success=v) for i, v in enumerate(a)]
    rows += [cell_row(f"b{i}", "b", "x = 1", i, success=v) for i, v in enumerate(b)]
    rows += [cell_row("a9", "a", "x = 1", 9, success=1.0)]  # no partner
    rows += [cell_row("p0", "a", "x = 2", 0, success=1.0), pending("p1", regime="b", setting="x = 2", seed=0)]
    (row,) = paired(table_of(*rows), "a", "b").iter_rows(named=True)
    # Differences 0.5, 0, -0.3, 0.8, 0.6.
    assert (row["setting"], row["pairs"], row["wins"], row["losses"]) == ("x = 1", 5, 3, 1)
    assert row["difference"] == pytest.approx(0.5)
    assert (row["q25"], row["q75"]) == pytest.approx((0.0, 0.6))
    (swapped,) = paired(table_of(*rows), "b", "a").iter_rows(named=True)
    assert (swapped["difference"], swapped["wins"], swapped["losses"]) == (pytest.approx(-0.5), 1, 3)


def test_paired_averages_cells_that_share_a_seed_unless_their_worlds_differ() -> None:
    rows = [
        cell_row("0", "a", "", 0, success=1.0, world_seed=0),
        cell_row("1", "a", "", 0, success=0.5, world_seed=1),
        cell_row("2", "b", "", 0, success=0.2, world_seed=0),
        cell_row("3", "b", "", 0, success=0.6, world_seed=1),
    ]
    (nested,) = paired(table_of(*rows), "a", "b").iter_rows(named=True)
    assert (nested["pairs"], nested["wins"], nested["losses"]) == (2, 1, 1)
    (pooled,) = paired(table_of(*rows).drop("world_seed"), "a", "b").iter_rows(named=True)
    assert (pooled["pairs"], pooled["difference"]) == (1, pytest.approx(0.35))


def test_paired_of_strangers_is_empty() -> None:
    assert paired(table_of(cell_row("0", "a")), "a", "b").height == 0


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "", "0"),
        (48_000, "", "48 k"),
        (1.234e9, "FLOP", "1.23 GFLOP"),
        (999_600, "", "1 M"),
        (12.5, "bit", "12.5 bit"),
        (0.05, "bit", "0.05 bit"),
        (3.2e21, "FLOP", "3.2 ZFLOP"),
        (None, "FLOP", "\u2013"),
        (math.nan, "", "\u2013"),
    ],
)
def test_quantities_read_well(value: float | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text.replace(" ", "\u00a0")


def test_durations_differences_and_fractions_read_well() -> None:
    spans = {4.21: "4.2 s", 59.7: "1 min", 200: "3 min 20 s", 4335: "1 h 12 min", 90_000: "1 d 1 h"}
    assert {s: duration(s).replace("\u00a0", " ") for s in spans} == spans
    assert [difference(v) for v in (0.421, -0.3, 0.001, None)] == ["+0.42", "\u22120.30", "0.00", "\u2013"]
    assert [fraction(v) for v in (0.5, math.nan)] == ["0.50", "\u2013"]
