"""Streams, predictors, and what is trained after pretraining."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.learners import objectives, prediction

OPTIONS = {"network": rx.networks.mlp((6, 4)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(2, 8)}
WORLD = rx.envs.Exemplar(factors=1, values=3, looks=2, dimensions=5)
KEYS = jax.tree.map(lambda k: k[0], rx.cell_keys(seeds=1))


def trained(program):
    """Numbers that a phase trains."""
    params = jax.eval_shape(program.learner.network.init, jax.random.key(0))
    parts = {name: part for name, part in params.items() if name not in program.phase.freeze}
    return sum(leaf.size for leaf in jax.tree.leaves(parts))


HEADS = (4 + 1) * 3 + (4 + 1)
KERNELS = [(5, 6), (6, 4)]


@pytest.mark.parametrize(
    ("finetune", "name", "numbers"),
    [
        ("full", "pretrain_rl", HEADS + sum(n * m + m for n, m in KERNELS)),
        ("frozen", "pretrain_rl-frozen", HEADS),
        ("rank-1", "pretrain_rl-rank-1", HEADS + sum(n + m for n, m in KERNELS)),
        ("rank-3", "pretrain_rl-rank-3", HEADS + 3 * sum(n + m for n, m in KERNELS)),
    ],
)
def test_how_much_is_trained(finetune, name, numbers):
    regime = rx.regimes.pretrain_rl((2, 2), finetune=finetune, **OPTIONS)
    assert regime.name == name
    first, second = rx.regimes.bind_regime(regime, WORLD).programs
    assert trained(second) == numbers
    plain = rx.regimes.bind_regime(rx.regimes.pretrain_rl((2, 2), **OPTIONS), WORLD).programs[0]
    assert first.spec == plain.spec  # so that pretraining is shared


def test_adapters_are_trained_and_leave_what_was_inherited_as_it_is():
    first, second = rx.regimes.bind_regime(rx.regimes.pretrain_rl((2, 2), finetune="rank-2", **OPTIONS), WORLD).programs
    hparams = {second.local[name]: jnp.asarray(value) for name, value in second.defaults().items()}
    trunk = jax.jit(first.learner.network.init)(jax.random.key(7))["trunk"]
    before = second.learner.init(KEYS, hparams, {"trunk": trunk})
    assert second.phase.inherit == second.phase.freeze == ("trunk",)
    after, _ = jax.jit(second.learner.update)(jax.random.key(0), before, hparams)
    for one, other in zip(jax.tree.leaves(trunk), jax.tree.leaves(after.params["trunk"]), strict=True):
        np.testing.assert_array_equal(one, other)
    for pair in after.params["adapter"].values():
        assert (pair["b"] != 0).any()  # it was zero, so the first output was that of the trunk


@pytest.mark.parametrize("finetune", ["rank-0", "half", 1])
def test_another_mode_is_told(finetune):
    with pytest.raises(rx.UserError, match="is none of 'full', 'frozen', 'rank-1'"):
        rx.regimes.pretrain_rl((2, 2), finetune=finetune, **OPTIONS)


def test_trunks_are_inherited_whatever_they_were_asked():
    for make in (objectives.masked, objectives.contrastive, objectives.latent):
        regime = rx.regimes.pretrain_rl((2, 2), predictor=prediction(make()), **OPTIONS)
        first, second = rx.regimes.bind_regime(regime, WORLD).programs
        params = jax.eval_shape(second.learner.network.init, jax.random.key(0))
        assert set(params) == {"trunk", "policy", "value"}
        assert first.spec != second.spec
    sham = rx.regimes.sham_rl((2, 2), predictor=prediction(objectives.latent()), **OPTIONS)
    assert rx.regimes.bind_regime(sham, WORLD).settings["pretrain.shuffle"].default == 1
    imitation = rx.regimes.imitation_rl((2, 2), predictor=prediction(objectives.latent()), **OPTIONS)
    with pytest.raises(rx.UserError, match="nobody acts in the stream of Exemplar: no policy to inherit"):
        rx.regimes.bind_regime(imitation, WORLD)
