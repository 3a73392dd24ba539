"""Digits against plain references: which images are shown, how they are moved, and what is known of answers."""

import itertools
import math
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.envs import Digits, digits, handwriting

from .conftest import compiled, keys, traced

ALL = handwriting.collection()
LABELS = np.full(len(ALL.images), -1)
for _digit, (_members, _number) in enumerate(zip(ALL.members, ALL.numbers, strict=True)):
    LABELS[_members[:_number]] = _digit


def ink(obs):
    """Pixels from 0 to 16 of observations `[..., D]`, an image a row: `[..., F, 64]`."""
    obs = np.asarray(obs)
    return (obs.reshape(*obs.shape[:-1], -1, 64) * handwriting.SPREAD + handwriting.MEAN) * 16


def shown(hidden):
    """The images that a world shows, of each value."""
    rows = zip(np.asarray(hidden.order), np.asarray(hidden.shown), strict=True)
    first = int(hidden.first)
    return [row[first : first + number].tolist() for row, number in rows][: int(hidden.values)]


def test_the_collection_is_every_image_under_its_digit():
    assert ALL.images.shape == (1797, 64)
    assert ALL.images.max() == 16
    assert (LABELS >= 0).all()
    assert ALL.numbers.min() == 2 * digits.LEARNT


def test_an_observation_shows_an_image_of_each_value_and_nothing_where_there_is_none():
    world = Digits(factors=2, values=4, looks=3, max_factors=3, max_values=6)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    obs, state = jax.jit(jax.vmap(world.reset, in_axes=(0, None)))(keys(40), params)
    pixels, image, z = ink(obs), np.asarray(state.image), np.asarray(state.z)
    np.testing.assert_allclose(pixels[:, :2], ALL.images[image[:, :2]], atol=1e-4)
    assert (np.asarray(obs)[:, 2 * 64 :] == 0).all()
    digit_of = {value: {int(LABELS[i]) for i in images} for value, images in enumerate(shown(params.hidden))}
    assert all(len(of) == 1 for of in digit_of.values())
    assert len(set.union(*digit_of.values())) == 4
    assert all({LABELS[i]} == digit_of[v] for i, v in zip(image[:, :2].ravel(), z[:, :2].ravel(), strict=True))


def test_images_are_moved_as_an_array_is_shifted_and_turned():
    image = np.arange(64.0, dtype=np.float32).reshape(8, 8) + 1
    still = [0.5, 0.5, 0.5, 0.5]

    def move(strength, **changes):
        u = [changes.get(name, x) for name, x in zip(("down", "right", "turn", "scale"), still, strict=True)]
        return np.asarray(handwriting.moved(jnp.array(u), jnp.asarray(image.ravel()), strength)).reshape(8, 8)

    assert (move(0.0, down=0.9, right=0.1, turn=0.2, scale=0.9) == image).all()
    up = np.vstack([image[1:], np.zeros((1, 8))])
    np.testing.assert_allclose(move(1.0, down=0.9), up, atol=1e-5)
    np.testing.assert_allclose(move(1.0, right=0.9).T, np.vstack([image.T[1:], np.zeros((1, 8))]), atol=1e-5)
    quarter = move(math.pi / 2 / handwriting.TURN, turn=1.0)
    assert min(np.abs(quarter - np.rot90(image, turns)).max() for turns in (1, 3)) < 1e-4
    half = move(0.5 / handwriting.SCALE, scale=0.0)  # at half the scale what is in sight is between pixels
    expected = np.asarray([3.5 + 0.5 * (i - 3.5) for i in range(8)])
    np.testing.assert_allclose(half, 1 + 8 * expected[:, None] + expected[None], atol=1e-4)


@pytest.mark.parametrize("held_out", [1, 0])
def test_evaluations_show_images_that_learning_does_not(held_out):
    world = Digits(values=10, looks=5)
    params = compiled(world.init)(jax.random.key(1), traced(world, held_out=held_out))
    learnt, asked = shown(params.hidden), shown(world.unseen(params).hidden)
    assert [len(images) for images in learnt] == [5] * 10
    if not held_out:
        assert asked == learnt
        return
    assert [len(images) for images in asked] == [int(n) - digits.LEARNT for n in np.asarray(params.hidden.total)]
    assert all(LABELS[a[0]] == LABELS[b[0]] for a, b in zip(learnt, asked, strict=True))
    every = shown(compiled(world.init)(jax.random.key(1), traced(world, looks=87)).hidden)
    assert all(
        set(few) < set(many) and not set(many) & set(b) for few, many, b in zip(learnt, every, asked, strict=True)
    )


