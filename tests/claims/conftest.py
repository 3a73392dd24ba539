"""Claims small enough to run in a test, and runs with a planted effect, for rules."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import regimax as rx
from regimax.claims.tuning import Trial
from regimax.cli import main
from regimax.report.statistics._times import read_once
from regimax.sweep import axes, spec

TINY = '''"""Does it pay?

Command: regimax run tiny.py
"""
import regimax as rx
from regimax.report import statistics as st
o = {"network": rx.networks.gru(8), "num_envs": 8, "evaluate": rx.regimes.Evaluate(every=2, episodes=16)}

def rule(run):
    """Supported iff success exceeds -1."""
    there = {"reward.erasure": 0.0}
    arms = [st.scores(run.cells, arm, where=there) for arm in ("pretrain_rl", "pure_rl")]
    success = st.difference(*arms, confidence=0.4)  # of two worlds
    room = [st.above("room", success, -3.0)]
    return st.decide([st.above("gain", success, -2.0)], assay=room, cells=run.cells, worlds=2)

claim = rx.Claim(
    id="T1",
    question="Does it pay?",
    small=rx.Sweep(
        world=rx.envs.Cipher(symbols=3, skills=2, length=2),
        regimes=[rx.regimes.pure_rl(updates=4, **o), rx.regimes.pretrain_rl(updates=(4, 4), **o)],
        axes={"reward.erasure": [0.0, 0.5]},
        seeds=2,
    ),
    tuning=rx.Tuning(
        axes={"rl.learning_rate": (0.001, 0.1)},
        seeds=[100, 101],
        at={"reward.erasure": [0.0]},
        settings={"rl.updates": 2},
    ),
    rule=rule,
    control="none",
    null="none",
    assay="none",
)
'''
"""A claim of 8 cells, and as many of its tuning: 2 programs."""


@pytest.fixture(autouse=True)
def times_are_read_once():
    """As where a claim is judged."""
    with read_once():
        yield


@pytest.fixture
def tiny():
    Path("tiny.py").write_text(TINY)
    return Path("tiny.py")


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """A folder in which `sweeps/tiny.py` was run with --all, beside a plain sweep and a broken file."""
    where = tmp_path_factory.mktemp("claims")
    sweeps = where / "sweeps"
    sweeps.mkdir()
    (sweeps / "a_broken.py").write_text("claim = (")
    (sweeps / "plain.py").write_text(TINY.replace("claim = rx.Claim(", "other = rx.Claim("))
    (sweeps / "tiny.py").write_text(TINY)
    (sweeps / "z_refused.py").write_text(
        TINY.replace('"T1"', '"T2"').replace('"rl.learning_rate"', '"rl.learning_rat"')
    )
    code = main(["run", "--all", str(sweeps), "--small", "--out", str(where / "runs")])
    return where, code


@pytest.fixture
def run(done, tmp_path):
    """A copy of the finished claim."""
    out = tmp_path / "runs" / "tiny"
    shutil.copytree(done[0] / "runs" / "tiny", out)
    return out


WORLD = rx.envs.Cipher(symbols=3, skills=2, length=2)
OPTIONS = {"network": rx.networks.gru(8), "num_envs": 8, "evaluate": rx.regimes.Evaluate(every=2, episodes=16)}
REGIMES = (rx.regimes.pure_rl(updates=8, **OPTIONS), rx.regimes.pretrain_rl(updates=(4, 8), **OPTIONS))


def make_sweep(**changes) -> rx.Sweep:
    """Two arms, two reward settings, three worlds."""
    sweep = {
        "world": WORLD,
        "regimes": list(REGIMES),
        "axes": {"reward.erasure": [0.0, 0.5]},
        "seeds": 3,
    }
    return rx.Sweep(**(sweep | changes))


def tuned(arms: Iterable[str], edge: Sequence[str] = ()) -> tuple[Trial, ...]:
    """What a tuning chose for some arms: inside of the grid, unless said otherwise."""
    return tuple(Trial(arm, {}, {"rl.learning_rate": 0.01}, 0.9, 4, 0, True, list(edge)) for arm in arms)


def planted(
    sweep: Any,
    effort: Callable[[str, dict[str, Any]], float],
    *,
    noise: float = 0.2,
    budget: float = 25_000,
    every: float = 64,
) -> SimpleNamespace:
    """A run as a rule reads it, in which an arm needs `effort(regime, labels)` episodes, up to noise per world.

    Args:
      sweep: whose regimes, axes and seeds it has.
      effort: median episodes, or rewards delivered, to the threshold.
      noise: standard deviation of ln T over worlds.
      budget: episodes after which a cell is censored.
      every: episodes between evaluations.
    """
    rng, rows, curves = np.random.default_rng(0), [], []
    for regime in sweep.regimes:
        for point in axes.points(sweep):
            for world, seed in spec.seed_list(sweep):
                time = effort(regime.name, point.labels) * math.exp(noise * rng.standard_normal())
                steps = np.arange(0, min(budget, time + 3 * every) + every, every)
                success = np.where(steps >= time, 1.0, 0.0)
                cell = f"{regime.name}/{point.labels}/{seed}"
                solved = time <= budget
                setting = ", ".join(f"{name}={value}" for name, value in point.labels.items())
                rows.append(
                    {"cell": cell, "regime": regime.name, "setting": setting, "seed": seed, "world_seed": world}
                    | point.labels
                    | {"status": "solved" if solved else "done", "success": success[-1], "env_steps": int(steps[-1])}
                    | {"passive_steps": 0, "flops": 1.0, "flops_without_env_steps": 0.0, "diverged": False}
                    | {"floor_scratch": 100.0}
                )
                curves.append((steps, success))
    lengths = [len(steps) for steps, _ in curves]
    steps, success = (np.concatenate(parts) for parts in zip(*curves, strict=True))
    update = np.concatenate([np.arange(n) for n in lengths])
    whole = pl.DataFrame(
        {
            "cell": pl.Series([row["cell"] for row in rows]).gather(np.repeat(np.arange(len(rows)), lengths)),
            "env_steps": steps.astype(int),
            "rewards_delivered": steps.astype(float),
            "success": success,
            "phase": "rl",
            "flops": 1.0,
            "updates": update,
            "update": update,
        }
    )
    facts = {"resolved": {"threshold": sweep.threshold, "consecutive": sweep.consecutive}}
    return SimpleNamespace(
        cells=pl.DataFrame(rows), curves=whole, facts=facts, tried=tuned(r.name for r in sweep.regimes)
    )
