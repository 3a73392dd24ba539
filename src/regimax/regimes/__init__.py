"""Regimes: named sequences of phases, as data."""

from regimax.regimes import options
from regimax.regimes.base import Evaluate, Phase, Regime, Stop, probed
from regimax.regimes.lifetimes import continual, continual_in_context, continual_phase, in_context, meta_train
from regimax.regimes.own_stream import always_on, always_on_sham, yoked
from regimax.regimes.phases import learn_model, predict, reinforce, train_in_model
from regimax.regimes.pretraining import imitation_rl, pretrain_rl, sham_rl
from regimax.regimes.program import BoundRegime, Program, bind, bind_regime
from regimax.regimes.reward_models import reward_model, reward_model_sham
from regimax.regimes.scratch import oracle, pure_rl
from regimax.regimes.world_models import hand_model, learned_model, learned_model_sham

__all__ = [
    "BoundRegime",
    "Evaluate",
    "Phase",
    "Program",
    "Regime",
    "Stop",
    "always_on",
    "always_on_sham",
    "bind",
    "bind_regime",
    "continual",
    "continual_in_context",
    "continual_phase",
    "hand_model",
    "imitation_rl",
    "in_context",
    "learn_model",
    "learned_model",
    "learned_model_sham",
    "meta_train",
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
    "train_in_model",
    "yoked",
]
