"""What prediction has saved, on planted efforts."""

import polars as pl
import pytest

from regimax import UserError
from regimax.report import savings

from .conftest import run_with

NEEDED = {("pure_rl", 1): 80, ("pretrain_rl", 1): 20, ("oracle", 1): 10, ("pure_rl", 2): None, ("pretrain_rl", 2): 20}
NEEDED[("oracle", 2)] = 10


def planted(needed):
    run = run_with(needed, ["looks"], worlds=8)
    paid = pl.when(pl.col("regime") == "pretrain_rl")
    run.cells = run.cells.with_columns(
        passive_steps=paid.then(600).otherwise(0), flops_without_env_steps=paid.then(3e4).otherwise(0.0)
    )
    flops = pl.col("env_steps") * 1000.0 + pl.col("cell").str.starts_with("pretrain_rl").cast(pl.Float64) * 3e4
    run.curves = run.curves.with_columns(flops=flops)
    return run


def test_of_every_setting_it_tells_shares_rates_and_break_even():
    rich, richer = savings(planted(NEEDED)).iter_rows(named=True)
    assert (rich["regime"], rich["setting"]) == ("pretrain_rl", "[1]")
    assert rich["concept_share"].startswith("0.875 concept share")
    assert rich["recovery"].startswith("0.667 recovery")
    assert rich["exchange_rate"].startswith("0.1 env_steps per sample")
    assert rich["break_even"].startswith("0.5 tasks")
    # Nobody got there from scratch: ends that the budget leaves.
    assert richer["concept_share"] == "between 0.9 and 1 concept share"
    assert richer["break_even"].startswith("between 0 and")


def test_without_an_oracle_it_says_nothing_of_shares():
    needed = {key: value for key, value in NEEDED.items() if key[0] != "oracle"}
    table = savings(planted(needed))
    assert table["recovery"].to_list() == table["concept_share"].to_list() == [None, None]
    assert table["break_even"].null_count() == 0


def test_a_run_without_what_is_compared_is_refused():
    with pytest.raises(UserError, match="no regime 'from_scratch' to compare with"):
        savings(planted(NEEDED), scratch="from_scratch")
    only = {key: value for key, value in NEEDED.items() if key[0] == "pure_rl"}
    with pytest.raises(UserError, match="no regime of the run has predicted a stream beforehand"):
        savings(planted(only))
