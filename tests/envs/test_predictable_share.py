"""What of its targets a predictor can foretell: closed forms against what is drawn. Keys are fixed."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.envs import Cipher, Composed, Corridor, Digits, Exemplar, Lock

from .conftest import compiled, keys, traced

PAIRS = 4000


def foretold(causes, targets):
    """The share of the variance of targets `[N, D]` that lies between those of different causes `[N]`."""
    _, group = np.unique(causes, axis=0, return_inverse=True)
    counts = np.bincount(group.ravel())
    sums = np.zeros((len(counts), targets.shape[1]))
    np.add.at(sums, group.ravel(), targets)
    means = sums / counts[:, None]
    within = ((targets - means[group.ravel()]) ** 2).sum() / (len(targets) - len(counts))
    total = targets.var(axis=0, ddof=1).sum()
    return total - within, total


def seen(looks, obs):
    """Which of all looks `[N]` observations `[N, D]` of one factor are of: the nearest."""
    flat = np.asarray(looks).reshape(-1, looks.shape[-1])
    return (((np.asarray(obs)[:, None] - flat[None]) ** 2).sum(-1)).argmin(-1)


def pairs_of(world, settings, key):
    stream = world.stream_init(key, settings)
    shown = jax.vmap(world.transcript, in_axes=(0, None))(jax.random.split(jax.random.fold_in(key, 1), PAIRS), stream)
    return stream.hidden, shown.obs_tm1[:, 0], shown.obs_t[:, 0]


@pytest.mark.parametrize(
    ("world", "changes"),
    [
        (Corridor(positions=4, looks=2, dimensions=48), {"persistence": 0.9, "moves": 0.3, "ahead": 3}),
        (Corridor(positions=3, looks=4, dimensions=48), {"persistence": 0.7, "noise": 0.5}),
        (Exemplar(factors=1, values=4, looks=1, dimensions=48), {"noise": 0.3}),
        (Exemplar(factors=1, values=3, looks=4, dimensions=48), {}),
    ],
)
def test_of_a_second_look_as_much_is_foretold_as_is_said(world, changes):
    draw, settings = jax.jit(lambda key: pairs_of(world, traced(world, **changes), key)), world.defaults()
    between = total = 0.0
    for key in keys(12, 2):
        hidden, first, second = draw(key)
        looks = np.asarray(hidden.looks).reshape(-1, int(hidden.num_looks), world.dimensions)
        value = seen(looks, first) // looks.shape[1]
        part, whole = foretold(value[:, None], np.asarray(second))
        between, total = between + part, total + whole
    known = world.describe(settings | {f"world.{name}": x for name, x in changes.items()})
    assert between / total == pytest.approx(known["predictable_share"], rel=0.1)


@pytest.mark.parametrize(
    ("sizes", "changes"),
    [({"values": 10, "looks": 3}, {}), ({"values": 3, "looks": 2}, {"noise": 0.5}), ({}, {"augment": 0.3})],
)
def test_of_a_second_view_of_an_image_as_much_is_foretold_as_is_said(sizes, changes):
    world, again = Digits(**sizes), 24

    @jax.jit
    def views(key):
        hidden = world.stream_init(key, traced(world, **changes)).hidden
        value, look = jax.random.randint(
            jax.random.fold_in(key, 1), (2, 120), 0, jnp.array([[world.values], [world.looks]])
        )
        see = jax.vmap(jax.vmap(world.view, (0, None, None, None)), (0, 0, None, None))
        image = hidden.order[value, look]
        return image, see(
            jax.random.split(jax.random.fold_in(key, 2), (120, again)), image[:, None], hidden, hidden.augment
        )

    between = total = 0.0
    for key in keys(12, 4):
        image, shown = views(key)
        part, whole = foretold(np.repeat(np.asarray(image), again)[:, None], np.asarray(shown).reshape(-1, 64))
        between, total = between + part, total + whole
    known = world.describe(world.defaults() | {f"world.{name}": x for name, x in changes.items()})
    assert between / total == pytest.approx(known["predictable_share"], rel=0.05)


def test_an_image_that_nothing_moves_and_nothing_blurs_is_foretold_whole():
    world = Digits()
    still = world.defaults() | {"world.augment": 0.0}
    assert world.predictable_share(still) == pytest.approx(1.0)
    moved = [world.predictable_share(still | {"world.augment": strength}) for strength in (0.1, 0.5, 1.0, 2.0)]
    assert moved == sorted(moved, reverse=True)
    assert world.predictable_share(still | {"world.noise": 1e3}) < 1e-5


@pytest.mark.parametrize(("parts", "held_out"), [(2, 1), (3, 2)])
def test_of_a_value_made_of_parts_as_much_is_foretold_as_of_each(parts, held_out):
    world = Composed(parts, choices=3, looks=2, held_out=held_out, noise=0.5, dimensions=24)
    hidden = jax.jit(jax.vmap(world._hidden, (0, None)))(keys(300), traced(world))
    place, between, total = np.arange(parts), 0.0, 0.0
    values, forms = (np.array(list(itertools.product(range(n), repeat=parts))) for n in (3, 2))
    for looks, ranks in zip(np.asarray(hidden.looks), np.asarray(hidden.ranks), strict=True):
        shown = values[ranks[place, values].sum(1) % 3 >= held_out]
        seen = looks[place, shown[:, None], forms[None]].sum(2)  # [values, looks of all parts, D]
        between += seen.mean(1).var(0).sum()
        total += seen.reshape(-1, 24).var(0).sum() + 24 * 0.5**2
    assert between / total == pytest.approx(world.predictable_share(world.defaults()), rel=0.02)


def test_a_rich_world_has_next_to_nothing_to_foretell_of_a_look():
    world = Exemplar(factors=2, values=4, looks=64)
    share = {m: world.predictable_share(world.defaults() | {"world.looks": m}) for m in (1, 4, 16, 64)}
    assert [round(share[m], 3) for m in share] == [0.987, 0.198, 0.047, 0.012]
    blind = world.defaults() | {"world.unpredictable": 1}
    assert world.predictable_share(blind) == pytest.approx(share[64] / 2)


def test_of_random_behaviour_in_a_lock_as_much_is_foretold_as_is_said():
    world = Lock(depth=3, actions=2)
    params = compiled(world.stream_init)(jax.random.key(0), traced(world))
    shown = jax.jit(jax.vmap(world.transcript, in_axes=(0, None)))(keys(20_000), params)
    before = np.asarray(jnp.einsum("ntd,de->nte", shown.obs_tm1, world._mixing)).reshape(-1, 8)  # codes, with noise
    between, total = foretold(before.round().astype(int), np.asarray(shown.obs_t).reshape(-1, 8))
    assert between / total == pytest.approx(world.predictable_share(world.defaults()), rel=0.03)


def test_of_a_second_look_in_a_lock_as_much_is_foretold_as_is_said():
    world = Lock(depth=3, actions=2, looks=2, dimensions=64)

    @jax.jit
    def draw(key):
        params = world.stream_init(key, traced(world))
        return params.looks, jax.vmap(world.transcript, in_axes=(0, None))(keys(600), params)

    between = total = 0.0
    for key in keys(8, 2):
        looks, shown = draw(key)
        state = seen(looks, shown.obs_tm1.reshape(-1, 64))[:, None] // 2
        part, whole = foretold(state, np.asarray(shown.obs_t).reshape(-1, 64))
        between, total = between + part, total + whole
    assert between / total == pytest.approx(world.predictable_share(world.defaults()), rel=0.1)


@pytest.mark.parametrize(
    "sizes",
    [{"skills": 2, "length": 2}, {"skills": 4, "length": 3}, {"skills": 1, "length": 2}, {"skills": 2, "length": 6}],
)
@pytest.mark.parametrize("tag", [0.0, 0.5])
def test_of_a_cipher_s_answers_as_much_is_foretold_as_the_skills_in_question_leave(sizes, tag):
    V, (K, L) = 3, sizes.values()
    rng, found = np.random.default_rng(0), []
    for _ in range(6000):
        skills = np.array([rng.permutation(V) for _ in range(K)])
        x, own, left = rng.integers(0, V, L), rng.integers(K), np.ones(K, bool)
        if rng.random() < tag:
            left = np.arange(K) == own
        for t in range(L):
            chance = np.bincount(skills[left, x[t]], minlength=V) / left.sum()
            found.append((chance**2).sum())
            left &= skills[:, x[t]] == skills[own, x[t]]
    share = (np.mean(found) - 1 / V) / (1 - 1 / V)
    world = Cipher(symbols=V, **sizes, tag=tag)
    assert world.predictable_share(world.defaults()) == pytest.approx(share, abs=0.02)
