"""Every regime on every world: it trains there, in lanes side by side, or says why not."""

import csv
import importlib.util

import polars as pl
import pytest

import regimax as rx
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute

from . import curves

r = rx.regimes

WORLDS = {
    "Cipher": rx.envs.Cipher(symbols=3, skills=2, length=2),
    "Composed": rx.envs.Composed(parts=2, choices=2, looks=2, dimensions=4),
    "Corridor": rx.envs.Corridor(positions=2, looks=2, lag=1, dimensions=4),
    "Digits": rx.envs.Digits(values=3, looks=4),
    "Exemplar": rx.envs.Exemplar(factors=2, values=2, looks=2, dimensions=4),
    "Lock": rx.envs.Lock(depth=2, actions=2),
    "Planner": rx.envs.Planner(factors=3, values=2, ancestors=2),
    "Recall": rx.envs.Recall(stable=2, dynamic=2, values=2, queries=2, dimensions=3),
}
if importlib.util.find_spec("gymnax"):  # which cannot be had beside every jax
    WORLDS["CartPole"] = rx.envs.gymnax.make("CartPole-v1", max_steps_in_episode=4)
EVERY = {"network": rx.networks.mlp((4, 3)), "num_envs": 2, "num_steps": 4, "evaluate": r.Evaluate(1, 2)}
LIFE = {"network": rx.networks.pair_memory(2, 3, key_size=3), "num_envs": 2, "evaluate": r.Evaluate(1, 2)}
REGIMES = [
    r.pure_rl(1, **EVERY),
    r.oracle(1, **EVERY),
    r.pretrain_rl((1, 1), **EVERY),
    r.sham_rl((1, 1), **EVERY),
    r.imitation_rl((1, 1), **EVERY),
    r.always_on(1, **EVERY),
    r.always_on_sham(1, **EVERY),
    r.reward_model((1, 1), **EVERY),
    r.reward_model_sham((1, 1), **EVERY),
    r.hand_model((1, 1), **EVERY),
    r.learned_model((1, 1, 1), **EVERY),
    r.learned_model_sham((1, 1, 1), **EVERY),
    r.yoked(1, **EVERY),
    r.in_context((1, 1), **LIFE),
    r.continual((1, 1), **LIFE),
    r.continual_in_context((1, 1), **LIFE),
]
NOBODY, NO_LIFETIMES, NO_MODEL = "nobody acts in the stream of ", "has no lifetimes", "has no hand-made model"
LIVES = dict.fromkeys(("in_context", "continual", "continual_in_context"), NO_LIFETIMES)
WHY_NOT = {
    "Cipher": {"hand_model": NO_MODEL, **LIVES},
    "Composed": {"hand_model": NO_MODEL, "imitation_rl": NOBODY, **LIVES},
    "Corridor": {"hand_model": NO_MODEL, "imitation_rl": NOBODY, **LIVES},
    "Digits": {"hand_model": NO_MODEL, "imitation_rl": NOBODY, **LIVES},
    "Exemplar": {"hand_model": NO_MODEL, "imitation_rl": NOBODY, **LIVES},
    "Lock": {"hand_model": NO_MODEL, "imitation_rl": NOBODY, **LIVES},
    "Planner": {"imitation_rl": NOBODY, **LIVES},
    "Recall": {"hand_model": NO_MODEL},
    "CartPole": {
        "hand_model": NO_MODEL,
        "imitation_rl": NOBODY,
        "oracle": "knows no concepts",
        "reward_model": "truncates episodes",
        "reward_model_sham": "truncates episodes",
        "yoked": "truncates episodes",
        **LIVES,
    },
}


def world_of(name):
    if name == "CartPole":
        pytest.importorskip("gymnax")
    return WORLDS[name]


def sweep_of(world, regimes):
    return rx.Sweep(world=world_of(world), regimes=regimes, seeds=2, block=2)


def refusal(world, regime):
    try:
        make_plan(sweep_of(world, [regime]))
    except rx.UserError as error:
        return str(error)
    return None


