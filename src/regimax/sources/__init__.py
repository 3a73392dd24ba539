"""Sources: where a learner's data comes from."""

from regimax.sources.base import Source, SourceFactory
from regimax.sources.lifetimes import lifetime, redrawn
from regimax.sources.own import own_behaviour
from regimax.sources.random_behaviour import random_behaviour
from regimax.sources.replay import Ring, RingState, ring
from regimax.sources.transcripts import transcripts

__all__ = [
    "Ring",
    "RingState",
    "Source",
    "SourceFactory",
    "lifetime",
    "own_behaviour",
    "random_behaviour",
    "redrawn",
    "ring",
    "transcripts",
]
