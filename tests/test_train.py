"""One cell as one pure function."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import regimax as rx
from regimax.regimes.program import DONE, STATUS

OPTIONS = {"network": rx.networks.gru(8), "num_envs": 8, "evaluate": rx.regimes.Evaluate(every=2, episodes=16)}
WORLD = rx.envs.Cipher(symbols=3, skills=2, length=2)


@pytest.fixture(scope="module")
def counted():
    """A regime, its result for four seeds, the function that was compiled for it, and how often that was traced."""
    train, traces = rx.make_train(rx.regimes.imitation_rl(updates=(4, 6), **OPTIONS), WORLD), []

    def once(keys, hparams):
        traces.append(1)
        return train(keys, hparams)

    run = jax.jit(jax.vmap(once, in_axes=(0, None)))
    return train, run(rx.cell_keys(seeds=4), train.default_hparams), run, traces


@pytest.fixture(scope="module")
def imitation(counted):
    train, result, _, _ = counted
    return train, result


@pytest.mark.versions
def test_curves_effort_parameters_and_status(imitation):
    _, result = imitation
    assert result.curves["pretrain"]["update"].tolist() == [[0, 2, 4]] * 4
    assert result.curves["rl"]["success"].shape == (4, 4)
    assert result.curves["rl"]["loss"].shape == (4, 3)
    assert np.isfinite(result.curves["rl"]["loss"]).all()
    assert {STATUS[s] for s in result.status["rl"].tolist()} == {STATUS[DONE]}
    assert result.effort["rl"]["env_steps"].tolist() == [6 * 8 * 2] * 4
    assert result.effort["pretrain"]["passive_steps"].tolist() == [4 * 8 * 2] * 4
    assert set(result.params["rl"]) == {"trunk", "policy", "value"}


def test_settings_are_traced_not_compiled(counted):
    train, _, run, traces = counted
    for erasure, skills in ((0.0, 2), (0.5, 1)):
        changed = {"reward.erasure": jax.numpy.float32(erasure), "world.skills": jax.numpy.int32(skills)}
        run(rx.cell_keys(seeds=4), dict(train.default_hparams) | changed)
    assert len(traces) == 1


def shapes(train, *args):
    return jax.eval_shape(lambda keys: train(keys, *args), jax.tree.map(lambda k: k[0], rx.cell_keys(seeds=1)))


def test_settings_that_are_not_named_are_at_their_defaults(imitation):
    train, result = imitation
    for hparams in ((), (None,), ({},), ({"rl.learning_rate": 1e-2},), ({"reward.levels": np.int64(3)},)):
        assert shapes(train, *hparams) == shapes(train, train.default_hparams)
    alone = jax.jit(jax.vmap(train))(rx.cell_keys(seeds=4))
    np.testing.assert_array_equal(alone.curves["rl"]["success"], result.curves["rl"]["success"])
    np.testing.assert_array_equal(alone.curves["rl"]["loss"], result.curves["rl"]["loss"])


@pytest.mark.parametrize(
    ("hparams", "message"),
    [
        ({"learning_rate": 0.1}, r"unknown setting 'learning_rate'\. Did you mean 'rl.learning_rate'"),
        ({"rl.updates": 4}, "unknown setting 'rl.updates'"),
        ({"reward.erasure": 1.5}, "reward.erasure = 1.5 is out of range"),
        ({"rl.learning_rate": np.float32("nan")}, "rl.learning_rate = nan is not a number"),
        ({"rl.learning_rate": np.zeros(3)}, "rl.learning_rate"),
        ({"rl.learning_rate": jax.numpy.zeros(3)}, r"has the shape \[3\], one number is needed: vmap"),
        ({"reward.levels": 2.5}, "reward.levels = 2.5 is not a whole number"),
        ([0.1], "is not a mapping from names of settings"),
    ],
)
def test_settings_that_are_none_are_told(imitation, hparams, message):
    with pytest.raises(rx.UserError, match=message):
        shapes(imitation[0], hparams)


def test_a_traced_fraction_is_no_whole_number(imitation):
    train, _ = imitation
    with pytest.raises(rx.UserError, match=r"reward\.levels is float32, it is a whole number in"):
        jax.eval_shape(lambda levels: shapes(train, {"reward.levels": levels}), jax.ShapeDtypeStruct((), np.float32))


def test_regimes_are_paired():
    """The same seed gives the same world and the same initial network in every regime."""
    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(seeds=1))
    states = {}
    for regime in (
        rx.regimes.pure_rl(2, **OPTIONS),
        rx.regimes.pretrain_rl((2, 2), **OPTIONS),
        rx.regimes.sham_rl((2, 2), **OPTIONS),
    ):
        program = rx.regimes.bind_regime(regime, WORLD).programs[-1]
        state = program.init(keys, rx.make_train(regime, WORLD).default_hparams, {})
        states[regime.name] = (state.learner.params, state.learner.source.world)
    for name in ("pretrain_rl", "sham_rl"):
        for one, other in zip(jax.tree.leaves(states["pure_rl"]), jax.tree.leaves(states[name]), strict=True):
            np.testing.assert_array_equal(one, other)


def test_inheritance_takes_named_parts_and_no_others():
    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(seeds=1))
    for regime, taken in (
        (rx.regimes.pretrain_rl((2, 2), **OPTIONS), {"trunk"}),
        (rx.regimes.imitation_rl((2, 2), **OPTIONS), {"trunk", "policy"}),
    ):
        bound = rx.regimes.bind_regime(regime, WORLD)
        train = rx.make_train(regime, WORLD)
        first, second = bound.programs
        own = {name: train.default_hparams[name] for name in second.settings}
        fresh = second.init(keys, own, {})
        marked = jax.tree.map(lambda x: x + 1.0, first.learner.network.init(keys.learner))
        given = {name: marked[name] for name in bound.regime.phases[1].inherit}
        state = second.init(keys, own, given)
        for part in state.learner.params:
            expected = marked[part] if part in taken else fresh.learner.params[part]
            for one, other in zip(jax.tree.leaves(state.learner.params[part]), jax.tree.leaves(expected), strict=True):
                np.testing.assert_array_equal(one, other)


def test_a_phase_is_given_only_what_it_declared(imitation):
    train, _ = imitation
    pretrain = train.bound.programs[0]
    seen = set()

    class Watched(dict):
        def __getitem__(self, name):
            seen.add(name)
            return super().__getitem__(name)

    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(seeds=1))
    pretrain.init(keys, Watched(train.default_hparams), {})
    assert seen == set(pretrain.settings)
    assert not any(name.startswith(("reward.", "outcome.", "rl.")) for name in seen)


def alone(**options):
    """A regime of one phase, whatever that inherits."""
    return rx.regimes.Regime("alone", (rx.regimes.reinforce(2, **OPTIONS, **options),))


@pytest.mark.parametrize(
    ("regime", "message"),
    [
        (rx.regimes.pure_rl(3, **OPTIONS), "rl.updates = 3 is not a positive multiple of evaluate.every = 2"),
        (rx.regimes.Regime("twice", rx.regimes.pure_rl(2, **OPTIONS).phases * 2), "need different names"),
        (alone(inherit=("trunk",)), "unknown part to inherit in regime 'alone'"),
        (rx.regimes.pure_rl(2, freeze=("trunks",), **OPTIONS), "'trunks'. Did you mean 'trunk'"),
        (rx.regimes.pure_rl(2, stop=rx.regimes.Stop("succes"), **OPTIONS), "stop rule .* Did you mean 'success'"),
    ],
)  # fmt: skip
def test_regimes_that_do_not_fit_are_told(regime, message):
    with pytest.raises(rx.UserError, match=message):
        rx.make_train(regime, WORLD)


def breaking(at):
    """Makes an optimiser whose update number `at` is not a number."""

    def optimizer(hparams):
        return optax.scale_by_schedule(lambda count: jnp.where(count == at, jnp.nan, -hparams["learning_rate"]))

    return optimizer


@pytest.fixture(scope="module")
def broken():
    """Prediction breaks in its second tick of three; what was to follow it does not run."""
    predictor = rx.learners.prediction(optimizer=breaking(3))
    train = rx.make_train(rx.regimes.pretrain_rl((6, 4), predictor=predictor, **OPTIONS), WORLD)
    return train, jax.jit(jax.vmap(train, in_axes=(0, None)))(rx.cell_keys(seeds=2), train.default_hparams)


def test_the_last_row_of_what_diverged_is_that_of_the_parameters_that_are_returned(broken):
    _, result = broken
    curves = result.curves["pretrain"]
    assert curves["update"].tolist() == [[0, 2, 2, 2]] * 2
    for name, curve in curves.items():
        assert np.isfinite(curve).all(), name
        np.testing.assert_array_equal(curve[:, -2:], curve[:, -3:-2].repeat(2, 1), err_msg=name)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(result.params))


def test_after_a_phase_that_diverged_nothing_runs_and_nothing_is_counted(broken):
    _, result = broken
    assert {STATUS[s] for phase in ("pretrain", "rl") for s in result.status[phase].tolist()} == {"diverged"}
    assert result.effort["pretrain"]["updates"].tolist() == [2, 2]
    assert not any(value.any() for value in result.effort["rl"].values())
    assert result.curves["rl"]["update"].tolist() == [[0, 0, 0]] * 2
    np.testing.assert_array_equal(result.curves["rl"]["success"], result.curves["rl"]["success"][:, :1].repeat(3, 1))
    assert not result.curves["rl"]["loss"].any()


def test_the_last_row_of_what_was_solved_is_that_of_the_parameters_that_are_returned():
    stop = rx.regimes.Stop("success", at_least=0.0, consecutive=2)
    regime = rx.regimes.pure_rl(8, stop=stop, **OPTIONS)
    train = rx.make_train(regime, WORLD)
    keys = jax.tree.map(lambda k: k[0], rx.cell_keys(1))
    result = jax.jit(train)(keys, train.default_hparams)
    # Solved at the second evaluation, which is the first after an update.
    assert result.curves["rl"]["update"].tolist() == [0, 2, 2, 2, 2]
    assert STATUS[int(result.status["rl"])] == "solved"
    assert len(set(result.curves["rl"]["loss"].tolist())) == 1
    program = train.bound.programs[0]
    state = program.init(keys, train.default_hparams, {})
    opened, _, _ = jax.jit(program.tick)(keys, train.default_hparams, jnp.int32(8), state, jnp.int32(0))
    state, _, evaluation = jax.jit(program.tick)(keys, train.default_hparams, jnp.int32(8), opened, jnp.int32(2))
    for one, other in zip(jax.tree.leaves(result.params["rl"]), jax.tree.leaves(state.learner.params), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert result.curves["rl"]["return"][-1] == pytest.approx(float(evaluation["return"]))


def sharded(train, mesh, **options):
    spec = jax.sharding.PartitionSpec("lanes")
    lanes = jax.vmap(train, in_axes=(0, None))
    whole = jax.sharding.PartitionSpec()
    return jax.jit(jax.shard_map(lanes, mesh=mesh, in_specs=(spec, whole), out_specs=spec, **options))


def test_lanes_are_laid_over_devices_or_it_is_told_how(imitation):
    """Each device has two lanes of four, and so the numbers of a width of two."""
    train, _ = imitation
    keys, mesh = rx.cell_keys(seeds=4), jax.sharding.Mesh(np.array(jax.devices()[:2]), ("lanes",))
    found = sharded(train, mesh, check_vma=False)(keys, train.default_hparams)
    by_two = jax.jit(jax.vmap(train, in_axes=(0, None)))
    halves = [by_two(jax.tree.map(lambda k, i=i: k[i : i + 2], keys), train.default_hparams) for i in (0, 2)]
    expected = jax.tree.map(lambda *leaves: np.concatenate(leaves), *halves)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    with pytest.raises(rx.UserError, match="check_vma=False"):
        sharded(train, mesh)(keys, train.default_hparams)


def test_no_number_of_a_result_is_a_nan(imitation):
    train, result = imitation
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(result))
    jax.config.update("jax_debug_nans", True)
    try:
        again = jax.jit(jax.vmap(train, in_axes=(0, None)))(rx.cell_keys(seeds=4), train.default_hparams)
    finally:
        jax.config.update("jax_debug_nans", False)
    for one, other in zip(jax.tree.leaves(result), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
