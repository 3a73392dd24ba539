"""How wide people's channels are, and what that means per step of a simulated clock."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from regimax.channels._abstraction import abstraction
from regimax.channels._decision import decision
from regimax.channels._outcome import outcome
from regimax.channels._quantized_decision import quantized_decision
from regimax.channels._reward import reward
from regimax.channels._sensory import sensory
from regimax.errors import UserError
from regimax.types import action_range, is_finite, number


class Bandwidths(NamedTuple):
    """What gets through, bits per second (or per step, with `dt` = 1).

    Attributes:
      sensory: of sensation.
      abstraction: of what is made of it: the concepts that are handed on.
      decision: of decisions.
      reward: of what pays at once.
      outcome: of what is paid for whole episodes.

    Example:
      >>> Bandwidths(sensory=512, abstraction=32, decision=2, reward=0.5, outcome=0.01).reward
      0.5
    """

    sensory: float
    abstraction: float
    decision: float
    reward: float
    outcome: float

    def settings(self, world: Any, dt: float = 1.0) -> dict[str, float]:
        """Returns the settings of the channels at which they have these capacities in a world.

        Sensation: all bits that there are for each number of an observation (one for one-hot codes, else 8), as often
        as the bandwidth allows. Decisions, continuous ones of 8 bits for each number, and two levels of reward: as
        often as it allows. Outcomes: erased as often as it takes. Abstraction: as many features of 4 bits as it allows,
        or one of fewer. What would exceed what the
        world has is left as wide as the world.

        Args:
          world: a world with `describe`, at its default settings.
          dt: seconds per step of the simulated clock.

        Returns:
          values by name, for `Sweep.settings` or an axis of labels.

        Raises:
          UserError: for a `dt` or bandwidth that is not above 0.

        Example:
          >>> from regimax.envs import Cipher
          >>> HUMAN_SCALED.settings(Cipher(symbols=4, skills=2, length=4))["reward.rate"]
          0.5
        """
        for name, value in {"dt": dt, **self._asdict()}.items():
            if not (is_finite(number(value)) and value > 0):
                raise UserError(f"{name} = {value!r} is not a number above 0")
        known = world.describe({setting.name: setting.default for setting in world.settings})
        one_hot = all(field.categorical for field in world.fields)
        numbers = sum(field.size for field in world.fields)
        bits = 1 if one_hot else 8
        of_action = known["action_bits"]
        if (within := action_range(world)) is not None:
            of_action = 8 * len(within.low)
        decisions = {"decision.rate": min(1.0, self.decision * dt / of_action)}
        if within is not None:
            decisions["decision.bits"] = 8
        return {
            "sensory.bits": bits,
            "sensory.rate": min(1.0, self.sensory * dt / (numbers * bits)),
            "abstraction.dimensions": max(1, min(2**20, math.floor(self.abstraction * dt / 4))),
            "abstraction.levels": max(2, min(16, math.floor(2 ** min(4.0, self.abstraction * dt)))),
            **decisions,
            "reward.levels": 2,
            "reward.rate": min(1.0, self.reward * dt),
            "outcome.erasure": max(0.0, 1.0 - self.outcome * dt * known["episode_steps"]),
        }

    @staticmethod
    def channels(world: Any) -> tuple[Any, ...]:
        """Returns the five channels over a world's ranges; numbers of an observation that are real are taken as in
        −4 … 4.
        """
        low, high = (0.0, 1.0) if all(field.categorical for field in world.fields) else (-4.0, 4.0)
        within = action_range(world)
        decisions = decision() if within is None else quantized_decision(*within)
        return sensory(low, high), abstraction(), decisions, outcome(), reward(*world.reward_range)


def observations_per_reward(*numbers: float) -> dict[float, dict[str, float]]:
    """Returns an axis of how often the senses tell something for each time that reward does.

    The senses are always on, and of n rewards one arrives: each is lost with probability 1 − 1/n, and the learner knows
    that it is. Effort in rewards is the unit ``rewards_delivered`` of tables and of `statistics.times`.

    Args:
      *numbers: n ≥ 1; 1 is a reward for every decision.

    Returns:
      what an axis of labels takes: settings of the channel of rewards by n.

    Raises:
      UserError: for a number below 1.

    Example:
      >>> import regimax as rx
      >>> axes = {"observations_per_reward": observations_per_reward(1, 4, 16)}
      >>> axes["observations_per_reward"][4]
      {'reward.erasure': 0.75}
    """
    found = {}
    for n in map(number, numbers):
        if not (is_finite(n) and n >= 1):
            raise UserError(f"observations_per_reward: {n!r} is not a number from 1 on")
        found[n] = {"reward.erasure": 1.0 - 1.0 / n}
    return found


HUMAN = Bandwidths(sensory=1e7, abstraction=1e4, decision=10.0, reward=3.0, outcome=1 / 60)
"""People, bits per second.

Sensation: the retina sends about 10⁷ bits/s (Koch et al., How much the eye tells the brain, 2006). Decisions: about
10 bits/s of behaviour (Zheng and Meister, The unbearable slowness of being, 2024). Informed guesses, without a source:
10⁴ bits/s (about a kB/s) of abstraction, 3 bits/s of dopamine-like reward, a bit of outcome per minute.
"""

HUMAN_SCALED = Bandwidths(sensory=512.0, abstraction=32.0, decision=2.0, reward=0.5, outcome=0.01)
"""The order of `HUMAN`, compressed, in bits per step. Run what depends on it under another compression too."""
