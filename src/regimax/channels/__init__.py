"""Channels: what of the world reaches the learner, and at what bandwidth."""

from regimax.channels.base import Channel, Signal
from regimax.channels.outcome import outcome
from regimax.channels.reward import reward

__all__ = ["Channel", "Signal", "outcome", "reward"]
