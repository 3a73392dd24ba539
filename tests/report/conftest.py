"""Runs whose learners need planted efforts, for figures of effort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import polars as pl


def run_with(
    needed: Mapping[tuple, int | None], columns: Sequence[str], worlds: int = 5, measure: str = "success"
) -> SimpleNamespace:
    """A run of 100 steps with an evaluation after every ten.

    Args:
      needed: steps to success by arm and settings; None where 100 are too few.
      columns: what the settings are called.
      worlds: how many there are.
      measure: that shows success.
    """
    rows, curves = [], []
    for (arm, *settings), time in needed.items():
        for world in range(worlds):
            cell = "/".join(map(str, (arm, *settings, world)))
            rows.append(
                {"cell": cell, "regime": arm, "setting": f"{settings}", "seed": world, "world_seed": world}
                | dict(zip(columns, settings, strict=True))
                | {"status": "done", "passive_steps": 0, "flops_without_env_steps": 0.0}
            )
            steps = range(0, 101, 10)
            shown = [float(time is not None and step >= time) for step in steps]
            curves.append(pl.DataFrame({"cell": cell, "env_steps": list(steps), measure: shown, "flops": 0.0}))
    facts = {"resolved": {"threshold": 0.9, "consecutive": 2}}
    return SimpleNamespace(cells=pl.DataFrame(rows), curves=pl.concat(curves), facts=facts)
