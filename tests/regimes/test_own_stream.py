"""Prediction beside learning from reward: names, and a control that is the same program."""

import pytest

import regimax as rx
from regimax.learners import objectives

OPTIONS = {"network": rx.networks.mlp((6, 4)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(2, 8)}
WORLD = rx.envs.Exemplar(factors=1, values=3, looks=2, dimensions=5)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "always_on"),
        ({"updates_per_rollout": 64}, "always_on-64"),
        ({"updates_per_rollout": 1 / 2, "gradients": "stopped"}, "always_on-1/2-stopped"),
        ({"learner": {"objective": objectives.contrastive()}}, "always_on"),
    ],
)
def test_always_on_says_what_is_not_usual(options, name):
    assert rx.regimes.always_on(2, **options, **OPTIONS).name == name
    sham = rx.regimes.always_on_sham(2, **options, **OPTIONS)
    assert sham.name == name.replace("always_on", "always_on_sham")
    real = rx.regimes.bind_regime(rx.regimes.always_on(2, **options, **OPTIONS), WORLD)
    control = rx.regimes.bind_regime(sham, WORLD)
    assert [p.spec for p in control.programs] == [p.spec for p in real.programs]
    assert real.settings["rl.prediction.shuffle"].default == 0
    assert control.settings["rl.prediction.shuffle"].default == 1
