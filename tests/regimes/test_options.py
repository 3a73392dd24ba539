"""Options that no part of a regime takes are refused with the nearest one."""

import pytest

import regimax as rx
from regimax.regimes.options import names

REGIMES = [
    "pure_rl", "pretrain_rl", "imitation_rl", "sham_rl", "always_on", "always_on_sham", "reward_model",
    "reward_model_sham", "hand_model", "learned_model", "learned_model_sham", "oracle", "yoked", "in_context",
    "continual", "both",
]  # fmt: skip


@pytest.mark.parametrize("regime", REGIMES)
def test_a_misspelt_option_is_told_with_the_nearest(regime):
    with pytest.raises(rx.UserError, match=rf"unknown option of {regime}: 'netwrk'\. Did you mean 'network'\?"):
        getattr(rx.regimes, regime)(netwrk=rx.networks.mlp())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rx.regimes.always_on(learner={"capacty": 4}), "learner of always_on: 'capacty'. Did you mean 'capac"),
        (lambda: rx.regimes.always_on_sham(learner={"optimiser": 4}), "learner of always_on_sham: 'optimiser'"),
        (lambda: rx.regimes.reward_model(learner={"fit": 4}), "learner of reward_model: 'fit'. Did you mean 'fits'"),
        (lambda: rx.regimes.yoked(learner={"fit": 4}), "learner of yoked: 'fit'. Did you mean 'fits'"),
        (lambda: rx.regimes.learned_model(learner_of_model={"opening": 4}), "learner_of_model: 'opening'. Did you"),
        (lambda: rx.regimes.pretrain_rl(inherit=("trunk",)), "unknown option of pretrain_rl: 'inherit'"),
        (lambda: rx.regimes.yoked(record=("outcome",)), "unknown option of yoked: 'record'"),
        (lambda: rx.regimes.imagine(5, num_env=3), "unknown option of imagine: 'num_env'. Did you mean 'num_envs'"),
        (lambda: rx.regimes.explore(5, fit=3), "unknown option of explore: 'fit'. Did you mean 'fits'"),
    ],
)  # fmt: skip
def test_what_a_regime_settles_itself_or_hands_on_is_told_too(make, message):
    with pytest.raises(rx.UserError, match=message):
        make()


def test_what_a_regime_takes_is_known():
    assert {"stream", "predictor", "finetune", "num_envs", "updates"} <= set(names(rx.regimes.sham_rl))
    assert "record" not in names(rx.regimes.always_on)
