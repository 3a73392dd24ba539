"""A learned reward: what it is learnt from, what it pays, and that it is credit and no evidence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.channels import reward
from regimax.learners import actor_critic, reward_model
from regimax.learners.shaping import delivered, later_rewards, send_potential, send_rewards, shares
from regimax.sweep.cost import Costs
from regimax.sweep.plan import make_plan
from regimax.types import Trajectory

NUM_ENVS = 4
WORLD = rx.envs.Exemplar(factors=1, values=3, looks=2, decisions=2, dimensions=5)
OPTIONS = {"network": rx.networks.mlp((6, 4)), "num_envs": NUM_ENVS, "evaluate": rx.regimes.Evaluate(4, 8)}
KEYS = jax.tree.map(lambda k: k[0], rx.cell_keys(seeds=1))
CHANNEL = reward(name="model")


def streams(last, first, **extras):
    """A trajectory of which only the episodes' borders matter."""
    last, zeros = jnp.asarray(last, jnp.float32), jnp.zeros(np.shape(last))
    return Trajectory(
        obs_tm1=zeros[..., None],
        first_tm1=jnp.asarray(first, jnp.float32),
        a_tm1=zeros.astype(jnp.int32),
        r_t=zeros,
        known_t=zeros + 1.0,
        discount_t=1.0 - last,
        truncated_t=zeros,
        obs_t=zeros[..., None],
        mask_tm1=zeros + 1.0,
        carry=(),
        extras={name: jnp.asarray(value, jnp.float32) for name, value in extras.items()},
    )


def test_every_step_is_marked_with_the_outcome_of_its_own_episode_where_it_arrived():
    marked = delivered(
        WORLD,
        streams(
            last=[[0, 1], [1, 0], [0, 0], [1, 1], [0, 0]],
            first=[[1, 0], [0, 1], [1, 0], [0, 0], [1, 1]],
            outcome=[[9, 1], [1, 9], [9, 9], [0, 1], [9, 9]],
            outcome_present=[[0, 1], [1, 0], [0, 0], [1, 0], [0, 0]],
        ),
    )
    assert marked.mask_tm1.T.tolist() == [[1, 1, 1, 1, 0], [1, 0, 0, 0, 0]]
    assert (marked.r_t * marked.mask_tm1).T.tolist() == [[1, 1, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert marked.extras == {}


@pytest.mark.parametrize(
    ("horizon", "rewards", "known"),
    [
        (0, [[0.1, 0.2, 0.3, 0.4, 0.5], [0.6, 0.7, 0.8, 0.9, 1.0]], [[1, 1, 0, 1, 1], [1, 1, 1, 1, 1]]),
        (1, [[0.2, 0, 0, 0.5, 0], [0, 0.8, 0.9, 0, 0]], [[1, 0, 0, 1, 0], [0, 1, 1, 0, 0]]),
        (2, [[0, 0, 0, 0, 0], [0, 0.9, 0, 0, 0]], [[0, 0, 0, 0, 0], [0, 1, 0, 0, 0]]),
    ],
)
def test_a_later_reward_is_that_of_the_same_episode_where_it_arrived(horizon, rewards, known):
    """Episodes of 3 and 2 steps, and of 1, 3 and 1; one reward was lost, and one step is padding."""
    lived = streams(
        last=[[0, 1], [0, 0], [1, 0], [0, 1], [1, 1]],
        first=[[1, 1], [0, 1], [0, 0], [1, 0], [0, 1]],
    )
    paid = jnp.arange(1, 11, dtype=jnp.float32).reshape(2, 5).T / 10
    lived = lived._replace(r_t=paid, known_t=lived.known_t.at[2, 0].set(0.0))
    found, there = later_rewards(WORLD, lived, lived, jnp.int32(horizon))
    assert there.T.tolist() == known
    np.testing.assert_allclose((found * there).T, np.asarray(rewards) * known, rtol=1e-6)
    # A sham is told others' rewards, and when they arrived.
    others = lived._replace(r_t=paid[:, ::-1], known_t=lived.known_t[:, ::-1])
    told, there = later_rewards(WORLD, lived, others, jnp.int32(0))
    np.testing.assert_allclose(told, paid[:, ::-1])
    assert there.T.tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 1, 1]]


