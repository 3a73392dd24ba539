"""What the compiler is asked for: code that runs fast, or that is soon there.

Compiling takes as long for a learner that trains for a second as for one that trains for a day. XLA's own settings make
the fastest code. Without its newer emitters of fused operations, and with fewer passes of LLVM, most programs for a CPU
compile in a half to four fifths of the time and run 10 to 30 % slower (a transformer takes as long);
without any of those passes a recurrent learner compiled in a fifth and ran at a third of the speed.
Numbers differ in their last bits, so that what was chosen belongs to a run.

On a GPU one of XLA's passes looks for softmax to make a kernel of, and a later one weighs every way to cut such kernels
into tiles, which of arrays with many axes took 24 minutes of 24. Without the first a program launches a few kernels
more; what that costs was not timed. So all but "full" leave it out. A sweep may ask to leave out what differs from call
to call, and not to choose code by timing it. Both stand behind the name, as in "quick, deterministic".
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from regimax.backend import passes_left_out
from regimax.errors import UserError, unknown

if TYPE_CHECKING:
    from regimax.sweep.cost import Costs
    from regimax.sweep.plan import Plan
    from regimax.sweep.spec import Sweep

_FEWER_PASSES = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 1}
_NO_PASSES = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 0}
_ONE_PIECE = _NO_PASSES | {"xla_cpu_parallel_codegen_split_count": 1}  # 3 memory maps in place of 96

OPTIMIZATIONS: Mapping[str, Mapping[str, Any]] = {"full": {}, "quick": _FEWER_PASSES, "none": _NO_PASSES}
"""The compiler's options on a CPU, by name, the fastest code first."""

AUTO = "auto"
"""The one with which a run is over soonest."""

PRECISIONS = ("default", "high", "highest")
"""Of products of float32."""

NUMERICS: Mapping[str, Any] = {"precision": "default", "deterministic": False, "autotune": True}
"""What a sweep says of its numbers, as everybody gets them who says nothing."""

DETERMINISTIC, UNTUNED = "deterministic", "untuned"
"""What may stand behind a name."""

ON_GPU: Mapping[str, Mapping[str, Any]] = {
    DETERMINISTIC: {"xla_gpu_exclude_nondeterministic_ops": True},
    UNTUNED: {"xla_gpu_autotune_level": 0},
}
"""The options on a GPU of what stands behind a name. One that XLA does not know is its error: it was asked for."""

SOFTMAX = "triton-softmax-rewriter"
"""XLA's pass for a GPU that makes one kernel of every softmax that it finds."""

GPUS = ("gpu", "cuda", "rocm")
"""Platforms, as JAX calls them."""

MOVES = ("place", "extend", "restore", "take", "inherit")
"""Functions that only move numbers: their results are the same however they are compiled."""

QUICK_UP_TO = 1e12
"""FLOPs of a program in all up to which "quick" is faster on the whole: about half a minute on a core."""
NONE_UP_TO = 2e10
"""FLOPs up to which "none" is: about half a second."""


def check(name: str) -> None:
    """Refuses what is no optimization.

    Raises:
      UserError: with the names that there are.
    """
    if name not in (AUTO, *OPTIMIZATIONS):
        raise unknown("optimization", name, (AUTO, *OPTIMIZATIONS))


def check_numerics(sweep: Sweep) -> None:
    """Refuses what is no precision, and what is neither true nor false.

    Raises:
      UserError: with what is allowed.
    """
    if sweep.precision not in PRECISIONS:
        raise unknown("precision", str(sweep.precision), PRECISIONS)
    for name in ("deterministic", "autotune"):
        if not isinstance(value := getattr(sweep, name), bool):
            raise UserError(f"{name} = {value!r} is neither True nor False")


def numerics(sweep: Sweep) -> dict[str, Any]:
    """Returns what a sweep says of its numbers, in plain data, where that is not what everybody gets."""
    return {name: value for name, default in NUMERICS.items() if (value := getattr(sweep, name)) != default}


def choose(flops: float, platform: str) -> str:
    """Returns the optimization with which a run is over soonest.

    Args:
      flops: that each of its programs executes in all, on average; they count on a CPU.
      platform: of the devices.
    """
    if platform in GPUS:
        return "quick"
    if platform != "cpu" or flops > QUICK_UP_TO:
        return "full"
    return "quick" if flops > NONE_UP_TO else "none"


def of_long_run(platform: str) -> str:
    """Returns the one for a run of which compiling is a small part."""
    return choose(math.inf, platform)


def of_plan(plan: Plan, costs: Costs, platform: str) -> str:
    """Returns the optimization that a plan's sweep asks for, or where it leaves that open the one that is chosen.

    On a GPU what it asks for besides stands behind the name.
    """
    name, behind = plan.sweep.optimization, []
    if name == AUTO:
        stages = plan.stages.values() if platform == "cpu" else ()
        flops = sum(costs(stage).flops_executed * (stage.end - stage.start) for stage in stages)
        name = choose(flops / len(plan.programs), platform)
    if platform in GPUS:  # elsewhere they change nothing
        behind += [DETERMINISTIC] if plan.sweep.deterministic else []
        behind += [] if plan.sweep.autotune else [UNTUNED]
    return ", ".join([name, *behind])


def options(optimization: str, function: str, platform: str) -> dict[str, Any]:
    """Returns the compiler's options for a function of a program.

    Args:
      optimization: by name, of `OPTIMIZATIONS`, with what may stand behind it.
      function: its name.
      platform: of the devices.
    """
    optimization, *behind = optimization.split(", ")
    if platform in GPUS:
        asked = {name: value for word in behind for name, value in ON_GPU[word].items()}
        without = passes_left_out(os.environ.get("XLA_FLAGS", ""), SOFTMAX)
        return asked if optimization == "full" else asked | {"xla_disable_hlo_passes": without}
    if platform != "cpu":
        return {}
    wanted = OPTIMIZATIONS[optimization]
    # What runs once for every block of lanes takes milliseconds. With "full" it gives the bits of `make_train`.
    if function in MOVES:
        wanted = _ONE_PIECE
    elif function == "init" and optimization != "full":
        wanted = _NO_PASSES
    return {name: value for name, value in wanted.items() if _exists(name, value)}


@cache
def _exists(name: str, value: Any) -> bool:
    """Whether this version of XLA has an option."""
    import jax

    try:
        jax.jit(lambda x: x).lower(0).compile(compiler_options={name: value})
    except Exception:
        return False
    return True
