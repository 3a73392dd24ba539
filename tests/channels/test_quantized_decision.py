"""The decision channel of continuous actions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.aim import Aim

import regimax as rx
from regimax.channels import HUMAN_SCALED, Signal, chain, decision, quantized_decision
from regimax.sweep.cost import Costs
from regimax.sweep.plan import make_plan

TWO = quantized_decision((-1.0, 0.0), (1.0, 10.0))


def sent(channel, meant, **changes):
    """Sends actions `meant` `[T, N]` of one episode; returns what is done, and presence."""
    hparams = channel.default_settings({f"decision.{name}": value for name, value in changes.items()})
    meant = jnp.asarray(meant, jnp.float32)

    def step(state, x):
        t, action = x
        signal = Signal(action, jnp.ones(()), (t == 0).astype(jnp.float32), jnp.zeros(()))
        state, signal = channel.apply(jax.random.key(0), state, signal, hparams)
        return state, (signal.value, signal.present)

    done = jax.lax.scan(step, channel.init(hparams, meant[0]), (jnp.arange(len(meant)), meant))[1]
    return [np.asarray(x) for x in done]


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_every_number_has_as_many_levels_as_its_bits_tell_apart(bits):
    share = np.linspace(-0.2, 1.2, 600)
    done, present = sent(TWO, np.stack([-1 + 2 * share, 10 * share], 1), bits=bits)
    assert present.all()
    for i, (low, high) in enumerate(((-1, 1), (0, 10))):
        np.testing.assert_allclose(np.unique(done[:, i]), np.linspace(low, high, 2**bits), atol=1e-5)
    nearest = np.abs(done[:, 1] - np.clip(10 * share, 0, 10))
    assert nearest.max() <= 10 / (2**bits - 1) / 2 + 1e-5


def test_24_bits_round_nothing_and_what_is_beyond_its_range_is_the_end():
    meant = np.float32([[0.123456789, 9.87654321], [-3.0, 11.0]])
    np.testing.assert_array_equal(sent(TWO, meant)[0], [meant[0], [-1.0, 10.0]])


def test_a_decision_is_held_until_the_next():
    done, present = sent(quantized_decision(0, 8), np.arange(8.0)[:, None], rate=0.25)
    np.testing.assert_array_equal(done[:, 0], np.repeat([0.0, 4.0], 4))
    np.testing.assert_array_equal(present, [1, 0, 0, 0, 1, 0, 0, 0])


def test_its_capacity_is_that_of_its_levels():
    settings = {"decision.rate": 0.5, "decision.bits": 2}
    # Even numbers of all levels have an entropy of so many bits, and nothing tells more.
    done, _ = sent(TWO, np.stack([np.linspace(-1, 1, 4), np.linspace(0, 10, 4)], 1), bits=2)
    of_each = [np.log2(len(np.unique(column))) for column in done.T]
    assert TWO.capacity(settings, {"action_bits": 2 * 24.0}) == 0.5 * sum(of_each) == 2.0


def test_effort_counts_them():
    def bits(*channels, **settings):
        options = {"network": rx.networks.mlp((4,)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(2, 2)}
        regime = rx.regimes.pure_rl(2, channels=channels, **options)
        settings = {f"decision.{name}": value for name, value in settings.items()}
        plan = make_plan(rx.Sweep(world=Aim(), regimes=[regime], settings=settings, seeds=1))
        (stage,) = plan.stages.values()
        return Costs(plan)(stage).bits_decision / 4

    assert bits() == 2 * 24
    assert bits(TWO, bits=3, rate=0.5) == 3


def test_bandwidths_of_people_know_them():
    settings = HUMAN_SCALED._replace(decision=4.0).settings(Aim())
    channel = next(channel for channel in HUMAN_SCALED.channels(Aim()) if channel.place == "decision")
    assert channel.capacity(settings, Aim().describe({})) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: quantized_decision(1, 0), "1 … 0 is not a range"),
        (lambda: quantized_decision((0, 0), (1, 1, 1)), "2 numbers are low and 3 high"),
        (lambda: chain(decision(), quantized_decision(name="fine")), "one of several actions and of continuous ones"),
        (lambda: sent(quantized_decision((0, 0), (1, 1)), np.zeros((1, 3))), "it has 2 ranges, an action has 3"),
    ],
)
def test_what_cannot_be_is_told(make, message):
    with pytest.raises(rx.UserError, match=message):
        make()


@pytest.mark.parametrize(
    ("world", "channel", "message"),
    [
        (Aim(), decision(), "does not carry the actions of Aim, which are numbers: use channels.quantized_decision"),
        (rx.envs.Lock(depth=3), TWO, "does not carry the actions of Lock, which are one of several: use channels.dec"),
    ],
)
def test_a_channel_of_other_actions_is_told(world, channel, message):
    with pytest.raises(rx.UserError, match=message):
        rx.make_train(rx.regimes.pure_rl(50, network=rx.networks.mlp((4,)), channels=[channel]), world)
