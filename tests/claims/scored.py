"""Runs with a planted score, for rules that compare scores or what probes measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from regimax.sweep import axes, spec

from .conftest import tuned


def scored(
    sweep: Any,
    score: Callable[[str, Mapping[str, Any]], float],
    *,
    noise: float = 0.02,
    begun: float = 0.99,
    probed: Callable[[str, Mapping[str, Any], int], Mapping[str, float]] | None = None,
) -> SimpleNamespace:
    """A run as a rule reads it, in which every cell ends with its planted success, up to noise.

    Args:
      sweep: whose regimes, axes and seeds it has.
      score: success at the end, from the regime's name and the labels of its axes.
      noise: standard deviation over worlds, of scores and, as a share of them, of what probes measure.
      begun: success at the beginning of the last phase.
      probed: what probes measure at the beginning (0) and at the end (1) of the last phase, by column.
    """
    rng, rows, curves, probes = np.random.default_rng(0), [], [], []
    for regime in sweep.regimes:
        phase, end = regime.phases[-1].name, regime.phases[-1].updates
        for point in axes.points(sweep):
            for world, seed in spec.seed_list(sweep):
                final = float(np.clip(score(regime.name, point.labels) + noise * rng.standard_normal(), 0.0, 1.0))
                named = {"cell": f"{regime.name}/{point.labels}/{seed}", "regime": regime.name, "setting": ""}
                named |= {"seed": seed, "world_seed": world} | point.labels
                spent = {"flops": 1.0, "env_steps": 0, "passive_steps": 0}
                rows.append(named | {"status": "done", "success": final, "diverged": False} | spent)
                curves += [
                    named | {"phase": phase, "update": at, "success": value} for at, value in ((0, begun), (end, final))
                ]
                for at in (0, 1) if probed else ():
                    found = probed(regime.name, point.labels, at)
                    noisy = {name: value * (1.0 + noise * rng.standard_normal()) for name, value in found.items()}
                    probes.append(named | {"phase": phase, "update": at * end} | noisy)
    tried = tuned(regime.name for regime in sweep.regimes)
    frames = {"cells": pl.DataFrame(rows), "curves": pl.DataFrame(curves), "probes": pl.DataFrame(probes)}
    return SimpleNamespace(**frames, tried=tried)
