"""What learners take, by name: for those that hand options on, and for regimes that make their learner."""

from __future__ import annotations

from typing import Literal, TypedDict

from regimax.learners.base import Optimizer
from regimax.learners.batch import ObjectiveFactory
from regimax.learners.bonus import Bonus

Gradients = Literal["shared", "stopped"]
Expects = Literal["outcome", "sum", "reward"]


class Replay(TypedDict, total=False):
    """What a learner takes that keeps its own stream."""

    capacity: int | None
    """Streams in the ring, a multiple of those of a rollout; 16 rollouts when not given."""


class ActorCritic(TypedDict, total=False):
    """What an actor-critic takes, see :func:`regimax.learners.actor_critic`."""

    num_epochs: int
    """Passes over each rollout; 1, and with one minibatch A2C, when not given."""
    num_minibatches: int
    """Minibatches per pass; divides the steps of a rollout, or its streams; 1 when not given."""
    normalize: bool
    """Whether advantages are centred and scaled to unit variance; they are when not given."""
    bonus: Bonus | None
    """An intrinsic reward for what is new; none when not given."""
    augment: bool
    """Whether every step counts a second time as its augmented view shows it; not when not given."""
    optimizer: Optimizer
    """Makes an optax transformation from the settings; Adam behind a clip of the norm when not given."""


class QLearning(Replay, total=False):
    """What Q-learning takes, see :func:`regimax.learners.q_learning`."""

    updates_per_rollout: int
    """Updates after each rollout; 4 when not given."""
    optimizer: Optimizer
    """Makes an optax transformation from the settings; Adam behind a clip of the norm when not given."""
    paid_only: bool
    """Whether the ring keeps those streams alone in which some reward arrived; all of them when not given."""


class AlwaysOn(ActorCritic, Replay, total=False):
    """What the learner of `always_on` takes, see :func:`regimax.learners.always_on`."""

    objective: ObjectiveFactory | None
    """What the predictor is asked; the augmented view of what was answered, or the next observation, when not given."""
    predictor_optimizer: Optimizer
    """Makes the predictor's optax transformation, likewise."""
    values: QLearning | None
    """Options of Q-learning, which then takes the place of the actor-critic; an actor-critic when not given."""


class RewardModel(ActorCritic, Replay, total=False):
    """What the learner of `reward_model` takes, see :func:`regimax.learners.reward_model`."""

    gradients: Gradients
    """``stopped``, so that the model does not train the features that it reads, when not given; or ``shared``."""
    updates_per_rollout: int
    """Updates of the model per update of reinforcement; 1 when not given."""
    model_optimizer: Optimizer
    """Makes the model's optax transformation, likewise."""
    expects: Expects
    """What is expected of a step: its episode's ``outcome`` when not given; its share of it, ``sum``; or the ``reward``
    that arrives so many steps later."""
    paid_only: bool
    """Whether the ring keeps those streams alone in which something arrived; all of them when not given."""


class Yoked(Replay, total=False):
    """What the learner of `yoked` takes, see :func:`regimax.learners.yoked`."""

    updates_per_rollout: int
    """Updates of the action values, and of the predictor, after each rollout; 4 when not given."""
    objective: ObjectiveFactory | None
    """What the predictor is asked; the augmented view of what was answered, or the next observation, when not given."""
    optimizer: Optimizer
    """Makes an optax transformation from the settings; Adam behind a clip of the norm when not given."""


class WorldModel(Replay, total=False):
    """What the learner of a model of the world takes, see :func:`regimax.learners.world_model`."""

    updates_per_rollout: int
    """Updates of the model per rollout; 4 when not given."""
    initial_observations: int
    """Those of so many episodes are remembered; 256 when not given."""
    optimizer: Optimizer
    """Makes an optax transformation from the settings; Adam behind a clip of the norm when not given."""
