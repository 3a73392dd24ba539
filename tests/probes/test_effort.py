"""FLOPs against closed forms."""

import jax
import jax.numpy as jnp
import pytest

import regimax as rx
from regimax.networks import gru, linear_attention, low_rank, mlp, transformer
from regimax.probes import count_flops, split_flops
from regimax.train import split_update_flops, update_flops
from regimax.types import spent_on

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


def test_what_moves_numbers_counts_nothing_by_whatever_operation_jax_does_it():
    def moved(x):
        rows = jnp.unstack(jnp.tile(x, (2, 1)))
        first, *_ = jnp.stack(rows[::-1])
        return jnp.concatenate([first, *jnp.split(x.T.ravel(), 2)])

    assert count_flops(moved, jnp.ones((2, 4))) == 0


def test_a_branch_counts_as_its_most_costly_side():
    found = count_flops(lambda p, a: jax.lax.cond(p, lambda a: (a @ B).sum(), lambda a: a.sum(), a), True, A)
    assert found == 2 * 4 * 3 * 5 + 20


def test_an_unknown_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="while loop"):
        count_flops(lambda x: jax.lax.while_loop(lambda c: c < 3.0, lambda c: c + 1.0, x), 0.0)


D, X, H, E, L, N, S, DK, DV, R = 4, 6, 8, 3, 2, 5, 7, 3, 4, 2
BLOCK = 2 * H * 4 * H  # numbers of an MLP four times as wide as the stream
DELTA = linear_attention(H, L, 2, DK, DV)
NETWORKS = {  # with the products of a step and stream, written out; the rest is elementwise
    "dense": (mlp((X, H)), D * X + X * H),
    "GRU": (gru(H, embedding=X), D * X + X * 3 * H + H * 3 * H),
    "attention": (transformer(H, L, 2, S), D * H + L * (4 * H * H + 2 * (S + N) * H + BLOCK)),
    # Projections of query, key, value, gate and output; then a read before the write, and one after it.
    "delta rule": (DELTA, D * H + L * (2 * (2 * DK * H + DV * H + H) + 2 * DV * H + 2 * 2 * DK * DV + BLOCK)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_sequence_through_a_network(name):
    factory, products = NETWORKS[name]
    network = factory(D, {"policy": 2})
    params = jax.eval_shape(network.init, jax.random.key(0))
    x, first = jnp.ones((N, E, D)), jnp.ones((N, E))
    found = count_flops(lambda p: network.apply(p, network.carry(E), x, first, None)[1], params)
    products = 2 * N * E * (products + H * 2)
    # Gates, norms, biases, gelu and a memory's reset, decay and rotation.
    assert products < found < products + N * E * 200 * H
    # Adapters cost their product with every kernel's shape once a call, and an addition.
    adapted = low_rank(factory, R)(D, {"policy": 2})
    params = jax.eval_shape(adapted.init, jax.random.key(0))
    kernels = [pair["a"].shape[0] * pair["b"].shape[1] for pair in params["adapter"].values()]
    assert count_flops(lambda p: adapted.apply(p, adapted.carry(E), x, first, None)[1], params) == found + sum(
        kernel * (2 * R + 1) for kernel in kernels
    )


def test_what_grows_with_context_and_state_is_the_products():
    """In a difference between sizes everything else falls out."""

    def flops(factory, steps):
        network = factory(D, {"policy": 2})
        params = jax.eval_shape(network.init, jax.random.key(0))
        x, first = jnp.ones((steps, E, D)), jnp.ones((steps, E))
        return count_flops(lambda p: network.apply(p, network.carry(E), x, first, None)[1], params)

    # A longer window costs a score and its part of the mixture per query and head, and a few FLOPs of softmax a score.
    longer = flops(transformer(H, L, 2, S + 1), N) - flops(transformer(H, L, 2, S), N)
    products, scores, rotated = 2 * N * E * L * 2 * H, N * E * L * 2, L * E * H
    assert products < longer < products + 8 * scores + 4 * rotated
    # The state of linear attention is the same at every step: twice the steps are twice the FLOPs.
    assert flops(DELTA, 2 * N) == 2 * flops(DELTA, N)


def test_a_dense_layer_forwards_and_backwards():
    N, D, H, K = 7, 4, 6, 3
    x, y = jnp.ones((N, D)), jnp.ones((N, K))
    params = {"a": jnp.ones((D, H)), "b": jnp.ones((1, H)), "c": jnp.ones((H, K))}

    def forward(p, x):
        return jnp.tanh(x @ p["a"] + p["b"]) @ p["c"]

    dense = 2 * N * (D * H + H * K)
    assert count_flops(forward, params, x) == dense + 2 * N * H  # bias and tanh
    found = count_flops(jax.grad(lambda p: jnp.sum(forward(p, x) * y)), params)
    # The weights' gradients cost what the layers do, and what came in of the second layer as much again.
    products = dense + 2 * N * (D * H + H * K) + 2 * N * H * K
    assert products < found <= products + N * (K * 4 + H * 12)


def test_attention():
    T, H, D = 5, 2, 4  # steps, heads, numbers of each

    def attention(x, w, out):
        q, k, v = jnp.einsum("td,cdhe->cthe", x, w)
        weights = jax.nn.softmax(jnp.einsum("the,she->hts", q, k), axis=-1)
        return jnp.einsum("hts,she->the", weights, v).reshape(T, H * D) @ out

    W = H * D
    found = count_flops(attention, jnp.ones((T, W)), jnp.ones((3, W, H, D)), jnp.ones((W, W)))
    products = 2 * T * W * 3 * W + 2 * H * T * T * D * 2 + 2 * T * W * W
    # Softmax: the maximum, the difference, the exponential, the sum and the quotient of each; and what is per row.
    softmax = H * T * T * 5
    assert products + softmax <= found <= products + softmax + H * T * 2


def test_a_grus_sequence_costs_its_steps():
    D, H, E = 3, 5, 2
    network = gru(H, embedding=H)(D, {"policy": 2})
    params = jax.jit(network.init)(jax.random.key(0))

    def flops(T):
        x, first = jnp.ones((T, E, D)), jnp.ones((T, E))
        return count_flops(lambda p: network.apply(p, network.carry(E), x, first, None)[1], params)

    step = 2 * E * (D * H + H * 3 * H + H * 3 * H + H * 2)
    per_step = (flops(9) - flops(4)) / 5
    assert step < per_step < step + E * 40 * H


def test_padding_costs_but_is_not_the_cells_own():
    options = {"network": gru(8), "num_envs": 4, "evaluate": rx.regimes.Evaluate(every=1, episodes=4)}
    phase = rx.regimes.pure_rl(1, **options).phases[0]
    padded = rx.envs.Cipher(symbols=3, skills=2, length=2, max_symbols=12)
    bare = padded.unpadded(padded.defaults())
    assert update_flops(rx.regimes.bind(phase, padded)) > update_flops(rx.regimes.bind(phase, bare))


def test_flops_are_told_apart_by_marks_through_loops_gradients_and_calls():
    def marked(a):
        with spent_on("experience"):
            b = jax.lax.scan(lambda c, _: (c @ jnp.ones((3, 3)), None), a, None, length=5)[0]
        with spent_on("prediction"):
            gradient = jax.grad(lambda x: jnp.sum(jax.jit(lambda y: y @ jnp.ones((3, 3)))(x)))(b)
        return jax.vmap(lambda row: row @ jnp.ones((3, 3)))(gradient)

    found = split_flops(marked, jnp.ones((3, 3)))
    product = 2 * 3 * 3 * 3
    assert found["experience"] == 5 * product
    assert found["reinforcement"] == product
    assert found["prediction"] >= 2 * product
    assert sum(found.values()) == count_flops(marked, jnp.ones((3, 3)))


def test_what_is_called_under_two_marks_counts_for_each():
    @jax.jit
    def product(a, b):
        with spent_on("experience"):
            noise = jnp.tanh(a)
        return (a + noise) @ b

    def function(a, b):
        with spent_on("prediction"):
            predicted = product(a, b)
        return predicted + product(a, b)

    found = split_flops(function, jnp.ones((2, 3)), jnp.ones((3, 5)))
    assert found == {"prediction": 66.0, "experience": 12.0, "reinforcement": 76.0}


@pytest.mark.parametrize("predictions", [1, 3])
def test_what_predicts_beside_reinforcement_is_told_apart(predictions):
    options = {"network": rx.networks.mlp((6, 4)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(4, 8)}
    world = rx.envs.Exemplar(factors=1, values=3, looks=2, dimensions=5)
    recorded = rx.regimes.reinforce(4, record=("augmented_view",), **options)
    alone = split_update_flops(rx.regimes.bind(recorded, world))
    once, both = (
        split_update_flops(rx.regimes.bind_regime(rx.regimes.always_on(4, k, **options), world).programs[0])
        for k in (1, predictions)
    )
    assert both["prediction"] == predictions * once["prediction"] > 0
    assert alone["prediction"] == 0
    assert both["experience"] == alone["experience"] > 0
    assert both["reinforcement"] == pytest.approx(alone["reinforcement"], rel=0.02)  # but for the ring


@pytest.mark.parametrize("regime", ["pretrain_rl", "learned_model"])
def test_who_only_predicts_spends_nothing_on_reinforcement(regime):
    options = {"network": rx.networks.mlp((4,)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(4, 8)}
    updates = (4, 4) if regime == "pretrain_rl" else (4, 4, 4)
    bound = rx.regimes.bind_regime(getattr(rx.regimes, regime)(updates, **options), rx.envs.Planner(3, 2, 2))
    first, *_, last = (split_update_flops(program) for program in bound.programs)
    assert first["reinforcement"] < 0.05 * first["prediction"]
    assert last["prediction"] == 0 < last["reinforcement"]
