"""Models learnt from random behaviour, and what is learnt inside of them."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.envs import LearnedModel
from regimax.envs.learned_model import no_observations, remember
from regimax.learners import train_in_model, world_model
from regimax.networks.dynamics import with_nothing
from regimax.sweep.cost import Costs
from regimax.sweep.plan import make_plan

WORLD = rx.envs.Planner(factors=4, values=2, ancestors=2, steps=6)
MLP = rx.networks.mlp((32,))
OPTIONS = {
    "network": MLP,
    "num_envs": 16,
    "evaluate": rx.regimes.Evaluate(10, 64),
    "learner": rx.learners.actor_critic(normalize=False),
}
TINY = {"network": rx.networks.mlp((4,)), "num_envs": 2, "evaluate": rx.regimes.Evaluate(2, 4)}
REGIMES = rx.regimes.hand_model, rx.regimes.learned_model, rx.regimes.learned_model_sham


def hparams_of(train, changes):
    changes = {"rl.learning_rate": 0.01, "model.learning_rate": 0.01, "model_learning.learning_rate": 0.01} | changes
    return {name: jnp.asarray(changes.get(name, x), x.dtype) for name, x in train.default_hparams.items()}


def side_by_side(train, arms):
    """Every arm with every one of eight seeds in one batch: `(order of the seeds) -> result`, leaves `[arm, seed]`."""
    stacked = jax.tree.map(lambda *x: jnp.repeat(jnp.stack(x), 8), *(hparams_of(train, changes) for changes in arms))
    run = jax.jit(jax.vmap(train))

    def ordered(order=range(8)):
        index = np.tile(np.asarray(order), len(arms))
        result = run(jax.tree.map(lambda k: k[index], rx.cell_keys(8)), stacked)
        return jax.tree.map(lambda x: np.asarray(x).reshape(len(arms), 8, *x.shape[1:]), result)

    return ordered


@pytest.fixture(scope="module")
def learnt():
    """The model and its sham, and what is learnt in them."""
    regime = rx.regimes.learned_model(
        (60, 60, 10), model_learning={"updates_per_rollout": 4, "initial_observations": 32}, **OPTIONS
    )
    train = rx.make_train(regime._replace(phases=regime.phases[:2]), WORLD)
    run = side_by_side(train, [{"model_learning.shuffle": shuffle} for shuffle in (0, 1)])
    return run, run()


def test_a_model_of_a_small_world_is_learnt_and_what_is_learnt_in_it_works_at_once(learnt):
    _, result = learnt
    model = {name: curve[0, :, -1] for name, curve in result.curves["model_learning"].items()}
    assert (model["eval_next_accuracy"] > 0.98).all()
    assert (model["eval_reward_bits"] < 0.05).all()
    assert (result.curves["model"]["success"][0, :, -1] > 0.9).all()


def test_what_followed_others_actions_teaches_nothing(learnt):
    _, result = learnt
    sham = {name: curve[1] for name, curve in result.curves["model_learning"].items()}
    untrained = sham["eval_next_accuracy"][:, 0]  # it takes it that things stay as they are, and often they do
    assert (sham["eval_next_accuracy"][:, -1] < untrained + 0.1).all()
    assert (sham["eval_reward_bits"][:, -1] > 0.1).all()
    success = result.curves["model"]["success"]
    chance = success[:, :, 0].mean()  # policies begin all but uniform: the successes of 1,024 episodes
    assert 0.1 < chance < 0.6
    assert success[1, :, -1].mean() < chance + 0.1


def test_seeds_do_not_know_of_each_other(learnt):
    run, result = learnt
    order = [3, 0, 7, 1, 2, 6, 5, 4]
    other = run(order)
    for phase, curves in result.curves.items():
        for name, curve in curves.items():
            np.testing.assert_array_equal(curve[:, order], other.curves[phase][name], err_msg=name)
    finals = result.curves["model_learning"]["eval_reward_bits"][0, :, -1]
    assert len(set(finals.tolist())) == 8


def test_the_model_stays_as_it_was_learnt(learnt):
    _, result = learnt
    before, after = result.params["model_learning"], result.params["model"]
    assert set(before) == {"model", "initial_observations"}
    assert set(after) == {"model", "initial_observations", "trunk", "policy", "value"}
    for part in before:
        jax.tree.map(np.testing.assert_array_equal, before[part], after[part])


def test_openings_are_those_of_the_world(learnt):
    _, result = learnt
    bank = result.params["model_learning"]["initial_observations"]
    assert (bank["seen"] == 32).all()
    codes = bank["obs"][0].reshape(8, 32, 4, 2)
    assert (codes.sum(-1) == 1).all()
    # With two values every factor opens at the one that is not required: all openings of a world are the same.
    assert (codes == codes[:, :1]).all()
    assert len({row.tobytes() for row in codes[:, 0]}) > 3


def test_steps_in_a_model_cost_no_steps_of_the_world(learnt):
    _, result = learnt
    per = 16 * WORLD.horizon
    assert {name: float(e["env_steps"][0, 0]) for name, e in result.effort.items()} == {
        "model_learning": 60 * per,
        "model": 0,
    }
    assert all(float(e["passive_steps"][0, 0]) == 0 for e in result.effort.values())
    regimes = [make((2,) * (2 + (i > 0)), **TINY) for i, make in enumerate(REGIMES[:2])]
    plan = make_plan(rx.Sweep(world=WORLD, regimes=regimes, seeds=1))
    costs = Costs(plan)
    for cell in plan.cells:
        for stage in (plan.stages[name] for name in cell.path):
            cost, inside = costs(stage), stage.phase == "model"
            spent = (cost.env_steps, cost.bits_sensory, cost.bits_decision, cost.bits_reward, cost.bits_outcome)
            assert all((x == 0) == inside for x in spent)
            assert cost.passive_steps == 0
            assert cost.flops > 0


def test_how_much_a_hand_made_model_knows_decides_what_it_is_worth():
    """Five models in one program: a whole one, none, half of the factors, the right half, a whole one that is wrong."""
    regime = rx.regimes.hand_model((60, 10), **OPTIONS)
    train = rx.make_train(regime._replace(phases=regime.phases[:1]), WORLD)
    models = [
        {},
        {"world.known": 0.0},
        {"world.known": 0.5},
        {"world.known": 0.5, "world.known_ancestors": 1},
        {"world.mistaken": 1.0},
    ]
    curves = side_by_side(train, models)().curves["model"]
    inside, success = curves["model_success"], curves["success"]
    chance = success[:, :, 0].mean()
    whole, none, half, right, wrong = success[:, :, -1].mean(1)
    assert whole > 0.9
    assert right > 0.9
    assert (inside[1] == 0).all()
    assert abs(none - chance) < 0.1
    assert half < 0.7  # one pair of six is the right one
    assert inside[4, :, -1].min() > 0.9
    assert wrong < chance  # it is sure of what does not work


def test_the_bank_of_openings_keeps_the_latest():
    bank, seen = no_observations(4, 1), []
    for round, first in enumerate([[0, 1, 1], [0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0]]):
        obs = 10 * round + np.arange(3)
        seen += [int(x) for x, f in zip(obs, first, strict=True) if f]
        bank = jax.jit(remember)(bank, jnp.asarray(obs, jnp.float32)[:, None], jnp.asarray(first, jnp.float32))
        latest = seen[-4:]
        assert int(bank.seen) == len(latest)
        assert sorted(bank.obs[: len(latest), 0].tolist()) == latest
    many = remember(no_observations(2, 1), jnp.arange(3.0)[:, None], jnp.ones(3))
    assert many.obs[:, 0].tolist() == [0.0, 1.0]


def test_nothing_shown_is_a_value_too():
    codes = jnp.asarray([[1.0, 0.0], [0.0, 0.0]])
    assert with_nothing(codes).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize("truncates", [False, True])
def test_what_is_imagined_is_what_the_network_says(truncates):
    """Heads of zeros but for their bias: known chances of everything."""

    class World(rx.envs.Planner):
        pass

    World.truncates = truncates
    world = World(factors=2, values=2, ancestors=1, steps=3)
    model, n = LearnedModel(world, TINY["network"], initial_observations=4), 4000
    parts = model.parts(jax.random.key(0))
    heads = {name: jax.tree.map(jnp.zeros_like, part) for name, part in parts["model"].items() if name != "trunk"}
    heads["reward"]["bias"] = jnp.asarray([np.log(0.6 / 0.4)], jnp.float32)
    heads["termination"]["bias"] = jnp.asarray([np.log(0.25 / 0.75)], jnp.float32)
    real = jax.jit(world.init)(jax.random.key(1), {s.name: jnp.asarray(s.default) for s in world.settings})
    opening = jnp.asarray([1.0, 0.0, 0.0, 0.0])
    bank = {"obs": jnp.zeros((4, 4)).at[:2].set(opening), "seen": jnp.asarray(2.0), "place": jnp.asarray(2.0)}
    params = model.filled(real, {"model": parts["model"] | heads, "initial_observations": bank})

    @jax.jit
    @jax.vmap
    def episode(key):
        def step(state, key):
            obs, state, reward, terminated, truncated, info = model.step(key, state, jnp.int32(0), params)
            return state, (obs, reward, terminated, truncated, info["success"])

        obs, state = model.reset(key, params)
        return obs, jax.lax.scan(step, state, jax.random.split(key, 3))[1]

    obs, steps = jax.tree.map(np.asarray, episode(jax.random.split(jax.random.key(2), n)))
    seen, reward, terminated, truncated, success = steps
    np.testing.assert_array_equal(obs, np.tile(opening, (n, 1)))
    np.testing.assert_allclose(reward, 0.6, rtol=1e-5)
    last = terminated | truncated
    assert (success == last).all()
    assert last[:, 2].all()
    assert truncated[:, 2].any() == truncates
    assert not truncated[:, :2].any()
    assert abs(terminated[:, 0].mean() - 0.25) < 0.03
    # The first field stays with e³ against 1 for each of the others; the second, which shows nothing, likewise.
    stays = np.exp(3) / (np.exp(3) + 2)
    assert abs((seen[:, 0, 0] == 1).mean() - stays) < 0.02
    assert abs((seen[:, 0, 2:].sum(-1) == 0).mean() - stays) < 0.02


WORLDS = [
    WORLD,
    rx.envs.Cipher(symbols=3, skills=2, length=2),
    rx.envs.Exemplar(factors=1, values=3, looks=2, decisions=2, dimensions=5),
    rx.envs.Lock(depth=3, actions=2),
    rx.envs.Recall(stable=2, dynamic=2, values=3, queries=2, dimensions=4),
]
CARTPOLE = "CartPole-v1"
if importlib.util.find_spec("gymnax"):  # which cannot be had beside every jax
    WORLDS.append(rx.envs.gymnax.make(CARTPOLE, max_steps_in_episode=10))
else:
    WORLDS.append(pytest.param(None, id=CARTPOLE, marks=pytest.mark.skip(reason="gymnax is not installed")))


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_every_world_can_be_imagined(world):
    network = rx.networks.gru(4) if world.name in ("Cipher", "Recall") else TINY["network"]  # some ask for a memory
    bound = rx.regimes.bind_regime(rx.regimes.learned_model((2, 2, 2), **TINY | {"network": network}), world)
    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(1))
    for program in bound.programs[:2]:
        dtypes = {name: jnp.int32 if s.integer else jnp.float32 for name, s in program.settings.items()}
        hparams = {program.local[name]: jax.ShapeDtypeStruct((), dtype) for name, dtype in dtypes.items()}

        def learn(hparams, learner=program.learner):
            before = learner.init(keys, hparams, {})
            return before, learner.update(keys.learner, before, hparams)[0]

        before, after = jax.eval_shape(learn, hparams)
        assert jax.tree.map(jnp.shape, before) == jax.tree.map(jnp.shape, after)


@pytest.mark.parametrize("world", WORLDS[1:], ids=lambda world: world.name)
def test_a_hand_made_model_is_there_where_it_was_made(world):
    with pytest.raises(rx.UserError, match=f"the world {world.name} has no hand-made model"):
        make_plan(rx.Sweep(world=world, regimes=[rx.regimes.hand_model((2, 2), **TINY)], seeds=1))


def test_what_does_not_fit_is_told():
    with pytest.raises(rx.UserError, match="world_model: updates_per_rollout = 0 is not a whole number above 0"):
        world_model(updates_per_rollout=0)
    with pytest.raises(rx.UserError, match="world_model: initial_observations = 0 is not a whole number above 0"):
        world_model(initial_observations=0)
    with pytest.raises(rx.UserError, match="capacity = 3 is not a multiple of the 2 streams"):
        rx.regimes.bind(rx.regimes.learn_model(2, capacity=3, **TINY), WORLD)
    with pytest.raises(rx.UserError, match="world_model: the stream must be the learner's own behaviour"):
        rx.regimes.bind(rx.regimes.predict(2, learner=world_model(), **TINY), WORLD)
    with pytest.raises(rx.UserError, match="train_in_model: the phase lives in Planner itself"):
        rx.regimes.bind(rx.regimes.reinforce(2, learner=train_in_model(), **TINY), WORLD)
