"""Regimes: named sequences of phases, as data."""

from regimax.regimes import options
from regimax.regimes.base import Evaluate, Phase, Regime, Stop, probed
from regimax.regimes.lifelong import both, continual, in_context, learn_to_remember, live
from regimax.regimes.own_stream import always_on, always_on_sham, yoked
from regimax.regimes.phases import explore, imagine, predict, reinforce
from regimax.regimes.pretraining import imitation_rl, pretrain_rl, sham_rl
from regimax.regimes.program import Program, RegimePrograms, bind, bind_regime
from regimax.regimes.reward_models import reward_model, reward_model_sham
from regimax.regimes.scratch import oracle, pure_rl
from regimax.regimes.world_models import hand_model, learned_model, learned_model_sham

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
    "both",
    "continual",
    "explore",
    "hand_model",
    "imagine",
    "imitation_rl",
    "in_context",
    "learn_to_remember",
    "learned_model",
    "learned_model_sham",
    "live",
    "options",
    "oracle",
    "predict",
    "pretrain_rl",
    "probed",
    "pure_rl",
    "reinforce",
    "reward_model",
    "reward_model_sham",
    "sham_rl",
    "yoked",
]
