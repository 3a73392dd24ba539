"""Regimes that learn from reward in a model of the world first: a hand-made one, or one that they learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from regimax import envs, networks
from regimax.regimes import phases
from regimax.regimes.base import Phase, Regime
from regimax.regimes.keywords import checked, chosen
from regimax.regimes.options import LearnModel, LearnModelPhase, Reinforce, ReinforcePhase, RlPhase, Rollouts
from regimax.regimes.phases import budgets, name_of, reinforce, train_in_model

LEARNT_INSIDE = ("trunk", "policy", "value")
"""What reinforcement learning in the world takes over from a model."""


@checked
def hand_model(
    updates: tuple[int, int] = (1000, 1000),
    *,
    model: RlPhase = RlPhase(),
    rl: ReinforcePhase = ReinforcePhase(),
    name: str | None = None,
    **options: Unpack[Reinforce],
) -> Regime:
    """Makes the regime of reinforcement learning in a hand-made model of the world, then in the world itself.

    How much the model knows are settings of the world, see :class:`regimax.envs.HandModel`; no step in it counts as one
    of the world. What it carries over at once is ``success`` of ``rl`` at update 0.

    Args:
      updates: the budgets of ``model`` and ``rl``.
      model: what holds for ``model`` alone, :class:`regimax.regimes.options.RlPhase`.
      rl: what holds for ``rl`` alone, :class:`regimax.regimes.options.ReinforcePhase`.
      name: the regime's; ``hand_model``, and what `finetune` leaves, when not given.
      **options: for ``rl``, of which `network`, `num_envs`, `num_steps`, `learner`, `channels` and `evaluate` serve
        ``model``, too; `inherit` is trunk and both heads when not given. As declared by
        :class:`regimax.regimes.options.Reinforce`:

    Raises:
      UserError: for an unknown option, also of a phase, another `finetune`, or `updates` that are not two.

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.hand_model((100, 100), model={"evaluate": rx.regimes.Evaluate(every=100)})
      >>> float(rx.make_train(regime, rx.envs.Planner()).default_hparams["world.known"])
      1.0
    """
    first, second = budgets("hand_model", updates, model=model, rl=rl)
    there = _in_the_world(options, rl)
    return Regime(name_of("hand_model", name, there), (_inside(first, options, model), reinforce(second, **there)))


@checked
def learned_model(
    updates: tuple[int, int, int] = (1000, 1000, 1000),
    *,
    model_learning: LearnModelPhase = LearnModelPhase(),
    model: RlPhase = RlPhase(),
    rl: ReinforcePhase = ReinforcePhase(),
    name: str | None = None,
    **options: Unpack[Reinforce],
) -> Regime:
    """Makes the regime of learning a model from random behaviour, then reinforcement learning in it, then in the world.

    Args:
      updates: the budgets of ``learn_model``, ``model`` and ``rl``.
      model_learning: what holds for ``learn_model`` alone, :class:`regimax.regimes.options.LearnModelPhase`: the
        model's network, which is that of the actor-critic when not given, and how it learns.
      model: what holds for ``model`` alone, :class:`regimax.regimes.options.RlPhase`.
      rl: what holds for ``rl`` alone, :class:`regimax.regimes.options.ReinforcePhase`.
      name: the regime's; ``learned_model``, and what `finetune` leaves, when not given.
      **options: as for :func:`hand_model`; all but `learner` serve ``learn_model``, too, of those that serve ``model``:

    Raises:
      UserError: for an unknown option, also of a phase, another `finetune`, or `updates` that are not three.

    Example:
      >>> import regimax as rx
      >>> model = rx.networks.mlp((128,))
      >>> regime = rx.regimes.learned_model((10, 20, 30), model_learning={"network": model, "updates_per_rollout": 16})
      >>> [(phase.name, phase.updates) for phase in regime.phases]
      [('model_learning', 10), ('model', 20), ('rl', 30)]
    """
    return _learned_model("learned_model", updates, model_learning, model, rl, name, options)


@checked
def learned_model_sham(
    updates: tuple[int, int, int] = (1000, 1000, 1000),
    *,
    model_learning: LearnModelPhase = LearnModelPhase(),
    model: RlPhase = RlPhase(),
    rl: ReinforcePhase = ReinforcePhase(),
    name: str | None = None,
    **options: Unpack[Reinforce],
) -> Regime:
    """Makes the control of `learned_model`: its model learns what followed the actions of other streams.

    Args:
      updates: as for :func:`learned_model`.
      model_learning: as for :func:`learned_model`.
      model: as for :func:`learned_model`.
      rl: as for :func:`learned_model`.
      name: the regime's; ``learned_model_sham``, and what `finetune` leaves, when not given.
      **options: as for :func:`learned_model`:

    Raises:
      UserError: as :func:`learned_model`.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.learned_model_sham((10, 20, 30)).phases[0].settings
      {'shuffle': 1}
    """
    return _learned_model("learned_model_sham", updates, model_learning, model, rl, name, options, sham=True)


def _learned_model(
    automatic: str,
    updates: tuple[int, int, int],
    model_learning: LearnModelPhase,
    model: RlPhase,
    rl: ReinforcePhase,
    name: str | None,
    options: Reinforce,
    sham: bool = False,
) -> Regime:
    first, second, third = budgets(automatic, updates, model_learning=model_learning, model=model, rl=rl)
    exploring = chosen(LearnModel, chosen(Rollouts, options), model_learning)
    exploring["network"] = network = exploring.get("network") or networks.gru()
    learned = envs.learned_model_env(network, exploring.get("initial_observations", 256))
    inside = _inside(second, options, model, learned, inherit=("model", "initial_observations"))
    there = _in_the_world(options, rl)
    each = (phases.learn_model(first, sham=sham, **exploring), inside, reinforce(third, **there))
    return Regime(name_of(automatic, name, there), each)


def _inside(
    updates: int,
    options: Reinforce,
    model: RlPhase,
    world: Callable[[Any], Any] = envs.HandModel,
    inherit: tuple[str, ...] = (),
) -> Phase:
    """Makes the phase ``model`` of what serves every phase that acts, and how it learns in the world."""
    shared = chosen(Rollouts, options)
    return train_in_model(
        updates,
        world=world,
        **chosen(Reinforce, shared, {"learner": options.get("learner"), "inherit": inherit}, model),
    )


def _in_the_world(options: Reinforce, rl: ReinforcePhase) -> Reinforce:
    """Returns what ``rl`` takes."""
    return chosen(Reinforce, {"inherit": LEARNT_INSIDE}, options, rl)
