"""Results as people read them in a terminal."""

import io

import polars as pl
import pytest
from rich.console import Console

from regimax.errors import UserError
from regimax.report import terminal


def cells(setting="reward.erasure=0.25", solved=(None, 8, 16, 24), n=4):
    """One setting of a regime, whose cells take so many steps, twice as many FLOPs and half as many rewards."""
    return pl.DataFrame(
        {
            "cell": [f"pure_rl/{setting}/{i}" for i in range(n)],
            "regime": ["pure_rl"] * n,
            "setting": [setting] * n,
            "status": ["done"] * n,
            "success": [0.25, 0.5, 0.75, 1.0][:n],
            "env_steps": [32_000] * n,
            "passive_steps": [0] * n,
            "flops": [64_000.0] * n,
            "flops_without_env_steps": [0.0] * n,
            "rewards_delivered": [16_000.0] * n,
            "solved_at_update": pl.Series(solved[:n], dtype=pl.Int64),
            "solved_at_env_step": pl.Series([t and 1000 * t for t in solved[:n]], dtype=pl.Int64),
            "solved_at_flops": pl.Series([t and 2000.0 * t for t in solved[:n]], dtype=pl.Float64),
            "solved_at_reward": pl.Series([t and 500.0 * t for t in solved[:n]], dtype=pl.Float64),
            "diverged": [False] * n,
        }
    )


def lines(table, width=80):
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return [line.rstrip().replace("\u00a0", " ") for line in out.getvalue().splitlines()]


def test_a_row_per_setting_has_medians_and_lower_bounds():
    frame = pl.concat([cells(), cells("reward.erasure=0.5", (None, None, None, 24))])
    *shown, below = lines(terminal.per_setting(frame, 0.9), 120)
    assert below == "medians (quartiles); steps, rewards and FLOP to 0.9; > a lower bound"
    assert [line.split() for line in shown] == [
        "setting regime success solved steps rewards FLOP".split(),
        "reward.erasure=0.25 pure_rl 0.62 (0.44–0.81) 3/4 20 k 10 k 40 k".split(),
        "reward.erasure=0.5 pure_rl 0.62 (0.44–0.81) 1/4 > 32 k > 16 k > 64 k".split(),
    ]


def test_in_eighty_columns_no_word_is_broken():
    frame = pl.concat([cells(), cells("the outcome, half of it lost, and every other step of it unpaid")])
    shown = lines(terminal.per_setting(frame, 0.9))
    assert len(shown) > 4
    assert all(len(line) <= 80 for line in shown)
    words = {word for line in shown for word in line.split()}
    assert {"reward.erasure=0.25", "outcome,", "unpaid", "pure_rl", "(0.44–0.81)"} <= words


def test_what_is_pending_has_no_median():
    frame = cells().with_columns(status=pl.lit("pending"), success=None, solved_at_env_step=None)
    [_, row, *_] = lines(terminal.per_setting(frame, 0.9), 120)
    assert row.split() == "reward.erasure=0.25 pure_rl pending 0/0 – – –".split()


def test_columns_that_are_asked_for_are_medians_or_entries():
    shown = lines(terminal.per_setting(cells(), 0.9, ["flops", "success", "diverged"]), 120)
    assert shown[1].split() == ["reward.erasure=0.25", "pure_rl", "64", "k", "0.625", "0"]
    shown = lines(terminal.per_cell(cells(), ["cell", "solved_at_env_step", "diverged"]), 120)
    assert [line.split() for line in shown[1:3]] == [
        ["pure_rl/reward.erasure=0.25/0", "–", "False"],
        ["pure_rl/reward.erasure=0.25/1", "8,000", "False"],
    ]


def test_columns_that_do_not_exist_or_have_no_median_are_refused():
    with pytest.raises(UserError, match=r"unknown column 'flop'. Did you mean 'flops'"):
        terminal.per_setting(cells(), 0.9, ["flop"])
    with pytest.raises(UserError, match="unknown column 'flop'"):
        terminal.per_cell(cells(), ["flop"])
    with pytest.raises(UserError, match="unknown column of numbers, for medians, 'status'"):
        terminal.per_setting(cells(), 0.9, ["status"])


def test_rewards_of_a_cell_that_diverged_are_a_bound_as_steps_are():
    frame = cells(solved=(None, None, 16, 24)).with_columns(
        diverged=pl.Series([True, True, False, False]),
        env_steps=pl.Series([8.0, 8.0, 32_000.0, 32_000.0]),
        flops=pl.Series([16.0, 16.0, 64_000.0, 64_000.0]),
        rewards_delivered=pl.Series([4.0, 4.0, 16_000.0, 16_000.0]),
    )
    [_, row, _] = lines(terminal.per_setting(frame, 0.9), 120)
    assert row.split()[-10:] == "2/4 > 28 k > 14 k > 56 k".split()
