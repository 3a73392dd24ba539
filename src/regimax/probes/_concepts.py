"""Linear probes for concepts: what a linear read-out finds in the features of a network that is left as it is."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from regimax.envs import Halved
from regimax.envs.base import keeps
from regimax.errors import UserError
from regimax.learners import Learner
from regimax.networks import Code
from regimax.ops import information, linear
from regimax.probes import watching
from regimax.probes.base import Probe, ProbeFactory, Subject
from regimax.types import Array, HParams, Metrics, PyTree, count

REPRESENTATIONS = ("", "_untrained", "_projection")
SHUFFLES = 8
"""Probes fitted on shuffled labels, of which the mean is reported."""


def _score(scores: Array, true: Array, sizes: tuple[int, ...]) -> tuple[Array, Array]:
    """Accuracy and bits of the highest scores `[N, sum of sizes]` about each concept `[N, C]`; `[C]` each.

    Only those that have the concept count; NaN where none has.
    """
    accuracy, bits, start = [], [], 0
    for c, size in enumerate(sizes):
        predicted = jnp.argmax(scores[:, start : start + size], axis=-1)
        there = (true[:, c] >= 0).astype(jnp.float32)
        hit = (predicted == true[:, c]).astype(jnp.float32)
        counts = jnp.zeros((size, size)).at[predicted, jnp.maximum(true[:, c], 0)].add(there)
        accuracy.append(jnp.sum(hit * there) / there.sum())
        bits.append(jnp.where(there.any(), information.counted_information(counts), jnp.nan))
        start += size
    return jnp.stack(accuracy), jnp.stack(bits)


def _totals(name: str, accuracy: Array, bits: Array) -> Metrics:
    """Over the concepts `[C]` that there are."""
    return {f"accuracy{name}": jnp.nanmean(accuracy), f"bits{name}": jnp.nansum(bits)}


def concepts(
    episodes: int = 1024, penalty: float = 1e-3, tap: str = "features", steps: int | None = None
) -> ProbeFactory:
    r"""Makes linear probes for the concepts of a world.

    One step of each of `episodes` episodes of random behaviour is shown to the network; a ridge regression from its
    features onto the one-hot concepts is fitted on half of them and asked about the other half. Where a world has
    surface forms (`envs.Halved`), the two halves have none in common. A probe's *bits* are the mutual information of
    its answers and the concepts, less its bias: a lower bound of what the features hold.

    The controls are probes of the same kind: on the features of the ``untrained`` network, on a random ``projection``
    of the observation to as many numbers, on the features with ``shuffled`` labels, and on the concepts themselves
    (``oracle``), which is the ceiling. The learner of `sham_rl` is the fifth. A probe fitted on shuffled labels is
    right by chance only; but a random read-out of features that hold a concept has bits about it.

    Args:
      episodes: N, half of them for fitting.
      penalty: of the ridge regression, in units of the features' mean variance.
      tap: what of the network is read.
      steps: of an episode that are watched; the horizon, 64 at most, when not given.

    Returns:
      a factory. Metrics: ``accuracy`` (mean over the concepts there are) and ``bits`` (their sum, which counts twice
      what dependent concepts share); the same followed by ``_<control>``; and ``accuracy_<c>`` and ``bits_<c>`` for
      every concept, NaN where there is none.

    Accuracy:
      the answers to n unseen surface forms of V values are only n samples, however many episodes show them, and then
      remain biased upwards by about :math:`(V-1)^2 / (2 n \ln 2)` bits: compare with the untrained network, which has
      the same bias.

    Raises:
      UserError: when bound, if the world knows no concepts or the network has no such tap.

    Reference:
      Alain and Bengio, Understanding intermediate layers using linear classifier probes (2016); Hewitt and Liang,
      Designing and interpreting probes with control tasks (2019).

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.probed(rx.regimes.pure_rl(), rx.probes.concepts(), every=100)
    """
    episodes = count(episodes, "probes.concepts: episodes")
    if episodes < 4 or episodes % 2:
        raise UserError(f"probes.concepts: episodes = {episodes!r} is not an even number from 4")

    def factory(learner: Learner, altered: Callable[[Code], Learner]) -> Probe:
        del altered
        num_steps, sizes = watching.check(learner, tap, steps, concepts=True)
        world = learner.source.world

        def probed(fit: Array, asked: Array, codes: Array, labels: Array) -> tuple[Array, Array]:
            """Accuracy and bits by labelling and concept, `[S, C]` each, of probes from `[N, D]` onto `[S, N, K]`."""
            w, intercept = linear.ridge(fit, jnp.concatenate(list(codes), axis=-1), penalty)
            scores = jnp.dot(asked, w, precision="highest") + intercept[None]
            scores = jnp.moveaxis(scores.reshape(len(asked), len(codes), -1), 1, 0)
            return jax.vmap(lambda one: _score(one, labels, sizes))(scores)

        def measure(key: Array, subject: Subject, hparams: HParams) -> Metrics:
            key_watch, key_step, key_project, key_shuffle = jax.random.split(key, 4)
            halves = world.halves(subject.world) if keeps(world, Halved) else (subject.world, subject.world)
            both = jax.tree.map(lambda *leaves: jnp.stack(leaves), *halves)

            def show(key: Array, key_step: Array, params: PyTree) -> tuple[Array, Array]:
                """Of one half: the representations `[3, N/2, W]`, and the concepts `[N/2, C]`."""
                watched = watching.watch(key, learner, params, num_steps, episodes // 2, hparams)
                step = watching.one_step(key_step, watched)
                nets = jax.tree.map(lambda *leaves: jnp.stack(leaves), subject.state.params, subject.fresh)
                read = jax.vmap(lambda p: watching.at(step, watching.features(learner, p, watched, tap, hparams)))(nets)
                obs = watching.at(step, watched.obs)
                mixing = jax.random.normal(key_project, (obs.shape[-1], read.shape[-1])) / obs.shape[-1] ** 0.5
                projected = jnp.dot(obs, mixing, precision="highest")
                return jnp.concatenate([read, projected[None]]), watching.at(step, watched.concepts)

            (fit, asked), (known, labels) = jax.vmap(show)(
                jax.random.split(key_watch), jax.random.split(key_step), both
            )
            codes = watching.one_hot(known, sizes)
            shuffled = [jax.random.permutation(k, codes) for k in jax.random.split(key_shuffle, SHUFFLES)]
            labellings = jnp.stack([codes, *shuffled])
            accuracy, bits = jax.vmap(lambda x, y: probed(x, y, labellings, labels))(fit, asked)
            metrics: Metrics = {}
            for i, name in enumerate(REPRESENTATIONS):
                metrics |= _totals(name, accuracy[i, 0], bits[i, 0])
            metrics |= _totals("_shuffled", accuracy[0, 1:].mean(0), bits[0, 1:].mean(0))
            ceiling = probed(codes, watching.one_hot(labels, sizes), codes[None], labels)
            metrics |= _totals("_oracle", *(x[0] for x in ceiling))
            for c in range(len(sizes)):
                metrics |= {f"accuracy_{c}": accuracy[0, 0, c], f"bits_{c}": bits[0, 0, c]}
            return metrics

        return Probe("concepts", measure, ("concepts", episodes, penalty, tap, num_steps))

    return factory
