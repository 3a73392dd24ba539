"""The traces of a program for one lane."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.factories import once_for
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


@once_for(attrgetter("tick"))
def traces(program: Program) -> Traces:
    """Traces what a program compiles to, for one lane, once: also for all that share its functions."""
    keys, hparams = prng.abstract_keys(), abstract_hparams(program.settings)
    fresh = traced(program.fresh, keys)
    init = traced(program.init, keys, hparams, fresh.out)
    update = jax.ShapeDtypeStruct((), jnp.int32)
    return Traces(fresh, init, traced(program.tick, keys, hparams, update, init.out, update))


@once_for(attrgetter("probe"))
def trace_of_probes(program: Program) -> Traced:
    """Traces what measures a program, once."""
    keys, hparams, _ = (init := traces(program).init).args
    return traced(program.probe, keys, hparams, init.out)
