"""Phase and Regime: data that says who learns what, from what, for how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from regimax.channels import Channel
from regimax.errors import unknown
from regimax.learners import LearnerFactory
from regimax.networks import NetworkFactory
from regimax.probes import ProbeFactory
from regimax.sources import SourceFactory


class Evaluate(NamedTuple):
    """When and on what a learner is evaluated. Budgets fall on these borders.

    Attributes:
      every: updates between evaluations; one tick.
      episodes: fresh episodes of each evaluation.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.pure_rl(updates=400, evaluate=Evaluate(every=100, episodes=64)).phases[0].evaluate.every
      100
    """

    every: int = 50
    episodes: int = 128


class Stop(NamedTuple):
    """When a phase ends before its budget.

    Attributes:
      metric: the evaluated metric.
      at_least: its threshold.
      consecutive: evaluations in a row that must reach it.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.pure_rl(updates=400, stop=Stop(at_least=0.9, consecutive=3)).phases[0].stop.metric
      'success'
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
      channels: what observations, decisions and rewards go through; channels of outcome and reward over the world's
        range when None.
      inherit: parameter subtrees taken from the phase before, by name; the others begin afresh.
      freeze: parameter subtrees that are not trained.
      world: turns the sweep's world into the phase's own; None keeps it.
      evaluate: when and on what it is evaluated.
      stop: when it ends before its budget.
      settings: values of the learner's settings that this phase sets, by their local names.
      probes: what is measured of the learner besides, by programs of their own that cannot touch its training.
      probe_every: updates between two measurements, a multiple of `evaluate.every`. There is one at the beginning, and
        one wherever the phase ends or is forked, in any case; only those when None.
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
    probes: tuple[ProbeFactory, ...] = ()
    probe_every: int | None = None


class Regime(NamedTuple):
    """A named sequence of phases."""

    name: str
    phases: tuple[Phase, ...]


def probed(regime: Regime, *probes: ProbeFactory, every: int | None = None, phases: Sequence[str] = ()) -> Regime:
    """Returns a regime of which probes measure what it learns. They change none of its results.

    Regimes of one sweep that share a phase must agree on its probes. A run that was begun keeps the probes that it has.

    Args:
      regime: from `regimax.regimes`, or your own.
      *probes: from `regimax.probes`, or your own.
      every: updates between two measurements, a multiple of the evaluations' spacing; only where a phase begins and
        where it ends or is forked when None.
      phases: names of the phases that are measured; all when empty.

    Raises:
      UserError: for a phase that the regime does not have.

    Example:
      >>> import regimax as rx
      >>> regime = probed(rx.regimes.pretrain_rl(), rx.probes.plasticity(), every=100, phases=["rl"])
      >>> [phase.probe_every for phase in regime.phases]
      [None, 100]
    """
    names = [phase.name for phase in regime.phases]
    for name in phases:
        if name not in names:
            raise unknown(f"phase of the regime {regime.name!r}:", name, names)
    chosen = tuple(phases) or names
    changed = [
        phase._replace(probes=probes, probe_every=every) if phase.name in chosen else phase for phase in regime.phases
    ]
    return regime._replace(phases=tuple(changed))
