"""Consolidation against sums written out over the pairs of each sequence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import prng
from regimax.probes import consolidation
from regimax.regimes import bind, probed
from regimax.regimes.program import as_hparams

N, M, Q, V, D, WIDTH, EPISODES = 5, 3, 6, 4, 6, 4, 8
WORLD = rx.envs.Recall(N, M, V, Q, dimensions=D, max_stable=6, apart=True)
NETWORK = rx.networks.pair_memory(WIDTH, 7, gate="learned", key_size=D)


def made(make, network=NETWORK, **more):
    regime = make((2, 2), network=network, evaluate=rx.regimes.Evaluate(2, 4), **more)
    return bind(probed(regime, consolidation(EPISODES)).phases[1], WORLD)


@pytest.fixture(scope="module")
def measured():
    """What the probe says of an untrained learner that is never shown what lasts, and the sequences that it shows."""
    program = made(rx.regimes.continual)
    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(1))
    hparams = as_hparams(program.settings, program.defaults())
    state = jax.jit(program.init)(keys, hparams, {})
    params = state.learner.params
    params["trunk"]["look"]["kernel"] *= 9.0  # so that gates differ
    found = jax.jit(program.probe)(keys, hparams, state)
    key = prng.named(keys.learner, "probe", "life", 0)
    for name in ("consolidation", "sequences"):
        key = prng.named(key, name)
    hidden = state.learner.source.world
    show = jax.jit(jax.vmap(lambda k: WORLD.sequence(k, hidden, 6 + M, jnp.array(True))))
    shown = jax.tree.map(np.asarray, show(jax.random.split(key, EPISODES)))
    return found, jax.tree.map(lambda x: np.asarray(x, np.float64), params), shown


def dense(part, x):
    return x @ part["kernel"] + part.get("bias", 0)


def test_it_is_the_sums_written_out(measured):
    found, params, shown = measured
    trunk = params["trunk"]
    sums = dict.fromkeys(("other", "own", "stable_intact", "dynamic_intact", "stable_ablated", "dynamic_ablated"), 0.0)
    dimensions = {True: [], False: []}
    written = {True: [], False: []}
    for e in range(EPISODES):
        x, stable = shown.obs_tm1[e], shown.extras["stable"][e]
        address = dense(trunk["address"], x[:, :D])
        address /= np.sqrt((address**2).sum(-1, keepdims=True) + 1e-6)
        gate = dense(trunk["gate"], np.maximum(dense(trunk["look"], x[:, : D + V]), 0))[:, 0]
        beta = 1 / (1 + np.exp(-gate))
        pairs = range(N + M)
        value = dense(trunk["value"], x[:, D : D + V])
        write = beta[: N + M, None] * address[: N + M]
        squares = (write @ write.T) ** 2
        share = np.diag(squares) / squares.sum(1)
        for kind in (True, False):
            of = stable[: N + M] == kind
            dimensions[kind].append(share[of].sum())
            written[kind] += np.linalg.norm(write[of], axis=-1).tolist()
        for t in range(N + M, N + M + Q):
            known = dense(trunk["down"], np.maximum(dense(trunk["up"], x[t, :D]), 0))
            terms = np.array([trunk["scale"] * beta[i] * value[i] * (address[i] @ address[t]) for i in pairs])
            lasting = terms[stable[: N + M] == 1].sum(0)
            rest = terms[stable[: N + M] == 0].sum(0)
            if not stable[t]:
                sums["other"] += lasting @ lasting
                sums["own"] += rest @ rest
            for how, read in (("intact", lasting + rest), ("ablated", rest)):
                right = dense(params["policy"], read + known).argmax() == shown.a_tm1[e, t]
                sums[f"{'stable' if stable[t] else 'dynamic'}_{how}"] += right / (EPISODES * Q / 2)
    expected = {
        "crosstalk": sums.pop("other") / sums.pop("own"),
        "dimensions_stable": np.mean(dimensions[True]),
        "dimensions_dynamic": np.mean(dimensions[False]),
        "written_stable": np.mean(written[True]),
        "written_dynamic": np.mean(written[False]),
        **sums,
    }
    assert {name.removeprefix("consolidation_") for name in found} == set(expected)
    for name, value in expected.items():
        assert found[f"consolidation_{name}"] == pytest.approx(value, rel=2e-3), name
    assert found["consolidation_dimensions_stable"] + found["consolidation_dimensions_dynamic"] <= WIDTH + 1e-4


def test_what_cannot_be_measured_is_told():
    with pytest.raises(rx.UserError, match=r"probes\.consolidation: episodes = 0"):
        consolidation(0)
    with pytest.raises(rx.UserError, match="unknown tap of the network 'read'"):
        made(rx.regimes.continual_in_context, rx.networks.gru(4))
    meta = rx.regimes.meta_train(2, network=NETWORK, evaluate=rx.regimes.Evaluate(2, 4))
    with pytest.raises(rx.UserError, match="its phase has no lifetime, found the source 'fresh_worlds'"):
        bind(meta._replace(probes=(consolidation(),)), WORLD)
