"""Consolidation: what of what lasts still takes room in a memory once the weights know it."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.learners import Learner
from regimax.learners._recall import recalled
from regimax.networks import Code
from regimax.ops import superposition
from regimax.probes import watching
from regimax.probes.base import Probe, ProbeFactory, Subject
from regimax.types import Array, HParams, Metrics, Trajectory, count

TAPS = ("read", "write")


def consolidation(episodes: int = 64) -> ProbeFactory:
    r"""Makes a probe that shows every learner the same: sequences with all that lasts and all that does not.

    Whether a learner is used to seeing what lasts or not, it is measured with it in context (``intact``), and with the
    same sequences in which the pairs that last are blank (``ablated``), so that none of them is written. From both
    reads of the memory, at the questions about what does not last, follows the *crosstalk*

    .. math:: \chi = \frac{\sum \|r_{\mathrm{intact}} - r_{\mathrm{ablated}}\|^2}{\sum \|r_{\mathrm{ablated}}\|^2}

    and from what is written, :math:`w_i = \beta_i k_i`, the dimensions that each pair has for itself, added up over the
    pairs that last and over those that do not; all together they are at most as many as an address has numbers.
    They are of what is written, the same for keys drawn at random, and do not see what cancels:
    :func:`regimax.probes.room` measures the state itself.

    A learner that has freed room for what changes shows three things at once: crosstalk and the dimensions of what
    lasts have fallen, dynamic accuracy has risen, and ablating changes nothing. One alone shows nothing.

    Args:
      episodes: sequences that are shown.

    Returns:
      a factory, for phases whose source is :func:`regimax.sources.lifetime`. Metrics: ``stable_<how>`` and
      ``dynamic_<how>`` (accuracy, 0 where nothing is asked) for `how` ``intact`` and ``ablated``; ``crosstalk``;
      ``dimensions_stable`` and ``dimensions_dynamic`` (mean over sequences); ``written_stable`` and ``written_dynamic``
      (mean norm of what is written of a pair).

    Raises:
      UserError: for fewer than one sequence; when bound, if the phase has no lifetime or the network no taps ``read``
        and ``write``.

    Reference:
      Elhage et al., Toy models of superposition (2022), for the dimensions; here of pairs that are written.

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.probed(rx.regimes.in_context(), rx.probes.consolidation())
    """
    episodes = count(episodes, "probes.consolidation: episodes")

    def factory(learner: Learner, altered: Callable[[Code], Learner]) -> Probe:
        del altered
        world, network, source = learner.source.world, learner.network, learner.source
        watching.check_lifetime(learner, "consolidation", TAPS)

        def measure(key: Array, subject: Subject, hparams: HParams) -> Metrics:
            code = source.code(hparams)
            hidden = subject.state.source.world
            keys = jax.random.split(prng.named(key, "sequences"), episodes)
            pairs = world.max_stable + world.max_dynamic
            shown = jax.vmap(lambda k: world.sequence(k, hidden, pairs, jnp.ones((), bool)))(keys)
            trajectory = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), shown)
            asked, stable = trajectory.mask_tm1, trajectory.extras["stable"]
            blank = (stable * (1.0 - asked))[..., None]

            def answered(trajectory: Trajectory) -> tuple[Metrics, dict[str, Array]]:
                carry = network.carry(episodes)
                params = subject.state.params
                _, outputs, taps = network.apply(params, carry, trajectory.obs_tm1, trajectory.first_tm1, code)
                return recalled(outputs["policy"], trajectory)[1], taps

            intact, taps = answered(trajectory)
            ablated, without = answered(trajectory._replace(obs_tm1=trajectory.obs_tm1 * (1.0 - blank)))
            fresh = asked * (1.0 - stable)
            other = jnp.sum(jnp.square(taps["read"] - without["read"]), -1)
            own = jnp.sum(jnp.square(without["read"]), -1)
            metrics = {
                f"{kind}_{how}": found[f"{kind}_accuracy"]
                for how, found in (("intact", intact), ("ablated", ablated))
                for kind in ("stable", "dynamic")
            }
            metrics["crosstalk"] = jnp.sum(other * fresh) / jnp.maximum(jnp.sum(own * fresh), 1e-12)
            return metrics | _room(taps["write"], stable, 1.0 - asked)

        return Probe("consolidation", measure, ("consolidation", episodes))

    return factory


def _room(write: Array, stable: Array, shown: Array) -> Metrics:
    """Dimensions that pairs have in a memory, from what is written `[T, E, d]` where pairs are shown `[T, E]`."""
    written = jnp.swapaxes(write * shown[..., None], 0, 1)
    own = jax.vmap(superposition.dimensions)(written).T
    size = jnp.linalg.norm(write, axis=-1) * shown
    kinds = {"stable": stable * shown, "dynamic": (1.0 - stable) * shown * (size > 0)}
    return {f"dimensions_{kind}": jnp.sum(own * of) / write.shape[1] for kind, of in kinds.items()} | {
        f"written_{kind}": jnp.sum(size * of) / jnp.maximum(jnp.sum(of), 1.0) for kind, of in kinds.items()
    }
