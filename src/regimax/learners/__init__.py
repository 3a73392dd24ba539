"""Learners: one file per kind of learning."""

from regimax.learners import objectives
from regimax.learners.actor_critic import actor_critic
from regimax.learners.always_on import always_on
from regimax.learners.base import Learner, LearnerFactory, LearnerState
from regimax.learners.bonus import Bonus, count_bonus
from regimax.learners.prediction import prediction
from regimax.learners.reward_model import reward_model

__all__ = [
    "Bonus",
    "Learner",
    "LearnerFactory",
    "LearnerState",
    "actor_critic",
    "always_on",
    "count_bonus",
    "objectives",
    "prediction",
    "reward_model",
]
