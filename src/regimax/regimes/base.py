"""Phase and Regime: data that says who learns what, from what, for how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from regimax.channels import Channel
from regimax.learners import LearnerFactory
from regimax.networks import NetworkFactory
from regimax.sources import SourceFactory


class Evaluate(NamedTuple):
    """When and on what a learner is evaluated. Budgets fall on these borders.

    Attributes:
      every: updates between evaluations; one tick.
      episodes: fresh episodes of each evaluation.
    """

    every: int = 50
    episodes: int = 128


class Stop(NamedTuple):
    """When a phase ends before its budget.

    Attributes:
      metric: the evaluated metric.
      at_least: its threshold.
      consecutive: evaluations in a row that must reach it.
    """

    metric: str = "success"
    at_least: float = 0.95
    consecutive: int = 5


class Phase(NamedTuple):
    """One learner for a number of updates.

    Attributes:
      name: prefix of its learner's settings and of its budget: ``rl.learning_rate``, ``rl.updates``.
      source: where its experience comes from.
      learner: how it learns.
      network: what it trains.
      updates: its budget, a multiple of `evaluate.every`.
      channels: what observations, decisions and pay go through; channels of outcome and reward over the world's range
        when None.
      inherit: parameter subtrees taken from the phase before, by name; the others begin afresh.
      freeze: parameter subtrees that are not trained.
      world: turns the sweep's world into the phase's own; None keeps it.
      evaluate: when and on what it is evaluated.
      stop: when it ends before its budget.
      settings: values of the learner's settings that this phase sets, by their local names.
    """

    name: str
    source: SourceFactory
    learner: LearnerFactory
    network: NetworkFactory
    updates: int
    channels: tuple[Channel, ...] | None = None
    inherit: tuple[str, ...] = ()
    freeze: tuple[str, ...] = ()
    world: Callable[[Any], Any] | None = None
    evaluate: Evaluate = Evaluate()
    stop: Stop | None = None
    settings: Mapping[str, float] = {}


class Regime(NamedTuple):
    """A named sequence of phases."""

    name: str
    phases: tuple[Phase, ...]
