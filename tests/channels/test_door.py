"""What channels are given: plain numbers do, and what is of the wrong shape is told."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.channels import Signal, abstraction, chain, decision, outcome, quantized_decision, reward, sensory
from regimax.rollout import transmit

CHANNELS = {
    "sensory": (sensory(-1, 1), {"sensory.bits": 3, "sensory.noise": 0.5, "sensory.erasure": 0.25}, np.ones(3)),
    "abstraction": (abstraction(), {"abstraction.dimensions": 2, "abstraction.levels": 4}, np.full(3, 0.3)),
    "decision": (decision(), {"decision.rate": 0.5, "decision.actions": 2, "decision.flip": 0.5}, 2),
    "quantized": (quantized_decision(), {"decision.rate": 0.5, "decision.bits": 2}, np.array([0.3, -2.0])),
    "outcome": (outcome(max_delay=2), {"outcome.episodes": 2, "outcome.erasure": 0.5, "outcome.delay": 1}, 1.0),
    "reward": (reward(max_delay=2), {"reward.levels": 4, "reward.noise": 0.5, "reward.delay": 1}, 0.7),
    "a chain": (chain(reward(), reward(name="praise")), {"praise.flip": 0.5, "reward.rate": 0.5}, 1),
}
LEGAL = np.array([True, True, True, False])


def as_numpy(x):
    return {bool: np.bool_, int: np.int64, float: np.float64}.get(type(x), lambda x: x)(x)


def as_jax(x):
    return jnp.asarray(x, {"f": jnp.float32, "i": jnp.int32, "b": jnp.float32}[np.asarray(x).dtype.kind])


def steps(channel, settings, value, convert):
    """Three steps of an episode."""
    state = channel.init({name: convert(x) for name, x in settings.items()}, convert(value))
    found = []
    for t in range(3):
        flags = [convert(x) for x in (True, t == 0, t == 2)]
        legal = LEGAL if channel.place == "decision" else None
        signal = Signal(convert(value), *flags, legal=legal)
        state, signal = channel.apply(jax.random.key(t), state, signal, {n: convert(x) for n, x in settings.items()})
        found.append((state, signal._replace(legal=None)))
    return found


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("promotion", ["standard", "strict"])
def test_numbers_of_python_numpy_and_jax_do_alike(name, promotion):
    channel, changes, value = CHANNELS[name]
    settings = {s.name: s.default for s in channel.settings} | changes
    with jax.numpy_dtype_promotion(promotion):
        plain = steps(channel, settings, value, lambda x: x)
        chex.assert_trees_all_equal(plain, steps(channel, settings, value, as_numpy))
        chex.assert_trees_all_equal(plain, steps(channel, settings, value, as_jax))
        chex.assert_trees_all_equal(plain, steps(channel, channel.default_settings(changes), value, as_jax))
    with jax.enable_x64(True):
        chex.assert_trees_all_equal(plain, steps(channel, settings, value, jnp.asarray))
    kinds = {leaf.dtype.name for leaf in jax.tree.leaves(plain)}
    assert kinds <= {"float32", "int32"}


@pytest.mark.parametrize("name", CHANNELS)
def test_default_settings_are_what_it_declares_and_takes_changes(name):
    channel, changes, _ = CHANNELS[name]
    found = channel.default_settings()
    assert {n: v.item() for n, v in found.items()} == {s.name: pytest.approx(s.default) for s in channel.settings}
    assert {s.name: "int32" if s.integer else "float32" for s in channel.settings} == {
        n: v.dtype.name for n, v in found.items()
    }
    changed = channel.default_settings(changes)
    assert {n: changed[n].item() for n in changes} == changes
    known = {"dimensions": 3, "features": 3, "action_bits": 2.0, "episode_steps": 4.0}
    plain = {s.name: s.default for s in channel.settings} | changes
    capacity = channel.capacity(changed, known)
    assert isinstance(capacity, float)
    assert capacity == pytest.approx(channel.capacity(plain, known), rel=1e-5)


def test_settings_that_are_none_are_told():
    with pytest.raises(rx.UserError, match=r"unknown setting 'reward.erasures'. Did you mean 'reward.erasure'"):
        reward().default_settings({"reward.erasures": 0.5})
    with pytest.raises(rx.UserError, match=r"reward.erasure = 1.5 is out of range"):
        reward().default_settings({"reward.erasure": 1.5})
    with pytest.raises(rx.UserError, match="is not a mapping"):
        reward().default_settings([0.5])
    settings = {s.name: s.default for s in reward().settings}
    with pytest.raises(rx.UserError, match=r"reward.levels = 2.5 is not a whole number"):
        reward().apply(
            jax.random.key(0), reward().init(settings, 0.0), Signal(1, 1, 1, 0), settings | {"reward.levels": 2.5}
        )


ONES = jnp.ones(4)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("reward", {"value": ONES}, r"'reward' takes one value \[\]; use jax.vmap for more axes: it is \[4\]"),
        ("outcome", {"last": ONES}, r"'outcome' takes one last \[\]; use jax.vmap"),
        ("outcome", {"lost": ONES}, r"'outcome' takes one lost \[\]; use jax.vmap"),
        ("decision", {"value": jnp.ones(4, jnp.int32)}, r"'decision' takes one value \[\]; use jax.vmap"),
        ("decision", {"legal": jnp.ones((2, 4), bool)}, r"'decision' takes one legal \[A\]; use jax.vmap"),
        ("decision", {"legal": None}, "a decision needs to know the legal actions"),
        ("sensory", {"value": jnp.ones((2, 3))}, r"'sensory' takes one value \[D\]; use jax.vmap"),
        ("sensory", {"value": 1.0}, r"'sensory': value is \[\], it takes \[D\]"),
        ("sensory", {"first": ONES}, r"'sensory' takes one first \[\]; use jax.vmap"),
        ("abstraction", {"value": 1.0}, r"'abstraction': value is \[\], it takes \[..., width\]"),
        ("a chain", {"present": ONES}, r"'reward' takes one present \[\]; use jax.vmap"),
    ],
)
def test_a_signal_that_is_not_one_sample_is_told(name, changes, message):
    channel, _, value = CHANNELS[name]
    settings = channel.default_settings()
    signal = Signal(value, 1.0, 1.0, 0.0, legal=LEGAL if channel.place == "decision" else None)._replace(**changes)
    with pytest.raises(AssertionError, match=message):
        channel.apply(jax.random.key(0), channel.init(settings, value), signal, settings)


def test_several_settings_at_once_are_told():
    channel = reward()
    settings = channel.default_settings() | {"reward.erasure": ONES}
    with pytest.raises(AssertionError, match=r"takes one reward.erasure \[\]; use jax.vmap"):
        channel.init(settings, 0.0)


def test_a_place_that_does_not_exist_and_states_of_others_are_told():
    channel = reward()
    settings = channel.default_settings()
    states = [channel.init(settings, 0.0)]
    signal = Signal(jnp.ones(()), jnp.ones(()), jnp.ones(()), jnp.zeros(()))
    with pytest.raises(rx.UserError, match=r"unknown place of a channel 'rewards'. Did you mean 'reward'"):
        transmit("rewards", [channel], states, jax.random.key(0), signal, settings)
    with pytest.raises(AssertionError, match="one state for each channel"):
        transmit("reward", [channel], [], jax.random.key(0), signal, settings)
