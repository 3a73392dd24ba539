"""Phases that regimes are made of: prediction, reinforcement learning in a world or in a model, learning a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from regimax import envs, learners, networks, sources
from regimax.channels import Channel
from regimax.errors import UserError
from regimax.learners.options import WorldModel
from regimax.networks import NetworkFactory
from regimax.regimes.base import Evaluate, Phase
from regimax.regimes.keywords import checked, chosen
from regimax.regimes.options import Budget, LearnModel, Predict, Reinforce

NUM_ENVS = 64


@checked
def reinforce(updates: int, **options: Unpack[Reinforce]) -> Phase:
    """Makes the phase ``rl``: an actor-critic on its own episodes.

    Args:
      updates: its budget.
      **options: as declared by :class:`regimax.regimes.options.Reinforce`:

    Raises:
      UserError: for another `finetune`, or an unknown option.

    Example:
      >>> import regimax as rx
      >>> phase = rx.regimes.reinforce(500, network=rx.networks.mlp((64,)), finetune="frozen", inherit=["trunk"])
      >>> phase.name, phase.updates, phase.freeze
      ('rl', 500, ('trunk',))
    """
    network, frozen = _finetuned(options.get("network") or networks.gru(), options.get("finetune", "full"))
    return Phase(
        name="rl",
        source=sources.own_behaviour(
            options.get("num_envs", NUM_ENVS), options.get("num_steps"), options.get("record", ())
        ),
        learner=options.get("learner") or learners.actor_critic(),
        network=network,
        updates=updates,
        channels=_given(options.get("channels")),
        inherit=tuple(options.get("inherit", ())),
        freeze=tuple(dict.fromkeys((*options.get("freeze", ()), *frozen))),
        evaluate=options.get("evaluate", Evaluate()),
        stop=options.get("stop"),
    )


def _finetuned(network: NetworkFactory, finetune: str) -> tuple[NetworkFactory, tuple[str, ...]]:
    """Returns the network to train, and the parts of it that stay."""
    if finetune == "full":
        return network, ()
    if finetune == "frozen":
        return network, ("trunk",)
    if match := re.fullmatch(r"rank-([1-9]\d*)", str(finetune)):
        return networks.low_rank(network, int(match[1])), ("trunk",)
    raise UserError(f"finetune = {finetune!r} is none of 'full', 'frozen', 'rank-1', 'rank-2', …")


@checked
def predict(updates: int, *, sham: bool = False, **options: Unpack[Predict]) -> Phase:
    """Makes the phase ``pretrain``: prediction of others' transcripts, or of another stream.

    Args:
      updates: its budget.
      sham: whether it is given other transcripts' targets.
      **options: as declared by :class:`regimax.regimes.options.Predict`:

    Raises:
      UserError: for an unknown option.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.predict(500, source=rx.sources.random_behaviour(), stop=rx.regimes.Stop("loss")).name
      'pretrain'
    """
    return Phase(
        name="pretrain",
        source=options.get("source") or sources.transcripts(options.get("num_envs", NUM_ENVS)),
        learner=options.get("learner") or learners.prediction(),
        network=options.get("network") or networks.gru(),
        updates=updates,
        channels=_given(options.get("channels")),
        evaluate=options.get("evaluate", Evaluate()),
        stop=options.get("stop"),
        settings={"shuffle": 1} if sham else {},
    )


@checked
def train_in_model(
    updates: int, *, world: Callable[[Any], Any] = envs.HandModel, **options: Unpack[Reinforce]
) -> Phase:
    """Makes the phase ``model``: an actor-critic on the episodes of a model, which cost no steps of the world.

    It is evaluated in the world itself, through its channels, as if it had been carried there at that point; what it
    reaches in the model is ``model_success`` and ``model_return``.

    Args:
      updates: its budget.
      world: turns the world into the model: `envs.HandModel`, or `envs.learned_model_env(network)` of what the phase
        before has learnt, whose parts ``model`` and ``initial_observations`` it must then inherit.
      **options: as declared by :class:`regimax.regimes.options.Reinforce`:

    Raises:
      UserError: for another `finetune`, or an unknown option.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.train_in_model(500, num_envs=16).world is rx.envs.HandModel
      True
    """
    options["learner"] = learners.train_in_model(options.get("learner"))
    return reinforce(updates, **options)._replace(name="model", world=world)


@checked
def learn_model(updates: int, *, sham: bool = False, **options: Unpack[LearnModel]) -> Phase:
    """Makes the phase ``learn_model``: a model of the world is learnt from random behaviour in it.

    Args:
      updates: its budget, in rollouts.
      sham: whether it is told what followed others' actions.
      **options: as declared by :class:`regimax.regimes.options.LearnModel`, the network being that of the model:

    Raises:
      UserError: for an unknown option.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.learn_model(60, network=rx.networks.mlp((128,)), num_envs=16, updates_per_rollout=16).name
      'model_learning'
    """
    return Phase(
        name="model_learning",
        source=sources.own_behaviour(options.get("num_envs", NUM_ENVS), options.get("num_steps")),
        learner=learners.world_model(**chosen(WorldModel, options)),
        network=options.get("network") or networks.gru(),
        updates=updates,
        channels=_given(options.get("channels")),
        evaluate=options.get("evaluate", Evaluate()),
        stop=options.get("stop"),
        settings={"shuffle": 1} if sham else {},
    )


def _given(channels: Sequence[Channel] | None) -> tuple[Channel, ...] | None:
    return None if channels is None else tuple(channels)


def budgets(regime: str, updates: Sequence[int], **phases: Budget) -> list[int]:
    """Returns the budget of each phase of a regime: its own, or else that at its place in `updates`.

    Args:
      regime: its name, for the message.
      updates: a budget for each phase.
      **phases: what is said of each phase, in order.

    Raises:
      UserError: where `updates` does not hold as many.
    """
    if not hasattr(updates, "__len__") or len(updates) != len(phases):
        raise UserError(f"{regime}: updates = {updates!r} does not hold a budget each for {', '.join(phases)}")
    return [phase.get("updates", budget) for budget, phase in zip(updates, phases.values(), strict=True)]


def name_of(automatic: str, name: str | None, options: Reinforce) -> str:
    """Returns a regime's name: the one given, or else its automatic one with what is trained where that is not all."""
    if name is not None:
        return name
    finetune = options.get("finetune", "full")
    return automatic if finetune == "full" else f"{automatic}-{finetune}"
