"""Learners: one file per kind of learning."""

from regimax.learners import objectives, options
from regimax.learners._actor_critic import actor_critic
from regimax.learners._always_on import always_on
from regimax.learners._off_policy import off_policy
from regimax.learners._prediction import prediction
from regimax.learners._q_learning import q_learning
from regimax.learners._recall import recall
from regimax.learners._reward_model import reward_model
from regimax.learners._train_in_model import train_in_model
from regimax.learners._world_model import world_model
from regimax.learners._yoked import PARTNERS, yoked
from regimax.learners.base import Learner, LearnerFactory, LearnerState
from regimax.learners.batch import Batch, Objective, ObjectiveFactory
from regimax.learners.bonus import Bonus, count_bonus
from regimax.learners.policies import ILLEGAL, draw_action, softmax_policy, stochastic_policy
from regimax.learners.tasks import Task, TaskState, task

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
    "objectives",
    "off_policy",
    "options",
    "prediction",
    "q_learning",
    "recall",
    "reward_model",
    "softmax_policy",
    "stochastic_policy",
    "task",
    "train_in_model",
    "world_model",
    "yoked",
]
