"""Channels behind each other, and the bandwidths of people."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.channels import HUMAN, HUMAN_SCALED, Bandwidths, Signal, chain, decision, reward, sensory

ALPHA = 1e-4
ONE, ZERO = jnp.ones(()), jnp.zeros(())


@pytest.mark.versions
def test_a_chain_is_its_channels_behind_each_other():
    coarse, fine = sensory(-4, 4), sensory(0, 1, name="eye")
    both = chain(coarse, fine)
    assert [s.name for s in both.settings] == [s.name for c in (coarse, fine) for s in c.settings]
    values = {s.name: jnp.float32(s.default) for s in both.settings} | {
        "sensory.bits": jnp.float32(3),
        "eye.bits": jnp.float32(1),
    }
    value = jnp.array([0.2, 0.9, -3.0])
    _, found = both.apply(jax.random.key(0), both.init(values, value), Signal(value, ONE, ONE, ZERO), values)
    signal = Signal(value, ONE, ONE, ZERO)
    for channel in (coarse, fine):
        _, signal = channel.apply(jax.random.key(1), channel.init(values, value), signal, values)
    np.testing.assert_array_equal(found.value, signal.value)
    nominal = {name: float(v) for name, v in values.items()}
    assert both.capacity(nominal, {"dimensions": 3}) == 3.0


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ((), "at least one channel"),
        ((sensory(), reward()), "different places: reward, sensory"),
        ((reward(), reward()), "two channels have a setting 'reward.levels'"),
        ((reward()._replace(place="smell"),), "unknown place of a channel 'smell'"),
    ],
)
def test_chains_that_cannot_be_are_refused(channels, message):
    with pytest.raises(rx.UserError, match=message):
        chain(*channels)


def capacities(bandwidths, world, dt=1.0):
    settings = bandwidths.settings(world, dt)
    known = world.describe(world.defaults()) | {"dimensions": sum(f.size for f in world.fields), "features": 64}
    channels = bandwidths.channels(world)
    values = {s.name: s.default for c in channels for s in c.settings} | settings
    for channel in channels:
        for setting in channel.settings:
            setting.check(values[setting.name], setting.name)
    return {channel.place: channel.capacity(values, known) / dt for channel in channels}


def test_settings_have_the_bandwidths_that_were_asked_for():
    world = rx.envs.Exemplar(factors=4, values=16, looks=8, decisions=4, dimensions=128)
    found = capacities(HUMAN_SCALED, world)
    assert found == pytest.approx({"sensory": 512, "abstraction": 32, "decision": 2, "outcome": 0.01, "reward": 0.5})
    # Ten seconds a step: reward and outcome come at these rates, and no more than four bits a step can be decided.
    slow = capacities(HUMAN, world, dt=10.0)
    assert slow["outcome"] == pytest.approx(1 / 60)
    assert slow["decision"] == pytest.approx(0.4)
    assert slow["reward"] == pytest.approx(0.1)
    assert found["sensory"] > found["decision"] > found["reward"] > found["outcome"]
    tight = HUMAN_SCALED._replace(abstraction=2.0)
    assert capacities(tight, world)["abstraction"] == 2.0
    assert list(HUMAN) == sorted(HUMAN, reverse=True)


@pytest.mark.parametrize(("bandwidths", "dt"), [(HUMAN, 0.0), (Bandwidths(1, 1, 0, 1, 1), 1.0)])
def test_no_bandwidth_is_refused(bandwidths, dt):
    with pytest.raises(rx.UserError, match="is not a number above 0"):
        bandwidths.settings(rx.envs.Cipher(), dt)


def test_a_regime_learns_through_all_channels():
    world = rx.envs.Cipher(symbols=3, skills=2, length=4)
    r = rx.regimes
    options = {"network": rx.networks.gru(8), "num_envs": 8, "evaluate": r.Evaluate(2, 8)}
    train = rx.make_train(r.pretrain_rl((2, 2), channels=HUMAN_SCALED.channels(world), **options), world)
    assert {"sensory.rate", "decision.rate", "reward.rate", "outcome.erasure"} <= set(train.default_hparams)
    assert "decision.rate" not in train.bound.programs[0].settings
    hparams = train.default_hparams | {
        name: jnp.asarray(value, train.default_hparams[name].dtype)
        for name, value in HUMAN_SCALED.settings(world).items()
    }
    result = jax.jit(train)(jax.tree.map(lambda k: k[0], rx.cell_keys(1)), hparams)
    assert np.isfinite(result.curves["rl"]["success"]).all()
    assert decision().place == "decision"


def test_throttling_pay_costs_effort_and_throttling_what_is_not_used_costs_nothing():
    r, channels = rx.regimes, (sensory(), reward(), rx.channels.outcome())
    learning = {"network": rx.networks.mlp((16,)), "num_envs": 32, "evaluate": r.Evaluate(5, 64)}
    train = rx.make_train(r.oracle(60, channels=channels, **learning), rx.envs.Cipher(symbols=3, skills=1, length=2))

    @jax.jit
    def success(keys, settings):
        hparams = train.default_hparams | {"rl.learning_rate": jnp.float32(0.01)} | settings
        return jax.vmap(lambda k: train(k, hparams).curves["rl"]["success"])(keys)

    keys, all_bits = rx.cell_keys(16), {"reward.erasure": jnp.float32(0.0), "sensory.bits": jnp.float32(24)}
    plain = np.asarray(success(keys, all_bits))
    # A one-hot code loses nothing to one bit per number.
    np.testing.assert_array_equal(success(keys, all_bits | {"sensory.bits": jnp.float32(1)}), plain)
    throttled = np.asarray(success(keys, all_bits | {"reward.erasure": jnp.float32(0.97)}))
    # By a sign test, at the stated error rate, over worlds paired by their seed.
    better = (plain.mean(1) > throttled.mean(1)).sum()
    assert stats.binomtest(int(better), 16, 0.5, alternative="greater").pvalue < ALPHA


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rx.channels.reward(1, 0), "channel 'reward': 1 … 0 is not a range"),
        (lambda: rx.channels.sensory(0.5, 0.5), "channel 'sensory': 0.5 … 0.5 is not a range"),
        (lambda: rx.channels.sensory(high=float("inf")), "not a range"),
        (lambda: rx.channels.reward(max_delay=-1), "channel 'reward': max_delay = -1 is not a whole number"),
        (lambda: rx.channels.outcome(max_delay=1.5), "channel 'outcome': max_delay = 1.5 is not a whole number"),
    ],
)
def test_channels_that_cannot_be_are_told(make, message):
    with pytest.raises(rx.UserError, match=message):
        make()
