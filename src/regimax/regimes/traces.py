"""The traces of a program for one lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.regimes.program import Program, abstract_hparams
from regimax.traced import Traced, traced


class Traces(NamedTuple):
    """What a program compiles to.

    Attributes:
      fresh: the parameters that its network begins with, of keys.
      init: the program's, with every part of the parameters given.
      tick: the program's, with a number of updates that is traced.
    """

    fresh: Traced
    init: Traced
    tick: Traced


_traces: WeakKeyDictionary[Callable[..., Any], Traces] = WeakKeyDictionary()
_of_probes: WeakKeyDictionary[Callable[..., Any], Traced] = WeakKeyDictionary()


def traces(program: Program) -> Traces:
    """Traces what a program compiles to, for one lane, once: also for all that share its functions."""
    if program.tick not in _traces:
        keys, hparams = prng.abstract_keys(), abstract_hparams(program.settings)
        fresh = traced(program.fresh, keys)
        init = traced(program.init, keys, hparams, fresh.out)
        update = jax.ShapeDtypeStruct((), jnp.int32)
        tick = traced(program.tick, keys, hparams, update, init.out, update)
        _traces[program.tick] = Traces(fresh, init, tick)
    return _traces[program.tick]


def trace_of_probes(program: Program) -> Traced:
    """Traces what measures a program, once."""
    if program.probe not in _of_probes:
        keys, hparams, _ = (init := traces(program).init).args
        _of_probes[program.probe] = traced(program.probe, keys, hparams, init.out)
    return _of_probes[program.probe]
