"""Learners: one file per kind of learning."""

from regimax.learners import objectives
from regimax.learners.actor_critic import actor_critic
from regimax.learners.always_on import always_on
from regimax.learners.base import Learner, LearnerFactory, LearnerState
from regimax.learners.batch import Batch, Objective, ObjectiveFactory
from regimax.learners.bonus import Bonus, count_bonus
from regimax.learners.lifelong import lifelong
from regimax.learners.off_policy import off_policy
from regimax.learners.policies import ILLEGAL, draw_action, softmax_policy, stochastic_policy
from regimax.learners.prediction import prediction
from regimax.learners.reward_model import reward_model
from regimax.learners.tasks import Task, TaskState, task
from regimax.learners.train_in_model import train_in_model
from regimax.learners.world_model import world_model
from regimax.learners.yoked import PARTNERS, yoked

__all__ = [
    "ILLEGAL",
    "PARTNERS",
    "Batch",
    "Bonus",
    "Learner",
    "LearnerFactory",
    "LearnerState",
    "Objective",
    "ObjectiveFactory",
    "Task",
    "TaskState",
    "actor_critic",
    "always_on",
    "count_bonus",
    "draw_action",
    "lifelong",
    "objectives",
    "off_policy",
    "prediction",
    "reward_model",
    "softmax_policy",
    "stochastic_policy",
    "task",
    "train_in_model",
    "world_model",
    "yoked",
]
