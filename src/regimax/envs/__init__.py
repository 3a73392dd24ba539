"""Worlds: vectorised environments with known concepts and a richness knob."""

from regimax.envs.base import Environment, Streams
from regimax.envs.cipher import Cipher
from regimax.envs.oracle import Oracle

__all__ = ["Cipher", "Environment", "Oracle", "Streams"]
