"""Reinforcement and prediction at once: who trains what, how often, on what, and what it costs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import prng
from regimax.learners import actor_critic, always_on, objectives
from regimax.learners._always_on import pattern
from regimax.regimes.program import LaneState
from regimax.sweep.cost import Costs
from regimax.sweep.plan import make_plan
from regimax.train import update_flops

NUM_ENVS = 4
WORLD = rx.envs.Exemplar(factors=1, values=3, looks=2, noise=0.0, dimensions=5)
OPTIONS = {"network": rx.networks.mlp((6, 4)), "num_envs": NUM_ENVS, "evaluate": rx.regimes.Evaluate(4, 8)}
KEYS = jax.tree.map(lambda k: k[0], rx.cell_keys(seeds=1))
STILL = {"prediction.learning_rate": 0.0}


def bound(updates_per_rollout=1, world=WORLD, regime=rx.regimes.always_on, updates=4, **options):
    return rx.regimes.bind_regime(regime(updates, updates_per_rollout, **(OPTIONS | options)), world).programs[0]


def hparams_of(program, **changes):
    values = {program.local[name]: value for name, value in program.defaults().items()} | changes
    return {
        name: jnp.asarray(value, jnp.int32 if isinstance(value, int) else jnp.float32) for name, value in values.items()
    }


def moved(before, after):
    """The parts that an update has changed."""
    return {
        name
        for name in before
        if any((a != b).any() for a, b in zip(jax.tree.leaves(before[name]), jax.tree.leaves(after[name]), strict=True))
    }


@pytest.fixture(scope="module")
def seldom():
    """One prediction after every second update, for five updates of which none is followed by one."""
    program = bound(1 / 2)
    learner, hparams = program.learner, hparams_of(program)
    states = [jax.jit(learner.init)(KEYS, hparams, {})]
    update = jax.jit(learner.update)
    for i in range(5):
        states.append(update(jax.random.fold_in(jax.random.key(0), i), states[-1], hparams)[0])
    return program, hparams, states


def test_the_part_of_reinforcement_is_the_actor_critic(seldom):
    program, hparams, states = seldom
    alone = actor_critic()(OPTIONS["network"], program.learner.source, (), 8)
    state = jax.jit(alone.init)(KEYS, hparams, {})
    update = jax.jit(alone.update)
    for i, own in enumerate(states):
        assert moved(state.params, own.params) == set()
        state, _ = update(jax.random.fold_in(jax.random.key(0), i), state, hparams)
    assert moved(states[0].params, states[-1].params) == {"trunk", "policy", "value"}


def test_the_ring_fills_with_pairs_of_the_learners_own(seldom):
    _, _, states = seldom
    assert [int(state.memory.task.ring.pushed) for state in states] == [NUM_ENVS * i for i in range(6)]
    held = states[-1].memory.task.ring.streams
    hidden = states[-1].source.world.hidden
    looks = np.asarray(hidden.looks)[0, :3, :2].reshape(6, 5)

    def value(obs):
        distance = np.abs(np.asarray(obs)[:, None] - looks).max(-1)
        assert (distance.min(-1) < 1e-6).all()
        return distance.argmin(-1) // 2

    filled = NUM_ENVS * 5
    first, second = held.obs_tm1[:filled, 0], held.obs_t[:filled, 0]
    np.testing.assert_array_equal(value(first), value(second))
    assert (np.asarray(first) != np.asarray(second)).any()
    assert held.mask_tm1[:filled].all()
    assert not held.mask_tm1[filled:].any()


def test_what_does_not_arrive_is_not_to_be_predicted():
    program = bound(1, channels=(rx.channels.sensory(), rx.channels.outcome(), rx.channels.reward()))
    init, update = jax.jit(program.learner.init), jax.jit(program.learner.update)
    for erasure in (0.0, 1.0):
        hparams = hparams_of(program, **{"sensory.erasure": erasure})
        state, metrics = update(jax.random.key(0), init(KEYS, hparams, {}), hparams)
        assert (state.memory.task.ring.streams.mask_tm1[:NUM_ENVS] == 1.0 - erasure).all()
        assert (metrics["prediction_loss"] > 0) == (erasure == 0)


def test_prediction_trains_the_trunk_and_its_own_head(seldom):
    program, hparams, states = seldom
    after, metrics = jax.jit(program.learner.interlude.run)(jax.random.key(1), states[-1], hparams)
    assert moved(states[-1].params, after.params) == {"trunk", "prediction_view"}
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, states[-1])
    assert set(metrics) == {"prediction_loss", "prediction_grad_norm", "prediction_view_error"}
    assert np.isfinite(list(metrics.values())).all()


def test_predictions_come_after_every_second_update(seldom):
    program, hparams, states = seldom
    zero, given = jnp.int32(0), {name: hparams[program.local[name]] for name in program.settings}
    tick, start = jax.jit(program.tick), LaneState(states[0], zero, zero, zero)
    ticked, learning, evaluation = tick(KEYS, given, jnp.int32(4), start, jnp.int32(4))
    state, update, run = states[0], jax.jit(program.learner.update), jax.jit(program.learner.interlude.run)
    for count in range(4):
        state, _ = update(prng.named(KEYS.learner, "update", "rl", jnp.int32(count)), state, hparams)
        if count in (1, 3):
            state, _ = run(prng.named(KEYS.learner, "interlude", "rl", jnp.int32(count + 1)), state, hparams)
    for one, other in zip(jax.tree.leaves(ticked.learner.params), jax.tree.leaves(state.params), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert {"loss", "prediction_loss", "success", "eval_view_error"} <= set(learning | evaluation)
    with pytest.raises(rx.UserError, match=r"evaluate.every = 4 is not a multiple of 3, the updates between"):
        bound(1 / 3)


def test_a_stopped_gradient_leaves_the_trunk_to_prediction():
    program = bound(2, gradients="stopped")
    init, update = jax.jit(program.learner.init), jax.jit(program.learner.update)
    for changes, parts in (
        (STILL, {"policy", "value"}),
        ({"learning_rate": 0.0}, {"trunk", "prediction_view"}),
        ({}, {"trunk", "prediction_view", "policy", "value"}),
    ):
        hparams = hparams_of(program, **changes)
        state = init(KEYS, hparams, {})
        assert moved(state.params, update(jax.random.key(0), state, hparams)[0].params) == parts


def test_action_values_may_take_the_place_of_the_actor_critic():
    program = bound(2, gradients="stopped", learner={"values": {"updates_per_rollout": 2, "paid_only": True}})
    init, update = jax.jit(program.learner.init), jax.jit(program.learner.update)
    for changes, parts in (
        (STILL, {"action_values"}),
        ({"learning_rate": 0.0}, {"trunk", "prediction_view"}),
        ({"reward.erasure": 1.0}, {"trunk", "prediction_view"}),
    ):
        hparams = hparams_of(program, **changes)
        state = init(KEYS, hparams, {})
        after, metrics = update(jax.random.key(0), state, hparams)
        assert moved(state.params, after.params) == parts
        assert {"loss", "prediction_loss"} <= set(metrics)
    assert {"epsilon", "tau", "prediction.learning_rate"} <= {s.name for s in program.learner.settings}
    with pytest.raises(rx.UserError, match="'normalize' is an option of an actor-critic"):
        bound(2, learner={"values": {}, "normalize": False})


def test_effort_grows_by_predictions_and_steps_do_not():
    flops = {k: update_flops(bound(k)) for k in (1 / 4, 1, 3)}
    each = flops[3] - flops[1]
    assert each > 0
    assert flops[1] - flops[1 / 4] == pytest.approx(3 / 8 * each, rel=2e-3)  # but for the means of metrics
    regimes = [rx.regimes.pure_rl(4, **OPTIONS), *(rx.regimes.always_on(4, k, **OPTIONS) for k in (1, 3))]
    plan = make_plan(rx.Sweep(world=WORLD, regimes=regimes, seeds=1))
    costs = Costs(plan)
    alone, once, often = (costs(plan.stages[cell.path[-1]]) for cell in plan.cells)
    assert alone.env_steps == once.env_steps == often.env_steps == NUM_ENVS
    assert once.passive_steps == often.passive_steps == 0
    assert once.bits_sensory == often.bits_sensory == 2 * alone.bits_sensory  # its replay is not new
    assert (alone.bits_reward, alone.bits_decision) == (often.bits_reward, often.bits_decision)


def test_prediction_of_ones_own_stream_comes_close_to_the_noise_and_its_sham_does_not():
    world = rx.envs.Exemplar(factors=1, values=4, looks=1, noise=0.3, dimensions=16)
    options = {"network": rx.networks.mlp((16,)), "num_envs": 16, "evaluate": rx.regimes.Evaluate(50, 64)}
    regime = rx.regimes.always_on(50, 16, **options)
    train = rx.make_train(regime, world)
    run = jax.jit(lambda hparams: train(KEYS, hparams).curves["rl"]["eval_view_error"][-1])
    hparams = train.default_hparams | {"rl.prediction.learning_rate": jnp.float32(1e-2)}
    real, sham = run(hparams), run(hparams | {"rl.prediction.shuffle": jnp.int32(1)})
    assert 0.8 * 0.3**2 < real < 1.5 * 0.3**2
    assert sham > 0.5
    control = rx.make_train(rx.regimes.always_on_sham(50, 16, **options), world)
    assert control.default_hparams["rl.prediction.shuffle"] == 1
    assert control.bound.programs[0].spec == train.bound.programs[0].spec  # the same program


def test_what_is_predicted_may_be_called_as_a_head_of_reinforcement():
    """Recall shows a field named value."""
    world = rx.envs.Recall()
    program = bound(1, world=world, learner={"objective": objectives.masked()})
    params = jax.eval_shape(program.learner.network.init, jax.random.key(0))
    assert {"value", "prediction_value"} <= set(params)
    assert params["prediction_value"]["kernel"].shape[-1] == world.max_values


@pytest.mark.parametrize("predictions", [0, -1, 2.5, 0.3, "many", float("nan")])
def test_impossible_patterns_are_told(predictions):
    with pytest.raises(rx.UserError, match="is neither a whole number above 0 nor 1/2"):
        pattern(predictions)


def test_what_does_not_fit_is_told():
    with pytest.raises(rx.UserError, match="gradients = 'none' is neither 'shared' nor 'stopped'"):
        always_on(gradients="none")
    with pytest.raises(rx.UserError, match="capacity = 6 is not a multiple of the 4 streams"):
        bound(1, learner={"capacity": 6})
    with pytest.raises(rx.UserError, match="must be the learner's own behaviour"):
        rx.regimes.bind(rx.regimes.predict(4, learner=always_on(), **OPTIONS), WORLD)
    with pytest.raises(rx.UserError, match=r"unknown thing to record 'outcomes'. Did you mean 'outcome'"):
        rx.sources.own_behaviour(record=("outcomes",))
