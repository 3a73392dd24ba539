"""Planted runs: times to threshold drawn from a known law, evaluated at a spacing, up to a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

SPACING, BUDGET = 50.0, 20_000.0


class Planted(NamedTuple):
    """What is read of a run."""

    cells: pl.DataFrame
    curves: pl.DataFrame
    facts: dict[str, Any]


def cell_row(cell: str, regime: str, seed: int, kind: str, **given: Any) -> dict[str, Any]:
    """A row as `regimax table` has it, as far as it is read."""
    row = {"cell": cell, "regime": regime, "setting": kind, "seed": seed, "world_seed": seed, "kind": kind}
    row |= {
        "status": "done",
        "success": 0.5,
        "env_steps": 100,
        "passive_steps": 0,
        "flops": 1e6,
        "flops_without_env_steps": 0.0,
    }
    return row | given


def make_run(cells: list[dict[str, Any]], successes: Mapping[str, list[float]], spacing: float = SPACING) -> Planted:
    """A run from rows of cells and the successes of their evaluations, `spacing` steps of 1000 FLOPs apart."""
    rows = [
        {
            "cell": cell["cell"],
            "regime": cell["regime"],
            "updates": i,
            "env_steps": i * spacing,
            "flops": cell["flops_without_env_steps"] + 1000.0 * i * spacing,
            "success": success,
        }
        for cell in cells
        for i, success in enumerate(successes[cell["cell"]])
    ]
    return Planted(pl.DataFrame(cells), pl.DataFrame(rows), {"resolved": {"threshold": 0.9, "consecutive": 3}})


@pytest.fixture(scope="session")
def run_of() -> Callable[..., Planted]:
    return make_run


@pytest.fixture(scope="session")
def row_of() -> Callable[..., dict[str, Any]]:
    return cell_row


def arm(ln_time: np.ndarray, regime: str = "a", *, budget: float = BUDGET, spacing: float = SPACING, **columns: Any):
    """The table of `times` for learners `[worlds, learners]` that reach the threshold at exp(ln_time) steps."""
    worlds, learners = ln_time.shape
    time = np.exp(ln_time).ravel()
    index = np.ceil(time / spacing)
    solved = index * spacing <= budget
    return pl.DataFrame(
        {
            "cell": [f"{regime}/{i}" for i in range(time.size)],
            "regime": regime,
            "seed": np.arange(time.size),
            "world_seed": np.repeat(np.arange(worlds), learners),
            "status": "done",
            "passive_steps": 0,
            "flops_without_env_steps": 0.0,
            "reached": np.where(solved, index * spacing, np.nan),
            "low": np.where(solved, (index - 1) * spacing, budget),
            "high": np.where(solved, index * spacing, np.inf),
            "censored": ~solved,
            "unit": "env_steps",
            **columns,
        },
        nan_to_null=True,
    )


@pytest.fixture(scope="session")
def arm_of() -> Callable[..., pl.DataFrame]:
    return arm
