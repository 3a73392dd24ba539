"""Composed against enumeration: which values are kept back, and what is known of what they are worth."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.envs import Composed, Exemplar

from .conftest import ALPHA, compiled, keys, traced


def drawn(world, params, n=3000):
    """Values `[N, P]` that are shown."""
    _, state = jax.jit(jax.vmap(world.reset, in_axes=(0, None)))(keys(n), params)
    return np.asarray(state.z)


@pytest.mark.parametrize(("parts", "choices", "kept"), [(2, 4, 1), (3, 3, 2)])
def test_values_are_kept_back_of_which_every_part_is_known(parts, choices, kept):
    world = Composed(parts, choices, looks=1, held_out=kept, dimensions=2, max_parts=3, max_choices=5)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    learnt, asked = (drawn(world, p)[:, :parts] for p in (params, world.unseen(params)))
    known = world.describe(world.defaults())
    for values, number in ((learnt, known["values"] - known["values_held_out"]), (asked, known["values_held_out"])):
        found, times = np.unique(values, axis=0, return_counts=True)
        assert len(found) == number
        assert stats.chisquare(times).pvalue > ALPHA  # each as likely as any other
        for dropped in range(parts):  # and so is every combination of all parts but one
            _, often = np.unique(np.delete(found, dropped, axis=1), axis=0, return_counts=True)
            assert set(often.tolist()) == {number // choices ** (parts - 1)}
            assert len(often) == choices ** (parts - 1)
    assert not set(map(tuple, learnt)) & set(map(tuple, asked))


def test_a_value_of_one_part_shares_nothing_and_none_is_kept_back():
    world, plain = Composed(parts=1, choices=4, looks=3), Exemplar(factors=1, values=4, looks=3)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    for ours, theirs in zip(jax.tree.leaves(world.unseen(params)), jax.tree.leaves(params), strict=True):
        assert (ours == theirs).all()
    known, same = world.describe(world.defaults()), plain.describe(plain.defaults())
    shared = known.keys() & same.keys()
    assert {name: known[name] for name in shared} == pytest.approx({name: same[name] for name in shared})
    assert known["values_held_out"] == 0


def test_an_observation_adds_up_one_look_of_every_part():
    world = Composed(parts=2, choices=3, looks=2, noise=0.0, dimensions=5, max_parts=3, max_choices=4, max_looks=3)
    params = compiled(world.init)(jax.random.key(1), traced(world))
    looks = np.asarray(params.hidden.looks)
    assert (looks[2:] == 0).all()
    obs, state = jax.jit(jax.vmap(world.reset, in_axes=(0, None)))(keys(20), params)
    for seen, z in zip(np.asarray(obs), np.asarray(state.z), strict=True):
        sums = [looks[0, z[0], i] + looks[1, z[1], j] for i, j in itertools.product(range(2), repeat=2)]
        assert min(np.abs(seen - s).max() for s in sums) < 1e-6


def test_parts_of_what_was_learnt_tell_what_unseen_values_are_worth():
    # The least squares of worth on parts, over the values of learning alone, is right on all others: a table is not.
    world = Composed(parts=3, choices=4, held_out=2, dimensions=2)
    params = compiled(world.init)(jax.random.key(2), traced(world))
    learnt, asked = (np.unique(drawn(world, p), axis=0) for p in (params, world.unseen(params)))
    worth = [
        np.asarray(jax.jit(jax.vmap(world.answer, in_axes=(0, None)))(jnp.asarray(z), params)) for z in (learnt, asked)
    ]
    codes = [np.eye(4)[z].reshape(len(z), -1) for z in (learnt, asked)]
    weights = np.linalg.lstsq(codes[0], worth[0], rcond=None)[0]
    np.testing.assert_allclose(codes[1] @ weights, worth[1], atol=1e-4)


def test_floors_count_the_different_tables_of_worth():
    world = Composed(parts=2, choices=3, looks=1, held_out=0)
    orders = list(itertools.permutations(range(3)))
    sums = {tuple(a + b for a, b in itertools.product(*pair)) for pair in itertools.product(orders, repeat=2)}
    assert world.describe(world.defaults())["min_reward_bits_stream"] == pytest.approx(math.log2(len(sums)))
    assert world.describe(world.defaults())["min_reward_bits_scratch"] == pytest.approx(math.log2(len(sums)))
    two = Composed(parts=2, choices=2, looks=2)
    tables = [t for t in itertools.product(range(2), repeat=4) if sum(t) == 2]
    sums = {tuple(a + b for a, b in itertools.product(*pair)) for pair in itertools.product(tables, repeat=2)}
    assert two.describe(two.defaults())["min_reward_bits_scratch"] == pytest.approx(math.log2(len(sums)))


def test_an_episode_is_solved_iff_every_answer_is_right_and_pairs_are_of_one_value():
    world = Composed(parts=2, choices=3, looks=1, noise=0.0, decisions=2, graded=True, dimensions=3)
    params = compiled(world.init)(jax.random.key(3), traced(world))
    obs, state = compiled(world.reset)(jax.random.key(4), params)
    step, paid = compiled(world.step), []
    for t, wrong in enumerate((0, 1)):
        action = (compiled(world.answer)(state.z, params) + wrong) % 5
        _, state, reward, terminated, _, info = step(jax.random.key(t), state, action, params)
        assert bool(terminated) == (t == 1)
        paid.append(float(reward))
        assert info["success"] == 0
        assert t or (info["augmented_view"] == obs).all()
    assert paid == [0.0, 0.5]
    pair = compiled(world.transcript)(jax.random.key(5), compiled(world.stream_init)(jax.random.key(3), traced(world)))
    assert (pair.obs_tm1 == pair.obs_t).all()


def test_halves_share_neither_looks_nor_values():
    world = Composed(parts=2, choices=4, looks=5, dimensions=2)
    params = compiled(world.init)(jax.random.key(6), traced(world))
    fitted, asked = world.halves(params)
    ranges = [(int(p.hidden.first), int(p.hidden.first + p.hidden.num_looks)) for p in (fitted, asked)]
    assert ranges == [(0, 3), (3, 5)]
    assert (int(asked.hidden.lowest), int(asked.hidden.sums)) == (0, 1)


def test_more_parts_leave_those_before_alone():
    few, many = (w.init(jax.random.key(0), traced(w)) for w in (Composed(parts=1, max_parts=4), Composed(parts=4)))
    np.testing.assert_allclose(few.hidden.looks[0], 2.0 * many.hidden.looks[0], rtol=1e-6)
    assert (few.worth[0] == many.worth[0]).all()


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"parts": 0}, "Composed: parts = 0 is out of range"),
        ({"held_out": 4}, "Composed: held_out = 4 is out of range"),
        ({"choices": 3, "max_choices": 4, "held_out": 3}, "held_out = 3 leaves nothing .* less than choices = 3"),
        ({"dimensions": 0}, "Composed: dimensions = 0 is out of range"),
    ],
)
def test_impossible_sizes_are_told(sizes, message):
    with pytest.raises(rx.UserError, match=message):
        Composed(**sizes)
