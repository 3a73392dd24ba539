"""Every world keeps the promises of `Environment`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax import envs
from regimax.envs import (
    Cipher,
    Composed,
    Corridor,
    Digits,
    Environment,
    Exemplar,
    HandModel,
    Lock,
    Oracle,
    Planner,
    Recall,
    Streams,
)
from regimax.envs.base import keeps
from regimax.errors import UserError
from regimax.networks import mlp
from regimax.types import Setting

from .conftest import compiled

WORLDS = {
    "Cipher": Cipher(symbols=3, skills=2, length=2),
    "Cipher, padded": Cipher(symbols=3, skills=2, length=2, max_symbols=5, max_skills=4, max_length=3),
    "Corridor": Corridor(positions=3, looks=2, decisions=2, lag=1, dimensions=5),
    "Corridor, padded": Corridor(3, 2, 2, 0, dimensions=5, max_positions=4, max_looks=3, max_decisions=3, max_lag=2),
    "Composed": Composed(parts=2, choices=3, looks=2, decisions=2, dimensions=5),
    "Composed, padded": Composed(
        2, 3, 2, decisions=2, dimensions=5, max_parts=3, max_choices=4, max_looks=3, max_decisions=4
    ),
    "Digits": Digits(factors=2, values=3, looks=2, counted=2, decisions=2),
    "Digits, padded": Digits(2, 3, 2, decisions=2, max_factors=3, max_values=4, max_counted=2, max_decisions=4),
    "Exemplar": Exemplar(factors=2, values=3, looks=2, decisions=2, dimensions=5),
    "Exemplar, padded": Exemplar(2, 3, 2, 2, dimensions=5, max_factors=3, max_values=4, max_looks=3, max_decisions=4),
    "Lock": Lock(depth=3, actions=2),
    "Lock, padded": Lock(depth=3, actions=2, max_depth=5, max_actions=4),
    "Planner": Planner(factors=3, values=2, ancestors=2),
    "Planner, padded": Planner(factors=3, values=2, ancestors=2, max_factors=4, max_values=3, max_steps=9),
    "Recall": Recall(stable=2, dynamic=2, values=3, queries=2, dimensions=4),
    "Recall, padded": Recall(2, 2, 3, 2, dimensions=4, max_stable=3, max_dynamic=3, max_values=4, max_queries=3),
    "Oracle of Recall": Oracle(Recall(stable=2, dynamic=2, values=3, queries=2, dimensions=4)),
    "Oracle of Planner": Oracle(Planner(factors=3, values=2, ancestors=2)),
    "Oracle of Exemplar": Oracle(Exemplar(factors=2, values=3, looks=2, dimensions=5)),
    "Oracle of Corridor": Oracle(Corridor(positions=3, looks=2, dimensions=5)),
    "Oracle of Composed": Oracle(Composed(parts=2, choices=3, looks=2, dimensions=5)),
    "Oracle of Digits": Oracle(Digits(values=3)),
    "Oracle of Lock": Oracle(Lock(depth=3, actions=2)),
    "Model of Planner": HandModel(Planner(factors=3, values=2, ancestors=2, max_factors=4)),
    "Oracle of Cipher": Oracle(Cipher(symbols=3, skills=2, length=2)),
}
KEY = jax.eval_shape(jax.random.key, 0)
VIEWS = ("Oracle", "Model")
"""What stands before the name of a world that is seen otherwise, and has no stream of its own."""


@pytest.fixture(params=WORLDS.values(), ids=WORLDS)
def world(request):
    return request.param


def given(world, names):
    chosen = [s for s in world.settings if s.name in names]
    return {s.name: jnp.asarray(s.default, jnp.int32 if s.integer else jnp.float32) for s in chosen}


@pytest.mark.versions
def test_it_is_an_environment(world):
    assert isinstance(world, Environment)
    assert keeps(world, Environment)
    assert hash(world.spec) == hash(eval(repr(world.spec)))


@pytest.mark.parametrize("name", WORLDS)
def test_only_worlds_with_a_stream_say_so(name):
    assert isinstance(WORLDS[name], Streams) == (not name.startswith(VIEWS))


@pytest.mark.versions
@pytest.mark.parametrize("name", ["Planner", "Recall", "Lock"])
def test_a_wrapper_of_ones_own_that_passes_everything_on_is_the_world_in_every_python(name):
    """Not by `isinstance`, which from Python 3.12 on looks no further than the class."""

    class Wrapped:
        def __init__(self, world):
            self.world = world

        def __getattr__(self, name):
            return getattr(self.world, name)

    wrapped = Wrapped(WORLDS[name])
    envs.check_world(wrapped)
    for promise in (Environment, Streams, envs.HandMade, envs.Lifetimes):
        assert keeps(wrapped, promise) == keeps(WORLDS[name], promise)
    assert rx.sources.transcripts(2)(wrapped, ()).spec == rx.sources.transcripts(2)(WORLDS[name], ()).spec
    if name == "Planner":
        assert HandModel(wrapped).spec == HandModel(WORLDS[name]).spec
    else:
        with pytest.raises(UserError, match="has no hand-made model"):
            HandModel(wrapped)


@pytest.mark.parametrize("name", [name for name in WORLDS if not name.startswith(VIEWS)])
def test_transcripts_have_the_shape_of_a_trajectory(name):
    world = WORLDS[name]
    D, T = sum(field.size for field in world.fields), world.stream_steps
    params = jax.eval_shape(world.stream_init, KEY, given(world, world.stream_reads))
    batch = jax.eval_shape(world.transcript, KEY, params)
    assert batch.obs_tm1.shape == batch.obs_t.shape == (T, D)
    assert (batch.a_tm1.shape, batch.a_tm1.dtype) == ((T,), jnp.int32)
    for leaf in (batch.first_tm1, batch.r_t, batch.discount_t, batch.truncated_t, batch.mask_tm1):
        assert leaf.shape == (T,)
    assert {field.name for field in world.fields} >= set(world.stream_fields)


def test_shapes_and_types(world):
    D = sum(field.size for field in world.fields)
    params = compiled(world.init)(jax.random.key(0), given(world, world.task_reads))
    obs, state = compiled(world.reset)(jax.random.key(1), params)
    later, after, reward, terminated, truncated, info = jax.eval_shape(world.step, KEY, state, jnp.int32(0), params)
    assert obs.shape == later.shape == (D,)
    assert obs.dtype == later.dtype == jnp.float32
    assert (reward.shape, reward.dtype) == ((), jnp.float32)
    assert terminated.dtype == truncated.dtype == bool
    assert {"outcome", "success"} <= set(info)
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
    assert world.legal(params).shape == (world.num_actions,)
    concepts = compiled(world.concepts)(state, params)
    assert concepts.shape == (len(world.concept_sizes),)
    assert all(-1 <= c < size for c, size in zip(concepts.tolist(), world.concept_sizes, strict=True))


def test_what_is_not_given_cannot_be_read(world):
    for missing in world.task_reads:
        settings = given(world, world.task_reads)
        del settings[missing]
        with pytest.raises(KeyError, match=missing):
            jax.eval_shape(world.init, KEY, settings)


def test_default_settings_are_traced_scalars_and_take_changes(world):
    found = world.default_settings()
    assert found == envs.default_settings(world) == given(world, [s.name for s in world.settings])
    assert {name: (x.shape, x.dtype) for name, x in found.items()} == {
        s.name: ((), jnp.int32 if s.integer else jnp.float32) for s in world.settings
    }
    first = world.settings[0]
    for number in (first.low, np.int64(first.low), jnp.int32(first.low)):
        assert world.default_settings({first.name: number})[first.name] == first.low
    with pytest.raises(UserError, match=r"unknown setting 'world\.nothing'"):
        world.default_settings({"world.nothing": 1})


def test_models_that_are_learned_have_them_too_and_worlds_of_ones_own():
    model = envs.LearnedModel(WORLDS["Lock"], mlp((4,)))
    assert model.default_settings() == WORLDS["Lock"].default_settings()

    class Own:
        settings = (Setting("world.size", 3, 1, 9, "size", integer=True),)

    assert envs.default_settings(Own()) == {"world.size": 3}


def test_settings_are_traced(world):
    stacked = jax.tree.map(lambda x: jnp.stack([x, x]), given(world, world.task_reads))
    keys = jax.eval_shape(jax.random.split, KEY)
    params = jax.eval_shape(jax.vmap(world.init), keys, stacked)
    obs, _ = jax.eval_shape(jax.vmap(world.reset), keys, params)
    assert obs.shape[0] == 2


def test_its_numbers_are_known(world):
    known = world.describe({s.name: s.default for s in world.settings})
    for name in (
        "concepts optimal_return random_success min_reward_bits_scratch min_reward_bits_stream "
        "observation_bits stream_bits action_bits episode_steps"
    ).split():
        assert not known[name] < 0, name  # NaN where there is no closed form


def test_what_is_kept_back_is_another_view_of_the_same_world(world):
    params = compiled(world.init)(jax.random.key(0), given(world, world.task_reads))
    asked = jax.jit(lambda p: envs.unseen(world, p))(params)
    assert jax.tree.structure(asked) == jax.tree.structure(params)
    changed = [a.tolist() != b.tolist() for a, b in zip(jax.tree.leaves(asked), jax.tree.leaves(params), strict=True)]
    assert any(changed) == (world.name in ("Composed", "Digits"))
    assert (world.legal(asked) == world.legal(params)).all()


def test_the_oracle_sees_its_concepts():
    inner = WORLDS["Cipher"]
    oracle = Oracle(inner)
    params = compiled(inner.init)(jax.random.key(0), given(inner, inner.task_reads))
    obs, state = compiled(oracle.reset)(jax.random.key(1), params)
    codes = [
        jax.nn.one_hot(c, n) for c, n in zip(compiled(inner.concepts)(state, params), inner.concept_sizes, strict=True)
    ]
    assert (obs == jnp.concatenate(codes)).all()
    assert isinstance(oracle.unpadded(inner.defaults()), Oracle)


COUNTED = [
    Cipher(symbols=3, skills=2, length=2),
    Composed(2, 3, 2, decisions=2, dimensions=5),
    Digits(2, 3, decisions=2),
    Exemplar(2, 3, 2, 2, dimensions=5),
    Lock(depth=3, actions=2),
]


@pytest.mark.parametrize("world", COUNTED, ids=lambda world: world.name)
def test_concept_bits_count_what_an_episode_can_go_through(world):
    # In each of them every sequence of concepts can be made equally likely: its bits are the log of their number.
    horizon, settings = world.horizon, given(world, world.task_reads)

    def episode(key):
        key_reset, key_act, key_steps = jax.random.split(key, 3)
        params = world.init(jax.random.key(0), settings)
        _, opening = world.reset(key_reset, params)
        actions = jax.random.randint(key_act, (horizon,), 0, world.num_actions)

        def step(state, x):
            return world.step(x[1], state, x[0], params)[1], world.concepts(state, params)

        return jax.lax.scan(step, opening, (actions, jax.random.split(key_steps, horizon)))[1]

    found = jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(1), 3000))
    known = world.describe(world.defaults())
    number = len({tuple(row) for row in found.reshape(3000, -1).tolist()})
    assert 2 ** (known["concept_bits"] * known["episode_steps"]) == pytest.approx(number)
