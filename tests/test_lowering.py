"""Every program lowers for accelerators, which need not be there."""

from functools import cache
from types import SimpleNamespace

import jax
import pytest

from regimax.bench.workloads import WORKLOADS, SweepWorkload
from regimax.errors import UserError
from regimax.regimes import bind_regime
from regimax.sweep.lanes import Engine

from .regimes.test_everywhere import REGIMES, WHY_NOT, WORLDS

PLATFORMS = ("cuda", "tpu")
EVERYWHERE = [regime for regime in REGIMES if regime.name not in WHY_NOT["Recall"]]
"""On Recall, where all but one is defined."""


def lower(program, *names):
    """Lowers functions of a program, each traced once for all platforms, as an engine has them on an accelerator."""
    functions = Engine(program, 2, [SimpleNamespace(platform=PLATFORMS[0])]).functions
    for name in names or ("init", "advance", *(["probe"] if program.probes else [])):
        traced = jax.jit(functions[name].call).trace(*functions[name].shapes())
        text = traced.lower(lowering_platforms=PLATFORMS).as_text()  # one text, with a branch where they differ
        assert "func.func public @main" in text
        assert "lapack" not in text


@cache
def programs_on_recall():
    """The programs of every regime that none before it has: what several have is traced once."""
    found, known, seen = {}, {}, set()
    for regime in EVERYWHERE:
        programs = bind_regime(regime, WORLDS["Recall"], known).programs
        found[regime.name] = [program for program in programs if program.spec not in seen]
        seen |= {program.spec for program in programs}
    return found


@pytest.mark.parametrize("name", WORKLOADS)
def test_workloads(name):
    if name.startswith("ppo"):
        pytest.importorskip("gymnax")
    workload = WORKLOADS[name]
    if isinstance(workload, SweepWorkload):
        sweep = workload.make(2)
        programs = [program for regime in sweep.regimes for program in bind_regime(regime, sweep.world).programs]
    else:
        programs = [bind_regime(*workload.make()).programs[workload.phase]]
    for program in programs:
        lower(program)


@pytest.mark.parametrize("regime", EVERYWHERE, ids=lambda regime: regime.name)
def test_regimes(regime):
    for program in programs_on_recall()[regime.name]:
        lower(program)


def test_what_all_regimes_have_in_common_is_lowered_once():
    of_pure_rl = programs_on_recall()["pure_rl"]
    assert len(of_pure_rl) == 1
    assert [len(programs_on_recall()[name]) for name in ("pretrain_rl", "sham_rl")] == [1, 0]


def test_the_regime_that_is_not_defined_there():
    [rest] = [regime for regime in REGIMES if regime not in EVERYWHERE]
    with pytest.raises(UserError):
        bind_regime(rest, WORLDS["Recall"])
    for program in bind_regime(rest, WORLDS["Planner"]).programs:
        lower(program)


def test_what_moves_lanes():
    [program] = programs_on_recall()["pure_rl"]
    lower(program, "place", "extend", "take", "restore", "evaluate")
