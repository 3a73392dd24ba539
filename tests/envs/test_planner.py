"""Planner against plain references: rules, optimum by breadth-first search, and the law of the hand-made model.

Statistical tests have fixed keys; each would fail by chance with probability `ALPHA`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.envs import Planner

from .conftest import ALPHA, compiled, keys, traced


def advance(z, action, parents, required, values):
    if all(z[j] == required[j] for j in range(len(z)) if parents[action][j]):
        z = (*z[:action], (z[action] + 1) % values, *z[action + 1 :])
    return z


def search(z, parents, required, values, goal):
    """Breadth-first search for the goal. Returns the number of actions."""
    seen, edge, steps = {z}, [z], 0
    while edge:
        if any(state[goal] == required[goal] for state in edge):
            return steps
        steps += 1
        after = {advance(state, a, parents, required, values) for state in edge for a in range(len(z))}
        edge = list(after - seen)
        seen |= after
    raise AssertionError("no way to the goal")


@pytest.mark.parametrize(("factors", "values", "ancestors"), [(3, 3, 3), (4, 2, 2), (4, 3, 3), (5, 2, 5), (4, 4, 1)])
def test_the_optimum_is_what_breadth_first_search_finds(factors, values, ancestors):
    world = Planner(factors, values, ancestors, max_factors=6, max_values=5)
    for key in keys(8):
        params = compiled(world.init)(key, traced(world))
        _, state = compiled(world.reset)(jax.random.fold_in(key, 1), params)
        hidden = jax.tree.map(np.asarray, params)
        z = tuple(int(v) for v in state.z[:factors])
        parents = hidden.parents[:factors, :factors]
        found = search(z, parents, hidden.required, values, int(hidden.goal))
        assert int(world.optimum(state, params)) == found
        assert 1 <= found <= ancestors * (values - 1)


def test_the_goal_has_exactly_k_ancestors_and_the_graph_no_cycle():
    world, n = Planner(factors=6, ancestors=3, density=0.5, max_factors=8), 300
    params = jax.jit(jax.vmap(world.init, in_axes=(0, None)))(keys(n), traced(world))
    hidden = jax.tree.map(np.asarray, params)
    for i in range(n):
        parents = hidden.parents[i]
        assert not parents[6:].any()
        assert not parents[:, 6:].any()
        place = np.argsort(hidden.order[i])
        assert all(place[j] < place[c] for c, j in zip(*np.nonzero(parents), strict=True))
        found, edge = {int(hidden.goal[i])}, [int(hidden.goal[i])]
        while edge:
            edge = [int(j) for c in edge for j in np.nonzero(parents[c])[0] if int(j) not in found]
            found |= set(edge)
        assert found == set(np.nonzero(hidden.ancestors[i])[0].tolist())
        assert len(found) == 3


def test_episodes_equal_a_plain_reference():
    world, n = Planner(factors=4, values=3, ancestors=2, steps=12, max_factors=5, max_values=4, max_steps=15), 200
    params = jax.jit(jax.vmap(world.init, in_axes=(0, None)))(keys(n), traced(world))
    actions = np.asarray(jax.random.randint(jax.random.key(5), (n, 12), 0, 4))
    obs, state = jax.jit(jax.vmap(world.reset))(keys(n, 1), params)
    step = jax.jit(jax.vmap(world.step))
    hidden, solved = jax.tree.map(np.asarray, params), np.zeros(n, bool)
    z = [tuple(int(v) for v in row[:4]) for row in state.z]
    assert all(row[j] != hidden.required[i, j] for i, row in enumerate(z) for j in range(4))
    for t in range(12):
        shown = np.asarray(obs).reshape(n, 5, 4)
        assert (shown[:, :4].argmax(-1) == np.array(z)).all()
        assert (shown[:, 4] == 0).all()
        obs, state, reward, terminated, _, info = step(keys(n), state, jnp.asarray(actions[:, t]), params)
        for i in range(n):
            z[i] = advance(z[i], actions[i, t], hidden.parents[i][:4, :4], hidden.required[i], 3)
            at_goal = z[i][hidden.goal[i]] == hidden.required[i, hidden.goal[i]]
            assert reward[i] == info["success"][i] == float(at_goal)
            assert bool(terminated[i]) == (at_goal or t == 11)
            solved[i] |= at_goal
    assert 0 < solved.sum() < n


def outcomes(world, known_of, n):
    """Whether plans made with the known factors reach the goal, and how many actions they take."""
    settings = traced(world)

    def one(key):
        k_world, k_reset, k_known = jax.random.split(key, 3)
        params = world.init(k_world, settings)
        _, state = world.reset(k_reset, params)
        actions = world.plan(known_of(k_known, params), state, params)

        def step(state, action):
            _, state, _, _, _, info = world.step(key, state, action, params)
            return state, info["success"]

        success = jax.lax.scan(step, state, actions)[1]
        return success.max(), jnp.argmax(success) + 1, world.optimum(state, params)

    return [np.asarray(x) for x in jax.jit(jax.vmap(one))(keys(n))]


def test_a_model_that_knows_all_ancestors_is_perfect_and_takes_no_more_than_needed():
    success, steps, optimum = outcomes(Planner(8, 3, 4), lambda key, params: params.ancestors, 500)
    assert (success == 1).all()
    assert (steps == optimum).all()


@pytest.mark.parametrize("known", [2, 4, 6, 8])
def test_a_model_that_knows_a_random_part_succeeds_by_the_hypergeometric_law(known):
    world, n = Planner(factors=8, values=3, ancestors=3), 4000

    def part(key, params):
        return jnp.argsort(jax.random.uniform(key, (8,))) < known

    success, _, _ = outcomes(world, part, n)
    law = world.known_enough(known)
    assert law == pytest.approx(stats.hypergeom(8, 3, known).pmf(3))
    assert stats.binomtest(int(success.sum()), n, law).pvalue > ALPHA


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"ancestors": 9}, r"Planner: ancestors = 9 is out of range: a whole number in \[1, 8\]"),
        ({"ancestors": 5, "factors": 4, "max_factors": 8}, "Planner: ancestors = 5 is more than factors = 4"),
        ({"values": 1}, "Planner: values = 1 is out of range"),
        ({"density": 1.5}, "Planner: density = 1.5 is out of range"),
        ({"factors": 9, "max_factors": 8}, "Planner: factors = 9 is out of range"),
    ],
)
def test_impossible_sizes_are_told(sizes, message):
    with pytest.raises(rx.UserError, match=message):
        Planner(**sizes)
