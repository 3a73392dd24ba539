"""Where concepts lie in a network's features."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from regimax.learners import Learner
from regimax.ops import linear
from regimax.probes import watching
from regimax.probes.base import Subject
from regimax.types import Array, HParams

PENALTY = 1e-4


def concept_directions(
    key: Array,
    learner: Learner,
    subject: Subject,
    sizes: tuple[int, ...],
    tap: str,
    num_steps: int,
    episodes: int,
    hparams: HParams,
) -> tuple[Array, Array, Array]:
    """Finds what every value of every concept adds to the features, by regression of features on concepts.

    All concepts are regressed on at once, so that none is charged with what another one adds.

    Returns:
      the directions `[sum of sizes, width]`, less the mean of their concept's and zero for values that do not occur;
      which values occur, `[sum of sizes]` in {0, 1}; and the mean feature `[width]`.
    """
    key_watch, key_step = jax.random.split(key)
    watched = watching.watch(key_watch, learner, subject.world, num_steps, episodes, hparams)
    step = watching.one_step(key_step, watched)
    codes = watching.one_hot(watching.at(step, watched.concepts), sizes)
    read = watching.at(step, watching.features(learner, subject.state.params, watched, tap, hparams))
    w, _ = linear.ridge(codes, read, PENALTY, codes.any(-1).astype(jnp.float32))
    occurs = codes.any(0).astype(jnp.float32)
    centred, start = [], 0
    for size in sizes:
        part, there = w[start : start + size], occurs[start : start + size, None]
        centred.append((part - (part * there).sum(0, keepdims=True) / jnp.maximum(there.sum(), 1.0)) * there)
        start += size
    return jnp.concatenate(centred), occurs, read.mean(0)
