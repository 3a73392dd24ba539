"""The decision channel, at a stated error rate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from regimax.channels import Signal, decision

ALPHA = 1e-4
CHANNEL = decision()


def decide(meant, first, legal, key=0, **changes):
    """Sends the actions `meant` `[T]` through the channel; returns what is done and presence."""
    values = {s.name: s.default for s in CHANNEL.settings} | {f"decision.{k}": v for k, v in changes.items()}
    hparams = {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in CHANNEL.settings}
    return _decide(jnp.asarray(meant, jnp.int32), jnp.asarray(first, jnp.float32), jnp.asarray(legal), hparams, key)


@jax.jit
def _decide(actions, first, legal, hparams, key):
    def step(state, x):
        action, first, key = x
        signal = Signal(action, jnp.ones(()), first, jnp.zeros(()), legal)
        state, signal = CHANNEL.apply(key, state, signal, hparams)
        return state, (signal.value, signal.present)

    keys = jax.random.split(jax.random.key(key), len(actions))
    return jax.lax.scan(step, CHANNEL.init(hparams, actions[0]), (actions, first, keys))[1]


@given(legal=st.lists(st.booleans(), min_size=6, max_size=6).filter(any), allowed=st.integers(2, 9))
@settings(max_examples=40, deadline=None)
def test_what_is_allowed_is_done_and_the_rest_at_its_place_modulo_their_number(legal, allowed):
    there = np.flatnonzero(legal)
    done, _ = decide(there[np.arange(12) % len(there)], np.ones(12), legal, actions=allowed)
    first = there[:allowed]
    expected = [first[(i % len(there)) % len(first)] for i in range(12)]
    assert done.tolist() == expected


def test_decisions_are_held():
    done, decided = decide(np.arange(8), np.arange(8) % 5 == 0, [True] * 8, rate=1 / 3)
    assert decided.tolist() == [1, 0, 0, 1, 0, 1, 0, 0]
    assert done.tolist() == [0, 0, 0, 3, 3, 5, 5, 5]


@pytest.mark.versions
def test_flips_come_at_their_rate_and_to_all_others_alike():
    n, legal = 30_000, [True, False, True, True, True]
    done, _ = decide(np.full(n, 2), np.ones(n), legal, flip=0.3)
    counts = np.bincount(done, minlength=5)
    assert counts[1] == 0
    assert stats.chisquare(counts[[0, 2, 3, 4]], n * np.array([0.1, 0.7, 0.1, 0.1])).pvalue > ALPHA


def test_capacity_is_what_the_channel_carries():
    """The plug-in information of uniform decisions; its bias is below 1e-3 bits here."""
    n, A = 40_000, 3
    meant = np.random.default_rng(0).integers(0, A, n)
    done, _ = decide(meant, np.ones(n), [True] * A, flip=0.2)
    joint = np.zeros((A, A))
    np.add.at(joint, (meant, np.asarray(done)), 1 / n)
    outer = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    bits = float((joint * np.log2(joint / outer)).sum())
    nominal = {"decision.rate": 1.0, "decision.actions": 2**20, "decision.flip": 0.2}
    assert bits == pytest.approx(CHANNEL.capacity(nominal, {"action_bits": np.log2(A)}), abs=0.02)


def test_one_action_has_no_other():
    done, _ = decide([1, 1], [1, 0], [False, True, False], flip=1.0)
    assert done.tolist() == [1, 1]