def test_shares_are_a_mean_over_whole_episodes():
    share = jnp.asarray([[0.2, 0.9], [0.4, 0.5], [0.9, 0.7], [0.5, 0.1]])
    lived = streams(last=[[0, 1], [1, 0], [0, 1], [0, 1]], first=[[1, 0], [0, 1], [1, 0], [0, 1]])
    mean, known = shares(jax.scipy.special.logit(share), lived, jnp.ones((4, 2)).at[3, 1].set(0.0))
    assert known.T.tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]  # one began before, one goes on, of one it was lost
    np.testing.assert_allclose(jax.nn.sigmoid(mean)[1, 0], 0.3, rtol=1e-5)
    np.testing.assert_allclose(jax.nn.sigmoid(mean)[2, 1], 0.6, rtol=1e-5)


def channel_settings(**changes):
    values = {s.name: s.default for s in CHANNEL.settings} | {"model.levels": 5, "discount": 0.5} | changes
    return {n: jnp.asarray(v, jnp.int32 if n == "model.levels" else jnp.float32) for n, v in values.items()}


@pytest.mark.parametrize("erasure", [0.0, 0.5])
def test_the_potential_changes_an_episodes_return_by_its_opening_alone(erasure):
    """Levels are quarters and the discount a half: sums are exact. Episodes of 1 … 4 steps run across rollouts."""
    rng, (T, E, rollouts) = np.random.default_rng(0), (6, 8, 8)
    last = rng.uniform(size=(T * rollouts, E)) < 0.4
    first = np.concatenate([np.ones((1, E), bool), last[:-1]])
    potential = rng.uniform(size=(T * rollouts + 1, E)).astype(np.float32)
    settings, held, paid = channel_settings(**{"model.erasure": erasure}), jnp.zeros(E), []
    send = jax.jit(lambda key, p, t, h: send_potential(key, CHANNEL, p, t, h, settings))
    for i in range(rollouts):
        rows = slice(T * i, T * (i + 1))
        part = potential[T * i : T * (i + 1) + 1]
        pay, _, held = send(jax.random.key(i), part, streams(last[rows], first[rows]), held)
        paid.append(pay)
    paid, openings = np.concatenate(paid), []
    for e in range(E):
        begin = 0
        for end in np.flatnonzero(last[:, e]):
            total = float(np.sum(paid[begin : end + 1, e] * 0.5 ** np.arange(end + 1 - begin)))
            opening = float(np.round(potential[begin, e] * 4) / 4)
            assert total == -opening or (erasure and total == 0.0)
            openings.append(total == -opening)
            begin = end + 1
    assert len(openings) > 100
    assert np.abs(paid).max() > 0.4
    if erasure:
        assert 0.3 < np.mean(openings) < 0.8


def test_direct_pay_comes_in_levels_and_is_silent_where_it_is_lost():
    pay = jnp.asarray([[0.1, 0.9], [0.6, 0.4], [0.45, 0.2]])
    borders = streams(last=[[0, 0], [1, 0], [0, 0]], first=[[1, 1], [0, 0], [1, 0]])
    state = jax.tree.map(lambda x: jnp.stack([x, x]), CHANNEL.init({}, jnp.zeros(())))

    def arriving(**changes):
        value, _, _ = send_rewards(jax.random.key(0), CHANNEL, pay, borders, state, channel_settings(**changes))
        return value.T.tolist()

    assert arriving() == [[0, 0.5, 0.5], [1.0, 0.5, 0.25]]
    assert arriving(**{"model.erasure": 1.0}) == [[0, 0, 0], [0, 0, 0]]
    assert arriving(**{"model.rate": 0.5}) == [[0, 0.75, 0], [0, 1.0, 0]]  # what waits is added up


def bound(regime, **options):
    return rx.regimes.bind_regime(regime((4, 4), **(OPTIONS | options)), WORLD)


def hparams_of(program, **changes):
    values = {program.local[name]: value for name, value in program.defaults().items()} | changes
    dtypes = {name: jnp.int32 if isinstance(value, int) else jnp.float32 for name, value in values.items()}
    return {name: jnp.asarray(value, dtypes[name]) for name, value in values.items()}


