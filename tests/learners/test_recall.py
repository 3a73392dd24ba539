"""Answers from weights and memory: what is counted, what is trained, and how long a memory lasts."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import regimax as rx
from regimax.learners import recall
from regimax.learners._recall import decaying_adam, recalled
from regimax.regimes import bind
from regimax.regimes.program import as_hparams
from regimax.types import Trajectory

WORLD = rx.envs.Recall(stable=6, dynamic=2, values=4, queries=4, dimensions=5, drift=0.2, apart=True)
NETWORK = rx.networks.pair_memory(4, 6, key_size=5)
KEYS = jax.tree.map(lambda k: k[0], rx.cell_keys(1))
EVALUATE = rx.regimes.Evaluate(every=3, episodes=16)


def test_answers_are_counted_apart():
    asked = jnp.array([[0, 1], [1, 1], [1, 0.0]])
    zeros = jnp.zeros((3, 2))
    trajectory = Trajectory(
        obs_tm1=zeros[..., None],
        first_tm1=zeros,
        a_tm1=jnp.array([[0, 1], [0, 1], [1, 0]]),
        r_t=zeros,
        known_t=zeros,
        discount_t=zeros,
        truncated_t=zeros,
        obs_t=zeros[..., None],
        mask_tm1=asked,
        carry=(),
        extras={"stable": jnp.array([[1, 1], [0, 1], [1, 1.0]])},
    )
    # The likelier answer is 1 everywhere: right in three of four questions, of those about what lasts in all.
    logits = jnp.broadcast_to(jnp.log(jnp.array([0.25, 0.75])), (3, 2, 2))
    loss, metrics = recalled(logits, trajectory)
    expected = (3 * -np.log(0.75) - np.log(0.25)) / 4
    assert loss == pytest.approx(expected)
    assert {name: pytest.approx(float(value)) for name, value in metrics.items()} == {
        "answer_bits": expected / np.log(2),
        "accuracy": 0.75,
        "stable_accuracy": 1.0,
        "dynamic_accuracy": 0.0,
    }


@pytest.mark.parametrize("decay", [0, 8])
def test_the_step_size_falls_along_a_cosine_if_at_all(decay):
    hparams = {"learning_rate": jnp.float32(0.1), "decay_updates": jnp.int32(decay), "max_grad_norm": jnp.float32(9.0)}
    rate = optax.cosine_decay_schedule(0.1, decay) if decay else 0.1
    ours, theirs = decaying_adam(hparams), optax.adam(rate)
    grads = jnp.array([1.0, -2.0])
    states = [ours.init(grads), theirs.init(grads)]
    for _ in range(10):
        (one, states[0]), (other, states[1]) = ours.update(grads, states[0]), theirs.update(grads, states[1])
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-8)


@pytest.fixture(scope="module")
def lives():
    """By name a life's program, its first state and that after two ticks, its settings, and the second tick's rows."""
    made = {}
    phases = {
        "in_context": rx.regimes.continual_phase(6, shown=1, learns=False, network=NETWORK, evaluate=EVALUATE),
        "both, a life's memory": rx.regimes.continual_phase(
            6, shown=1, network=NETWORK, memory="lifetime", evaluate=EVALUATE
        ),
    }
    for name, phase in phases.items():
        program = bind(phase, WORLD)
        hparams = as_hparams(program.settings, program.defaults())
        first = jax.jit(program.init)(KEYS, hparams, {})
        tick = jax.jit(program.tick)
        every = jnp.int32(program.phase.evaluate.every)
        once, _, _ = tick(KEYS, hparams, jnp.int32(6), first, every)
        twice, learning, evaluation = tick(KEYS, hparams, jnp.int32(6), once, every)
        made[name] = program, first, twice, hparams, learning | evaluation
    return made


def test_frozen_weights_are_frozen_while_the_world_goes_on(lives):
    _, first, last, _, rows = lives["in_context"]
    for before, after in zip(jax.tree.leaves(first.learner.params), jax.tree.leaves(last.learner.params), strict=True):
        np.testing.assert_array_equal(before, after)
    assert rows["grad_norm"] == 0
    assert (last.learner.source.world.stable_values != first.learner.source.world.stable_values).any()
    _, first, last, _, rows = lives["both, a life's memory"]
    for before, after in zip(jax.tree.leaves(first.learner.params), jax.tree.leaves(last.learner.params), strict=True):
        assert (before != after).any()
    assert rows["grad_norm"] > 0


def test_success_is_the_lesser_accuracy(lives):
    for _, _, _, _, rows in lives.values():
        assert rows["success"] == min(rows["eval_stable_accuracy"], rows["eval_dynamic_accuracy"])


def test_a_memory_lasts_as_long_as_it_should(lives):
    program, first, last, hparams, _ = lives["both, a life's memory"]
    assert lives["in_context"][2].learner.memory.carry == ()
    assert first.learner.memory.carry.shape == last.learner.memory.carry.shape == (1, 4, 4)
    assert not np.asarray(first.learner.memory.carry).any()
    # A step of the learner leaves the memory that the network has after the sequence, begun with the one before.
    learner = program.learner
    key = jax.random.key(5)

    @jax.jit
    def remembered(state):
        _, shown = learner.source.next(key, state.source, None, hparams)
        return learner.network.apply(
            state.params, state.memory.carry, shown.obs_tm1, jnp.zeros_like(shown.first_tm1), None
        )[0]

    expected = remembered(last.learner)
    local = {program.local[name]: value for name, value in hparams.items()}
    after, _ = jax.jit(learner.update)(key, last.learner, local)
    np.testing.assert_allclose(after.memory.carry, expected, rtol=1e-5, atol=1e-5)
    assert not np.allclose(expected, 0)


def test_what_cannot_be_is_told():
    with pytest.raises(rx.UserError, match=r"unknown memory of recall 'life'\. Did you mean 'lifetime'"):
        recall("life")
    phase = rx.regimes.predict(2, network=NETWORK, learner=recall(), evaluate=rx.regimes.Evaluate(2))
    with pytest.raises(rx.UserError, match="its source shows no sequences that ask; found transcripts"):
        bind(phase, WORLD)
