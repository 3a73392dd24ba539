"""Regimes that predict a stream first, then learn from reward with what that has made."""

from __future__ import annotations

from typing import Unpack

from regimax.learners import LearnerFactory
from regimax.regimes.base import Regime
from regimax.regimes.keywords import checked, chosen
from regimax.regimes.options import Predict, PretrainPhase, Reinforce, Rl, RlPhase, Shared, Trained, TrainedPhase
from regimax.regimes.phases import budgets, name_of, predict, reinforce
from regimax.sources import SourceFactory


@checked
def pretrain_rl(
    updates: tuple[int, int] = (1000, 1000),
    *,
    stream: SourceFactory | None = None,
    predictor: LearnerFactory | None = None,
    pretrain: PretrainPhase = PretrainPhase(),
    rl: RlPhase = RlPhase(),
    name: str | None = None,
    **options: Unpack[Rl],
) -> Regime:
    """Makes the regime of predicting a reward-free stream, then reinforcement learning with its trunk and a new head.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      stream: what is predicted; others' transcripts when not given.
      predictor: how it is predicted; by the next step when not given.
      pretrain: what holds for ``pretrain`` alone, :class:`regimax.regimes.options.PretrainPhase`.
      rl: what holds for ``rl`` alone, :class:`regimax.regimes.options.RlPhase`.
      name: the regime's; when not given ``pretrain_rl``, with what `finetune` leaves: ``pretrain_rl-frozen``,
        ``pretrain_rl-rank-1``.
      **options: for ``rl``, of which `network`, `num_envs`, `channels` and `evaluate` serve ``pretrain``, too, as
        declared by :class:`regimax.regimes.options.Rl`:

    Raises:
      UserError: for an unknown option, also of a phase, another `finetune`, or `updates` that are not two.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.pretrain_rl(finetune="rank-1", stream=rx.sources.random_behaviour()).name
      'pretrain_rl-rank-1'
      >>> stop = rx.regimes.Stop("success", 0.9, 3)
      >>> regime = rx.regimes.pretrain_rl((800, 300), pretrain={"num_envs": 128}, rl={"stop": stop}, name="predicted")
      >>> regime.name, [phase.updates for phase in regime.phases]
      ('predicted', [800, 300])
    """
    first: PretrainPhase = {"source": stream, "learner": predictor, **pretrain}
    return pretrained("pretrain_rl", updates, options, first, rl, ("trunk",), name)


@checked
def imitation_rl(
    updates: tuple[int, int] = (1000, 1000),
    *,
    stream: SourceFactory | None = None,
    predictor: LearnerFactory | None = None,
    pretrain: PretrainPhase = PretrainPhase(),
    rl: RlPhase = RlPhase(),
    name: str | None = None,
    **options: Unpack[Rl],
) -> Regime:
    """Makes the regime of predicting others' actions, then reinforcement learning with trunk and answer head inherited.

    Its prediction is that of `pretrain_rl`; what it has more is a base model's prior over behaviour.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      stream: as for :func:`pretrain_rl`.
      predictor: as for :func:`pretrain_rl`.
      pretrain: what holds for ``pretrain`` alone, :class:`regimax.regimes.options.PretrainPhase`.
      rl: what holds for ``rl`` alone, :class:`regimax.regimes.options.RlPhase`.
      name: the regime's; ``imitation_rl``, and what `finetune` leaves, when not given.
      **options: as for :func:`pretrain_rl`:

    Raises:
      UserError: as :func:`pretrain_rl`.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.imitation_rl((800, 300)).phases[1].inherit
      ('trunk', 'policy')
    """
    first: PretrainPhase = {"source": stream, "learner": predictor, **pretrain}
    return pretrained("imitation_rl", updates, options, first, rl, ("trunk", "policy"), name)


@checked
def sham_rl(
    updates: tuple[int, int] = (1000, 1000),
    *,
    stream: SourceFactory | None = None,
    predictor: LearnerFactory | None = None,
    pretrain: PretrainPhase = PretrainPhase(),
    rl: RlPhase = RlPhase(),
    name: str | None = None,
    **options: Unpack[Rl],
) -> Regime:
    """Makes the control of `pretrain_rl`: the same updates on other transcripts' targets, so no concepts.

    It costs the same FLOPs.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      stream: as for :func:`pretrain_rl`.
      predictor: as for :func:`pretrain_rl`.
      pretrain: what holds for ``pretrain`` alone, :class:`regimax.regimes.options.PretrainPhase`.
      rl: what holds for ``rl`` alone, :class:`regimax.regimes.options.RlPhase`.
      name: the regime's; ``sham_rl``, and what `finetune` leaves, when not given.
      **options: as for :func:`pretrain_rl`:

    Raises:
      UserError: as :func:`pretrain_rl`.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.sham_rl((800, 300)).phases[0].settings
      {'shuffle': 1}
    """
    first: PretrainPhase = {"source": stream, "learner": predictor, **pretrain}
    return pretrained("sham_rl", updates, options, first, rl, ("trunk",), name, sham=True)


def pretrained(
    automatic: str,
    updates: tuple[int, int],
    options: Trained,
    pretrain: PretrainPhase,
    rl: TrainedPhase,
    inherit: tuple[str, ...],
    name: str | None,
    *,
    sham: bool = False,
) -> Regime:
    """Makes a regime of ``pretrain`` and ``rl``.

    Args:
      automatic: its name where none is given, but for what `finetune` leaves.
      updates: the budgets.
      options: those of ``rl``, of which some serve both.
      pretrain: what holds for ``pretrain`` alone.
      rl: what holds for ``rl`` alone.
      inherit: parameter subtrees that ``rl`` takes over.
      name: its name.
      sham: whether what is predicted are other transcripts' targets.
    """
    first, second = budgets(automatic, updates, pretrain=pretrain, rl=rl)
    taught = chosen(Reinforce, options, rl, {"inherit": inherit})
    phases = (
        predict(first, sham=sham, **chosen(Predict, chosen(Shared, options), pretrain)),
        reinforce(second, **taught),
    )
    return Regime(name_of(automatic, name, taught), phases)
