"""Regimes that predict while they learn from reward: the learner's own stream, or that of a partner."""

from __future__ import annotations

from typing import Literal, Unpack

from regimax import learners
from regimax.errors import unknown
from regimax.learners import options as learner_options
from regimax.learners.action_values import HEAD
from regimax.learners.options import Gradients
from regimax.regimes.base import Regime
from regimax.regimes.keywords import checked, chosen
from regimax.regimes.options import Reinforce, Trained
from regimax.regimes.phases import budgets, reinforce


@checked
def always_on(
    updates: int = 1000,
    updates_per_rollout: float = 1,
    gradients: Gradients = "shared",
    learner: learner_options.AlwaysOn = learner_options.AlwaysOn(),
    *,
    name: str | None = None,
    **options: Unpack[Trained],
) -> Regime:
    """Makes the regime of reinforcement learning and prediction at once on the learner's own stream, from a ring.

    Args:
      updates: the budget of ``rl``, in updates of reinforcement.
      updates_per_rollout: updates of the predictor for each of them: a whole number, or 1/n for one after every n-th.
      gradients: ``shared``, or ``stopped``: reinforcement's does not reach the trunk.
      learner: its objective, its ring, its actor-critic, :class:`regimax.learners.options.AlwaysOn`.
      name: the regime's; when not given ``always_on``, with what is not usual: ``always_on-64``,
        ``always_on-1/4-stopped``.
      **options: as declared by :class:`regimax.regimes.options.Trained`:

    Raises:
      UserError: for an unknown option, also of the learner, or other `updates_per_rollout`, `gradients` or `finetune`.

    Example:
      >>> import regimax as rx
      >>> latent = rx.learners.objectives.latent()
      >>> rx.regimes.always_on(100, updates_per_rollout=1 / 4, learner={"objective": latent}).name
      'always_on-1/4'
    """
    return _always_on("always_on", updates, updates_per_rollout, gradients, learner, name, options)


@checked
def always_on_sham(
    updates: int = 1000,
    updates_per_rollout: float = 1,
    gradients: Gradients = "shared",
    learner: learner_options.AlwaysOn = learner_options.AlwaysOn(),
    *,
    name: str | None = None,
    **options: Unpack[Trained],
) -> Regime:
    """Makes the control of `always_on`: the same updates on other streams' targets. The same FLOPs, no concepts.

    Args:
      updates: the budget of ``rl``, in updates of reinforcement.
      updates_per_rollout: as for :func:`always_on`.
      gradients: as for :func:`always_on`.
      learner: as for :func:`always_on`.
      name: the regime's; when not given ``always_on_sham``, with what is not usual.
      **options: as for :func:`always_on`:

    Raises:
      UserError: as :func:`always_on`.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.always_on_sham(100, updates_per_rollout=64).name
      'always_on_sham-64'
    """
    return _always_on(
        "always_on_sham", updates, updates_per_rollout, gradients, learner, name, options, {"prediction.shuffle": 1}
    )


def _always_on(
    automatic: str,
    updates: int,
    updates_per_rollout: float,
    gradients: Gradients,
    learner: learner_options.AlwaysOn,
    name: str | None,
    options: Trained,
    settings: dict[str, float] | None = None,
) -> Regime:
    how = learners.always_on(updates_per_rollout, gradients, **learner)
    phase = reinforce(updates, **chosen(Reinforce, options, {"learner": how, "record": ("augmented_view",)}))
    if updates_per_rollout != 1:
        automatic += f"-{updates_per_rollout:g}" if updates_per_rollout > 1 else f"-1/{round(1 / updates_per_rollout)}"
    if gradients != "shared":
        automatic += f"-{gradients}"
    return Regime(automatic if name is None else name, (phase._replace(settings=settings or {}),))


LEARN_FROM = {"both": (1, 1), "reward": (1, 0), "prediction": (0, 1), "nothing": (0, 0)}
"""What may be learnt from a partner's stream: whether action values are, and whether it is predicted."""


@checked
def yoked(
    updates: int | tuple[int, int] = 1000,
    learn_from: Literal["both", "reward", "prediction", "nothing"] = "both",
    partner: Literal["another", "itself", "nobody", "expert"] = "another",
    learner: learner_options.Yoked = learner_options.Yoked(),
    *,
    name: str | None = None,
    **options: Unpack[Trained],
) -> Regime:
    """Makes the regime of action values and prediction, learnt from another learner's stream, or from one's own.

    The other is of the same age, or an expert: one that has learnt the same from its own stream before, in a phase
    ``expert``, and learns no more. All of these regimes cost the same in ``rl``, and one learner acts in them as much
    as the other.

    Args:
      updates: the budget of ``rl``, in rollouts; of ``expert`` and ``rl`` where the partner is an expert.
      learn_from: what is learnt from the partner's stream: ``both``, ``reward`` (action values alone), ``prediction``
        alone, or ``nothing``.
      partner: who acts there: ``another`` learner, which learns from its own stream; ``itself``, the learner's own
        policy in other episodes; ``nobody`` that learns, whose choices are even; or an ``expert``.
      learner: its ring, objective and optimiser, :class:`regimax.learners.options.Yoked`.
      name: the regime's; when not given ``yoked``, with what is not usual: ``yoked-reward-nobody``.
      **options: as declared by :class:`regimax.regimes.options.Trained`:

    Raises:
      UserError: for an unknown option, also of the learner, another `learn_from`, `partner` or `finetune`, or `updates`
        that do not fit the partner.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.yoked(100, learn_from="prediction", partner="itself").name
      'yoked-prediction-itself'
      >>> [phase.name for phase in rx.regimes.yoked((400, 100), partner="expert").phases]
      ['expert', 'rl']
    """
    if learn_from not in LEARN_FROM:
        raise unknown("part to learn from the partner:", learn_from, LEARN_FROM)
    if partner not in learners.PARTNERS:
        raise unknown("partner", partner, learners.PARTNERS)
    how = learners.yoked(**learner)
    expert = partner == "expert"
    given = (updates,) if isinstance(updates, int) else updates
    both = budgets("yoked", given, expert={}, rl={}) if expert else budgets("yoked", given, rl={})
    acting = chosen(Reinforce, options, {"learner": how, "record": ("augmented_view",)})
    *before, phase = (reinforce(budget, **acting) for budget in both)
    reward, prediction = LEARN_FROM[learn_from]
    settings = {
        "reward_of_partner": reward,
        "prediction_of_partner": prediction,
        "partner": learners.PARTNERS.index(partner),
    }
    if name is None:
        name = (
            "yoked"
            + ("" if learn_from == "both" else f"-{learn_from}")
            + ("" if partner == "another" else f"-{partner}")
        )
    phase = phase._replace(settings=settings, inherit=("trunk", HEAD) if expert else ())
    alone = {"reward_of_partner": 0, "prediction_of_partner": 0}
    return Regime(name, (*(one._replace(name="expert", settings=alone) for one in before), phase))
