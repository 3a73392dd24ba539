"""How long a plan will take on this machine, from one timed block per program."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing

import jax
import numpy as np

from regimax.sweep import optimization
from regimax.sweep.account import Account
from regimax.sweep.cost import Costs
from regimax.sweep.lanes import Engine
from regimax.sweep.plan import Plan

TICKS = 5


def seconds_estimated(plan: Plan, blocks: Mapping[str, int]) -> float:
    """Compiles every program, times a few ticks of one block of each, and extrapolates to all updates of the plan.

    What is compiled is kept in the compilation cache, so the run need not compile it again. Cells that a stop rule will
    end early are counted in full, and lanes as if all were busy.

    Args:
      plan: the plan.
      blocks: lanes of a block of every program.

    Returns:
      wall-clock seconds of the run, compiling included.
    """
    updates: Counter[str] = Counter()
    for stage in plan.stages.values():
        updates[stage.program] += stage.end - stage.start
    total = 0.0
    wanted = optimization.of_plan(plan, Costs(plan), jax.local_devices()[0].platform)
    with closing(Account(1)) as account:
        for program in plan.programs:
            engine = Engine(plan.programs[program], blocks[program], None, account.compiling, wanted)
            tick = _tick_seconds(plan, program, engine)
            ticks = updates[program] / (engine.program.phase.evaluate.every * engine.block)
            total += ticks * tick / len(engine.devices)
        return total + account.shares().compiling


def _tick_seconds(plan: Plan, program: str, engine: Engine) -> float:
    """Median time of a tick of one block that runs the program's first stage in every lane."""
    stage = next(stage for stage in plan.stages.values() if stage.program == program)
    settings = engine.program.settings
    hparams = {
        name: np.full(engine.block, stage.settings[name], np.int32 if setting.integer else np.float32)
        for name, setting in settings.items()
    }
    seeds = np.full((engine.block, 2), (stage.world_seed, stage.seed), np.uint32)
    end = np.full(engine.block, np.iinfo(np.int32).max, np.int32)
    lanes = engine.init(0, seeds, hparams, end)
    seconds = []
    for _ in range(1 + TICKS):
        jax.block_until_ready(lanes)
        begun = time.monotonic()
        lanes, report = engine.advance(0, lanes)
        jax.block_until_ready(report)
        seconds.append(time.monotonic() - begun)
    return statistics.median(seconds[1:])
