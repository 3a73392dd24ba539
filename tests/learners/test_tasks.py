"""A task does what a learner would have to remember: it weights, narrows, shuffles, and leaves others' parts alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import prng
from regimax.learners import Objective, stochastic_policy, task
from regimax.learners.base import make_init, rollouts
from regimax.learners.tasks import share_trunk
from regimax.networks import gru, mlp
from regimax.sources import own_behaviour
from regimax.types import Setting

WORLD = rx.envs.Lock(depth=2, actions=3)
CHANNELS = (rx.channels.decision(), rx.channels.abstraction(), rx.channels.reward())
KEYS = jax.tree.map(lambda k: k[0], prng.cell_keys(1))
LOSSY = {"decision.rate": 0.6, "reward.erasure": 0.3, "abstraction.dimensions": 2}


def settings_of(parts, **changes):
    values = {s.name: s.default for s in parts} | changes
    return {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in parts}


class Case:
    """A task with a loss of one's own, and a rollout through channels that lose."""

    def __init__(self, loss, kind="reinforcement", network=None, settings=(), **how):
        self.source = own_behaviour(6, 5)(WORLD, CHANNELS, None)
        self.objective = Objective({"q": 3}, loss, kind, ("mine",), settings)
        self.network = (network or mlp((4,)))(self.source.num_inputs, {"q": 3})
        self.task = task(self.objective, self.network, self.source, targets=how.pop("targets", ()), **how)
        self.hparams = settings_of((*self.task.settings, *self.source.settings), **LOSSY)
        whole = self.network
        if name := how.get("name"):
            actor = mlp((4,))(self.source.num_inputs, {"policy": 3, "value": 1})
            whole = share_trunk(actor, self.network, ["q"], name)

        def even(params, hidden, hparams):
            code = self.source.code(hparams)
            chances = jnp.log(jnp.ones((1, 6, 3)) / 3)
            return stochastic_policy(self.network, self.task.taken(params), code, lambda outputs: chances)

        def act():
            state = make_init(whole, self.source)(KEYS, self.hparams, {})
            acting = rollouts(self.source, even)
            _, trajectory = acting(jax.random.key(1), state.params, state.source, self.hparams)
            return state, self.task.init(state, self.hparams, acting), trajectory

        self.state, self.held, self.trajectory = jax.jit(act)()

    def step(self, trajectory=None):
        keys = jax.random.split(jax.random.key(2))
        trajectory = self.trajectory if trajectory is None else trajectory
        return jax.jit(self.task.step)(tuple(keys), self.state.params, self.held, trajectory, self.hparams)


def test_a_loss_per_step_counts_where_the_action_was_carried_out_and_its_reward_arrived():
    case = Case(lambda batch: (batch.along()[0]["q"][..., 0] * 0.0 + jnp.arange(30.0).reshape(5, 6), {}))
    x = case.trajectory
    counts = np.asarray(x.mask_tm1 * x.known_t * x.extras["decided"] * (1 - x.truncated_t))
    assert 0 < counts.sum() < counts.size
    assert (counts < np.asarray(x.known_t)).any()
    assert (counts < np.asarray(x.extras["decided"])).any()
    _, _, metrics = case.step()
    np.testing.assert_allclose(
        metrics["loss"], (np.arange(30.0).reshape(5, 6) * counts).sum() / counts.sum(), rtol=1e-6
    )


def test_a_step_that_was_cut_short_does_not_count_for_what_is_learnt_from_rewards():
    x = Case(lambda batch: (batch.weight, {})).trajectory
    assert (x._replace(truncated_t=jnp.ones_like(x.r_t)).credit == 0).all()


def test_a_prediction_counts_where_something_is_shown_whatever_was_rewarded():
    case = Case(
        lambda batch: (batch.along()[0]["q"][..., 0] * 0.0 + batch.weight, {"n": batch.weight.sum()}), "prediction"
    )
    hidden = case.trajectory._replace(mask_tm1=case.trajectory.mask_tm1.at[2].set(0.0))
    _, _, metrics = case.step(hidden)
    assert metrics["n"] == 24


@pytest.mark.parametrize("network", [mlp((4,)), gru(4)], ids=["mlp", "gru"])
def test_features_go_through_the_abstraction_channel(network):
    """With two features that get through, gradients reach no kernel row of a head but two."""
    case = Case(lambda batch: (jnp.square(batch.before_and_after()[1]["q"] - 1.0).sum(-1), {}), network=network)
    params, _, _ = case.step()
    moved = np.asarray(params["q"]["kernel"] != case.state.params["q"]["kernel"]).any(1)
    assert moved.tolist() == [True, True, False, False]


