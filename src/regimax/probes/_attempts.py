"""What a policy reaches when it may try more than once: pass@k."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp

from regimax import rollout
from regimax.errors import UserError
from regimax.learners import Learner
from regimax.networks import Code
from regimax.ops.attempts import pass_at_k
from regimax.probes.base import Probe, ProbeFactory, Subject
from regimax.types import Array, HParams, Metrics, count


def attempts(tries: Sequence[int] = (1, 4, 16, 64), samples: int | None = None, episodes: int = 64) -> ProbeFactory:
    r"""Makes a probe of how often one of k tries at the same episode succeeds, with the policy as it is.

    Where ``rl`` begins it says what the base model holds already, which reinforcement need only bring out; where it
    ends, what that has added.

    Args:
      tries: k, of each of which it is told.
      samples: n ≥ k, tries at each episode from which all k are estimated, see
        :func:`regimax.ops.attempts.pass_at_k`; the largest k when not given, which is that of the most variance.
      episodes: fresh ones that are tried.

    Returns:
      a factory, of a probe ``pass``. Metrics: ``at_<k>``, probabilities.

    Raises:
      UserError: for a number that is not a whole number above 0, or fewer samples than tries; when measured, for a
        learner of a stream that shows nobody's actions, which cannot act.

    Reference:
      Chen et al., Evaluating large language models trained on code (2021), eq. 1; Yue et al., Does reinforcement
      learning really incentivize reasoning capacity in LLMs beyond the base model? (2025).

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.probed(rx.regimes.imitation_rl(), rx.probes.attempts((1, 256)), phases=["rl"])
    """
    ks = tuple(count(k, "probes.attempts: tries") for k in tries)
    if not ks:
        raise UserError("probes.attempts: tries is empty: give at least one number of them")
    most = max(ks) if samples is None else count(samples, "probes.attempts: samples")
    episodes = count(episodes, "probes.attempts: episodes")
    if most < max(ks):
        raise UserError(f"probes.attempts: samples = {most} is less than tries = {max(ks)}")

    def factory(learner: Learner, altered: Callable[[Code], Learner]) -> Probe:
        del altered
        source = learner.source

        def measure(key: Array, subject: Subject, hparams: HParams) -> Metrics:
            policy = learner.policy(subject.state.params, subject.world, hparams)
            right = rollout.attempts(key, source.world, subject.world, source.channels, policy, episodes, most, hparams)
            return {f"at_{k}": jnp.mean(pass_at_k(right, most, k)) for k in ks}

        return Probe("pass", measure, ("attempts", ks, most, episodes))

    return factory