@pytest.mark.parametrize(("looks", "held_out", "sizes"), [(5, 1, (5, None)), (5, 0, (3, 2)), (1, 0, (1, 1))])
def test_halves_are_what_is_learnt_and_what_is_not(looks, held_out, sizes):
    world = Digits(values=3, looks=looks)
    params = compiled(world.init)(jax.random.key(2), traced(world, held_out=held_out))
    first, second = (shown(half.hidden) for half in world.halves(params))
    assert len(first[0]) == sizes[0]
    assert second == shown(world.unseen(params).hidden) if held_out else len(second[0]) == sizes[1]
    assert looks == 1 or not set(first[0]) & set(second[0])


def test_the_answer_is_the_sum_of_what_the_digits_that_count_are_worth():
    world = Digits(factors=3, values=4, counted=2, decisions=2)
    params = compiled(world.init)(jax.random.key(3), traced(world))
    counts, worth = np.asarray(params.counts), np.asarray(params.worth)
    assert counts.sum() == 2
    assert sorted(worth) == [0, 1, 2, 3]
    assert int(world.legal(params).sum()) == world.num_actions == 7
    _, state = compiled(world.reset)(jax.random.key(4), params)
    step = compiled(world.step)
    for t, wrong in enumerate((0, 1)):
        action = sum(worth[v] for v, c in zip(np.asarray(state.z), counts, strict=True) if c) + wrong
        _, state, reward, terminated, truncated, info = step(jax.random.key(t), state, jnp.int32(action), params)
        assert (bool(terminated), bool(truncated)) == (t == 1, False)
        assert reward == info["success"] == info["outcome"] == 0.0


def test_what_was_answered_is_seen_again_and_so_is_what_the_stream_shows():
    world = Digits(factors=2, values=5)
    params = compiled(world.init)(jax.random.key(5), traced(world, augment=0))
    obs, state = compiled(world.reset)(jax.random.key(6), params)
    *_, info = compiled(world.step)(jax.random.key(7), state, jnp.int32(0), params)
    assert (info["augmented_view"] == obs).all()
    stream = compiled(world.stream_init)(jax.random.key(5), traced(world, augment=1))
    assert all(map(np.array_equal, jax.tree.leaves(stream.hidden.order), jax.tree.leaves(params.hidden.order)))
    show = compiled(world.transcript)
    still = show(jax.random.key(8), stream._replace(hidden=params.hidden))
    assert (still.obs_tm1 == still.obs_t).all()
    moving = show(jax.random.key(8), stream)
    assert np.abs(np.asarray(moving.obs_tm1 - moving.obs_t)).max() > 0.5


def test_the_stream_does_not_read_the_task():
    world = Digits()
    settings = {name: value for name, value in traced(world).items() if name in world.stream_reads}
    assert not {"world.counted", "world.jitter", "world.decisions", "world.graded"} & set(settings)
    jax.eval_shape(world.stream_init, jax.random.key(0), settings)


@pytest.mark.parametrize(("factors", "counted"), [(2, 1), (2, 2), (3, 2)])
def test_floors_count_the_different_ways_to_answer(factors, counted):
    world = Digits(factors=factors, values=3, counted=counted)
    ways = {
        tuple(sum(worth[z[f]] for f in places) for z in itertools.product(range(3), repeat=factors))
        for worth in itertools.permutations(range(3))
        for places in itertools.combinations(range(factors), counted)
    }
    known = world.describe(world.defaults())
    assert known["min_reward_bits_stream"] == known["min_reward_bits_scratch"] == pytest.approx(math.log2(len(ways)))
    assert known["random_success"] == 1 / world.num_actions == 1 / (counted * 2 + 1)


def test_the_episodes_floor_counts_the_permutations_that_are_good_enough():
    world = Digits(values=5)
    near = sum(sum(a == b for a, b in enumerate(p)) >= 3 for p in itertools.permutations(range(5)))
    assert world.episodes_floor(world.defaults(), 0.6) == pytest.approx(math.log2(120 / near) - 1)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"factors": 0}, "Digits: factors = 0 is out of range"),
        ({"values": 11}, "Digits: values = 11 is out of range"),
        ({"looks": 88}, "Digits: looks = 88 is out of range"),
        ({"counted": 2}, "Digits: counted = 2 is more than factors = 1"),
        ({"values": 4, "max_values": 11}, "Digits: max_values = 11 is more than there are: 10"),
    ],
)
def test_impossible_sizes_are_told(sizes, message):
    with pytest.raises(rx.UserError, match=message):
        Digits(**sizes)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    handwriting.collection.cache_clear()
    with pytest.raises(
        rx.UserError, match=r"Digits: scikit-learn cannot be imported .*pip install 'regimax\[digits\]'"
    ):
        Digits()
