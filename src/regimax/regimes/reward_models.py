"""Regimes in which a model of the outcome, learnt from those that are delivered, pays for every step."""

from __future__ import annotations

from typing import Literal, Unpack

from regimax import learners
from regimax.learners import LearnerFactory
from regimax.learners.options import RewardModel
from regimax.regimes.base import Regime
from regimax.regimes.keywords import checked
from regimax.regimes.options import PretrainPhase, RlPhase, Trained, TrainedPhase
from regimax.regimes.pretraining import pretrained
from regimax.sources import SourceFactory

Form = Literal["shaping", "direct"]


@checked
def reward_model(
    updates: tuple[int, int] = (1000, 1000),
    form: Form = "shaping",
    learner: RewardModel = RewardModel(),
    *,
    stream: SourceFactory | None = None,
    predictor: LearnerFactory | None = None,
    pretrain: PretrainPhase = PretrainPhase(),
    rl: TrainedPhase = TrainedPhase(),
    name: str | None = None,
    **options: Unpack[Trained],
) -> Regime:
    """Makes the regime of `pretrain_rl` in which, besides, a model of the outcome pays for every step.

    The model learns from the outcomes that are delivered.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      form: ``shaping``, which moves no optimum, or ``direct``.
      learner: how the model learns, and its actor-critic, :class:`regimax.learners.options.RewardModel`.
      stream: as for :func:`regimax.regimes.pretrain_rl`.
      predictor: as for :func:`regimax.regimes.pretrain_rl`.
      pretrain: what holds for ``pretrain`` alone, :class:`regimax.regimes.options.PretrainPhase`.
      rl: what holds for ``rl`` alone, :class:`regimax.regimes.options.TrainedPhase`.
      name: the regime's; when not given ``reward_model``, with what is not usual: ``reward_model-direct-frozen``.
      **options: for ``rl``, of which `network`, `num_envs`, `channels` and `evaluate` serve ``pretrain``, too, as
        declared by :class:`regimax.regimes.options.Trained`:

    Raises:
      UserError: for an unknown option, also of a phase or the learner, another `form` or `finetune`, or `updates` that
        are not two.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.reward_model((100, 100), form="direct", learner={"updates_per_rollout": 4}).name
      'reward_model-direct'
    """
    first: PretrainPhase = {"source": stream, "learner": predictor, **pretrain}
    return _modelled("reward_model", updates, form, learner, options, first, rl, name)


@checked
def reward_model_sham(
    updates: tuple[int, int] = (1000, 1000),
    form: Form = "shaping",
    learner: RewardModel = RewardModel(),
    *,
    stream: SourceFactory | None = None,
    predictor: LearnerFactory | None = None,
    pretrain: PretrainPhase = PretrainPhase(),
    rl: TrainedPhase = TrainedPhase(),
    name: str | None = None,
    **options: Unpack[Trained],
) -> Regime:
    """Makes the control of `reward_model`: its model learns from the outcomes of other episodes.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      form: as for :func:`reward_model`.
      learner: as for :func:`reward_model`.
      stream: as for :func:`reward_model`.
      predictor: as for :func:`reward_model`.
      pretrain: what holds for ``pretrain`` alone, :class:`regimax.regimes.options.PretrainPhase`.
      rl: what holds for ``rl`` alone, :class:`regimax.regimes.options.TrainedPhase`.
      name: the regime's; when not given ``reward_model_sham``, with what is not usual.
      **options: as for :func:`reward_model`:

    Raises:
      UserError: as :func:`reward_model`.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.reward_model_sham((100, 100), finetune="frozen").phases[1].settings
      {'model.shuffle': 1}
    """
    first: PretrainPhase = {"source": stream, "learner": predictor, **pretrain}
    return _modelled("reward_model_sham", updates, form, learner, options, first, rl, name, {"model.shuffle": 1})


def _modelled(
    automatic: str,
    updates: tuple[int, int],
    form: Form,
    learner: RewardModel,
    options: Trained,
    pretrain: PretrainPhase,
    rl: TrainedPhase,
    name: str | None,
    settings: dict[str, float] | None = None,
) -> Regime:
    pays: RlPhase = {**rl, "learner": learners.reward_model(form, **learner), "record": ("outcome",)}
    automatic = automatic if form == "shaping" else f"{automatic}-{form}"
    regime = pretrained(automatic, updates, options, pretrain, pays, ("trunk",), name)
    first, second = regime.phases
    return regime._replace(phases=(first, second._replace(settings=settings or {})))
