"""What one update of a stage costs, at the cell's own sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from regimax.channels.sensory import EXACT
from regimax.regimes import Program, bind
from regimax.sweep.plan import Plan, Stage
from regimax.train import split_update_flops
from regimax.types import Spec


class Cost(NamedTuple):
    """Effort of one update of one stage.

    Attributes:
      flops: at the cell's own, unpadded sizes; evaluations are measurement, not effort.
      flops_prediction: those of them that fit a predictor or a model, of others' behaviour or one's own.
      flops_experience: those for acting, and for the steps of the world or the stream.
      flops_reinforcement: the others.
      flops_executed: as executed, padding included.
      env_steps: the learner's own steps.
      samples: others' steps that it observed.
      bits_sensory: nominal capacity of the sensory channels, or where there are none the bits of what it observed.
      bits_abstraction: nominal capacity of the abstraction channels, or where there are none 24 bits per feature.
      bits_decision: nominal capacity of the decision channels, or where there are none of its actions.
      bits_reward: nominal capacity of the reward channels over its own steps.
      bits_outcome: the same for the outcome channels.
      present_sensory_bound: what it observed can have told at most about the concepts at work in it, bits: no more than
        their entropy, and no more than what the sensory channels let through. NaN where the world does not know.
    """

    flops: float
    flops_prediction: float
    flops_experience: float
    flops_reinforcement: float
    flops_executed: float
    env_steps: int
    samples: int
    bits_sensory: float
    bits_abstraction: float
    bits_decision: float
    bits_reward: float
    bits_outcome: float
    present_sensory_bound: float


class Costs:
    """Costs of the stages of a plan; each distinct size is traced once."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._executed: dict[str, dict[str, float]] = {}
        self._flops: dict[tuple[str, Spec], dict[str, float]] = {}
        self._costs: dict[tuple[str, tuple[tuple[str, float], ...]], Cost] = {}

    def __call__(self, stage: Stage) -> Cost:
        """Returns the cost of one update of `stage`."""
        known = (stage.program, tuple(stage.settings.items()))
        if known not in self._costs:
            self._costs[known] = self._cost(stage)
        return self._costs[known]

    def _cost(self, stage: Stage) -> Cost:
        program = self._plan.programs[stage.program]
        source, world = program.learner.source, program.world
        if stage.program not in self._executed:
            self._executed[stage.program] = split_update_flops(program)
        bare = world.unpadded(stage.settings) if _has_sizes(world, stage.settings) else world
        size = (stage.program, bare.spec)
        if size not in self._flops:
            self._flops[size] = self._executed[stage.program] if bare.spec == world.spec else _flops(program, bare)
        known = world.describe(_all_settings(world, stage.settings))
        width = program.learner.network.width
        known = {**known, "dimensions": sum(field.size for field in bare.fields), "features": width}
        steps = source.num_envs * source.num_steps
        own, others = source.steps

        def capacity(place: str, otherwise: float) -> float:
            """The narrowest channel of a place; what there is to carry where there is none."""
            bits = [channel.capacity(stage.settings, known) for channel in source.channels if channel.place == place]
            return min(bits, default=otherwise)

        views = 2 if "second_view" in source.record else 1  # what is replayed is not seen again
        seen = views * capacity("sensory", known["observation_bits"])
        shown = capacity("sensory", known["stream_bits"] / 2) * 2  # of what was before and what came then

        def concepts(of: str, through: float, samples: int) -> float:
            bits = known.get(of, math.nan)
            return samples * (bits if math.isnan(bits) else min(bits, through)) if samples else 0.0

        return Cost(
            flops=math.fsum(self._flops[size].values()),
            **{f"flops_{kind}": flops for kind, flops in self._flops[size].items()},
            flops_executed=math.fsum(self._executed[stage.program].values()),
            env_steps=own,
            samples=others,
            bits_sensory=own * seen + others * shown,
            bits_abstraction=steps * capacity("abstraction", float(EXACT * width)),
            bits_decision=own * capacity("decision", known["action_bits"]),
            bits_reward=own * capacity("reward", 0.0),
            bits_outcome=own * capacity("outcome", 0.0),
            present_sensory_bound=concepts("concept_bits", seen, own) + concepts("stream_concept_bits", shown, others),
        )


def _all_settings(world: object, settings: Mapping[str, float]) -> dict[str, float]:
    """The world's settings at the stage's values; those that its phase is not given stay at their defaults."""
    return {setting.name: settings.get(setting.name, setting.default) for setting in world.settings}  # type: ignore[attr-defined]


def _has_sizes(world: object, settings: Mapping[str, float]) -> bool:
    return hasattr(world, "unpadded") and bool(settings)


def _flops(program: Program, bare: object) -> dict[str, float]:
    """FLOPs of an update in the world without padding, over as many steps as are executed."""
    phase = program.phase._replace(world=None)
    num_steps = program.learner.source.num_steps if program.learner.source.agentic else None
    return split_update_flops(bind(phase, bare, num_steps))
