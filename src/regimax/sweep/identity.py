"""What stands for a program and for what is known of it, the same in every process.

A program's identity is what it compiles to, with the facts of the host that its results depend on. A comment, a name of
a function, a seed or an axis does not reach it; whatever a function closes over does, by value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import jax

from regimax.factories import once_for
from regimax.regimes import Program
from regimax.regimes.traces import trace_of_probes, traces
from regimax.sweep.fingerprint import fingerprint
from regimax.traced import Traced, traced
from regimax.types import number


def digest(*parts: Any) -> str:
    """Returns 16 hexadecimal digits that stand for nested plain data, the same in every process."""
    return hashed(json.dumps(parts, sort_keys=True, separators=(",", ":"), default=plain))


def hashed(text: str) -> str:
    """Returns 16 hexadecimal digits that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """Returns what JSON makes of what it does not know: a scalar as a number, an array or a set as a list."""
    found = number(value)
    if found is not value:
        return found
    if hasattr(value, "tolist"):
        return value.tolist()
    return sorted(value) if isinstance(value, set | frozenset) else list(value)


def identity(functions: Sequence[tuple[Callable[..., Any] | Traced, tuple[Any, ...]]]) -> str:
    """Returns what stands for functions at arguments of known shapes: their equations and what they return.

    Args:
      functions: each with its arguments, arrays or their shapes.
    """
    parts = []
    for function, args in functions:
        trace = function if isinstance(function, Traced) else traced(function, *args)
        returned = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(trace.out)]
        parts.append((fingerprint(trace.jaxpr), returned))
    return digest(parts)


def program_identity(program: Program, flops: Mapping[str, float]) -> str:
    """Returns what stands for a program; its probes, which cannot touch its results, do not count.

    Args:
      program: the program.
      flops: of one of its updates, as it is executed, by what they are spent on.
    """
    learner, phase = program.learner, program.phase
    facts = {
        "phase": phase.name,
        "every": phase.evaluate.every,
        "stop": phase.stop,
        "interlude": learner.interlude.every if learner.interlude else None,
        "steps": learner.source.steps,
        "integer": {name: setting.integer for name, setting in program.settings.items()},
        "flops": flops,
    }
    return digest(facts, identity([(trace, trace.args) for trace in traces(program)]))


@once_for(attrgetter("probe"))
def _measures(program: Program) -> str:
    """What stands for what is measured: every run asks again whether an engine has the same."""
    trace = trace_of_probes(program)
    return identity([(trace, trace.args)])


def probes_identity(program: Program) -> dict[str, Any]:
    """Returns what stands for a program's probes, in plain data; nothing where there are none."""
    if not program.probes:
        return {}
    return {
        "probes": [probe.name for probe in program.probes],
        "probe_every": program.phase.probe_every,
        "measures": _measures(program),
    }


def rounded(facts: Mapping[str, Any]) -> dict[str, str]:
    """Returns numbers in 12 digits, which no other mathematics library changes."""
    return {name: f"{float(value):.12g}" for name, value in facts.items()}
