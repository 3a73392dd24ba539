"""Learning in a model first: a control that is the same program, and what a hand-made model is asked."""

import pytest

import regimax as rx

OPTIONS = {"network": rx.networks.mlp((6, 4)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(2, 8)}


@pytest.mark.parametrize(
    ("options", "suffix"),
    [({}, ""), ({"finetune": "rank-1", "model_learning": {"initial_observations": 8}}, "-rank-1")],
)
def test_the_control_of_a_learnt_model_is_the_same_program(options, suffix):
    world = rx.envs.Planner(factors=3, values=2, ancestors=2)
    regimes = [
        make((2, 2, 2), **options, **OPTIONS) for make in (rx.regimes.learned_model, rx.regimes.learned_model_sham)
    ]
    assert [r.name for r in regimes] == [f"learned_model{suffix}", f"learned_model_sham{suffix}"]
    real, control = (rx.regimes.bind_regime(regime, world) for regime in regimes)
    assert [p.spec for p in control.programs] == [p.spec for p in real.programs]
    assert [phase.name for phase in real.regime.phases] == ["model_learning", "model", "rl"]
    assert real.settings["model_learning.shuffle"].default == 0
    assert control.settings["model_learning.shuffle"].default == 1
    by_hand = rx.regimes.bind_regime(rx.regimes.hand_model((2, 2), **OPTIONS), world)
    assert {"world.known", "world.mistaken"} <= set(by_hand.programs[0].settings)
    assert not {"world.known", "world.mistaken"} & set(by_hand.programs[1].settings)  # the world itself knows no κ
