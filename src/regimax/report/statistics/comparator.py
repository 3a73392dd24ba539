"""The strongest of several arms, so that nobody is compared with one that happened to be weak.

"From scratch" is not one learner: what learns well from reward in one world does not in another. The tuning tries every
arm on the same grid, in worlds that no result uses, so that the best of them may be chosen there without a look at any
result, and at no cost in error rates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from regimax.errors import UserError, unknown


class Scored(Protocol):
    """How an arm did at a point of its tuning's grid; `run.tried` has them."""

    @property
    def regime(self) -> str:
        """The arm."""
        ...

    @property
    def where(self) -> Mapping[str, Any]:
        """What the choice is made for."""
        ...

    @property
    def score(self) -> float | None:
        """The tuning's metric, the higher the better."""
        ...

    @property
    def chosen(self) -> bool:
        """Whether it is the choice."""
        ...


class Tuned(Protocol):
    """What is read of a run: one that a claim's rule is given."""

    @property
    def tried(self) -> Iterable[Any]:
        """What the tuning tried; nothing where there was none."""
        ...


def best_arm(run: Tuned, arms: Sequence[str], *, where: Mapping[str, Any] | None = None) -> str:
    """Returns the arm that did best in the tuning's worlds, each at what was chosen for it.

    Args:
      run: a claim's result, with its tuning.
      arms: regimes' names; of equals the first.
      where: labels by column for which the choice counts, where it was made apart for them. An arm's score is the mean
        over what is left.

    Raises:
      UserError: if there are no arms, nothing was tuned, or nothing was chosen for one of them.

    Example:
      >>> from types import SimpleNamespace
      >>> scores = {"pure_rl": 0.4, "q_learning": 0.7}
      >>> tried = [SimpleNamespace(regime=arm, where={}, score=s, chosen=True) for arm, s in scores.items()]
      >>> best_arm(SimpleNamespace(tried=tried), ["pure_rl", "q_learning"])
      'q_learning'
    """
    if not arms:
        raise UserError("best_arm: give at least one arm, found none")
    tried: list[Scored] = list(run.tried)
    if not tried:
        raise UserError(
            f"best_arm: nothing was tuned, so none of {', '.join(arms)} can be chosen. Give the claim a tuning"
        )
    scores = {arm: _score(tried, arm, where or {}) for arm in arms}
    return max(arms, key=scores.__getitem__)  # the first of equals


def _score(tried: Sequence[Scored], arm: str, where: Mapping[str, Any]) -> float:
    """The mean score of what was chosen for an arm."""
    ours = [trial for trial in tried if trial.regime == arm]
    if not ours:
        raise unknown("arm of the tuning:", arm, list(dict.fromkeys(trial.regime for trial in tried)))
    for column, label in where.items():
        labels = list(dict.fromkeys(trial.where[column] for trial in ours if column in trial.where))
        if not labels:
            raise unknown("column of the tuning's choices:", column, list(ours[0].where))
        if label not in labels:
            raise unknown(f"value of {column!r} in the tuning's choices:", str(label), [str(known) for known in labels])
    here = [
        trial for trial in ours if trial.chosen and all(trial.where[name] == value for name, value in where.items())
    ]
    known = [trial.score for trial in here if trial.score is not None]
    if not known:
        raise UserError(f"best_arm: nothing was chosen for {arm!r}, as it was never evaluated")
    return math.fsum(known) / len(known)
