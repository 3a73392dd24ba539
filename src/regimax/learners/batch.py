"""What an objective is given, and what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from regimax.networks import Code, Network
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Spec, Trajectory


class Batch(NamedTuple):
    """Streams that a network learns from, and all that an objective reads beside.

    Attributes:
      key: for what is left to chance.
      network: the network.
      params: its parameters.
      code: what features go through on their way to the heads, see :class:`regimax.networks.Network`.
      memory: what the objective keeps between updates.
      trajectory: `[T, E, ...]`.
      targets: the trajectory itself, or for a sham that of other streams, step by step.
      weight: `[T, E]` in {0, 1}, 1 for steps that count. For a prediction those where something is shown and asked; for
        reinforcement those of which the reward says what the action is worth, see `Trajectory.credit`.
      legal: `[A]` bool, actions that there are; nothing where a stream is others'.
      hparams: the task's settings, by their own names.
    """

    key: Array
    network: Network
    params: Params
    code: Code | None
    memory: PyTree
    trajectory: Trajectory
    targets: Trajectory
    weight: Array
    legal: Any
    hparams: HParams

    def along(self, obs_tm1: Array | None = None) -> tuple[dict[str, Array], Array]:
        """Runs the network along the trajectory, from the memory it began with where that is known.

        Args:
          obs_tm1: `[T, E, D]` what it sees; the trajectory's observations when not given.

        Returns:
          outputs `[T, E, size]` by head, and features `[T, E, width]` as the heads see them.
        """
        obs_tm1 = self.trajectory.obs_tm1 if obs_tm1 is None else obs_tm1
        carry = self.trajectory.carry
        carry = carry if jax.tree.leaves(carry) else self.network.carry(obs_tm1.shape[1])
        _, outputs, taps = self.network.apply(self.params, carry, obs_tm1, self.trajectory.first_tm1, self.code)
        return outputs, taps["features"]

    def before_and_after(self, params: Params | None = None) -> tuple[dict[str, Array], dict[str, Array]]:
        """Runs the network along the trajectory and one observation on, for what is learnt from differences in time.

        Args:
          params: others than the batch's, for example those of a slow copy.

        Returns:
          outputs `[T, E, size]` by head before every step, and after it. Where a step ends an episode what follows is
          the opening of the next one, which counts for nothing where `discount_t` is 0; where it is truncated its
          `weight` is 0 for reinforcement.
        """
        params, trajectory = self.params if params is None else params, self.trajectory
        carry, now, _ = self.network.apply(
            params, trajectory.carry, trajectory.obs_tm1, trajectory.first_tm1, self.code
        )
        goes_on = jnp.zeros_like(trajectory.first_tm1[:1])
        _, last, _ = self.network.apply(params, carry, trajectory.obs_t[-1:], goes_on, self.code)
        return now, {head: jnp.concatenate([now[head][1:], last[head]]) for head in now}

    def alone(self, obs: Array, params: Params | None = None) -> Array:
        """Returns features `[T, E, width]` of observations without what came before them.

        With the memory of the stream they would hold what they are to be predicted from.

        Args:
          obs: `[T, E, D]`.
          params: others than the batch's.
        """
        params, carry = self.params if params is None else params, self.network.carry(obs.shape[1])
        return self.network.apply(params, carry, obs, jnp.ones(obs.shape[:2]), self.code)[2]["features"]


def _nothing(params: Params) -> PyTree:
    del params
    return ()


def _keep(memory: PyTree, params: Params, hparams: HParams) -> PyTree:
    del params, hparams
    return memory


class Objective(NamedTuple):
    """What a network is asked, on one source.

    Attributes:
      heads: size of each head that it needs, by name.
      loss: `batch -> (loss, metrics)`. A loss `[T, E]` is one per step, and becomes the mean over those of
        `batch.weight`; a loss `[]` has been weighted already.
      kind: what it is, and so which steps count and what its FLOPs are spent on: ``prediction`` or ``reinforcement``.
      spec: what it is.
      settings: traced settings, without a prefix.
      init: `params -> memory`, what it keeps between updates.
      refresh: `(memory, params, hparams) -> memory`, after an update of the parameters.
    """

    heads: dict[str, int]
    loss: Callable[[Batch], tuple[Array, Metrics]]
    kind: str
    spec: Spec
    settings: tuple[Setting, ...] = ()
    init: Callable[[Params], PyTree] = _nothing
    refresh: Callable[[PyTree, Params, HParams], PyTree] = _keep


class ObjectiveFactory(Protocol):
    """Makes the objective for a source and a network with features of `width`."""

    def __call__(self, source: Source, width: int) -> Objective: ...
