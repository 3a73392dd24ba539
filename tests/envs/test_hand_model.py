"""The hand-made model of Planner against plain references: its rules, its law, and what is right and wrong in it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.envs import HandModel, Planner

from .conftest import ALPHA, keys

WORLD = Planner(factors=8, values=3, ancestors=3)
N = 3000


def given(model, **changes):
    values = {s.name: s.default for s in model.settings} | {f"world.{name}": value for name, value in changes.items()}
    return {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in model.settings}


def knows(params):
    """The factors that a model knows: the others wait for themselves."""
    return ~jnp.diagonal(params.model.parents)


@pytest.fixture(scope="module")
def carried_out():
    """Whether a plan made in the model reaches the goal there and in the world, with how many actions, and how many
    would do. One program for every κ."""
    model = HandModel(WORLD)

    @jax.jit
    @jax.vmap
    def one(key, settings):
        params = model.init(key, settings)
        _, state = model.reset(jax.random.fold_in(key, 1), params)
        actions = WORLD.plan(knows(params), state, params.model)

        def along(step, params):
            success = jax.lax.scan(lambda s, a: step(key, s, a, params)[1:6:4], state, actions)[1]["success"]
            return success.max(), jnp.argmax(success) + 1

        inside, actual = along(model.step, params), along(WORLD.step, params.real)
        known = knows(params)
        return {
            "inside": inside[0],
            "success": actual[0],
            "steps": actual[1],
            "optimum": WORLD.optimum(state, params.real),
            "goal": known[params.real.goal],
            "ancestors": jnp.all(known | ~params.real.ancestors),
            "known": known.sum(),
        }

    def of(**changes):
        settings = jax.tree.map(lambda x: jnp.broadcast_to(x, (N,)), given(model, **changes))
        return {name: np.asarray(value) for name, value in one(keys(N), settings).items()}

    yield of
    assert one._cache_size() == 1


@pytest.mark.parametrize("known", range(3, 9))
@pytest.mark.parametrize("mistaken", [0.0, 0.3])
def test_plans_work_out_by_the_hypergeometric_law(carried_out, known, mistaken):
    found = carried_out(known=known / 8, mistaken=mistaken)
    law = stats.hypergeom(8, 3, known).pmf(3) * (1 - mistaken) ** 2
    assert WORLD.known_enough(known, mistaken) == pytest.approx(law)
    successes, test = int(found["success"].sum()), stats.binomtest
    if law < 1:
        low, high = test(successes, N).proportion_ci(1 - ALPHA, method="wilson")
        assert low < law < high
    else:
        assert successes == N
    assert (found["known"] == known).all()
    # The model itself is always satisfied with its plan, where it knows what the goal is.
    assert (found["inside"] == found["goal"]).all()
    if not mistaken:
        assert (found["success"] == found["ancestors"]).all()


def test_what_knows_too_little_never_works_out(carried_out):
    for known in (0, 1, 2):
        assert carried_out(known=known / 8)["success"].sum() == 0


def test_a_small_model_of_what_matters_is_perfect_and_a_whole_one_with_wrong_dynamics_fails(carried_out):
    small = carried_out(known=3 / 8, known_ancestors=1)
    assert (small["success"] == 1).all()
    assert (small["known"] == 3).all()
    assert (small["steps"] == small["optimum"]).all()
    wrong = carried_out(known=1.0, mistaken=1.0)
    assert (wrong["inside"] == 1).all()
    assert (wrong["success"] == 0).all()


def test_a_larger_model_knows_what_a_smaller_one_knew():
    model = HandModel(Planner(factors=6, values=3, ancestors=2, max_factors=9))
    init = jax.jit(jax.vmap(model.init, in_axes=(0, None)))
    before, sets = np.zeros((20, 9), bool), set()
    for known in range(7):
        params = init(keys(20), given(model, known=known / 6))
        now = np.asarray(jax.jit(jax.vmap(knows))(params))
        assert (now.sum(1) == known).all()
        assert not now[:, 6:].any()
        assert (now | ~before).all()
        before = now
        sets |= {row.tobytes() for row in now} if known == 3 else set()
    assert len(sets) > 10
    assert np.asarray(params.real.parents == params.model.parents)[:, :6].all()


def test_episodes_of_the_model_equal_a_plain_reference():
    world, n = Planner(factors=5, values=3, ancestors=3, density=0.6, steps=20, max_factors=6), 300
    model = HandModel(world)
    params = jax.jit(jax.vmap(model.init, in_axes=(0, None)))(keys(n), given(model, known=0.6, mistaken=0.5))
    obs, state = jax.jit(jax.vmap(model.reset))(keys(n, 1), params)
    opening, _ = jax.jit(jax.vmap(world.reset))(keys(n, 1), params.real)
    np.testing.assert_array_equal(obs, opening)
    step, known = jax.jit(jax.vmap(model.step)), np.asarray(jax.jit(jax.vmap(knows))(params))
    real, required = jax.tree.map(np.asarray, params.real), np.asarray(params.model.required)
    goals = np.arange(6)[None] == real.goal[:, None]
    wrong = required != real.required
    assert not (wrong & (goals | ~known)).any()
    assert 0.3 < wrong[known & ~goals].mean() < 0.7
    assert (required < 3).all()
    z, ended, solved = np.asarray(state.z).copy(), np.zeros(n, bool), 0
    actions = np.asarray(jax.random.randint(jax.random.key(5), (20, n), 0, 5))
    for t in range(20):
        obs, state, reward, terminated, _, _ = step(keys(n), state, jnp.asarray(actions[t]), params)
        for i, a in enumerate(actions[t]):
            waits = [j for j in range(5) if real.parents[i, a, j] and known[i, j]]
            if known[i, a] and all(z[i, j] == required[i, j] for j in waits):
                z[i, a] = (z[i, a] + 1) % 3
        np.testing.assert_array_equal(np.asarray(obs).reshape(n, 6, 3)[:, :5].argmax(-1), z[:, :5])
        there = (z[np.arange(n), real.goal] == real.required[np.arange(n), real.goal]) & (known & goals).any(1)
        np.testing.assert_array_equal(reward, there.astype(np.float32))
        np.testing.assert_array_equal(terminated, there | (t == 19))
        solved, ended = solved + (there & ~ended).sum(), ended | there
    assert 0 < solved < n


def test_a_world_that_nobody_can_make_a_model_of_is_told():
    with pytest.raises(rx.UserError, match="the world Lock has no hand-made model"):
        HandModel(rx.envs.Lock())
