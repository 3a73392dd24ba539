"""Tasks over the same concepts: what a task draws anew, and what it leaves to the bit as it was."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.envs import Cipher, Composed, Corridor, Digits, Exemplar, Lock, Planner, Recall
from regimax.envs.sized import permutation, randint_below, task_key
from regimax.sweep.plan import make_plan

from .conftest import compiled, keys, traced

WORLDS = {
    "Cipher": Cipher(symbols=4, skills=4, length=2),
    "Composed": Composed(parts=2, choices=4, looks=2, dimensions=3),
    "Corridor": Corridor(positions=4, looks=2, dimensions=3),
    "Digits": Digits(factors=3, values=4, looks=2),
    "Exemplar": Exemplar(factors=3, values=4, looks=2, dimensions=3),
    "Lock": Lock(depth=3, actions=3),
    "Planner": Planner(factors=6, values=3, ancestors=3, max_factors=7),
}
DRAWN = {
    "Cipher": {".hidden.skill_of_cue"},
    "Composed": {".worth"},
    "Corridor": {".hidden.answers"},
    "Digits": {".counts", ".worth"},
    "Exemplar": {".hidden.factor", ".hidden.answers"},
    "Lock": {".keys"},
    "Planner": {".goal", ".ancestors"},
}
"""What a task draws anew; all else is what there is to be known whatever is asked for."""


@pytest.mark.parametrize("name", WORLDS)
def test_a_task_draws_its_own_anew_and_nothing_else(name):
    world = WORLDS[name]
    draw = jax.jit(jax.vmap(world.init, in_axes=(None, 0)))
    tasks = jnp.arange(12, dtype=jnp.int32)
    settings = {n: jnp.broadcast_to(x, (12,)) for n, x in traced(world).items()}
    found = draw(jax.random.key(3), settings | {"world.task": tasks})
    for path, leaf in jax.tree_util.tree_leaves_with_path(found):
        different = len(np.unique(np.asarray(leaf).reshape(12, -1), axis=0))
        if jax.tree_util.keystr(path) in DRAWN[name]:
            assert different > 1
        else:
            assert different == 1, jax.tree_util.keystr(path)


@pytest.mark.parametrize("name", WORLDS)
def test_the_stream_is_that_of_task_0_and_cannot_read_another(name):
    world = WORLDS[name]
    assert "world.task" in world.task_reads
    assert "world.task" not in world.stream_reads
    stream = compiled(world.stream_init)(
        jax.random.key(3), {n: x for n, x in traced(world).items() if n in world.stream_reads}
    )
    first, shared = dict(_hidden(compiled(world.init)(jax.random.key(3), traced(world)))), dict(_hidden(stream))
    assert shared.keys() == first.keys()
    assert all((shared[path] == first[path]).all() for path in shared)


def _hidden(params):
    """What of params the stream and the task have in common, by path."""
    params = getattr(params, "hidden", params)
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(params)]


@pytest.mark.parametrize("name", ["Composed", "Corridor", "Digits"])
def test_all_tasks_of_a_world_share_one_pretraining(name):
    options = {"network": rx.networks.mlp((2,)), "num_envs": 2, "num_steps": 2}
    regime = rx.regimes.pretrain_rl((50, 50), **options)
    plan = make_plan(rx.Sweep(world=WORLDS[name], regimes=[regime], axes={"world.task": range(10)}, seeds=1))
    assert len({cell.path[0] for cell in plan.cells}) == 1
    assert len({cell.path[1] for cell in plan.cells}) == 10


def test_task_0_is_drawn_as_it_is_written():
    world, key = WORLDS["Exemplar"], jax.random.key(7)
    _, key_factor, key_answers = jax.random.split(key, 3)
    hidden = compiled(world.init)(key, traced(world)).hidden
    assert hidden.factor == randint_below(jax.random.uniform(key_factor), jnp.int32(3))
    assert (hidden.answers == permutation(key_answers, jnp.int32(4), 4)).all()
    assert (jax.random.key_data(task_key(key, jnp.int32(0))) == jax.random.key_data(key)).all()
    lock = WORLDS["Lock"]
    assert (lock.init(key, traced(lock)).keys == randint_below(jax.random.uniform(key, (3, 2)), jnp.int32(3))).all()


def test_tasks_are_as_likely_as_worlds():
    world = Exemplar(factors=2, values=3, looks=1, dimensions=1)
    settings = {n: jnp.broadcast_to(x, (2400,)) for n, x in traced(world).items()}
    settings["world.task"] = jnp.arange(1, 2401, dtype=jnp.int32)
    hidden = jax.jit(jax.vmap(world.init, in_axes=(None, 0)))(jax.random.key(0), settings).hidden
    rows = np.concatenate([np.asarray(hidden.factor)[:, None], np.asarray(hidden.answers)], axis=1)
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    assert len(counts) == 2 * 6  # factors and permutations
    assert ((counts - 200) ** 2 / 200).sum() < 38  # chi-squared of 11 degrees, one in ten thousand


def test_another_goal_has_the_ancestors_that_the_web_gives_it_and_no_more_than_the_first():
    world = WORLDS["Planner"]
    init = compiled(world.init)
    goals = set()
    for key in keys(4):
        for task in range(1, 6):
            params = jax.tree.map(np.asarray, init(key, traced(world, task=task)))
            parents, found = params.parents, {int(params.goal)}
            for _ in range(6):
                found |= {int(j) for c in found for j in np.nonzero(parents[c])[0]}
            assert set(np.nonzero(params.ancestors)[0].tolist()) == found
            assert len(found) <= 3
            assert params.goal < 6
            goals.add(int(params.goal))
            _, state = compiled(world.reset)(key, params)
            assert 1 <= int(world.optimum(state, params)) <= 3 * 2
    assert len(goals) > 2


def test_a_world_whose_task_is_its_concepts_has_no_other():
    with pytest.raises(rx.UserError, match=r"unknown setting 'world\.task'"):
        Recall().default_settings({"world.task": 1})
