"""Transcripts of others at work: a reward-free stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from regimax.channels import Channel
from regimax.envs import Streams
from regimax.errors import UserError
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources.base import Source, SourceFactory, check_streams, declared
from regimax.types import Array, HParams, PyTree, Trajectory


class TranscriptState(NamedTuple):
    """The hidden structure, with what the others know."""

    world: PyTree


def transcripts(num_envs: int = 64) -> SourceFactory:
    """Makes a source of fresh transcripts, `num_envs` per update.

    Args:
      num_envs: `E`, transcripts per update.

    Returns:
      a factory `(world, channels, num_steps) -> Source`. It raises :class:`UserError` for a world without a
      reward-free stream.
    """
    check_streams("transcripts", num_envs)

    def factory(world: Any, channels: Sequence[Channel], num_steps: int | None = None) -> Source:
        del channels, num_steps  # no pay, and a transcript is one episode
        horizon, spec = world.horizon, world.spec
        if not isinstance(world, Streams):
            raise UserError(f"the world {world.name} has no reward-free stream of transcripts")

        def init(keys: Keys, hparams: HParams, carry: Callable[[int], PyTree]) -> TranscriptState:
            del carry
            return TranscriptState(world.stream_init(keys.world, hparams))

        def following(
            key: Array, state: TranscriptState, policy: Policy | None, hparams: HParams
        ) -> tuple[TranscriptState, Trajectory, dict[str, Array]]:
            del policy, hparams
            keys = jax.random.split(key, num_envs)
            batch = jax.vmap(world.transcript, in_axes=(0, None))(keys, state.world)
            trajectory = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), batch)
            return state, trajectory, {}

        return Source(
            init=init,
            next=following,
            world=world,
            num_envs=num_envs,
            num_steps=horizon,
            agentic=False,
            channels=(),
            settings=declared(world, world.stream_reads),
            spec=("transcripts", num_envs, spec),
        )

    return factory
