"""Channels: what of the world reaches the learner, and at what bandwidth."""

from regimax.channels._abstraction import abstraction, code_of
from regimax.channels._decision import decision
from regimax.channels._outcome import outcome
from regimax.channels._quantized_decision import quantized_decision
from regimax.channels._reward import reward
from regimax.channels._sensory import sensory
from regimax.channels.base import PLACES, Channel, Signal, chain
from regimax.channels.presets import HUMAN, HUMAN_SCALED, Bandwidths, observations_per_reward

__all__ = [
    "HUMAN",
    "HUMAN_SCALED",
    "PLACES",
    "Bandwidths",
    "Channel",
    "Signal",
    "abstraction",
    "chain",
    "code_of",
    "decision",
    "observations_per_reward",
    "outcome",
    "quantized_decision",
    "reward",
    "sensory",
]
