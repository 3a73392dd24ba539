"""Random behaviour: an unlabelled stream for every world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regimax.channels import Channel
from regimax.envs import behaviour
from regimax.factories import once
from regimax.sources._transcripts import passive
from regimax.sources.base import Source, SourceFactory, check_streams

NUM_STEPS = 128


@once
def random_behaviour(num_envs: int = 64, num_steps: int | None = None) -> SourceFactory:
    """Makes a source of what can be seen when nobody tries anything: uniformly random legal actions, no reward.

    Every world has it, a user's own too, also one without a stream of its own. What is shown are the first steps of
    fresh episodes, so depths that chance does not reach stay unseen; nobody's actions are worth predicting. Its steps
    count as others' (unlabelled observations). It draws the world as the task does, so it reads the task's settings.

    Args:
      num_envs: `E`, episodes per update.
      num_steps: `T`, steps of each; the world's horizon when not given, at most 128.

    Returns:
      a factory `(world, channels, num_steps) -> Source`.

    Example:
      >>> from regimax.envs import Lock
      >>> source = random_behaviour(num_envs=8)(Lock(depth=3, actions=2), (), None)
      >>> source.num_steps, source.agentic, source.others_act
      (3, False, False)
    """
    num_envs = check_streams("random_behaviour", num_envs)
    if num_steps is not None:
        num_steps = check_streams("random_behaviour", num_steps, "num_steps")
    asked = num_steps

    def factory(world: Any, channels: Sequence[Channel], num_steps: int | None = None) -> Source:
        steps = num_steps or asked or min(world.horizon, NUM_STEPS)
        return passive(
            "random_behaviour",
            world,
            channels,
            num_envs,
            steps,
            begin=world.init,
            show=lambda key, params: behaviour.random_behaviour(world, key, params, steps),
            reads=world.task_reads,
            others_act=False,
        )

    return factory