def test_without_weight_it_is_the_actor_critic_and_with_it_is_not():
    program = bound(rx.regimes.reward_model).programs[1]
    learner = program.learner
    alone = actor_critic()(OPTIONS["network"], learner.source, (), 8)
    init, update = jax.jit(learner.init), jax.jit(learner.update)
    hparams = hparams_of(program, **{"model.weight": 0.0})
    plain, _ = jax.jit(alone.update)(jax.random.key(0), jax.jit(alone.init)(KEYS, hparams, {}), hparams)
    own, unpaid = update(jax.random.key(0), init(KEYS, hparams, {}), hparams)
    for part in ("trunk", "policy", "value"):
        for one, other in zip(jax.tree.leaves(own.params[part]), jax.tree.leaves(plain.params[part]), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert set(own.params) == {"trunk", "policy", "value", "model_outcome"}
    weighted, metrics = update(jax.random.key(0), init(KEYS, hparams, {}), hparams_of(program))
    assert abs(metrics["value_loss"] / unpaid["value_loss"] - 1.0) > 0.1  # the critic is asked for another return
    assert weighted.source.received == own.source.received  # what arrived, and no more
    assert 0 <= metrics["model_bits_bound"] <= 3


def test_a_model_of_the_outcome_tells_right_from_wrong_and_its_sham_does_not():
    """The policy stays random; of its outcomes half are lost."""
    world = rx.envs.Exemplar(factors=1, values=2, looks=1, noise=0.0, dimensions=8)
    options = {"network": rx.networks.mlp((8,)), "num_envs": 32, "evaluate": rx.regimes.Evaluate(20, 64)}
    phase = rx.regimes.reinforce(
        60, learner=reward_model("direct", updates_per_rollout=8), record=("outcome",), **options
    )
    train = rx.make_train(rx.regimes.Regime("model", (phase,)), world)
    run = jax.jit(lambda hparams: {n: c[-1] for n, c in train(KEYS, hparams).curves["rl"].items()})
    changes = {"rl.learning_rate": 0.0, "rl.model.learning_rate": 0.02, "outcome.erasure": 0.5}
    hparams = train.default_hparams | {name: jnp.float32(value) for name, value in changes.items()}
    real, sham = run(hparams), run(hparams | {"rl.model.shuffle": jnp.int32(1)})
    assert real["eval_outcome_bits"] < 0.2
    assert real["eval_outcome_spread"] > 0.4
    assert sham["eval_outcome_bits"] == pytest.approx(1.0, abs=0.1)
    assert sham["eval_outcome_spread"] < 0.15


@pytest.mark.parametrize(
    ("expects", "world", "horizon"),
    [
        # What was done two steps before a reward, or that makes half of an outcome, is told by no outcome alone.
        ("reward", rx.envs.Corridor(positions=2, looks=1, noise=0.0, lag=2, persistence=0.0, dimensions=8), 2),
        ("sum", rx.envs.Exemplar(factors=1, values=2, looks=1, decisions=2, graded=True, noise=0.0, dimensions=8), 0),
    ],
)
def test_what_a_step_is_worth_is_found_where_others_share_its_outcome(expects, world, horizon):
    """The policy stays random: what tells right from wrong by a spread of one half was found by the model alone."""
    options = {"network": rx.networks.mlp((8,)), "num_envs": 32, "evaluate": rx.regimes.Evaluate(20, 64)}
    learner = reward_model("direct", updates_per_rollout=8, expects=expects)
    phase = rx.regimes.reinforce(60, learner=learner, record=("outcome",), **options)
    train = rx.make_train(rx.regimes.Regime("model", (phase,)), world)
    run = jax.jit(lambda hparams: {n: c[-1] for n, c in train(KEYS, hparams).curves["rl"].items()})
    changes = {"rl.learning_rate": 0.0, "rl.model.learning_rate": 0.02}
    hparams = train.default_hparams | {name: jnp.float32(value) for name, value in changes.items()}
    if expects == "reward":
        hparams |= {"rl.model.horizon": jnp.int32(horizon)}
    real, sham = run(hparams), run(hparams | {"rl.model.shuffle": jnp.int32(1)})
    assert real["eval_outcome_spread"] > 0.4
    assert sham["eval_outcome_spread"] < 0.15


def test_a_learned_reward_is_no_evidence():
    regimes = [make((4, 4), **OPTIONS) for make in (rx.regimes.pretrain_rl, rx.regimes.reward_model)]
    plan = make_plan(rx.Sweep(world=WORLD, regimes=regimes, seeds=1))
    costs = Costs(plan)
    without, with_it = (costs(plan.stages[cell.path[-1]]) for cell in plan.cells)
    assert plan.cells[0].path[0] == plan.cells[1].path[0]  # pretraining is shared
    assert with_it.flops > without.flops
    flops = dict.fromkeys((name for name in without._fields if name.startswith("flops")), 0.0)
    assert with_it._replace(**flops) == without._replace(**flops)
    assert without.bits_outcome > 0
    assert with_it.flops_prediction > without.flops_prediction == 0


@pytest.mark.parametrize("expects", ["outcome", "reward"])
def test_a_ring_of_what_was_paid_holds_nothing_else(expects):
    """Three outcomes of four are lost; the step before is one at which nothing is due."""
    program = bound(rx.regimes.reward_model, form="direct", learner={"expects": expects, "paid_only": True}).programs[1]
    hparams = hparams_of(program, **{"outcome.erasure": 0.75})
    state, update = jax.jit(program.learner.init)(KEYS, hparams, {}), jax.jit(program.learner.update)
    for i in range(4):
        state, _ = update(jax.random.key(i), state, hparams)
    ring = state.memory.task.ring
    held, pushed = ring.streams, int(ring.pushed)
    arrived = held.mask_tm1[:pushed] if expects == "outcome" else (held.known_t * (held.discount_t == 0))[:pushed]
    assert 0 < pushed < 4 * NUM_ENVS
    assert (arrived.max(axis=-1) == 1).all()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "reward_model"),
        ({"form": "direct", "finetune": "frozen", "learner": {"gradients": "shared"}}, "reward_model-direct-frozen"),
    ],
)
def test_the_control_is_the_same_program(options, name):
    real, sham = bound(rx.regimes.reward_model, **options), bound(rx.regimes.reward_model_sham, **options)
    assert (real.regime.name, sham.regime.name) == (name, name.replace("reward_model", "reward_model_sham"))
    assert [p.spec for p in real.programs] == [p.spec for p in sham.programs]
    assert real.settings["rl.model.shuffle"].default == 0
    assert sham.settings["rl.model.shuffle"].default == 1
    assert sham.settings["pretrain.shuffle"].default == 0
    assert ("rl.model.rate" in real.settings) == (options.get("form") == "direct")


