"""Learners: one file per kind of learning."""

from regimax.learners import objectives
from regimax.learners.actor_critic import actor_critic
from regimax.learners.always_on import always_on
from regimax.learners.base import Learner, LearnerFactory, LearnerState
from regimax.learners.bonus import Bonus, count_bonus
from regimax.learners.imagined import Imagined, imagined
from regimax.learners.in_model import in_model
from regimax.learners.lifelong import lifelong
from regimax.learners.prediction import prediction
from regimax.learners.reward_model import reward_model
from regimax.learners.world_model import world_model
from regimax.learners.yoked import MATES, yoked

__all__ = [
    "MATES",
    "Bonus",
    "Imagined",
    "Learner",
    "LearnerFactory",
    "LearnerState",
    "actor_critic",
    "always_on",
    "count_bonus",
    "imagined",
    "in_model",
    "lifelong",
    "objectives",
    "prediction",
    "reward_model",
    "world_model",
    "yoked",
]
