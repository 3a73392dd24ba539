"""Regimes: named sequences of phases, as data."""

from regimax.regimes.base import Evaluate, Phase, Regime, Stop, probed
from regimax.regimes.catalogue import (
    always_on,
    always_on_sham,
    imitation_rl,
    oracle,
    predict,
    pretrain_rl,
    pure_rl,
    reinforce,
    reward_model,
    reward_model_sham,
    sham_rl,
)
from regimax.regimes.program import Program, RegimePrograms, bind, bind_regime

__all__ = [
    "Evaluate",
    "Phase",
    "Program",
    "Regime",
    "RegimePrograms",
    "Stop",
    "always_on",
    "always_on_sham",
    "bind",
    "bind_regime",
    "imitation_rl",
    "oracle",
    "predict",
    "pretrain_rl",
    "probed",
    "pure_rl",
    "reinforce",
    "reward_model",
    "reward_model_sham",
    "sham_rl",
]
