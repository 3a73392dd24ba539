"""The learner's own behaviour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from regimax import prng, rollout
from regimax.channels import Channel
from regimax.errors import unknown
from regimax.factories import once
from regimax.prng import Keys
from regimax.sources.base import Source, SourceFactory, check_streams, declared
from regimax.types import Array, HParams, Metrics, PyTree, Trajectory


class OwnState(NamedTuple):
    """The hidden structure, where the streams are, and what the last rollout brought of rewards."""

    world: PyTree
    streams: rollout.RolloutState
    received: Metrics


RECORDS = ("augmented_view", "outcome")


@once
def own_behaviour(num_envs: int = 64, num_steps: int | None = None, record: Sequence[str] = ()) -> SourceFactory:
    """Makes a source of the learner's own episodes, which it pays for in environment steps.

    Args:
      num_envs: `E`, episodes side by side.
      num_steps: `T`, steps per update; the world's horizon when not given.
      record: what its trajectories hold beside, in their extras: ``augmented_view``, the other look that some worlds
        (those with `augmented_views`) give at what was just answered, through the channels of the senses, and counted
        as a second observation; ``outcome``, the reward for whole episodes as it left its channels. With each comes
        ``<name>_present``, 1 where it arrived.

    Returns:
      a factory `(world, channels, num_steps) -> Source`. In a model of a world (one with `is_model`) nothing is paid
      for: its steps go through no channel of senses, decisions or rewards, since what it says is what it was made to
        say.

    Raises:
      UserError: if a number is not a whole number above 0, or for anything else to record.
    """
    num_envs = check_streams("own_behaviour", num_envs)
    if num_steps is not None:
        num_steps = check_streams("own_behaviour", num_steps, "num_steps")
    for name in record:
        if name not in RECORDS:
            raise unknown("thing to record", name, RECORDS)
    asked = num_steps

    def factory(world: Any, channels: Sequence[Channel], num_steps: int | None = None) -> Source:
        steps = num_steps or asked or world.horizon
        is_model = getattr(world, "is_model", False)
        channels = tuple(c for c in channels if not (is_model and c.place in ("outcome", "reward")))
        through = () if is_model else channels
        views = getattr(world, "augmented_views", False)
        recorded = tuple(name for name in RECORDS if name in record and (views or name != "augmented_view"))
        pay_settings = tuple(setting for channel in channels for setting in channel.settings)

        def init(keys: Keys, hparams: HParams, carry: Callable[[int], PyTree]) -> OwnState:
            params = world.init(keys.world, hparams)
            key = prng.named(keys.learner, "init", "source")
            streams = rollout.init(key, world, params, through, carry(num_envs), num_envs, hparams)
            return OwnState(params, streams, {name: jnp.zeros(()) for name in rollout.RECEIVED})

        def following(
            key: Array, state: OwnState, policy: rollout.Policy | None, hparams: HParams
        ) -> tuple[OwnState, Trajectory]:
            assert policy is not None, "own behaviour needs a policy"
            streams, trajectory, counts = rollout.rollout(
                key, world, state.world, through, policy, state.streams, steps, hparams, recorded
            )
            return OwnState(state.world, streams, rollout.received(trajectory, counts)), trajectory

        return Source(
            init=init,
            next=following,
            world=world,
            num_envs=num_envs,
            num_steps=steps,
            agentic=True,
            channels=channels,
            settings=declared(world, world.task_reads) + pay_settings,
            spec=("own_behaviour", num_envs, steps, world.spec, tuple(channel.spec for channel in channels), *recorded),
            record=recorded,
            is_model=is_model,
            received=lambda state: state.received,
        )

    return factory
