"""What every probe promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from regimax.learners import Learner, LearnerState
from regimax.networks import Code
from regimax.types import Array, HParams, Metrics, Params, PyTree, Spec


class Subject(NamedTuple):
    """What a probe looks at.

    Attributes:
      state: the learner's state.
      fresh: the parameters that the cell's network began with, before any learning.
      world: the hidden structure of the task in the cell's world; settings that the phase is not given are at the
        world's defaults.
    """

    state: LearnerState
    fresh: Params
    world: PyTree


class Probe(NamedTuple):
    """A read-only measurement of a learner.

    Attributes:
      name: prefix of its metrics.
      measure: `(key, subject, hparams) -> metrics`, with the same local names of settings as the learner's functions.
        There is no state that it could return, so it changes nothing.
      spec: what it is.
    """

    name: str
    measure: Callable[[Array, Subject, HParams], Metrics]
    spec: Spec


class ProbeFactory(Protocol):
    """Makes a probe of a learner; `altered(code)` is the same learner whose features go through `code` as well, behind
    the channels of abstraction, on their way to the heads.
    """

    def __call__(self, learner: Learner, altered: Callable[[Code], Learner]) -> Probe: ...
