"""Sources: where a learner's data comes from."""

from regimax.sources.base import Source, SourceFactory
from regimax.sources.own import own_behaviour
from regimax.sources.transcripts import transcripts

__all__ = ["Source", "SourceFactory", "own_behaviour", "transcripts"]
