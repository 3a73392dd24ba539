"""Q-learning: its target, who acts, and what it learns from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import prng
from regimax.learners import Batch, q_learning
from regimax.learners.action_values import HEAD, slow_action_values
from regimax.learners.tasks import last_obs_t
from regimax.networks import Network, mlp
from regimax.sources import own_behaviour
from regimax.train import split_update_flops

KEYS = jax.tree.map(lambda k: k[0], prng.cell_keys(1))
WORLD = rx.envs.Lock(depth=2, actions=3)
CHANNELS = (rx.channels.decision(), rx.channels.reward())


def made(world=WORLD, **options):
    return q_learning(**options)(mlp((8,)), own_behaviour(8, 4)(world, CHANNELS, None), (), 64)


def settings_of(learner, **changes):
    settings = (*learner.settings, *learner.source.settings)
    values = {s.name: s.default for s in settings} | changes
    return {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in settings}


def test_the_copy_values_what_looks_best_now():
    """Against the target written out in float64, on a table of values by observation."""
    source = own_behaviour(3, 2)(WORLD, (), None)
    objective, rng = slow_action_values(source), np.random.default_rng(0)

    def apply(params, carry, x, first, code):
        return carry, {HEAD: x @ params["table"]}, {"features": x}

    network = Network(lambda key: None, lambda n: (), apply, 5, ("table",))
    now, slow = rng.normal(size=(2, 5, 3))
    seen = np.eye(5)[rng.integers(0, 5, (3, 3))]  # steps 0, 1 and what follows
    action, reward = rng.integers(0, 3, (2, 3)), rng.normal(size=(2, 3))
    discount = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    zeros = jnp.zeros((2, 3))
    trajectory = rx.types.Trajectory(
        obs_tm1=jnp.asarray(seen[:2], jnp.float32),
        first_tm1=zeros,
        a_tm1=jnp.asarray(action),
        r_t=jnp.asarray(reward, jnp.float32),
        known_t=zeros + 1,
        discount_t=jnp.asarray(discount, jnp.float32),
        truncated_t=zeros,
        obs_t=jnp.asarray(seen[1:], jnp.float32),
        mask_tm1=zeros + 1,
        carry=(),
        extras={},
    )
    params, memory = ({"table": jnp.asarray(x, jnp.float32)} for x in (now, slow))
    legal = np.array([True, True, False])
    hparams = {"discount": jnp.float32(0.9)}

    def loss_of(x):
        return objective.loss(Batch(None, network, params, None, memory, x, x, zeros, jnp.asarray(legal), hparams))[0]

    loss = loss_of(trajectory)
    best = np.where(legal, seen[1:] @ now, -np.inf).argmax(-1)
    then = np.take_along_axis(seen[1:] @ slow, best[..., None], -1)[..., 0]
    chosen = np.take_along_axis(seen[:2] @ now, action[..., None], -1)[..., 0]
    np.testing.assert_allclose(loss, 0.5 * (chosen - reward - 0.9 * discount * then) ** 2, rtol=1e-5)
    np.testing.assert_array_equal(loss, loss_of(last_obs_t(trajectory)))  # which is all that its ring keeps
    followed = objective.refresh(memory, params, {"tau": jnp.float32(0.25)})
    np.testing.assert_allclose(followed["table"], 0.75 * slow + 0.25 * now, rtol=1e-5, atol=1e-7)


def test_chance_is_in_learning_alone():
    learner = made()
    hparams = settings_of(learner, epsilon=0.3)
    state = jax.jit(learner.init)(KEYS, hparams, {})
    obs = jnp.zeros((4, learner.source.num_inputs))

    def act(state):
        policy = learner.policy(state.params, state.source.world, hparams)
        return policy.act((), obs, jnp.ones(4), jnp.full(4, 0.5))

    _, _, extras = jax.jit(act)(state)
    assert np.sort(np.exp(extras["log_probs"]), axis=-1)[:, -1].tolist() == [1.0] * 4
    _, after, metrics = jax.jit(lambda s: (s, *learner.update(jax.random.key(1), s, hparams)))(state)
    taken = np.asarray(after.memory.ring.streams.a_tm1)
    assert len(np.unique(taken)) > 1
    assert metrics["loss"] > 0


@pytest.mark.parametrize(("lost", "learns"), [(0.0, True), (1.0, False)])
def test_only_what_arrived_teaches(lost, learns):
    learner = made(updates_per_rollout=2)
    hparams = settings_of(learner, **{"reward.erasure": lost})
    state = jax.jit(learner.init)(KEYS, hparams, {})
    after, _ = jax.jit(learner.update)(jax.random.key(1), state, hparams)
    moved = [(a != b).any() for a, b in zip(*map(jax.tree.leaves, (after.params, state.params)), strict=True)]
    assert any(moved) == learns


def test_where_it_asks_for_it_what_is_paid_is_all_that_it_keeps():
    learner = made(paid_only=True)
    hparams = settings_of(learner, **{"reward.erasure": 0.75})
    state, update = jax.jit(learner.init)(KEYS, hparams, {}), jax.jit(learner.update)
    for i in range(4):
        state, _ = update(jax.random.key(i), state, hparams)
    ring = state.memory.ring
    held = ring.streams.credit[: int(ring.pushed)]
    assert 0 < int(ring.pushed) < 4 * 8
    assert (held.max(axis=-1) == 1).all()


def test_it_learns_an_exemplar_in_fewer_episodes_than_a2c():
    """The strongest of the learners from scratch in this world: its replay makes more of every reward."""
    world = rx.envs.Exemplar(factors=1, values=3, looks=4, dimensions=8)
    options = {"network": mlp((32,)), "num_envs": 16, "evaluate": rx.regimes.Evaluate(every=60, episodes=64)}
    final = {}
    for name, learner in (("a2c", None), ("q", q_learning())):
        train = rx.make_train(rx.regimes.pure_rl(60, learner=learner, **options), world)
        hparams = train.default_hparams | {"rl.learning_rate": jnp.float32(5e-3)}
        result = jax.jit(jax.vmap(train, in_axes=(0, None)))(rx.cell_keys(8), hparams)
        final[name] = np.asarray(result.curves["rl"]["success"][:, -1]).mean()
    assert final["q"] > 0.9
    assert final["q"] > final["a2c"] + 0.1


def test_flops_are_those_of_reinforcement():
    regime = rx.regimes.pure_rl(
        2, learner=q_learning(), network=mlp((8,)), num_envs=8, evaluate=rx.regimes.Evaluate(2, 8)
    )
    spent = split_update_flops(rx.regimes.bind_regime(regime, WORLD).programs[0])
    assert spent["prediction"] == 0
    assert spent["reinforcement"] > spent["experience"] > 0


def test_what_cannot_be_is_told():
    with pytest.raises(rx.UserError, match="updates = 0 is not a whole number above 0"):
        made(updates_per_rollout=0)
    with pytest.raises(rx.UserError, match="capacity = 9 is not a multiple of the 8 streams"):
        made(capacity=9)
