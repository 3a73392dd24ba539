"""Loops with several steps in a turn give what they gave."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.ops import unrolled as module
from regimax.ops.unrolled import unrolled
from regimax.traced import traced

XS = jnp.linspace(-1.0, 1.0, 12)


def walk(xs):
    """A loop in a loop, one backwards, one in a branch, one of a length that is only known when it runs."""

    def inner(total, x):
        return 0.5 * total + x, jnp.sin(total)

    def outer(total, x):
        total, ys = jax.lax.scan(inner, total, xs[:5] * x)
        return total, ys.sum()

    total, sums = jax.lax.scan(outer, jnp.float32(0), xs, reverse=True)
    branch = jax.lax.cond(total > 0, lambda: jax.lax.scan(inner, total, xs)[0], lambda: 2.0 * total)
    return branch, sums, jax.lax.fori_loop(0, jnp.int32(sums[0] > -9), lambda i, c: outer(c, xs[i])[0], total)


def loops(jaxpr):
    """Steps in a turn of every loop of known length, outermost first."""
    found = []
    for equation in jaxpr.eqns:
        if equation.primitive.name == "scan":
            found.append(equation.params["unroll"])
        module._with(lambda one: found.extend(loops(one.jaxpr)) or one, tuple(equation.params.values()))
    return found


@pytest.mark.parametrize("steps", [1, 3, 16])
def test_it_gives_the_same(monkeypatch, steps):
    monkeypatch.setattr(module, "STEPS", steps)
    trace = traced(walk, XS)
    assert set(loops(trace.jaxpr.jaxpr)) == {1}
    found = jax.jit(lambda xs: unrolled(trace)(xs))(XS)
    for one, other in zip(found, walk(XS), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_every_loop_is_found():
    assert loops(unrolled(traced(walk, XS)).jaxpr.jaxpr) == [12, 5, 12, 5]


@pytest.mark.parametrize(
    ("length", "size", "steps"),
    [
        (4, 20, 4),  # nothing is left of a short loop
        (128, 20, 16),
        (500, 20, 10),  # a number that divides its length
        (127, 20, 16),  # or at least not much less
        (128, module.EQUATIONS // 9, 8),
        (10, module.EQUATIONS, 1),
        (10, 2 * module.EQUATIONS, 1),
        (1, 0, 1),
    ],
)
def test_a_turn_is_as_long_as_it_may_be(length, size, steps):
    assert module._steps(length, size) == steps


def test_what_a_turn_does_several_times_counts_as_often():
    trace = traced(lambda xs: jax.lax.scan(lambda c, x: (c + jnp.cos(x), None), 0.0, xs)[0], XS)
    [loop] = trace.jaxpr.eqns
    sizes = [module._size(trace.jaxpr.jaxpr) for trace in (trace, unrolled(trace))]
    assert np.diff(sizes) == 11 * len(loop.params["jaxpr"].jaxpr.eqns)


def test_a_tick_of_a_number_of_updates_that_is_known_is_the_same():
    regime = rx.regimes.pure_rl(4, network=rx.networks.mlp((2,)), num_envs=2, evaluate=rx.regimes.Evaluate(2, 2))
    program = rx.make_train(regime, rx.envs.Lock(depth=2, actions=2)).bound.programs[0]
    hparams = {name: jnp.float32(value) for name, value in program.defaults().items()}
    hparams |= {n: x.astype(jnp.int32) for n, x in hparams.items() if program.settings[n].integer}
    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(1))
    state = program.init(keys, hparams, {})
    known, given = (
        jax.jit(lambda state, n=n: program.tick(keys, hparams, jnp.int32(4), state, n)) for n in (2, jnp.int32(2))
    )
    assert max(loops(jax.make_jaxpr(known)(state).jaxpr)) > 1
    assert set(loops(jax.make_jaxpr(given)(state).jaxpr)) == {1}
    for one, other in zip(jax.tree.leaves(known(state)), jax.tree.leaves(given(state)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
