"""FLOPs against closed forms."""

import jax
import jax.numpy as jnp
import pytest

import regimax as rx
from regimax.networks import gru
from regimax.probes import count_flops
from regimax.train import update_flops

A, B = jnp.ones((4, 3)), jnp.ones((3, 5))


def test_products():
    assert count_flops(jnp.dot, A, B) == 2 * 4 * 3 * 5
    assert count_flops(jax.vmap(jnp.dot, in_axes=(0, None)), jnp.ones((7, 4, 3)), B) == 7 * 2 * 4 * 3 * 5


@pytest.mark.parametrize("length", [1, 10, 100])
def test_a_loops_body_counts_as_often_as_it_runs(length):
    square = jnp.ones((4, 4))
    found = count_flops(lambda x: jax.lax.scan(lambda c, _: (c @ square, None), x, None, length=length)[0], square)
    assert found == length * 2 * 4**3


def test_elements_reductions_and_moves():
    x = jnp.ones((6,))
    assert count_flops(lambda x: jnp.tanh(x) * 2.0, x) == 12
    assert count_flops(jnp.sum, x) == 6
    assert count_flops(lambda x: x.reshape(2, 3).T, x) == 0
    assert count_flops(lambda key: jax.random.bits(key, (100,)), jax.random.key(0)) == 0


def test_a_branch_counts_as_its_most_costly_side():
    found = count_flops(lambda p, a: jax.lax.cond(p, lambda a: (a @ B).sum(), lambda a: a.sum(), a), True, A)
    assert found == 2 * 4 * 3 * 5 + 20


def test_an_unknown_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="while loop"):
        count_flops(lambda x: jax.lax.while_loop(lambda c: c < 3.0, lambda c: c + 1.0, x), 0.0)


def test_a_gru_step():
    D, X, H, E = 4, 6, 8, 3
    network = gru(H, embedding=X)(D, {"policy": 2})
    params = network.init(jax.random.key(0))
    found = count_flops(
        lambda p, x: network.apply(p, network.carry(E), x, jnp.ones((1, E)))[1], params, jnp.ones((1, E, D))
    )
    products = 2 * E * (D * X + X * 3 * H + H * 3 * H + H * 2)
    assert products < found < products + E * 40 * H  # gates, biases and the memory's reset are elementwise


def test_padding_costs_but_is_not_the_cells_own():
    options = {"network": gru(8), "num_envs": 4, "evaluate": rx.regimes.Evaluate(every=1, episodes=4)}
    phase = rx.regimes.pure_rl(1, **options).phases[0]
    padded = rx.envs.Cipher(symbols=3, skills=2, length=2, max_symbols=12)
    bare = padded.unpadded(padded.defaults())
    assert update_flops(rx.regimes.bind(phase, padded)) > update_flops(rx.regimes.bind(phase, bare))
