"""Worlds: vectorised environments with known concepts and a richness knob."""

from regimax.envs import craftax, gymnax
from regimax.envs.base import (
    ContinuousActions,
    Environment,
    Halved,
    HandMade,
    HeldOut,
    Lifetimes,
    Streams,
    action_range,
    default_settings,
    unseen,
)
from regimax.envs.check import check_world, lacking
from regimax.envs.cipher import Cipher
from regimax.envs.composed import Composed
from regimax.envs.corridor import Corridor
from regimax.envs.digits import Digits
from regimax.envs.exemplar import Exemplar
from regimax.envs.gymnax import from_gymnax
from regimax.envs.hand_model import HandModel
from regimax.envs.interface import GymnaxInterface, GymnaxParams, GymnaxState, as_gymnax
from regimax.envs.learned_model import LearnedModel, learned_model_env
from regimax.envs.lock import Lock
from regimax.envs.oracle import Oracle
from regimax.envs.planner import Planner
from regimax.envs.recall import Recall

__all__ = [
    "Cipher",
    "Composed",
    "ContinuousActions",
    "Corridor",
    "Digits",
    "Environment",
    "Exemplar",
    "GymnaxInterface",
    "GymnaxParams",
    "GymnaxState",
    "Halved",
    "HandMade",
    "HandModel",
    "HeldOut",
    "LearnedModel",
    "Lifetimes",
    "Lock",
    "Oracle",
    "Planner",
    "Recall",
    "Streams",
    "action_range",
    "as_gymnax",
    "check_world",
    "craftax",
    "default_settings",
    "from_gymnax",
    "gymnax",
    "lacking",
    "learned_model_env",
    "unseen",
]
