"""The learner of docs/own-learner.md: it gets right what is easily forgotten."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import prng
from regimax.probes import split_flops
from regimax.train import split_update_flops

DOC = Path(__file__).parents[1] / "docs" / "own-learner.md"


@pytest.fixture(scope="module")
def names():
    [code] = re.findall(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)
    found = {}
    exec(compile(code, str(DOC), "exec"), found)
    return found


def program_of(names, channels, world=None, **options):
    how = {"network": rx.networks.mlp((8,)), "num_envs": 8, "evaluate": rx.regimes.Evaluate(2, 8)} | options
    regime = rx.regimes.pure_rl(2, learner=names["dqn"](), channels=channels, **how)
    return rx.regimes.bind_regime(regime, world or rx.envs.Lock(depth=2, actions=3)).programs[0]


def ticked(program, **changes):
    values = program.defaults() | changes
    hparams = {n: jnp.asarray(v, jnp.int32 if program.settings[n].integer else jnp.float32) for n, v in values.items()}
    keys = jax.tree.map(lambda k: k[0], prng.cell_keys(1))
    state = program.init(keys, hparams, {})
    return state, *jax.jit(program.tick)(keys, hparams, jnp.int32(10), state, jnp.int32(2))


def moved(before, after):
    return {
        part
        for part, x in before.learner.params.items()
        if any((a != b).any() for a, b in zip(*map(jax.tree.leaves, (x, after.learner.params[part])), strict=True))
    }


CHANNELS = (rx.channels.decision(), rx.channels.abstraction(), rx.channels.reward())


def test_it_learns_where_all_arrives_and_nothing_where_nothing_does(names):
    program = program_of(names, CHANNELS)
    before, after, learning, _ = ticked(program)
    assert moved(before, after) == {"trunk", "q"}
    assert learning["reward_bits_bound"] >= 0
    for lost in ({"reward.erasure": 1.0},):
        before, after, learning, _ = ticked(program, **lost)
        assert moved(before, after) == set()
    assert learning["loss"] == 0


def test_features_go_through_the_abstraction_channel(names):
    before, after, _, _ = ticked(program_of(names, CHANNELS), **{"abstraction.dimensions": 3})
    rows = np.asarray(before.learner.params["q"]["kernel"] != after.learner.params["q"]["kernel"]).any(1)
    assert rows.tolist() == [True] * 3 + [False] * 5


def test_its_flops_are_those_of_reinforcement_and_its_bits_are_reported(names):
    program = program_of(names, CHANNELS)
    spent = split_update_flops(program)
    assert spent["prediction"] == 0
    assert spent["reinforcement"] > spent["experience"] > 0
    assert split_flops is not None
    _, _, learning, evaluation = ticked(program)
    assert {"reward_per_step", "reward_bits_bound", "outcome_bits_bound", "train_success"} <= set(learning)
    assert {"success", "return", "throughput"} <= set(evaluation)


def test_it_acts_in_a_world_that_truncates_and_on_a_network_with_memory(names):
    pytest.importorskip("gymnax")
    world = rx.envs.gymnax.make("CartPole-v1", max_steps_in_episode=4)
    for network in (rx.networks.mlp((8,)), rx.networks.gru(8)):
        program = program_of(names, CHANNELS, world, network=network, num_steps=8)
        before, after, learning, _ = ticked(program)
        assert moved(before, after) == {"trunk", "q"}
        assert jnp.isfinite(learning["loss"])


def test_the_sweep_plans_and_the_dqn_learns_the_lock(names):
    from regimax.sweep.plan import make_plan

    plan = make_plan(names["sweep"])
    assert {cell.regime for cell in plan.cells} == {"pure_rl", "dqn", "pretrain_dqn"}
    train = rx.make_train(names["sweep"].regimes[1], names["sweep"].world)
    hparams = {"rl.learning_rate": 3e-3}
    success = jax.jit(jax.vmap(lambda k: train(k, hparams).curves["rl"]["success"]))(prng.cell_keys(4))
    assert np.median(success[:, -1]) > np.median(success[:, 0]) + 0.3
