"""The strongest comparator, by what the tuning chose and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from regimax.claims.tuning import Trial
from regimax.errors import UserError
from regimax.report import statistics as st

LEARNERS = ("pure_rl", "pure_rl-ppo", "q_learning", "pure_rl-augment")


def trials(scores: Mapping[str, Sequence[float | None]], looks: int | None = None) -> list[Trial]:
    """Each arm at as many points of a grid, the best of which is its choice."""
    where = {} if looks is None else {"looks": looks}
    found = []
    for arm, row in scores.items():
        best = max((score for score in row if score is not None), default=None)
        for rate, score in enumerate(row):
            found.append(Trial(arm, where, {"rate": rate}, score, 4, 0, score is not None and score == best, []))
    return found


def run(tried: list[Trial]) -> Any:
    return SimpleNamespace(tried=tuple(tried))


SCORES = {
    "pure_rl": [0.2, 0.6, 0.1],
    "pure_rl-ppo": [0.5, 0.7, 0.7001],
    "q_learning": [0.9, 0.1, None],
    "pure_rl-augment": [0.9, 0.2, 0.9],
}


def test_the_arm_whose_choice_did_best_is_taken_and_of_equals_the_first() -> None:
    tuned = run(trials(SCORES))
    assert st.best_arm(tuned, LEARNERS) == "q_learning"
    assert st.best_arm(tuned, LEARNERS[::-1]) == "pure_rl-augment"
    assert st.best_arm(tuned, LEARNERS[:2]) == "pure_rl-ppo"
    assert st.best_arm(tuned, ["pure_rl"]) == "pure_rl"


def test_points_that_were_not_chosen_do_not_count() -> None:
    chosen = [trial._replace(chosen=trial.grid["rate"] == 1) for trial in trials(SCORES)]
    assert st.best_arm(run(chosen), LEARNERS) == "pure_rl-ppo"


def test_choices_made_apart_count_by_their_mean_or_where_it_is_asked_for() -> None:
    poor = {"pure_rl": [0.99], "q_learning": [0.8]}
    rich = {"pure_rl": [0.3], "q_learning": [0.7]}
    tuned = run([*trials(poor, 1), *trials(rich, 16)])
    assert st.best_arm(tuned, ["pure_rl", "q_learning"]) == "q_learning"
    assert st.best_arm(tuned, ["pure_rl", "q_learning"], where={"looks": 1}) == "pure_rl"
    assert st.best_arm(tuned, ["pure_rl", "q_learning"], where={"looks": 16}) == "q_learning"


@pytest.mark.parametrize(
    ("tried", "arms", "where", "message"),
    [
        ([], LEARNERS, None, "nothing was tuned"),
        (trials(SCORES), [], None, "at least one arm"),
        (trials(SCORES), ["q_lerning"], None, "unknown arm of the tuning: 'q_lerning'.*Did you mean 'q_learning'"),
        (trials({"pure_rl": [None]}), ["pure_rl"], None, "'pure_rl', as it was never evaluated"),
        (trials(SCORES, 4), LEARNERS, {"look": 4}, "unknown column of the tuning's choices: 'look'.*'looks'"),
        (trials(SCORES, 4), LEARNERS, {"looks": 8}, "unknown value of 'looks' in the tuning's choices: '8'"),
        (trials(SCORES), LEARNERS, {"looks": 8}, "unknown column of the tuning's choices: 'looks'"),
    ],
)
def test_without_a_tuning_that_tells_nothing_is_taken(tried: list[Trial], arms: Any, where: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        st.best_arm(run(tried), arms, where=where)
