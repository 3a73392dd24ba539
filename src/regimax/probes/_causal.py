"""Causal probes: what a learner does when a concept is taken out of its features, or exchanged."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.errors import unknown
from regimax.learners import Learner
from regimax.networks import Code
from regimax.ops import linear
from regimax.probes import watching
from regimax.probes.base import Probe, ProbeFactory, Subject
from regimax.probes.directions import concept_directions
from regimax.types import Array, HParams, Metrics, count

CHANGES = ("ablate", "patch")


def _changed(change: str, projection: Array, mean: Array) -> Code:
    """What features `[T, E, width]` go through."""

    def code(x: Array) -> Array:
        if x.shape[-1] != len(projection):  # of a critic's own trunk, which no evaluation reads
            return x
        given = mean[None, None] if change == "ablate" else jnp.roll(x, 1, axis=1)
        return x - jnp.dot(x - given, projection, precision="highest")

    return code


def causal(change: str = "ablate", episodes: int = 1024, steps: int | None = None) -> ProbeFactory:
    r"""Makes a probe that evaluates a learner with one concept changed in the features that its heads read.

    .. math:: h' = h - P_c (h - h^*)

    :math:`P_c` projects onto the directions of the concept's values, found by regression over random behaviour;
    :math:`h^*` is the mean feature (``ablate``: the concept is gone) or that of another episode at the same time
    (``patch``: its concept is shown instead, and the features stay such as occur). The evaluation is the learner's own,
    on the same fresh experience for every change.

    Args:
      change: ``"ablate"`` or ``"patch"``.
      episodes: that are watched to find the directions; of each, one step counts.
      steps: of an episode that are watched; the horizon, 64 at most, when not given.

    Returns:
      a factory, of a probe named like the change. Metrics, for every metric m of the learner's evaluation:
      ``<m>_intact``; ``<m>_<c>`` with concept c changed; and the control ``<m>_random``, with as many random directions
      as the largest concept has.

    Raises:
      UserError: for an unknown change; when bound, if the world knows no concepts.

    Reference:
      Ravfogel et al., Null it out (2020); Geiger et al., Causal abstractions of neural networks (2021).

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.probed(rx.regimes.pure_rl(), rx.probes.causal("ablate"), every=100)
    """
    if change not in CHANGES:
        raise unknown("change", change, CHANGES)
    episodes = count(episodes, "probes.causal: episodes", least=2)

    def factory(learner: Learner, altered: Callable[[Code], Learner]) -> Probe:
        num_steps, sizes = watching.check(learner, "features", steps, concepts=True)

        def measure(key: Array, subject: Subject, hparams: HParams) -> Metrics:
            key_watch, key_random, key_evaluate = (prng.named(key, name) for name in ("watch", "random", "evaluate"))
            w, _, mean = concept_directions(
                key_watch, learner, subject, sizes, "features", num_steps, episodes, hparams
            )
            parts, start = [], 0
            for size in sizes:
                parts.append(linear.projection(w[start : start + size]))
                start += size
            random = linear.projection(jax.random.normal(key_random, (max(max(sizes) - 1, 1), w.shape[1])))
            projections = jnp.stack([jnp.zeros_like(random), random, *parts])
            found = jax.vmap(
                lambda p: altered(_changed(change, p, mean)).evaluate(key_evaluate, subject.state, hparams)
            )(projections)
            names = ("intact", "random", *map(str, range(len(sizes))))
            return {f"{m}_{name}": values[i] for m, values in found.items() for i, name in enumerate(names)}

        return Probe(change, measure, ("causal", change, episodes, num_steps))

    return factory
