"""Channels of pay: what arrives, when, and how often.

Statistical tests have fixed keys; each would fail by chance with probability `ALPHA`.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import regimax as rx
from regimax.channels import Signal, chain, outcome, reward
from regimax.ops import information

ALPHA = 1e-4


def traced(channel, **changes):
    values = {s.name: s.default for s in channel.settings}
    values |= {f"{channel.spec[1]}.{name}": value for name, value in changes.items()}
    return {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in channel.settings}


def send(channel, values, last, hparams, key):
    """Sends `values` `[T]` through a channel; returns values and presence `[T]`."""
    values, last = jnp.asarray(values, jnp.float32), jnp.asarray(last, jnp.float32)
    first = jnp.concatenate([jnp.ones(1), last[:-1]])

    def step(state, x):
        value, first, last, key = x
        state, signal = channel.apply(key, state, Signal(value, jnp.ones(()), first, last), hparams)
        return state, (signal.value, signal.present)

    return jax.lax.scan(
        step, channel.init(hparams, values[0]), (values, first, last, jax.random.split(key, len(values)))
    )[1]


SEND = {
    name: jax.jit(lambda v, last, h, k, c=channel: send(c, v, last, h, k))
    for name, channel in {"reward": reward(max_delay=6), "outcome": outcome(max_delay=4), "wide": reward(-1, 3)}.items()
}


@pytest.mark.versions
def test_by_default_everything_arrives():
    channel = reward()
    values = np.array([0, 1, 1, 0, 1.0])
    found, present = send(channel, values, np.zeros(5), traced(channel), jax.random.key(0))
    np.testing.assert_array_equal(found, values)
    assert present.all()


@pytest.mark.parametrize("levels", [2, 3, 5])
def test_levels_round_to_the_nearest(levels):
    channel = reward(-1, 3)
    values = np.linspace(-2, 4, 61)
    found, _ = SEND["wide"](values, np.zeros(61), traced(channel, levels=levels), jax.random.key(0))
    grid = np.linspace(-1, 3, levels)
    distance = np.abs(np.asarray(found)[:, None] - grid)
    assert (distance.min(-1) < 1e-6).all()
    clipped = np.clip(values, -1, 3)
    assert (np.abs(found - clipped) <= np.abs(clipped[:, None] - grid).min(-1) + 1e-5).all()


@pytest.mark.versions
def test_erasures_and_flips_come_at_their_rates():
    channel, n, levels = reward(0, 3), 40_000, 4
    hparams = traced(channel, levels=levels, erasure=0.3, flip=0.2)
    values = np.full(n, 1.0)
    found, present = jax.jit(lambda k: send(channel, values, np.zeros(n), hparams, k))(jax.random.key(0))
    found, present = np.asarray(found), np.asarray(present)
    kept = int(present.sum())
    assert stats.binomtest(n - kept, n, 0.3).pvalue > ALPHA
    assert (found[present == 0] == 0).all()
    counts = [int((found[present == 1] == v).sum()) for v in range(4)]
    expected = np.array([0.2 / 3, 0.8, 0.2 / 3, 0.2 / 3]) * kept
    assert stats.chisquare(counts, expected).pvalue > ALPHA


def test_capacity_is_what_the_channel_carries():
    """The plug-in information of uniform inputs equals the capacity; its bias is below 1e-3 bits here."""
    channel, n, levels = reward(0, 2), 60_000, 3
    settings_ = {"reward.levels": levels, "reward.rate": 1.0, "reward.erasure": 0.25, "reward.flip": 0.1}
    settings_ |= {"reward.reads_zero": 0}
    values = np.random.default_rng(0).integers(0, levels, n)
    hparams = traced(channel, levels=levels, erasure=0.25, flip=0.1)
    found, present = jax.jit(lambda k: send(channel, values, np.zeros(n), hparams, k))(jax.random.key(1))
    arrived = np.where(np.asarray(present) > 0, np.asarray(found).round().astype(int), levels)
    joint = np.zeros((levels, levels + 1))
    np.add.at(joint, (values, arrived), 1 / n)
    outer = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    bits = float((joint[joint > 0] * np.log2(joint[joint > 0] / outer[joint > 0])).sum())
    assert bits == pytest.approx(channel.capacity(settings_, {"episode_steps": 4.0}), abs=0.02)


@given(delay=st.integers(0, 6), lengths=st.lists(st.integers(1, 8), min_size=1, max_size=5), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_delayed_rewards_come_late_or_with_the_last_step_and_never_in_another_episode(delay, lengths, seed):
    rng = np.random.default_rng(seed)
    channel, total = reward(max_delay=6), sum(lengths)
    padded = np.zeros(40)
    padded[:total] = rng.integers(0, 2, total)
    last = np.zeros(40)
    last[np.cumsum(lengths) - 1] = 1
    expected, start = np.zeros(40), 0
    for length in lengths:
        for t in range(length):
            expected[start + min(t + delay, length - 1)] += padded[start + t]
        start += length
    found, _ = SEND["reward"](padded, last, traced(channel, delay=delay, levels=2), jax.random.key(0))
    np.testing.assert_allclose(found[:total], np.minimum(expected[:total], 1.0))


@given(n=st.integers(1, 4), delay=st.integers(0, 4), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_outcomes_are_added_up_and_come_late(n, delay, seed):
    rng = np.random.default_rng(seed)
    channel, episodes, steps = outcome(max_delay=4), 20, 3
    results = rng.integers(0, 2, episodes)
    values, last = np.zeros(episodes * steps), np.zeros(episodes * steps)
    last[steps - 1 :: steps] = 1
    values[steps - 1 :: steps] = results
    found, present = SEND["outcome"](values, last, traced(channel, episodes=n, delay=delay), jax.random.key(0))
    expected, there = np.zeros(episodes), np.zeros(episodes)
    for i in range(n - 1, episodes, n):
        if i + delay < episodes:
            expected[i + delay] = results[i - n + 1 : i + 1].mean()
            there[i + delay] = 1
    np.testing.assert_allclose(found[steps - 1 :: steps], expected, rtol=1e-6)
    np.testing.assert_array_equal(present[steps - 1 :: steps], there)
    assert (np.asarray(present).reshape(episodes, steps)[:, :-1] == 0).all()


def test_outcomes_are_lost_at_their_rate():
    channel, n = outcome(), 20_000
    _, present = jax.jit(lambda k: send(channel, np.ones(n), np.ones(n), traced(channel, erasure=0.9), k))(
        jax.random.key(0)
    )
    assert stats.binomtest(int(present.sum()), n, 0.1).pvalue > ALPHA


@pytest.mark.parametrize(("n", "erasure", "steps"), [(1, 0.0, 4), (7, 0.5, 3)])
def test_outcome_capacity(n, erasure, steps):
    nominal = {"outcome.episodes": n, "outcome.erasure": erasure, "outcome.reads_zero": 0}
    bits = outcome().capacity(nominal, {"episode_steps": steps})
    assert bits == pytest.approx((1 - erasure) * math.log2(n + 1) / (n * steps))


def test_settings_without_a_delay_line_have_no_delay():
    assert "reward.delay" not in [s.name for s in reward().settings]
    assert "outcome.delay" in [s.name for s in outcome(max_delay=2).settings]
    assert next(s.name for s in reward(name="gold").settings) == "gold.levels"


@given(
    rate=st.sampled_from([1.0, 0.5, 0.4, 0.3, 0.1]),
    lengths=st.lists(st.integers(1, 8), min_size=1, max_size=5),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_what_waits_for_a_delivery_comes_with_it_or_with_the_last_step(rate, lengths, seed):
    rng = np.random.default_rng(seed)
    channel, total = reward(max_delay=6), sum(lengths)
    padded, last = np.zeros(40), np.zeros(40)
    padded[:total] = rng.integers(0, 2, total)
    last[np.cumsum(lengths) - 1] = 1
    expected, there, start = np.zeros(40), np.zeros(40), 0
    for length in lengths:
        waiting, delivered = 0.0, 0
        for t in range(length):
            waiting += padded[start + t]
            if math.floor((t + 1) * rate + 1e-6) > delivered or t == length - 1:
                delivered = math.floor((t + 1) * rate + 1e-6)
                expected[start + t], there[start + t], waiting = min(waiting, 1.0), 1, 0.0
        known = {"episode_steps": float(length)}
        nominal = {"reward.levels": 2, "reward.rate": rate, "reward.erasure": 0.0, "reward.flip": 0.0}
        nominal |= {"reward.reads_zero": 0}
        # The capacity is a bit for each of them.
        assert channel.capacity(nominal, known) * length == pytest.approx(there[start : start + length].sum())
        start += length
    found, present = SEND["reward"](padded, last, traced(channel, rate=rate, levels=2), jax.random.key(0))
    np.testing.assert_allclose(found[:total], expected[:total])
    np.testing.assert_array_equal(present[:total], there[:total])


def test_noise_of_pay_is_normal_before_it_is_rounded():
    channel, n = reward(-1, 1), 20_000
    found, _ = jax.jit(lambda k: send(channel, np.zeros(n), np.zeros(n), traced(channel, noise=0.5), k))(
        jax.random.key(0)
    )
    assert stats.binomtest(int((np.asarray(found) > 0).sum()), n, 0.5).pvalue > ALPHA
    fine = traced(channel, noise=0.2, levels=2**16)
    found, _ = jax.jit(lambda k: send(channel, np.zeros(n), np.zeros(n), fine, k))(jax.random.key(1))
    assert stats.kstest(np.asarray(found) / 0.2, "norm").pvalue > ALPHA


@pytest.mark.versions
def test_what_is_lost_is_known_to_be_missing_and_what_is_not_due_is_not():
    channel, n = reward(), 4_000
    hparams = traced(channel, rate=0.5, erasure=0.4)
    first = jnp.concatenate([jnp.ones(1), jnp.zeros(n - 1)])

    def step(state, x):
        key, first = x
        state, found = channel.apply(key, state, Signal(jnp.float32(0.3), jnp.ones(()), first, jnp.zeros(())), hparams)
        return state, found

    found = jax.jit(lambda keys: jax.lax.scan(step, channel.init(hparams, 0.0), (keys, first))[1])(
        jax.random.split(jax.random.key(0), n)
    )
    value, present, lost = (np.asarray(x) for x in (found.value, found.present, found.lost))
    due = np.arange(n) % 2 == 1
    np.testing.assert_array_equal(present + lost, due)
    assert stats.binomtest(int(lost.sum()), int(due.sum()), 0.4).pvalue > ALPHA
    np.testing.assert_array_equal(value, np.float32(0.6) * present)


def once(channel, signal, **changes):
    """What arrives of a single signal."""
    hparams = traced(channel, **changes)
    return channel.apply(jax.random.key(0), channel.init(hparams, signal.value), signal, hparams)[1]


ONE, ZERO = jnp.ones(()), jnp.zeros(())
END = Signal(jnp.float32(0.7), ONE, ONE, ONE)


@pytest.mark.parametrize("make", [reward, outcome])
@pytest.mark.parametrize(("reads_zero", "expected"), [(0, (0, 0, 1)), (1, (0, 1, 0))])
def test_lost_reads_as_zero_only_where_that_is_asked_for(make, reads_zero, expected):
    assert once(make(), END, erasure=1.0, reads_zero=reads_zero)[:2] == expected[:2]
    assert once(make(), END, erasure=1.0, reads_zero=reads_zero).lost == expected[2]
    found = once(make(), END, reads_zero=reads_zero)
    assert (found.value, found.present, found.lost) == (jnp.float32(0.7), 1, 0)


def test_of_a_sum_of_which_a_part_was_lost_something_is_missing():
    """A second channel that delivers every other step, behind one that lost the first reward and not the second."""
    channel = reward(max_delay=1)
    for changes in ({"rate": 0.5}, {"delay": 1}):
        hparams = traced(channel, **changes)
        state, found = channel.init(hparams, ZERO), []
        for value, lost, first, last in ((0.0, 1.0, 1.0, 0.0), (0.25, 0.0, 0.0, 0.0), (0.5, 0.0, 0.0, 1.0)):
            signal = Signal(*map(jnp.float32, (value, 1.0, first, last)), lost=jnp.float32(lost))
            state, arrived = channel.apply(jax.random.key(0), state, signal, hparams)
            found.append((float(arrived.value), float(arrived.lost)))
        expected = {"rate": [(0.0, 0), (0.25, 1), (0.5, 0)], "delay": [(0.0, 0), (0.0, 1), (0.75, 0)]}
        assert found == expected[next(iter(changes))]


def test_where_no_outcome_is_paid_none_is_lost():
    unpaid = END._replace(value=ZERO, present=ZERO)
    found = once(outcome(), unpaid, erasure=1.0)
    assert (found.value, found.present, found.lost) == (0, 0, 0)


def test_an_outcome_that_waits_for_others_is_missing_until_then():
    channel = outcome()
    hparams = traced(channel, episodes=2)
    state, found = channel.init(hparams, ZERO), []
    for _ in range(4):
        state, arrived = channel.apply(jax.random.key(0), state, END, hparams)
        found.append((float(arrived.present), float(arrived.lost)))
    assert found == [(0, 1), (1, 0)] * 2


@pytest.mark.parametrize("levels", [2, 5])
@pytest.mark.parametrize("erasure", [0.0, 0.3, 0.9, 1.0])
def test_capacity_where_lost_reads_as_zero_is_that_of_its_table(levels, erasure):
    table = (1 - erasure) * np.eye(levels)
    table[:, 0] += erasure
    expected, _ = information.channel_capacity(jnp.asarray(table, jnp.float32), 2000)
    nominal = {s.name: s.default for s in reward().settings} | {"reward.levels": levels, "reward.erasure": erasure}
    bits = reward().capacity(nominal | {"reward.reads_zero": 1}, {"episode_steps": 4.0})
    assert bits == pytest.approx(float(expected), abs=2e-3)
    assert bits <= reward().capacity(nominal, {"episode_steps": 4.0}) + 1e-6
    sums = {"outcome.episodes": levels - 1, "outcome.erasure": erasure, "outcome.reads_zero": 1}
    assert outcome().capacity(sums, {"episode_steps": 1.0}) * (levels - 1) == pytest.approx(bits)


def test_what_nobody_throttles_has_all_bits_of_a_number():
    nominal = {s.name: s.default for s in reward(-1, 1).settings}
    assert reward(-1, 1).capacity(nominal, {"episode_steps": 4.0}) == 24.0


def test_of_what_is_due_as_much_arrives_as_is_said():
    chained = chain(outcome(), outcome(name="late"))
    values = {"outcome.episodes": 2, "outcome.erasure": 0.25, "late.episodes": 1, "late.erasure": 0.5}
    assert chained.delivered(values, {"episode_steps": 4.0}, 0.25) == 0.25 / 2 * 0.75 * 0.5
    channel, n = (
        reward(max_delay=6),
        4_000,
    )  # episodes of four steps, each paid at its end, and deliveries at every other step
    hparams = traced(channel, rate=0.5, erasure=0.4, reads_zero=1)
    last = np.arange(n) % 4 == 3
    found, _ = SEND["reward"](last.astype(float), last.astype(float), hparams, jax.random.key(0))
    nominal = {s.name: s.default for s in channel.settings} | {"reward.rate": 0.5, "reward.erasure": 0.4}
    expected = channel.delivered(nominal, {"episode_steps": 4.0}, 0.25) * n
    assert stats.binomtest(int((found > 0).sum()), n // 4, expected / (n // 4)).pvalue > ALPHA


@pytest.mark.parametrize("wrong", [0, 0.5, -1, math.inf, math.nan, "four"])
def test_there_is_no_more_than_a_reward_for_every_observation(wrong):
    with pytest.raises(rx.UserError, match=r"observations_per_reward: .* is not a number from 1 on"):
        rx.channels.observations_per_reward(1, wrong)
