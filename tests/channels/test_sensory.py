"""The sensory channel, at a stated error rate."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.channels import Signal, sensory
from regimax.channels._sensory import EXACT

ALPHA = 1e-4


def traced(**changes):
    values = {s.name: s.default for s in sensory().settings} | {f"sensory.{k}": v for k, v in changes.items()}
    return {name: jnp.float32(value) for name, value in values.items()}


def look(values, first, key=0, channel=None, **changes):
    """Sends observations `[T, D]` through a channel; returns what is seen and presence."""
    channel = channel or sensory()
    values, first = jnp.asarray(values, jnp.float32), jnp.asarray(first, jnp.float32)
    hparams = traced(**changes)

    def step(state, x):
        value, first, key = x
        state, signal = channel.apply(key, state, Signal(value, jnp.ones(()), first, jnp.zeros(())), hparams)
        return state, (signal.value, signal.present)

    keys = jax.random.split(jax.random.key(key), len(values))
    run = jax.jit(lambda: jax.lax.scan(step, channel.init(hparams, values[0]), (values, first, keys))[1])
    return tuple(np.asarray(x) for x in run())


def test_by_default_everything_is_seen_as_it_is():
    values = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32) * 10
    seen, present = look(values, np.arange(20) % 5 == 0)
    np.testing.assert_array_equal(seen, values)
    assert present.all()


@pytest.mark.versions
def test_observations_are_held_between_those_that_are_taken():
    values = np.arange(10.0)[:, None]
    first = np.zeros(10)
    first[[0, 7]] = 1
    seen, present = look(values, first, rate=0.4)
    # Due when the clock, 1 at the opening and 0.4 more each step, reaches 1: it keeps what is above.
    assert present.tolist() == [1, 0, 0, 1, 0, 1, 0, 1, 0, 0]
    assert seen[:, 0].tolist() == [0, 0, 0, 3, 3, 5, 5, 7, 7, 7]


def test_nothing_of_an_episode_before_is_seen():
    values = np.ones((3000, 2))
    first = np.arange(3000) % 3 == 0
    seen, present = look(values, first, erasure=0.5)
    opening = seen[first, 0]
    assert (opening == present[first]).all()
    assert stats.binomtest(int(present.sum()), 3000, 0.5).pvalue > ALPHA
    held = np.maximum.accumulate(present.reshape(-1, 3), axis=1)
    np.testing.assert_array_equal(seen[:, 0], held.ravel())


@pytest.mark.parametrize("bits", [1, 2, 5])
def test_numbers_are_rounded_to_so_many_bits_and_no_fewer(bits):
    channel = sensory(-1, 3)
    values = np.linspace(-2, 4, 601)[:, None]
    seen, _ = look(values, np.ones(601), channel=channel, bits=bits)
    grid = np.linspace(-1, 3, 2**bits)
    assert (np.abs(seen - grid).min(-1) < 1e-5).all()
    assert len(np.unique(seen.round(4))) == 2**bits
    clipped = np.clip(values, -1, 3)
    assert (np.abs(seen - clipped) <= np.abs(clipped - grid).min(-1, keepdims=True) + 1e-5).all()
    # Uniform on the levels, the plug-in information of what is seen about what there is: all of it.
    counts = np.unique(look(np.tile(grid, 9)[:, None], np.ones(9 * len(grid)), channel=channel, bits=bits)[0])
    nominal = {"sensory.bits": bits, "sensory.rate": 1.0, "sensory.noise": 0.0, "sensory.erasure": 0.0}
    assert math.log2(len(counts)) == pytest.approx(channel.capacity(nominal, {"dimensions": 1}))


@pytest.mark.versions
def test_noise_is_normal_and_its_capacity_that_of_a_gaussian_channel():
    channel = sensory(-2, 2)
    seen, _ = look(np.zeros((5000, 2)), np.ones(5000), channel=channel, noise=0.3)
    assert stats.kstest(seen.ravel() / 0.3, "norm").pvalue > ALPHA
    nominal = {"sensory.bits": EXACT, "sensory.rate": 0.5, "sensory.noise": 0.3, "sensory.erasure": 0.2}
    expected = 0.4 * 2 * 0.5 * math.log2(1 + 4 / 0.09)
    assert channel.capacity(nominal, {"dimensions": 2}) == pytest.approx(expected)


def test_transcripts_are_seen_through_it_and_only_what_arrives_is_asked():
    world = rx.envs.Lock(depth=6, actions=2)
    channels = (sensory(-4, 4), rx.channels.reward())
    source = rx.sources.transcripts(16)(world, channels, None)
    assert {s.name for s in source.settings} == {"world.depth", "world.actions", *traced()}
    hparams = traced(rate=0.5) | {"world.depth": jnp.int32(6), "world.actions": jnp.int32(2)}
    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(1))
    state = jax.jit(lambda: source.init(keys, hparams, lambda n: ()))()
    following = jax.jit(lambda hparams: source.next(jax.random.key(0), state, None, hparams)[1])
    seen, whole = following(hparams), following(hparams | {"sensory.rate": jnp.float32(1.0)})
    seen, whole = (jax.tree.map(np.asarray, trajectory) for trajectory in (seen, whole))
    np.testing.assert_array_equal(seen.obs_tm1[0::2], whole.obs_tm1[0::2])
    np.testing.assert_array_equal(seen.obs_tm1[1::2], whole.obs_tm1[0::2])  # held
    np.testing.assert_array_equal(seen.obs_t[:-1], seen.obs_tm1[1:])  # the same sight, with the same noise
    assert seen.mask_tm1[:, 0].tolist() == [0, 1, 0, 1, 0, 1]
    assert whole.mask_tm1.all()


@pytest.mark.parametrize(("name", "value"), [("bits", 0), ("rate", 0.0), ("erasure", 1.5), ("noise", -1)])
def test_what_cannot_be_is_refused(name, value):
    setting = next(s for s in sensory().settings if s.name == f"sensory.{name}")
    with pytest.raises(rx.UserError, match=f"sensory.{name} = {value:g} is out of range"):
        setting.check(value, setting.name)
