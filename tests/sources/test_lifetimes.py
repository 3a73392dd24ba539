"""Lifetimes: a world that goes on, and worlds that are new each time."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.channels import sensory
from regimax.envs import Recall
from regimax.sources import fresh_worlds, lifetime

WORLD = Recall(stable=20, dynamic=2, values=5, queries=4, drift=0.3, apart=True, dimensions=6)
KEYS = jax.tree.map(lambda k: k[0], rx.cell_keys(1))


def lived(make, updates, world=WORLD):
    """The source's states before each update and after the last, and the sequences shown."""
    source = make(world, (rx.channels.outcome(),), None)
    hparams = {s.name: jnp.asarray(s.default, jnp.int32 if s.integer else jnp.float32) for s in source.settings}
    state = jax.jit(lambda: source.init(KEYS, hparams, lambda n: ()))()
    following = jax.jit(lambda key, state: source.next(key, state, None, hparams)[:2])
    states, shown = [state], []
    for key in jax.random.split(jax.random.key(7), updates):
        state, trajectory = following(key, state)
        states.append(state)
        shown.append(trajectory)
    return source, hparams, states, shown


def values_of(world, trajectory):
    """Value by stable pair, as the answers of a sequence tell it."""
    told = {}
    for t, e in np.argwhere(np.asarray(trajectory.mask_tm1 * trajectory.extras["stable"])):
        [pair] = np.flatnonzero((np.asarray(world.stable_keys) == np.asarray(trajectory.obs_tm1)[t, e, :6]).all(-1))
        told[pair] = int(trajectory.a_tm1[t, e])
    return told


@pytest.mark.parametrize(("shown", "steps"), [(1, 26), (0, 6)])
def test_a_life_shows_the_world_as_it_has_become(shown, steps):
    source, hparams, states, sequences = lived(lifetime(3, shown), 5)
    assert source.num_steps == steps
    for state, sequence in zip(states, sequences, strict=False):
        assert sequence.obs_tm1.shape == (steps, 3, 6 + 5 + 1)
        told = values_of(state.world, sequence)
        assert told
        assert all(state.world.stable_values[pair] == value for pair, value in told.items())
    changed = [(a.world.stable_values != b.world.stable_values).sum() for a, b in itertools.pairwise(states)]
    assert all(0 < n < 20 for n in changed)
    # A fresh look shows the sequence that comes next, and nothing goes on.
    fresh = jax.jit(source.fresh, static_argnums=3)(jax.random.key(1), states[-1], hparams, 7)
    assert fresh.a_tm1.shape == (steps, 7)
    assert all(states[-1].world.stable_values[p] == v for p, v in values_of(states[-1].world, fresh).items())


def test_some_sequences_show_what_lasts_and_others_do_not():
    source, _, _, (sequence,) = lived(lifetime(400, 0.25), 1)
    asked = np.asarray(sequence.mask_tm1)
    assert source.num_steps == 26
    assert set(asked.argmax(0)) == {2, 22}
    assert stats.binomtest(int((asked.argmax(0) == 22).sum()), 400, 0.25).pvalue > 1e-4


def test_the_control_lives_elsewhere_and_is_asked_at_home():
    source, hparams, states, sequences = lived(lifetime(2, irrelevant=True), 2)
    _, _, usual, _ = lived(lifetime(2), 1)
    np.testing.assert_array_equal(states[0].world.stable_keys, usual[0].world.stable_keys)
    assert not (states[0].world.stable_keys == states[0].shown.stable_keys).any()
    assert values_of(states[1].shown, sequences[1])
    assert values_of(states[1].world, jax.jit(source.fresh, static_argnums=3)(jax.random.key(1), states[1], hparams, 2))
    for kind in ("world", "shown"):
        before, after = (getattr(state, kind).stable_values for state in states[:2])
        assert (before != after).any()


def test_worlds_are_new_in_every_sequence():
    source, _, _, (one, two) = lived(fresh_worlds(8, load=5), 2)
    assert (source.num_steps, one.obs_tm1.shape[0]) == (9, 9)
    assert "world.stable" not in {setting.name for setting in source.settings}
    keys = np.concatenate([np.asarray(x.obs_tm1[0, :, 0]) for x in (one, two)])
    assert len(np.unique(keys)) == 16
    asked = np.asarray(one.mask_tm1)
    assert asked.sum(0).tolist() == [4] * 8
    assert len(np.unique(asked.argmax(0))) > 1  # loads differ
    assert fresh_worlds(8, load=500)(WORLD, (), None).num_steps == 22 + 4  # no more than there is room for


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lifetime(0), "lifetime: num_envs = 0 is not a whole number above 0"),
        (lambda: lifetime(shown=2), "lifetime: shown = 2 is out of range"),
        (lambda: fresh_worlds(4, 1), "fresh_worlds: load = 1 is not a whole number above 1"),
        (lambda: lifetime()(rx.envs.Cipher(), (), None), "lifetime: the world Cipher has no lifetimes"),
        (lambda: fresh_worlds()(rx.envs.Oracle(WORLD), (), None), "fresh_worlds: the world Recall has no lifetimes"),
        (lambda: lifetime()(WORLD, (sensory(),), None), "go through no channels, found one of the place 'sensory'"),
        (lambda: fresh_worlds()(Recall(0, 1), (), None), "has room for 1 pair, at least 2 are needed"),
    ],
)
def test_what_cannot_be_is_told(make, message):
    with pytest.raises(rx.UserError, match=message):
        make()
