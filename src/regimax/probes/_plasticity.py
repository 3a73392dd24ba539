"""Loss of plasticity: what makes a network learn less and less."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from regimax.learners import Learner
from regimax.learners.base import trainable
from regimax.networks import Code
from regimax.ops import linear
from regimax.probes import watching
from regimax.probes.base import Probe, ProbeFactory, Subject
from regimax.types import Array, HParams, Metrics, Params


def dormant(x: Array, threshold: float) -> Array:
    """Returns `[]`: the fraction of units that vary by no more than `threshold` of what units vary by on average.

    Args:
      x: `[N, D]`, activations.
      threshold: τ ≥ 0.

    Reference:
      Sokar et al., The dormant neuron phenomenon in deep reinforcement learning (2023), eq. 1, of standard deviations
      instead of magnitudes, so that a saturated unit counts as one that is off.

    Example:
      >>> print(dormant(jnp.array([[0.0, 1.0], [0.0, -1.0]]), 0.01))
      0.5
    """
    spread = x.std(axis=0)
    return (spread <= threshold * spread.mean()).mean()


def _norm(params: Params) -> Array:
    return jnp.sqrt(sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(params)))  # type: ignore[arg-type]


def plasticity(
    episodes: int = 256, threshold: float = 0.025, tap: str = "features", steps: int | None = None
) -> ProbeFactory:
    r"""Makes a probe of what goes with loss of plasticity, over episodes of random behaviour.

    Args:
      episodes: that are watched; of each, one step counts.
      threshold: τ below which a unit is dormant.
      tap: what of the network is read.
      steps: of an episode that are watched; the horizon, 64 at most, when not given.

    Returns:
      a factory. Metrics: ``dormant`` (fraction of units), ``effective_rank`` (of the centred features),
      ``weight_norm`` (of all parameters), ``weight_change`` (distance from the untrained parameters, in units of their
      norm) and ``untrained_cka`` (linear CKA with the untrained network's features).

    Raises:
      UserError: when bound, if the network has no such tap.

    Reference:
      Dohare et al., Loss of plasticity in deep continual learning (2024); Kumar et al., Implicit under-parameterization
      inhibits data-efficient deep reinforcement learning (2021).

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.probed(rx.regimes.pure_rl(), rx.probes.plasticity(), every=100)
    """

    def factory(learner: Learner, altered: Callable[[Code], Learner]) -> Probe:
        del altered
        num_steps, _ = watching.check(learner, tap, steps, concepts=False)

        def measure(key: Array, subject: Subject, hparams: HParams) -> Metrics:
            key_watch, key_step = jax.random.split(key)
            watched = watching.watch(key_watch, learner, subject.world, num_steps, episodes, hparams)
            chance = jax.random.uniform(key_step, watched.running.shape)
            step = jnp.argmax(jnp.where(watched.running > 0, chance, -1.0), axis=0)
            now, then = (
                watching.at(step, watching.features(learner, params, watched, tap, hparams))
                for params in (subject.state.params, subject.fresh)
            )
            weights, fresh = (trainable(params, ()) for params in (subject.state.params, subject.fresh))
            change = jax.tree.map(lambda a, b: a - b, weights, fresh)
            return {
                "dormant": dormant(now, threshold),
                "effective_rank": linear.effective_rank(now - now.mean(0, keepdims=True)),
                "weight_norm": _norm(weights),
                "weight_change": _norm(change) / _norm(fresh),
                "untrained_cka": linear.linear_cka(now, then),
            }

        return Probe("plasticity", measure, ("plasticity", episodes, threshold, tap, num_steps))

    return factory
