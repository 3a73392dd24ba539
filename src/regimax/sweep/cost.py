"""What one update of a stage costs, at the cell's own sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from regimax.channels.base import EXACT, arriving
from regimax.regimes import Program, bind
from regimax.train import split_update_flops
from regimax.types import number


class Cost(NamedTuple):
    """Effort of one update of one stage.

    Attributes:
      flops: at the cell's own, unpadded sizes; evaluations are measurement, not effort.
      flops_prediction: those of them that fit a predictor or a model, of others' behaviour or one's own.
      flops_experience: those for acting, and for the steps of the world or the stream.
      flops_reinforcement: the others.
      flops_executed: as executed, padding included.
      env_steps: the learner's own steps.
      passive_steps: others' steps that it observed.
      rewards_delivered: rewards that are told, on average: one for each episode, or for each step that a world pays
        for, less what the channels lose; whether that is known or not.
      bits_sensory: nominal capacity of the sensory channels, or where there are none the bits of what it observed.
      bits_abstraction: nominal capacity of the abstraction channels, or where there are none 24 bits per feature.
      bits_decision: nominal capacity of the decision channels, or where there are none of its actions.
      bits_reward: nominal capacity of the reward channels over its own steps, or where there are none 24 bits a step.
      bits_outcome: the same for the outcome channels, or where there are none a bit an episode.
      present_sensory_bound: what it observed can have told at most about the concepts at work in it, bits: no more than
        their entropy, and no more than what the sensory channels let through. NaN where the world does not know.
    """

    flops: float
    flops_prediction: float
    flops_experience: float
    flops_reinforcement: float
    flops_executed: float
    env_steps: int
    passive_steps: int
    rewards_delivered: float
    bits_sensory: float
    bits_abstraction: float
    bits_decision: float
    bits_reward: float
    bits_outcome: float
    present_sensory_bound: float


class Facts(NamedTuple):
    """What is known of the world of a stage; NaN where it is not.

    Attributes:
      predictable_share: share of the variance of what a predictor is asked for that can be foretold.
      floor_scratch: bits that rewards must tell whoever learns from them alone.
      floor_stream: bits that they must still tell whoever has learnt all that the stream tells.
    """

    predictable_share: float
    floor_scratch: float
    floor_stream: float


class Costed(Protocol):
    """A stage: what it is run by and at which settings."""

    @property
    def program(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, float]: ...


class Planned(Protocol):
    """A plan: its programs and their FLOPs by identity."""

    @property
    def programs(self) -> Mapping[str, Program]: ...
    @property
    def flops(self) -> Mapping[str, Flops]: ...


class Costs:
    """Costs of the stages of a plan; each distinct size is traced once."""

    def __init__(self, plan: Planned):
        self._programs, self._flops = plan.programs, plan.flops
        self._costs: dict[tuple[str, tuple[tuple[str, float], ...]], Cost] = {}

    def __call__(self, stage: Costed) -> Cost:
        """Returns the cost of one update of `stage`."""
        known = (stage.program, tuple(stage.settings.items()))
        if known not in self._costs:
            program, flops = self._programs[stage.program], self._flops[stage.program]
            split, executed = flops.own(stage.settings), flops.executed
            self._costs[known] = Cost(
                flops=math.fsum(split.values()),
                **{f"flops_{kind}": found for kind, found in split.items()},
                flops_executed=math.fsum(executed.values()),
                **signals(
                    program,
                    stage.settings,
                    described(program, stage.settings),
                    without_padding(program, stage.settings),
                ),
            )
        return self._costs[known]

    def facts(self, stage: Costed) -> Facts:
        """Returns what is known of the world of `stage`."""
        known = described(self._programs[stage.program], stage.settings)
        names = ("predictable_share", "min_reward_bits_scratch", "min_reward_bits_stream")
        return Facts(*(float(known.get(name, math.nan)) for name in names))


class Flops:
    """FLOPs of one update of a program by what they are spent on; each distinct size is traced once."""

    def __init__(self, program: Program):
        self._program = program
        self._own: dict[tuple[Any, ...], dict[str, float]] = {}

    @cached_property
    def executed(self) -> dict[str, float]:
        """Those with padding."""
        return split_update_flops(self._program)

    def own(self, settings: Mapping[str, float]) -> dict[str, float]:
        """Returns those in the world without padding, over as many steps as are executed."""
        bare, program = without_padding(self._program, settings), self._program
        if size(bare) == size(program.world):
            return self.executed
        if size(bare) not in self._own:
            phase, source = program.phase._replace(world=None), program.learner.source
            num_steps = source.num_steps if source.agentic else None
            self._own[size(bare)] = split_update_flops(bind(phase, bare, num_steps))
        return self._own[size(bare)]


def size(world: Any) -> tuple[Any, ...]:
    """Returns what stands for the sizes of a world: it may leave some of them out of its spec."""
    return world.spec, tuple(world.fields), world.num_actions, world.horizon


def without_padding(program: Program, settings: Mapping[str, float]) -> Any:
    """Returns the world of a program at a stage's own sizes."""
    return program.world.unpadded(settings) if settings else program.world


def described(program: Program, settings: Mapping[str, float]) -> dict[str, float]:
    """Returns what the world of a program says of itself, at its defaults where the phase is not given a setting."""
    world = program.world
    known = world.describe({setting.name: settings.get(setting.name, setting.default) for setting in world.settings})
    return {name: number(value) for name, value in known.items()}


def signals(program: Program, settings: Mapping[str, float], known: Mapping[str, float], bare: Any) -> dict[str, Any]:
    """Returns steps and bits of one update: the fields of a cost that are no FLOPs.

    Args:
      program: the program.
      settings: what its phase is given.
      known: what its world says of itself there.
      bare: its world without padding.
    """
    source = program.learner.source
    width = program.learner.network.width
    known = {**known, "dimensions": sum(field.size for field in bare.fields), "features": width}
    steps = source.num_envs * source.num_steps
    own, others = source.steps

    def capacity(place: str, otherwise: float) -> float:
        """Returns the narrowest channel of a place; what there is to carry where there is none."""
        bits = [channel.capacity(settings, known) for channel in source.channels if channel.place == place]
        return float(min(bits, default=otherwise))

    views = 2 if "augmented_view" in source.record else 1  # what is replayed is not seen again
    seen = views * capacity("sensory", known["observation_bits"])
    shown = capacity("sensory", known["stream_bits"] / 2) * 2  # of what was before and what came then

    def rewards() -> float:
        """Those that arrive per step of one's own."""
        steps, paid = known["episode_steps"], known.get("paid_steps", 0.0)
        due = paid / steps if paid else 1.0 / steps
        places = ("reward",) if paid else ("outcome", "reward")
        through = [channel for place in places for channel in source.channels if channel.place == place]
        return arriving(through, settings, known, due)

    def concepts(of: str, through: float, samples: int) -> float:
        bits = known.get(of, math.nan)
        return samples * (bits if math.isnan(bits) else min(bits, through)) if samples else 0.0

    return {
        "env_steps": own,
        "passive_steps": others,
        "rewards_delivered": own * rewards() if own else 0.0,
        "bits_sensory": own * seen + others * shown,
        "bits_abstraction": steps * capacity("abstraction", EXACT * width),
        "bits_decision": own * capacity("decision", known["action_bits"]),
        "bits_reward": own * capacity("reward", EXACT) if own else 0.0,
        "bits_outcome": own * capacity("outcome", 1.0 / known["episode_steps"]) if own else 0.0,
        "present_sensory_bound": concepts("concept_bits", seen, own) + concepts("stream_concept_bits", shown, others),
    }
