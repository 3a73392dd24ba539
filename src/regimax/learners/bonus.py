"""A bonus for what is new: counts of hashed codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax.errors import UserError, unknown
from regimax.networks import Code, Network
from regimax.types import Array, HParams, Params, PyTree, Setting, Spec, Trajectory, number


class Bonus(NamedTuple):
    """An intrinsic reward: one that a learner gives itself.

    Attributes:
      init: `(key, network, num_inputs, params) -> memory`.
      apply: `(memory, network, params, trajectory, code, hparams) -> (memory, bonus [T, E])`, reward units; `code` is
        what features go through, see :class:`regimax.networks.Network`.
      settings: traced settings, without a prefix.
      spec: what it is.
    """

    init: Callable[[Array, Network, int, Params], PyTree]
    apply: Callable[[PyTree, Network, Params, Trajectory, Code | None, HParams], tuple[PyTree, Array]]
    settings: tuple[Setting, ...]
    spec: Spec


def count_bonus(bits: int = 10, of: str = "observation") -> Bonus:
    r"""Makes a bonus of :math:`\beta / \sqrt{N}` for a step to where the learner has been N times.

    Places are told apart by a hash: the signs of random projections of what is there.

    Args:
      bits: signs; there are 2^bits counts.
      of: ``observation``, which in the oracle's view of a world is the code of its true concepts; or the name of one of
        the network's taps, for learnt codes. A network with memory has no taps of a single observation.

    Returns:
      the bonus. Settings: `bonus`, the β in reward units.

    Raises:
      UserError: for a number of bits outside 1 … 20, and once the network is known, for a tap that it does not have or
        a network with memory.

    Reference:
      Tang et al., #Exploration: a study of count-based exploration for deep reinforcement learning (2017), section 2.2.
    """
    bits = number(bits)
    if not isinstance(bits, int) or not 1 <= bits <= 20:
        raise UserError(f"count_bonus: bits = {bits!r} is not a whole number from 1 to 20")

    def features(network: Network, params: Params, obs: Array, code: Code | None) -> Array:
        """`[..., D]` of observations `[T, E, D]`."""
        if of == "observation":
            return obs
        if jax.tree.leaves(jax.eval_shape(lambda: network.carry(1))):
            raise UserError(f"count_bonus: a network with memory has no codes of single observations (of={of!r})")
        _, _, taps = network.apply(params, (), obs, jnp.zeros(obs.shape[:-1]), code)
        if of not in taps:
            raise unknown("tap of the network", of, ["observation", *taps])
        return taps[of]

    def init(key: Array, network: Network, num_inputs: int, params: Params) -> PyTree:
        size = jax.eval_shape(lambda p: features(network, p, jnp.zeros((1, 1, num_inputs)), None), params).shape[-1]
        return {"counts": jnp.zeros((2**bits,)), "projection": jax.random.normal(key, (size, bits))}

    def apply(
        memory: PyTree,
        network: Network,
        params: Params,
        trajectory: Trajectory,
        code: Code | None,
        hparams: HParams,
    ) -> tuple[PyTree, Array]:
        signs = features(network, params, trajectory.obs_t, code) @ memory["projection"] > 0
        place = signs.astype(jnp.int32) @ 2 ** jnp.arange(bits)
        counts = memory["counts"].at[place.ravel()].add(1.0)
        return memory | {"counts": counts}, hparams["bonus"] / jnp.sqrt(counts[place])

    settings = (Setting("bonus", 0.1, 0, 1e6, "β, intrinsic reward of the first visit, reward units"),)
    return Bonus(init, apply, settings, ("count_bonus", bits, of))
