"""Times to threshold from curves, by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from regimax import UserError
from regimax.report.statistics import scores, times
from regimax.report.statistics._times import read_once


def ends(table: pl.DataFrame, cell: str) -> tuple:
    row = table.row(by_predicate=pl.col("cell") == cell, named=True)
    return row["reached"], row["low"], row["high"]


@pytest.fixture(scope="module")
def run(run_of, row_of):
    successes = {
        "plain": [0.1, 0.5, 0.9, 1.0, 0.9],
        "flicker": [0.1, 0.9, 0.9, 0.2, 0.9, 0.9, 0.9],
        "late": [0.1, 0.2, 0.3, 0.9, 0.9],
        "never": [0.1, 0.2, 0.3, 0.4, 0.2],
        "lost": [0.1, 0.2],
        "pending": [0.1, 0.2],
        "silent": [],
        "at once": [0.9, 0.9, 0.9],
    }
    status = {"lost": "diverged", "pending": "pending", "silent": "pending"}
    success = {"lost": None, "pending": None, "silent": None}
    cells = [
        row_of(
            name,
            "a",
            i,
            "x",
            status=status.get(name, "done"),
            success=success.get(name, 0.5),
            flops_without_env_steps=7.0,
        )
        for i, name in enumerate(successes)
    ]
    return run_of(cells, successes, spacing=10.0)


def test_a_time_lies_between_two_evaluations_or_above_the_last_failure(run):
    table = times(run, "a")
    assert ends(table, "plain") == (20.0, 10.0, 20.0)
    assert ends(table, "flicker") == (40.0, 30.0, 40.0)
    # Two evaluations at the threshold when the budget ends: it may have got there at the first of them.
    assert ends(table, "late") == (None, 20.0, math.inf)
    assert ends(table, "never") == (None, 40.0, math.inf)
    assert ends(table, "pending") == (None, 10.0, math.inf)
    assert ends(table, "silent") == (None, 0.0, math.inf)
    assert table["censored"].to_list() == [False, False, True, True, True, True, True, False]


def test_who_diverged_would_not_have_got_there_within_anyone_s_budget(run):
    assert ends(times(run, "a"), "lost") == (None, 60.0, math.inf)


def test_who_is_there_at_once_needed_no_more_than_the_first_stretch(run):
    assert ends(times(run, "a"), "at once") == (0.0, 0.0, 10.0)


def test_units(run):
    assert ends(times(run, "a", unit="updates"), "plain") == (2.0, 1.0, 2.0)
    assert ends(times(run, "a", unit="episodes", steps=4), "plain") == (5.0, 2.5, 5.0)
    assert ends(times(run, "a", unit="flops"), "plain") == (20_007.0, 10_007.0, 20_007.0)
    assert ends(times(run, "a", unit="flops_rl"), "plain") == (20_000.0, 10_000.0, 20_000.0)
    with pytest.raises(UserError, match="unknown unit 'flop'"):
        times(run, "a", unit="flop")


def test_another_threshold(run):
    assert ends(times(run, "a", threshold=0.2, consecutive=1), "never") == (10.0, 0.0, 10.0)


def test_an_episode_may_be_as_long_as_a_column_says(run_of, row_of):
    cells = [row_of("c", "a", 0, "x", depth=5)]
    run = run_of(cells, {"c": [0.0, 0.9, 0.9, 0.9]}, spacing=10.0)
    run = run._replace(curves=run.curves.with_columns(depth=pl.lit(5)))
    assert ends(times(run, "a", unit="episodes", steps="depth"), "c") == (2.0, 0.0, 2.0)


def test_unknown_names_are_refused(run):
    with pytest.raises(UserError, match="unknown regime 'b'"):
        times(run, "b")
    with pytest.raises(UserError, match="unknown column 'kinds'"):
        times(run, "a", where={"kinds": "x"})
    with pytest.raises(UserError, match="unknown value of 'kind': 'y'"):
        times(run, "a", where={"kind": "y"})
    with pytest.raises(UserError, match="unknown measure 'succes'"):
        times(run, "a", measure="succes")
    with pytest.raises(UserError, match="unknown cells"):
        times(run, "a", where=pl.col("seed") > 100)


def test_scores_know_failures_and_what_is_pending(run):
    table = scores(run.cells, "a", where={"kind": "x"})
    assert ends(table, "plain") == (0.5, 0.5, 0.5)
    assert ends(table, "lost") == (0.0, 0.0, 0.0)
    assert ends(table, "pending") == (None, -math.inf, math.inf)


def test_what_is_asked_for_again_is_read_once_while_that_lasts(run):
    def asked(where=None, arm="a", **options):
        return times(run, arm, where=where, **options)

    with read_once():
        first = asked({"seed": 0})
        assert asked({"seed": 0}) is first
        assert asked({"seed": 0}, unit="env_steps") is not first  # as named as it was asked for
        others = [asked(), asked({"seed": 1}), asked({"seed": 0}, threshold=0.5), asked({"seed": 0}, unit="flops")]
        assert len({id(frame) for frame in [first, *others]}) == 5
        by_expression = [asked(pl.col("seed") == seed) for seed in (0, 1)]
        assert_frame_equal(by_expression[0], first)
        assert_frame_equal(by_expression[1], others[1])
        with pytest.raises(UserError):
            asked(arm="nobody")
        other = SimpleNamespace(cells=run.cells, curves=run.curves.with_columns(success=1.0), facts=run.facts)
        assert times(other, "a", where={"seed": 0})["reached"].item() == 0.0
    assert asked({"seed": 0}) is not first
    assert_frame_equal(asked({"seed": 0}), first)
