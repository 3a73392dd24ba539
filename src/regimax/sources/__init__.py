"""Sources: where a learner's data comes from."""

from regimax.sources._random_behaviour import random_behaviour
from regimax.sources._transcripts import transcripts
from regimax.sources.base import Source, SourceFactory
from regimax.sources.lifetimes import fresh_worlds, lifetime
from regimax.sources.own import own_behaviour
from regimax.sources.replay import Ring, RingState, ring

__all__ = [
    "Ring",
    "RingState",
    "Source",
    "SourceFactory",
    "fresh_worlds",
    "lifetime",
    "own_behaviour",
    "random_behaviour",
    "ring",
    "transcripts",
]
