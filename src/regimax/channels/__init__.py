"""Channels: what of the world reaches the learner, and at what bandwidth."""

from regimax.channels.abstraction import abstraction, code_of
from regimax.channels.base import PLACES, Channel, Signal, chain
from regimax.channels.decision import decision
from regimax.channels.outcome import outcome
from regimax.channels.presets import HUMAN, HUMAN_SCALED, Bandwidths
from regimax.channels.reward import reward
from regimax.channels.sensory import sensory

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
    "outcome",
    "reward",
    "sensory",
]