class Cut(rx.envs.Exemplar):
    """A world that may cut episodes short."""

    truncates = True


def test_what_does_not_fit_is_told():
    with pytest.raises(rx.UserError, match="form = 'both' is neither 'shaping' nor 'direct'"):
        reward_model("both")
    with pytest.raises(rx.UserError, match="gradients = 'none' is neither"):
        reward_model(gradients="none")
    with pytest.raises(rx.UserError, match="expects = 'returns' is none of 'outcome', 'sum' and 'reward'"):
        reward_model("direct", expects="returns")
    with pytest.raises(rx.UserError, match="expects = 'sum' is no potential"):
        reward_model(expects="sum")
    with pytest.raises(rx.UserError, match="updates_per_rollout = 0 is not a whole number above 0"):
        reward_model(updates_per_rollout=0)
    with pytest.raises(rx.UserError, match="does not record outcomes"):
        rx.regimes.bind(rx.regimes.reinforce(4, learner=reward_model(), **OPTIONS), WORLD)
    phase = rx.regimes.reinforce(4, learner=reward_model(), record=("outcome",), **OPTIONS)
    with pytest.raises(rx.UserError, match="truncates episodes"):
        rx.regimes.bind(phase, Cut(factors=1, values=3, looks=2, dimensions=5))