class Silent:
    """A display that shows nothing."""

    def __getattr__(self, name):
        return lambda *args: None


def test_no_regime_is_left_out():
    public = {name for name in r.__all__ if name.islower()}
    parts = {
        "bind",
        "bind_regime",
        "learn_model",
        "train_in_model",
        "meta_train",
        "continual_phase",
        "predict",
        "probed",
        "reinforce",
    }
    parts |= {"options"}
    assert {regime.name for regime in REGIMES} == public - parts


@pytest.mark.parametrize("world", WHY_NOT)
def test_where_it_is_not_defined_it_says_why(world):
    refused = {regime.name: why for regime in REGIMES if (why := refusal(world, regime)) is not None}
    assert refused.keys() == WHY_NOT[world].keys()
    assert all(reason in refused[name] for name, reason in WHY_NOT[world].items())


def trained(world, regimes, folder):
    execute(make_plan(sweep_of(world, regimes)), folder, Options(), Silent())
    return rx.load_run(folder)


AS_EXEMPLAR = ("oracle", "pretrain_rl", "always_on")
"""What is run in worlds that are for learners what Exemplar is: all that they have of their own is seen there."""
LIKE_EXEMPLAR = ("Composed", "Corridor", "Digits")


@pytest.mark.slow  # a world takes a minute and more to compile
@pytest.mark.parametrize("world", WHY_NOT)
def test_where_it_is_defined_it_trains_and_its_curves_are_those_that_were_committed(world, tmp_path, request):
    defined = [regime for regime in REGIMES if regime.name not in WHY_NOT[world]]
    if world in LIKE_EXEMPLAR:
        defined = [regime for regime in defined if regime.name in AS_EXEMPLAR]
    run = trained(world, defined, tmp_path / "run")
    assert sorted(run.cells["regime"]) == sorted(2 * [regime.name for regime in defined])
    ends = run.curves.group_by("regime", "phase").agg(pl.col("updates").max()).rows()
    phases = [(regime.name, list(enumerate(regime.phases, start=1))) for regime in defined]
    assert set(ends) == {(name, phase.name, i) for name, each in phases for i, phase in each}  # an update of each
    if request.config.getoption("write_curves"):
        curves.write(world, curves.of_run(run))
    assert not curves.differences(world, curves.of_run(run), {regime.name for regime in defined})


ONE_EACH = {
    "Exemplar": ("pretrain_rl", "always_on", "reward_model", "learned_model", "yoked"),
    "Recall": ("continual",),
}
"""Regimes that have every learner among them."""


@pytest.mark.parametrize(
    "world", [pytest.param(world, marks=[pytest.mark.versions] * (world == "Recall")) for world in ONE_EACH]
)
def test_a_curve_of_every_learner_is_that_which_was_committed(world, tmp_path):
    run = trained(world, [regime for regime in REGIMES if regime.name in ONE_EACH[world]], tmp_path / "run")
    assert not curves.differences(world, curves.of_run(run), ONE_EACH[world])


def test_another_number_another_metric_and_a_lost_one_are_told():
    run = {("pure_rl", "rl", "0", "1", "loss"): 0.5}
    there = {key: value for key, value in _committed("Lock").items() if key[0] == "pure_rl"}
    assert not curves.differences("Lock", there, {"pure_rl"})
    first = next(iter(there))
    assert len(curves.differences("Lock", there | {first: there[first] + 1.0}, {"pure_rl"})) == 1
    assert len(curves.differences("Lock", there | {("pure_rl", "rl", "0", "1", "new"): 0.5}, {"pure_rl"})) == 1
    assert len(curves.differences("Lock", run, {"pure_rl"})) >= len(there) - 1


def _committed(world):
    with (curves.FOLDER / f"{world}.csv").open() as file:
        return {tuple(row[k] for k in curves.KEY): float(row["value"]) for row in csv.DictReader(file)}
