"""Cipher against a plain reference, and its statistics at a stated error rate.

Statistical tests have fixed keys; each would fail by chance with probability `ALPHA`.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import regimax as rx
from regimax.envs import Cipher

from .conftest import ALPHA, compiled, keys, traced


def play(world, params, key, actions):
    """One episode of given actions `[L]`: stacked observations, rewards, ends, successes and outcomes."""

    def step(state, x):
        action, k = x
        obs, state, reward, terminated, _, info = world.step(k, state, action, params)
        return state, (obs, reward, terminated, info["success"], info["outcome"])

    obs, state = world.reset(key, params)
    _, rest = jax.lax.scan(step, state, (actions, keys(world.horizon)))
    return obs, state, rest


def split(world, obs):
    """The index that each field shows, −1 for nothing."""
    found, start = {}, 0
    for field in world.fields:
        part = np.asarray(obs[..., start : start + field.size])
        assert np.isin(part, (0, 1)).all()
        assert (part.sum(-1) <= 1).all()
        found[field.name] = np.where(part.any(-1), part.argmax(-1), -1)
        start += field.size
    return found


@pytest.mark.parametrize("changes", [{}, {"dense_reward": 1}, {"cue_held": 1}, {"reveal": 1.0}], ids=str)
def test_episodes_equal_a_plain_reference(changes):
    world = Cipher(symbols=3, skills=2, length=3, max_symbols=4, max_skills=3, max_length=5)
    settings = traced(world, **changes)
    params = jax.jit(jax.vmap(world.init, in_axes=(0, None)))(keys(100), settings)
    actions = jax.random.randint(jax.random.key(1), (100, 5), 0, 3)
    obs, state, (later, reward, ended, success, outcome) = jax.jit(jax.vmap(lambda p, k, a: play(world, p, k, a)))(
        params, keys(100, 2), actions
    )
    hidden = jax.tree.map(np.asarray, params.hidden)
    for i in range(100):
        cue, x = int(state.cue[i]), np.asarray(state.x[i])
        right = [int(hidden.answers[i][hidden.skill_of_cue[i][cue]][s]) for s in x[:3]]
        first = split(world, obs[i])
        assert (first["cue"], first["symbol"], first["action"], first["tag"], first["reveal"]) == (
            cue,
            x[0],
            -1,
            -1,
            -1,
        )
        hits = [int(actions[i, t]) == right[t] for t in range(3)]
        for t in range(3):
            seen = split(world, later[i, t])
            assert seen["action"] == actions[i, t]
            assert seen["symbol"] == (x[t + 1] if t < 2 else -1)
            assert seen["cue"] == (cue if changes.get("cue_held") else -1)
            assert seen["reveal"] == (right[t] if changes.get("reveal") else -1)
            assert ended[i, t] == (t == 2)
            solved = float(t == 2 and all(hits))
            assert success[i, t] == solved
            assert reward[i, t] == (float(hits[t]) if changes.get("dense_reward") else solved)
            assert outcome[i, t] == (0.0 if changes.get("dense_reward") else solved)


@pytest.mark.parametrize(("symbols", "length"), [(2, 3), (3, 2)])
def test_a_random_policy_succeeds_with_probability_v_to_the_minus_l(symbols, length):
    world, n = Cipher(symbols=symbols, skills=2, length=length), 20_000
    settings = traced(world)

    def one(key):
        k_world, k_reset, k_act = jax.random.split(key, 3)
        actions = jax.random.randint(k_act, (length,), 0, symbols)
        return play(world, world.init(k_world, settings), k_reset, actions)[2][3][-1]

    successes = int(jax.jit(jax.vmap(one))(keys(n)).sum())
    known = world.describe(world.defaults())["random_success"]
    assert known == symbols**-length
    assert stats.binomtest(successes, n, known).pvalue > ALPHA


def test_the_perfect_policy_reaches_the_optimal_return():
    for per_step in (0, 1):
        world = Cipher(symbols=4, skills=3, length=3, dense_reward=bool(per_step))
        settings = traced(world)

        def one(key, world=world, settings=settings):
            k_world, k_reset = jax.random.split(key)
            params = world.init(k_world, settings)
            _, state = world.reset(k_reset, params)
            right = params.hidden.answers[params.hidden.skill_of_cue[state.cue], state.x]
            return play(world, params, k_reset, right)[2][1].sum()

        assert set(np.asarray(jax.jit(jax.vmap(one))(keys(50))).tolist()) == {
            world.describe(world.defaults())["optimal_return"]
        }


def test_cues_and_symbols_are_uniform():
    world, n = Cipher(symbols=3, skills=4, length=2), 8000
    params = compiled(world.init)(jax.random.key(0), traced(world))
    _, state = jax.jit(jax.vmap(world.reset, in_axes=(0, None)))(keys(n), params)
    pairs = np.asarray(state.cue) * 9 + np.asarray(state.x[:, 0]) * 3 + np.asarray(state.x[:, 1])
    assert stats.chisquare(np.bincount(pairs, minlength=36)).pvalue > ALPHA


@pytest.mark.parametrize("padding", [0, 6])
def test_skills_are_uniform_over_all_permutations(padding):
    world, n = Cipher(symbols=3, skills=2, length=1, max_symbols=padding, max_skills=padding), 6000
    params = jax.jit(jax.vmap(world.init, in_axes=(0, None)))(keys(n), traced(world))
    orders = list(itertools.permutations(range(3)))
    found = np.asarray(params.hidden.answers[:, :2, :3]).reshape(-1, 3)
    counts = [int((found == order).all(-1).sum()) for order in orders]
    assert sum(counts) == 2 * n
    assert stats.chisquare(counts).pvalue > ALPHA
    flips = int((params.hidden.skill_of_cue[:, 0] == 1).sum())
    assert stats.binomtest(flips, n, 0.5).pvalue > ALPHA
    assert (np.sort(params.hidden.skill_of_cue[:, :2], axis=-1) == [0, 1]).all()


@pytest.mark.parametrize(("coverage", "covered"), [(0.0, 0), (0.5, 2), (1.0, 4)])
def test_the_stream_shows_that_fraction_of_the_tasks_skills(coverage, covered):
    world = Cipher(symbols=12, skills=4, length=2)  # two equal permutations would be a miracle
    settings = traced(world, coverage=coverage)
    for key in keys(20):
        task = np.asarray(compiled(world.init)(key, settings).hidden.answers)
        stream = np.asarray(compiled(world.stream_init)(key, settings).hidden.answers)
        assert (task[:covered] == stream[:covered]).all()
        assert all((t != s).any() for t, s in zip(task[covered:], stream[covered:], strict=True))


def test_transcripts_answer_by_one_skill_and_never_tell_its_cue():
    world, n = Cipher(symbols=4, skills=3, length=5), 6000
    key = jax.random.key(3)
    params = compiled(world.stream_init)(key, traced(world))
    batch = jax.jit(jax.vmap(world.transcript, in_axes=(0, None)))(keys(n), params)
    seen = split(world, batch.obs_tm1)
    answers = np.asarray(params.hidden.answers)
    agrees = np.stack([(answers[k][seen["symbol"]] == np.asarray(batch.a_tm1)).all(-1) for k in range(3)])
    assert agrees.any(0).all()
    assert (seen["tag"] == -1).all()
    assert (split(world, batch.obs_t)["action"] == np.asarray(batch.a_tm1)).all()
    certain = agrees.sum(0) == 1
    table = np.zeros((3, 3))
    np.add.at(table, (agrees.argmax(0)[certain], seen["cue"][:, 0][certain]), 1)
    assert stats.chi2_contingency(table).pvalue > ALPHA  # the cue says nothing of the skill
    assert (seen["cue"][:, 1:] == -1).all()


def test_tags_name_the_skill_and_replace_the_cue():
    world, n = Cipher(symbols=4, skills=3, length=4), 4000
    params = compiled(world.stream_init)(jax.random.key(3), traced(world, tag=0.3))
    batch = jax.jit(jax.vmap(world.transcript, in_axes=(0, None)))(keys(n), params)
    first = split(world, batch.obs_tm1[:, 0])
    tagged = first["tag"] >= 0
    assert stats.binomtest(int(tagged.sum()), n, 0.3).pvalue > ALPHA
    assert ((first["cue"] == -1) == tagged).all()
    symbols = split(world, batch.obs_tm1)["symbol"]
    said = np.asarray(params.hidden.answers)[first["tag"][:, None], symbols]
    assert (said == np.asarray(batch.a_tm1))[tagged].all()


def test_reveals_come_at_their_probability():
    world, n = Cipher(symbols=3, skills=2, length=1), 5000
    params = compiled(world.init)(jax.random.key(0), traced(world, reveal=0.2))
    _, _, (obs, *_) = jax.jit(jax.vmap(lambda k: play(world, params, k, jnp.zeros(1, jnp.int32))))(keys(n))
    shown = int((split(world, obs[:, 0])["reveal"] >= 0).sum())
    assert stats.binomtest(shown, n, 0.2).pvalue > ALPHA


def test_padding_is_never_seen_and_never_legal():
    world = Cipher(symbols=3, skills=2, length=2, max_symbols=6, max_skills=4, max_length=5)
    settings = traced(world)
    params = compiled(world.init)(jax.random.key(0), settings)
    assert world.legal(params).tolist() == [True] * 3 + [False] * 3
    batch = jax.jit(jax.vmap(world.transcript, in_axes=(0, None)))(
        keys(200), compiled(world.stream_init)(jax.random.key(0), settings)
    )
    assert (np.asarray(batch.mask_tm1) == [1, 1, 0, 0, 0]).all()
    assert (np.asarray(batch.discount_t)[:, :2] == [1, 0]).all()
    obs, _ = jax.jit(jax.vmap(world.reset, in_axes=(0, None)))(keys(200), params)
    for seen in (split(world, obs), split(world, batch.obs_tm1), split(world, batch.obs_t)):
        assert seen["cue"].max() < 2
        assert seen["symbol"].max() < 3
        assert seen["action"].max() < 3


def test_concepts_are_skill_symbol_and_right_answer():
    world = Cipher(symbols=4, skills=3, length=2)
    params = compiled(world.init)(jax.random.key(0), traced(world))
    _, state = compiled(world.reset)(jax.random.key(1), params)
    skill = int(params.hidden.skill_of_cue[state.cue])
    symbol = int(state.x[0])
    assert compiled(world.concepts)(state, params).tolist() == [
        skill,
        symbol,
        int(params.hidden.answers[skill, symbol]),
    ]
    assert compiled(world.concepts)(state._replace(t=jnp.int32(2)), params).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("m", [0, 1, 2, 4])
def test_floors_in_bits(m):
    world = Cipher(symbols=5, skills=4, length=3, coverage=m / 4)
    known = world.describe(world.defaults())
    skill = math.log2(math.factorial(5))
    assert known["min_reward_bits_scratch"] == pytest.approx(4 * skill, rel=1e-5)
    unlabelled = math.log2(math.comb(4, m) * math.factorial(4) / math.factorial(4 - m))
    assert known["min_reward_bits_stream"] == pytest.approx(unlabelled + (4 - m) * skill, rel=1e-4)
    assert known["concepts"] == 4


def test_the_stream_does_not_read_the_task():
    world = Cipher()
    only = {name: value for name, value in traced(world).items() if name in world.stream_reads}
    compiled(world.stream_init)(jax.random.key(0), only)
    assert not {"world.dense_reward", "world.reveal"} & set(world.stream_reads)
    assert not {"world.coverage", "world.tag"} & set(world.task_reads)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"symbols": 1}, "Cipher: symbols = 1 is out of range"),
        ({"skills": 9, "max_skills": 8}, r"Cipher: skills = 9 is out of range: a whole number in \[1, 8\]"),
        ({"length": 0}, "Cipher: length = 0 is out of range"),
        ({"coverage": 1.5}, "Cipher: coverage = 1.5 is out of range"),
        ({"symbols": 2.5}, "Cipher: symbols = 2.5 is not a whole number"),
    ],
)
def test_impossible_sizes_are_told(sizes, message):
    with pytest.raises(rx.UserError, match=message):
        Cipher(**sizes)


def test_unpadded_is_the_cells_own_size():
    world = Cipher(symbols=3, skills=2, length=2, max_symbols=6, max_skills=4, max_length=5)
    bare = world.unpadded(world.defaults() | {"world.symbols": 4})
    assert (bare.max_symbols, bare.max_skills, bare.max_length) == (4, 2, 2)
