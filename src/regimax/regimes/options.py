"""What phases take, by name: the options of their builders, and of the regimes that hand them on.

A class per builder or phase, for annotations of your own: ``rl: rx.regimes.options.RlPhase = {"updates": 500}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from regimax.channels import Channel
from regimax.learners import LearnerFactory
from regimax.learners.options import WorldModel
from regimax.networks import NetworkFactory
from regimax.regimes.base import Evaluate, Stop
from regimax.sources import SourceFactory


class Budget(TypedDict, total=False):
    """What a phase takes only where a regime is told about it."""

    updates: int
    """Its budget, instead of that in the regime's `updates`."""


class Shared(TypedDict, total=False):
    """What every phase takes."""

    network: NetworkFactory | None
    """What it trains; a GRU of 64 units when not given."""
    num_envs: int
    """Episodes, or transcripts, side by side; 64 when not given."""
    channels: Sequence[Channel] | None
    """What observations, decisions and rewards go through, and of prediction what is seen; outcome and reward over the
    world's range when not given."""
    evaluate: Evaluate
    """When it is evaluated, and on how many fresh episodes; every 50 updates on 128 when not given."""


class Predict(Shared, total=False):
    """What `predict` takes."""

    source: SourceFactory | None
    """The stream; others' transcripts when not given."""
    learner: LearnerFactory | None
    """How it learns, for example ``learners.prediction(objective)``; by the next step when not given."""
    stop: Stop | None
    """When it ends before its budget; never when not given."""


class Rollouts(Shared, total=False):
    """What every phase takes that acts."""

    num_steps: int | None
    """Steps of each episode per update; the world's horizon when not given."""


class Trained(Rollouts, total=False):
    """What ``rl`` takes in a regime that makes its learner itself."""

    stop: Stop | None
    """When it ends before its budget; never when not given."""
    freeze: Sequence[str]
    """Parameter subtrees that are not trained; none when not given."""
    finetune: str
    """What of the trunk is trained: ``full``, all of it, when not given; ``frozen``, nothing, so only the heads are; or
    ``rank-1``, ``rank-2``, …, adapters of that rank on each of its kernels, see :func:`regimax.networks.low_rank`."""


class Rl(Trained, total=False):
    """What ``rl`` takes in a regime that leaves its learner to you."""

    learner: LearnerFactory | None
    """How it learns; by A2C when not given."""
    record: Sequence[str]
    """What its experience holds beside, see :func:`regimax.sources.own_behaviour`; nothing when not given."""


class Reinforce(Rl, total=False):
    """What `reinforce` takes."""

    inherit: Sequence[str]
    """Parameter subtrees taken from the phase before."""


class LearnModel(Rollouts, WorldModel, total=False):
    """What `learn_model` takes; the network is that of the model."""

    stop: Stop | None
    """When it ends before its budget; never when not given."""


class Remembering(TypedDict, total=False):
    """What both phases of a life take."""

    network: NetworkFactory | None
    """What it trains; :func:`regimax.networks.pair_memory` when not given."""
    evaluate: Evaluate
    """When it is evaluated, and on how many fresh sequences; every 50 updates on 128 when not given."""
    stop: Stop | None
    """When it ends before its budget; never when not given."""


class Meta(Remembering, total=False):
    """What `meta_train` takes."""

    num_envs: int
    """Sequences per update of ``meta``; 16 when not given."""
    load: int | None
    """The most pairs of a sequence of ``meta``, see :func:`regimax.sources.fresh_worlds`."""
    learning_rate: float
    """The step size at the beginning of ``meta``; 0.003 when not given."""


class Life(Remembering, total=False):
    """What `continual_phase` takes."""

    memory: Literal["sequence", "lifetime"]
    """How long memory lasts in ``life``: a sequence when not given, see :func:`regimax.learners.recall`."""
    irrelevant: bool
    """The control: it lives in another world than it is evaluated in."""
    told: bool
    """Whether sequences of ``life`` end with what was right, as pairs; not when not given."""


class Lifetimes(Meta, Life, total=False):
    """What regimes of a life take."""


class PretrainPhase(Budget, Predict, total=False):
    """The phase ``pretrain`` of a regime."""


class TrainedPhase(Budget, Trained, total=False):
    """The phase ``rl`` of a regime that makes its learner itself."""


class RlPhase(Budget, Rl, total=False):
    """The phase ``rl`` or ``model`` of a regime."""


class ReinforcePhase(Budget, Reinforce, total=False):
    """The phase ``rl`` of a regime that leaves to you what is inherited."""


class LearnModelPhase(Budget, LearnModel, total=False):
    """The phase ``learn_model`` of a regime."""


class MetaPhase(Budget, Meta, total=False):
    """The phase ``meta`` of a regime."""


class LifePhase(Budget, Life, total=False):
    """The phase ``life`` of a regime."""
