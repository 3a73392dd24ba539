"""Room in a memory against sums written out in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import prng
from regimax.probes import room
from regimax.regimes import bind, probed
from regimax.regimes.program import as_hparams

N, M, Q, V, D, WIDTH, EPISODES, FURTHER, LEVEL = 5, 3, 6, 4, 6, 4, 8, 24, 3.0
WORLD = rx.envs.Recall(N, M, V, Q, dimensions=D, max_stable=6, apart=True)
NETWORK = rx.networks.pair_memory(WIDTH, 7, gate="learned", key_size=D)


def made(network=NETWORK, make=rx.regimes.continual):
    regime = make((2, 2), network=network, evaluate=rx.regimes.Evaluate(2, 4))
    return bind(probed(regime, room(EPISODES, FURTHER, LEVEL)).phases[1], WORLD)


def learner(program):
    """An untrained learner whose gates differ, and what the probe says of learners like it."""
    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(1))
    hparams = as_hparams(program.settings, program.defaults())
    state = jax.jit(program.init)(keys, hparams, {})
    state.learner.params["trunk"]["look"]["kernel"] *= 9.0
    probe = jax.jit(program.probe)

    def found(**changes):
        trunk = {**state.learner.params["trunk"], **changes}
        params = {**state.learner.params, "trunk": trunk}
        seen = probe(keys, hparams, state._replace(learner=state.learner._replace(params=params)))
        return {name.removeprefix("room_"): float(value) for name, value in seen.items()}

    return keys, state.learner, found


@pytest.fixture(scope="module")
def measured():
    return learner(made())


def dense(part, x):
    return x @ part["kernel"] + part.get("bias", 0)


def written(params, x):
    """Addresses, contents and gates of observations `[n, ·]`."""
    address = dense(params["address"], x[:, :D])
    address /= np.sqrt((address**2).sum(-1, keepdims=True) + 1e-6)
    gate = dense(params["gate"], np.maximum(dense(params["look"], x[:, : D + V]), 0))[:, 0]
    shown = (x[:, D : D + V] != 0).any(-1)
    return address, dense(params["value"], x[:, D : D + V]), shown / (1 + np.exp(-gate))


def fits(states, further):
    """How many pairs fit, by hand."""
    ratios = []
    for m in range(1, FURTHER + 1):
        error = square = 0.0
        for state, (k, v, beta) in zip(states, further, strict=True):
            k = k / np.linalg.norm(k, axis=-1, keepdims=True)
            after = state + np.einsum("n,nk,nv->kv", beta[:m], k[:m], v[:m])
            wanted = beta[:m, None] * v[:m]
            error, square = error + ((k[:m] @ after - wanted) ** 2).sum(), square + (wanted**2).sum()
        ratios.append(error / square)
    over = [m for m, ratio in enumerate(ratios) if ratio > LEVEL]
    if not over:
        return FURTHER
    m = over[0]
    return m + (LEVEL - ratios[m - 1]) / (ratios[m] - ratios[m - 1]) if m else 0.0


def test_it_is_the_sums_written_out(measured):
    keys, state, found = measured
    params = jax.tree.map(lambda x: np.asarray(x, np.float64), state.params)["trunk"]
    key = prng.named(keys.learner, "probe", "life", 0)
    for name in ("room", "sequences"):
        key = prng.named(key, name)
    shown_key, further_key, _ = jax.random.split(key, 3)
    hidden = state.source.world
    show = jax.jit(jax.vmap(lambda k: WORLD.sequence(k, hidden, 6 + M, jnp.array(True))))
    shown = jax.tree.map(np.asarray, show(jax.random.split(shown_key, EPISODES)))
    new = jax.jit(jax.vmap(lambda k: WORLD.sequence(k, hidden, 1, jnp.array(False)).obs_tm1[0]))
    new = np.asarray(new(jax.random.split(further_key, FURTHER * EPISODES))).reshape(FURTHER, EPISODES, -1)
    states, without = [], []
    for e in range(EPISODES):
        k, v, beta = written(params, shown.obs_tm1[e])
        for kept, of in ((states, np.ones(len(k))), (without, 1 - shown.extras["stable"][e])):
            kept.append(np.einsum("n,nk,nv->kv", beta * of, k, v))
    further = [written(params, new[:, e]) for e in range(EPISODES)]
    assert all((beta > 0).all() for _, _, beta in further)  # each is shown, with a value
    squares = sum((s**2).sum() for s in states)
    sigma = [np.linalg.svd(s, compute_uv=False) ** 2 for s in states]
    expected = {
        "share_stable": sum(((s - w) * s).sum() for s, w in zip(states, without, strict=True)) / squares,
        "squares": squares / EPISODES,
        "participation": np.mean([s.sum() ** 2 / (s**2).sum() for s in sigma]),
        "capacity": fits(states, further),
        "capacity_without": fits(without, further),
        "capacity_empty": fits([np.zeros((WIDTH, WIDTH))] * EPISODES, further),
    }
    seen = found()
    assert set(seen) == {*expected, "participation_without", "capacity_random"}
    for name, value in expected.items():
        assert seen[name] == pytest.approx(value, rel=5e-3), name
    assert 0 < seen["capacity"] < seen["capacity_without"] < seen["capacity_empty"] < FURTHER


def test_twice_the_values_are_four_times_the_squares_and_nothing_else(measured):
    _, state, found = measured
    one, two = found(), found(value=jax.tree.map(lambda x: 2 * x, state.params["trunk"]["value"]))
    assert two.pop("squares") == pytest.approx(4 * one.pop("squares"), rel=1e-4)
    assert two == pytest.approx(one, rel=1e-3)


def test_a_gate_that_shuts_out_everything_has_no_room_for_new_pairs_though_it_holds_nothing(measured):
    _, state, found = measured
    gate = state.params["trunk"]["gate"]
    shut = found(gate={**gate, "bias": gate["bias"] - 1e3})
    assert shut["squares"] == shut["share_stable"] == shut["participation"] == 0.0
    assert shut["capacity"] == shut["capacity_empty"] == 0.0


def test_what_cannot_be_measured_is_told():
    for wrong in ({"episodes": 0}, {"further": 0}, {"level": 0.0}):
        with pytest.raises(rx.UserError, match=rf"probes\.room: {next(iter(wrong))}"):
            room(**wrong)
    with pytest.raises(rx.UserError, match="unknown tap of the network 'content'"):
        made(rx.networks.gru(4))
    with pytest.raises(rx.UserError, match="must be one matrix of pairs that add up"):
        made(rx.networks.pair_memory(WIDTH, 7, memory="softmax", key_size=D))
    meta = rx.regimes.meta_train(2, network=NETWORK, evaluate=rx.regimes.Evaluate(2, 4))
    with pytest.raises(rx.UserError, match="its phase has no lifetime, found the source 'fresh_worlds'"):
        bind(meta._replace(probes=(room(),)), WORLD)
