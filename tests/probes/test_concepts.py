"""Concept probes on features in which the concepts are known to be there, or not."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import probes
from regimax.envs import Cipher, Exemplar

from .conftest import prober, read_the_values


@pytest.fixture(scope="module")
def exemplar():
    """Learners in a world of 4 values in 8 looks each, and a second factor that is only padding."""
    world = Exemplar(factors=1, values=4, looks=8, noise=0.01, dimensions=48, max_factors=2)
    return prober(probes.concepts(episodes=256), world, 4, read_the_values)


def test_a_network_that_knows_the_looks_is_read_on_looks_the_probe_never_saw(exemplar):
    found = exemplar(32, knows=1.0)
    assert found["accuracy"].min() > 0.98
    assert found["bits"].mean() == pytest.approx(2.0, abs=0.1)
    np.testing.assert_array_equal(found["accuracy_0"], found["accuracy"])
    assert np.isnan(found["accuracy_1"]).all()
    assert np.isnan(found["bits_1"]).all()


def test_the_controls_know_nothing_and_the_oracle_everything(exemplar):
    for knows in (0.0, 1.0):
        found = exemplar(32, knows=knows)
        for control in ("untrained", "projection", "shuffled"):
            accuracy, bits = found[f"accuracy_{control}"], found[f"bits_{control}"]
            assert abs(accuracy.mean() - 0.25) < 4 * accuracy.std() / 32**0.5 + 0.01
            if control != "shuffled":  # the answers to 16 unseen looks are 16 samples
                assert abs(bits.mean() - 9 / (32 * math.log(2))) < 4 * bits.std() / 32**0.5 + 0.05
        assert (found["accuracy_oracle"] == 1.0).all()
        assert found["bits_oracle"] == pytest.approx(2.0, abs=0.15)
        if not knows:
            np.testing.assert_array_equal(found["accuracy"], found["accuracy_untrained"])
            np.testing.assert_array_equal(found["bits"], found["bits_untrained"])


def test_a_stream_is_probed_for_the_concepts_of_its_task_behind_the_channels():
    # Features are the one-hot observation: cue and symbol are there, the answer (a product of both) is not.
    world = Cipher(symbols=3, skills=2, length=2, cue_held=True)
    identity = lambda hidden: {"trunk": jnp.eye(13)}
    narrow = rx.channels.abstraction()

    def stream(updates, **options):
        regime = rx.regimes.pretrain_rl((updates, updates), **options)
        return regime._replace(phases=regime.phases[:1])

    found = prober(probes.concepts(episodes=512), world, 13, identity, stream, channels=[narrow])
    wide = found(2)
    assert (wide["accuracy_0"] == 1.0).all()
    assert (wide["accuracy_1"] == 1.0).all()
    assert wide["bits_1"] == pytest.approx(math.log2(3), abs=0.1)
    assert wide["accuracy_2"].max() < 0.95
    # Only the first number gets through: one of the two codes of the cue.
    shut = found(2, **{"abstraction.dimensions": 1})
    assert (shut["accuracy_0"] == 1.0).all()
    assert shut["accuracy_1"].max() < 0.6


def test_what_cannot_be_probed_is_refused():
    nothing = lambda hidden: {}
    with pytest.raises(rx.UserError, match="episodes = 7"):
        probes.concepts(episodes=7)
    with pytest.raises(rx.UserError, match=r"unknown tap.*Allowed: features"):
        prober(probes.concepts(tap="feature"), Exemplar(), 4, nothing)
    with pytest.raises(rx.UserError, match="steps = 0"):
        prober(probes.concepts(steps=0), Exemplar(), 4, nothing)

    class Plain(Exemplar):
        concept_sizes = ()

    with pytest.raises(rx.UserError, match="knows no concepts"):
        prober(probes.concepts(), Plain(), 4, nothing)
