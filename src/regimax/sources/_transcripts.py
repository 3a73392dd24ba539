"""Transcripts of others at work: a reward-free stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from regimax.channels import Channel, Signal
from regimax.envs import Streams, lacking
from regimax.envs.base import keeps
from regimax.errors import UserError
from regimax.factories import once
from regimax.prng import Keys
from regimax.rollout import Policy, transmit
from regimax.sources.base import Source, SourceFactory, check_streams, declared
from regimax.types import Array, HParams, PyTree, Trajectory


class TranscriptState(NamedTuple):
    """The hidden structure, with what the others know."""

    world: PyTree


@once
def transcripts(num_envs: int = 64) -> SourceFactory:
    """Makes a source of fresh transcripts, `num_envs` per update.

    Args:
      num_envs: `E`, transcripts per update.

    Returns:
      a factory `(world, channels, num_steps) -> Source`. It raises :class:`UserError` for a world without a
      reward-free stream.
    """
    num_envs = check_streams("transcripts", num_envs)

    def factory(world: Any, channels: Sequence[Channel], num_steps: int | None = None) -> Source:
        del num_steps  # a transcript is as long as its world makes it
        if not keeps(world, Streams):
            raise UserError(
                f"the world {world.name} has no reward-free stream of transcripts: it lacks {lacking(world, Streams)}"
            )
        return passive(
            "transcripts",
            world,
            channels,
            num_envs,
            world.stream_steps,
            begin=world.stream_init,
            show=world.transcript,
            reads=world.stream_reads,
            others_act=world.stream_acts,
        )

    return factory


def passive(
    name: str,
    world: Any,
    channels: Sequence[Channel],
    num_envs: int,
    num_steps: int,
    *,
    begin: Callable[[Array, HParams], PyTree],
    show: Callable[[Array, PyTree], Trajectory],
    reads: Sequence[str],
    others_act: bool,
) -> Source:
    """Makes a source whose every update shows fresh streams that ask nothing of the learner.

    Args:
      name: for its spec.
      world: the world.
      channels: of these, those of senses and abstraction are kept.
      num_envs: `E`.
      num_steps: `T`.
      begin: `(key, settings) -> hidden`, the hidden structure.
      show: `(key, hidden) -> trajectory`, one stream without the `E` axis.
      reads: names of the world's settings that `begin` may read.
      others_act: as in :class:`Source`.
    """
    channels = tuple(channel for channel in channels if channel.place in ("sensory", "abstraction"))
    senses = [channel for channel in channels if channel.place == "sensory"]

    def init(keys: Keys, hparams: HParams, carry: Callable[[int], PyTree]) -> TranscriptState:
        del carry
        return TranscriptState(begin(keys.world, hparams))

    def following(
        key: Array, state: TranscriptState, policy: Policy | None, hparams: HParams
    ) -> tuple[TranscriptState, Trajectory]:
        del policy
        key, key_seen = jax.random.split(key)
        keys = jax.random.split(key, num_envs)
        batch = jax.vmap(show, in_axes=(0, None))(keys, state.world)
        if senses:
            batch = jax.vmap(lambda k, transcript: _seen(k, transcript, senses, hparams))(
                jax.random.split(key_seen, num_envs), batch
            )
        trajectory = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), batch)
        return state, trajectory

    return Source(
        init=init,
        next=following,
        world=world,
        num_envs=num_envs,
        num_steps=num_steps,
        agentic=False,
        channels=channels,
        settings=declared(world, reads) + tuple(s for channel in channels for s in channel.settings),
        spec=(name, num_envs, num_steps, world.spec, tuple(channel.spec for channel in channels)),
        others_act=others_act,
    )


def _seen(key: Array, transcript: Trajectory, senses: Sequence[Channel], settings: HParams) -> Trajectory:
    """One transcript as it is seen through channels; nothing is asked where what is to be predicted does not arrive."""
    states = [channel.init(settings, transcript.obs_tm1[0]) for channel in senses]
    one, zero = jnp.ones(()), jnp.zeros(())
    steps = transcript.a_tm1.shape[0]
    keys = jax.vmap(lambda t: jax.random.fold_in(key, t))(jnp.arange(steps + 1))

    def step(states: list[PyTree], x: tuple[Array, ...]) -> tuple[list[PyTree], tuple[Array, ...]]:
        obs_tm1, obs_t, first, k_tm1, k_t = x
        states, before = transmit("sensory", senses, states, k_tm1, Signal(obs_tm1, one, first, zero), settings)
        # The next step sees this again, with the same key, unless an episode opens there.
        _, after = transmit("sensory", senses, states, k_t, Signal(obs_t, one, zero, zero), settings)
        return states, (before.value, after.value, after.present)

    rows = (transcript.obs_tm1, transcript.obs_t, transcript.first_tm1, keys[:-1], keys[1:])
    _, (obs_tm1, obs_t, present) = jax.lax.scan(step, states, rows)
    return transcript._replace(obs_tm1=obs_tm1, obs_t=obs_t, mask_tm1=transcript.mask_tm1 * present)
