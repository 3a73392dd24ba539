"""Room in a memory's state: how much of it what lasts takes, and how many further pairs it can hold."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.errors import UserError
from regimax.learners import Learner
from regimax.networks import Code
from regimax.ops import memory
from regimax.probes import watching
from regimax.probes.base import Probe, ProbeFactory, Subject
from regimax.types import Array, HParams, Metrics, count

TAPS = ("content", "write")


def room(episodes: int = 32, further: int = 96, level: float = 4.0) -> ProbeFactory:
    r"""Makes a probe of the state S in which a memory is left by all that lasts and all that does not.

    Every learner is shown the same sequences with all pairs in context, and the same with those that last blank, after
    which the state is :math:`S_0`: so :math:`P = S - S_0` is due to what lasts, whether it was not written, or written
    and cancelled. Then further pairs that nobody has seen are written by the memory's own rule, with the learner's own
    addresses, contents and gate, and the *capacity* is their number at which the error of recalling them,
    :math:`\sum_j \|S_m^\top k_j - v^*_j\|^2 / \sum_j \|v^*_j\|^2`, exceeds `level`. See :mod:`regimax.ops.memory`.

    Beside it stand an empty memory, which bounds what can be freed; the memory without what lasts; and one with what
    lasts in it, written in full at random addresses, which is what a learner that frees nothing has.

    Args:
      episodes: sequences that are shown; squares and errors are added up over them.
      further: pairs that are offered; a capacity of so many is a lower bound.
      level: of the error. An empty memory of d × d numbers that adds pairs up takes :math:`d \cdot level + 1` random
        pairs of one size; at 4 about half of the answers among 16 values are then still right.

    Returns:
      a factory, for phases whose source is :func:`regimax.sources.lifetime` and memories that add pairs up. Metrics:
      ``share_stable`` (of :math:`\|S\|_F^2`, :math:`\langle P, S \rangle`; below 0 for what cancels others);
      ``squares`` (:math:`\|S\|_F^2`, mean over sequences); ``participation`` and ``participation_without`` (of S and
      :math:`S_0`, directions, means); ``capacity``, ``capacity_without``, ``capacity_empty`` and ``capacity_random``
      (pairs).

    Raises:
      UserError: for fewer than one sequence or pair, or a level that is not positive; when bound, if the phase has no
        lifetime, the network no taps ``write`` and ``content``, or its memory is no single matrix.

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.probed(rx.regimes.in_context(), rx.probes.room(level=1.0))
    """
    episodes = count(episodes, "probes.room: episodes")
    further = count(further, "probes.room: further")
    if not level > 0:
        raise UserError(f"probes.room: level must be positive, found {level:g}")

    def factory(learner: Learner, altered: Callable[[Code], Learner]) -> Probe:
        del altered
        world, network, source = learner.source.world, learner.network, learner.source
        watching.check_lifetime(learner, "room", TAPS)
        if not isinstance(held := jax.eval_shape(lambda: network.carry(1)), jax.ShapeDtypeStruct) or held.ndim != 3:
            raise UserError("probes.room: the memory must be one matrix of pairs that add up, as pair_memory's 'sum'")

        def measure(key: Array, subject: Subject, hparams: HParams) -> Metrics:
            code, params = source.code(hparams), subject.state.params
            hidden = subject.state.source.world
            key_shown, key_further, key_random = jax.random.split(prng.named(key, "sequences"), 3)

            def written(obs: Array, first: Array) -> tuple[Array, Array, Array]:
                """The state that is left `[E, k, v]`; βk and v of every step `[T, E]`."""
                state, _, taps = network.apply(params, network.carry(episodes), obs, first, code)
                return state, taps["write"], taps["content"]

            pairs = world.max_stable + world.max_dynamic
            shown = jax.vmap(lambda k: world.sequence(k, hidden, pairs, jnp.ones((), bool)))(
                jax.random.split(key_shown, episodes)
            )
            trajectory = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), shown)
            lasting = trajectory.extras["stable"] * (1.0 - trajectory.mask_tm1)
            state, write, content = written(trajectory.obs_tm1, trajectory.first_tm1)
            without, _, _ = written(trajectory.obs_tm1 * (1.0 - lasting[..., None]), trajectory.first_tm1)
            directions = jax.random.normal(key_random, write.shape)
            directions = directions / jnp.linalg.norm(directions, axis=-1, keepdims=True)
            random = without + jnp.einsum("te,tek,tev->ekv", lasting, directions, content)

            # The first pair of a sequence that shows nothing that lasts; each in an episode of its own.
            fresh = jax.vmap(lambda k: world.sequence(k, hidden, 1, jnp.zeros((), bool)).obs_tm1[0])
            obs = fresh(jax.random.split(key_further, further * episodes)).reshape(further, episodes, -1)
            _, writes, contents = written(obs, jnp.ones((further, episodes)))

            def capacity(states: Array) -> Array:
                errors, squares = jax.vmap(_recalled, in_axes=(0, 1, 1))(states, writes, contents)
                return memory.capacity(errors.sum(0), squares.sum(0), level)

            squares = jnp.sum(jnp.square(state))
            due = jax.vmap(memory.squares_due)(state - without, state).sum()
            ratio = jax.vmap(memory.participation_ratio)
            return {
                "share_stable": jnp.where(squares > 0, due / jnp.where(squares > 0, squares, 1.0), 0.0),
                "squares": squares / episodes,
                "participation": ratio(state).mean(),
                "participation_without": ratio(without).mean(),
                "capacity": capacity(state),
                "capacity_without": capacity(without),
                "capacity_empty": capacity(jnp.zeros_like(state)),
                "capacity_random": capacity(random),
            }

        return Probe("room", measure, ("room", episodes, further, level))

    return factory


def _recalled(state: Array, writes: Array, contents: Array) -> tuple[Array, Array]:
    """Errors and squares of what is recalled, from what is written of unit addresses `[n, k]` and contents `[n, v]`."""
    beta = jnp.linalg.norm(writes, axis=-1)
    keys = writes / jnp.where(beta > 0, beta, 1.0)[:, None]
    return memory.recall_errors(state, keys, contents, beta, _add)


def _add(state: Array, key: Array, value: Array, beta: Array) -> Array:
    return state + beta * jnp.outer(key, value)
