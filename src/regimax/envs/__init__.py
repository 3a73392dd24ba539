"""Worlds: vectorised environments with known concepts and a richness knob."""

from regimax.envs import craftax, gymnax
from regimax.envs.base import Environment, Halved, HandMade, Lifetimes, Streams
from regimax.envs.check import check_world, lacking
from regimax.envs.cipher import Cipher
from regimax.envs.exemplar import Exemplar
from regimax.envs.hand_model import HandModel
from regimax.envs.learned_model import LearnedModel, learned_model_env
from regimax.envs.lock import Lock
from regimax.envs.oracle import Oracle
from regimax.envs.planner import Planner
from regimax.envs.recall import Recall

__all__ = [
    "Cipher",
    "Environment",
    "Exemplar",
    "Halved",
    "HandMade",
    "HandModel",
    "LearnedModel",
    "Lifetimes",
    "Lock",
    "Oracle",
    "Planner",
    "Recall",
    "Streams",
    "check_world",
    "craftax",
    "gymnax",
    "lacking",
    "learned_model_env",
]