def test_what_follows_is_what_the_network_says_of_the_observations_that_follow():
    said = {}

    def loss(batch):
        before, after = batch.before_and_after()
        said["before"], said["after"] = before["q"], after["q"]
        return before["q"][..., 0], {}

    case = Case(loss)
    case.task.evaluate(jax.random.key(0), case.state.params, case.held, case.trajectory, case.hparams)
    code, net, x = case.source.code(case.hparams), case.network, case.trajectory
    _, whole, _ = net.apply(case.state.params, (), x.obs_t, jnp.zeros_like(x.first_tm1), code)
    goes_on = np.asarray(x.discount_t) > 0
    np.testing.assert_allclose(
        np.asarray(said["after"])[goes_on], np.asarray(whole["q"])[goes_on], rtol=1e-5, atol=1e-6
    )


def test_a_named_task_has_its_own_settings_metrics_and_heads_and_leaves_other_parts_alone():
    other = Setting("width", 2.0, 0, 9, "of something")
    case = Case(
        lambda batch: (batch.along()[0]["q"][..., 0] * batch.hparams["width"], {}), name="aux", settings=(other,)
    )
    assert {s.name for s in case.task.settings} == {"aux.learning_rate", "aux.max_grad_norm", "aux.width"}
    params = case.state.params
    assert set(params) == {"trunk", "policy", "value", "aux_q"}
    after, _, metrics = case.step()
    assert set(metrics) == {"aux_loss", "aux_grad_norm"}
    same = {
        part: bool(jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), params[part], after[part])))
        for part in params
    }
    assert same == {"trunk": False, "policy": True, "value": True, "aux_q": False}


def test_frozen_parts_stay():
    case = Case(lambda batch: (batch.along()[0]["q"][..., 0], {}), freeze=("trunk",))
    after, held, _ = case.step()
    before = case.state.params
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), after["trunk"], before["trunk"]))
    assert (after["q"]["kernel"] != before["q"]["kernel"]).any()
    assert "trunk" not in str(jax.tree.structure(held.opt_state))


def test_fitting_draws_from_the_ring_and_does_as_many_updates_as_it_says():
    case = Case(
        lambda batch: (batch.along()[0]["q"][..., 0], {"one": jnp.ones(())}), replay=True, updates=3, capacity=12
    )
    held = jax.jit(case.task.store)(case.held, case.trajectory)
    assert int(held.ring.pushed) == 6
    _, after, metrics = jax.jit(case.task.fit)(jax.random.key(0), case.state.params, held, case.hparams)
    counts = [int(leaf) for leaf in jax.tree.leaves(after.opt_state) if leaf.shape == () and leaf.dtype == jnp.int32]
    assert counts == [3]
    assert metrics["one"] == 1.0
    assert set(after.ring.streams.extras) == {"decided"}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"kind": "predictions"}, "kind = 'predictions' is neither 'prediction' nor 'reinforcement'"),
        ({"updates": 0}, "task: updates = 0 is not a whole number above 0"),
        ({"replay": True, "capacity": 7}, "capacity = 7 is not a multiple of the 6 streams"),
    ],
)
def test_impossible_tasks_are_told(how, message):
    with pytest.raises(rx.UserError, match=message):
        Case(lambda batch: (batch.weight, {}), **how)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x._replace(r_t=x.r_t[0]), r"task : r_t is \[6\], it takes \[T, E\]"),
        (lambda x: x._replace(obs_t=x.obs_t[..., 0]), r"task : obs_t is \[5, 6\], it takes \[T, E, D\]"),
        (lambda x: x._replace(mask_tm1=x.mask_tm1[:, :2]), r"task : mask_tm1 is \[5, 2\]"),
    ],
)
def test_a_trajectory_of_another_shape_is_told_when_it_is_traced(change, message):
    case = Case(lambda batch: (batch.weight, {}))
    with pytest.raises(AssertionError, match=message):
        jax.eval_shape(lambda x: case.step(x)[0], change(case.trajectory))


def test_a_loss_of_another_shape_is_told():
    case = Case(lambda batch: (batch.weight[0], {}))
    with pytest.raises(AssertionError, match="shape"):
        jax.eval_shape(lambda x: case.step(x)[0], case.trajectory)
