"""A session with other numbers: the same programs, so the same results."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.precision import single

from .regimes.test_everywhere import REGIMES, WHY_NOT, world_of


@pytest.fixture
def another_session():
    """Double precision, and no promotion that is not written down."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        assert jnp.zeros(1).dtype == jnp.float64
        yield


def key():
    return jax.tree.map(lambda k: k[0], rx.cell_keys(1))


# Every regime in the first world that has it, and every world.
SOMEWHERE = {regime.name: next(w for w in WHY_NOT if regime.name not in WHY_NOT[w]) for regime in REGIMES}
PAIRS = [(world, regime) for regime, world in SOMEWHERE.items()] + [(world, "pretrain_rl") for world in WHY_NOT]


@pytest.mark.parametrize(("world", "regime"), sorted(set(PAIRS)))
def test_every_regime_and_every_world_is_traced_in_single_precision(another_session, world, regime):
    train = rx.make_train(next(r for r in REGIMES if r.name == regime), world_of(world))
    result = jax.eval_shape(train, key(), train.default_hparams)
    assert {x.dtype for x in jax.tree.leaves(result)} <= {jnp.dtype("float32"), jnp.dtype("int32")}


def test_the_results_are_the_same():
    options = {"network": rx.networks.gru(4), "num_envs": 4, "evaluate": rx.regimes.Evaluate(every=1, episodes=4)}
    regime, world = rx.regimes.pretrain_rl((1, 1), **options), rx.envs.Cipher(symbols=3, skills=2, length=2)

    def run():
        train = rx.make_train(regime, world)
        return jax.jit(train)(key(), train.default_hparams)

    expected = run()
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        found = run()
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("make", [rx.channels.reward, rx.channels.outcome])
def test_channels_of_pay_have_types_of_their_own(another_session, make):
    channel = make(max_delay=2)
    settings = {s.name: jnp.asarray(s.default, jnp.int32 if s.integer else jnp.float32) for s in channel.settings}
    one = jnp.ones((), jnp.float32)
    state = channel.init(settings, one)
    signal = rx.channels.Signal(one, one, one, one)
    after, found = channel.apply(jax.random.key(0), state, signal, settings)
    assert jax.tree.map(lambda x: x.dtype, after) == jax.tree.map(lambda x: x.dtype, state)
    assert {x.dtype for x in (found.value, found.present, found.lost)} == {jnp.dtype("float32")}


def test_what_is_wrapped_looks_as_before():
    def function(a: int, *, b: str = "") -> float:
        """Something."""
        return 0.5

    wrapped = single(function)
    assert (wrapped.__doc__, inspect.signature(wrapped)) == (function.__doc__, inspect.signature(function))
    assert wrapped(1, b="x") == 0.5
