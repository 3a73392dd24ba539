"""Superposition of a world's concepts in a network's features."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from regimax.learners import Learner
from regimax.networks import Code
from regimax.ops import superposition as measures
from regimax.probes import watching
from regimax.probes.base import Probe, ProbeFactory, Subject
from regimax.probes.directions import concept_directions
from regimax.types import Array, HParams, Metrics


def superposition(episodes: int = 1024, tap: str = "features", steps: int | None = None) -> ProbeFactory:
    r"""Makes a probe of how the concepts of a world share the dimensions of a network's features.

    The feature of a concept's value is the direction that it adds to the network's features, found by regression over
    random behaviour. Values of one concept exclude each other and lie around their mean, so that V of them have V − 1
    dimensions between them when nothing else interferes.

    Args:
      episodes: that are watched; of each, one step counts.
      tap: what of the network is read.
      steps: of an episode that are watched; the horizon, 64 at most, when not given.

    Returns:
      a factory. Metrics: ``dimensions`` (per value, mean over those that occur), ``capacity`` (their sum, dimensions),
      ``capacity_share`` (of the width), ``interference`` (from other concepts, mean over values), and
      ``dimensions_<c>`` and ``interference_<c>`` for every concept, NaN where it does not occur.

    Raises:
      UserError: when bound, if the world knows no concepts or the network has no such tap.

    Reference:
      Elhage et al., Toy models of superposition (2022); Scherlis et al., Polysemanticity and capacity in neural
      networks (2022).

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.probed(rx.regimes.pretrain_rl(), rx.probes.superposition(), every=100)
    """

    def factory(learner: Learner, altered: Callable[[Code], Learner]) -> Probe:
        del altered
        num_steps, sizes = watching.check(learner, tap, steps, concepts=True)
        group = np.repeat(np.arange(len(sizes)), sizes)

        def measure(key: Array, subject: Subject, hparams: HParams) -> Metrics:
            w, occurs, _ = concept_directions(key, learner, subject, sizes, tap, num_steps, episodes, hparams)
            dimensions, others = measures.dimensions(w), measures.interference(w, jnp.asarray(group))

            def mean(x: Array, of: Array) -> Array:
                return (x * of).sum() / of.sum()

            metrics = {
                "dimensions": mean(dimensions, occurs),
                "capacity": dimensions.sum(),
                "capacity_share": dimensions.sum() / w.shape[1],
                "interference": mean(others, occurs),
            }
            for c in range(len(sizes)):
                own = occurs * (group == c)
                metrics[f"dimensions_{c}"] = mean(dimensions, own)
                metrics[f"interference_{c}"] = mean(others, own)
            return metrics

        return Probe("superposition", measure, ("superposition", episodes, tap, num_steps))

    return factory
