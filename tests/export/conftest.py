"""A run of two arms that goes on: what its tables would hold, written by hand."""

from __future__ import annotations

import polars as pl
import pytest

from regimax.export import Results
from regimax.sweep import table

LABELS = ("cell", "regime", "setting", "seed", "world_seed", "reward.erasure")


@pytest.fixture(scope="session")
def found() -> Results:
    """Three cells: one with two phases and a probe, one with one phase, one that is pending."""
    named = {
        "cell": ["both/e=0.5/0", "one/e=0.5/0", "one/e=0.5/1"],
        "regime": ["both", "one", "one"],
        "setting": ["e=0.5"] * 3,
        "seed": [0, 0, 1],
        "world_seed": [0, 0, 1],
        "reward.erasure": [0.5] * 3,
    }
    ended = {
        "status": ["done", "done", "pending"],
        "success": [1.0, 0.25, None],
        "return": [1.0, 0.25, None],
        "updates": [3, 2, 0],
        "env_steps": [20, 20, 0],
        "flops": [30.0, 20.0, 0.0],
        "solved_at_flops": [20.0, None, None],
        "censored": [False, True, False],
    }
    cells = pl.DataFrame(named | ended)
    both = {"cell": ["both/e=0.5/0"] * 4, "phase": ["pretrain", "pretrain", "rl", "rl"], "update": [0, 1, 0, 2]}
    both |= {"updates": [0, 1, 1, 3], "loss": [None, 2.0, None, 0.5], "success": [None, None, 0.0, 1.0]}
    one = {"cell": ["one/e=0.5/0"] * 2, "phase": ["rl"] * 2, "update": [0, 2]}
    one |= {"updates": [0, 2], "loss": [None, 4.0], "success": [0.0, 0.25]}
    rows = pl.concat([pl.DataFrame(both), pl.DataFrame(one)]).join(cells.select(LABELS), on="cell", how="left")
    effort = [(pl.col("updates") * 10.0).alias(name) for name in table.EFFORT]
    curves = rows.select(*LABELS, "phase", "update", "updates", *effort, "loss", "success")
    probed = curves.filter(pl.col("phase") == "pretrain").drop("loss", "success")
    probes = probed.with_columns(concepts_accuracy=pl.Series([0.5, 0.75]))
    facts = {
        "resolved": {"threshold": 0.9, "consecutive": 3},
        "question": "Does it?",
        "started": "2001-02-03T04:05:06+00:00",
        "axes": ["reward.erasure"],
        "versions": {"regimax": "0.1.0"},
    }
    return Results("tiny", facts, cells, curves, probes)
