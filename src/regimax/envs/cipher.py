"""Cipher: hidden permutations, and cues that call for them.

The small picture of a language model and of reinforcement learning with a verifiable reward. There are K skills, each
a random permutation of V symbols. An episode opens with a cue c; then, L times, the learner sees a symbol x and
answers a. The right answer is π_g(c)(x), where the map g from cues to skills is hidden too. The reward-free stream
shows others at work with one skill per transcript, and never which cue means which skill.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax.envs.sized import Sized, permutation, randint_below, task_key, task_setting
from regimax.ops import information
from regimax.types import Array, Field, HParams, Setting, Spec, Trajectory


class Structure(NamedTuple):
    """What the world hides.

    Attributes:
      symbols: `[]` V.
      skills: `[]` K.
      length: `[]` L.
      answers: `[K, V]` int32, row k is the permutation of skill k.
      skill_of_cue: `[K]` int32, g.
    """

    symbols: Array
    skills: Array
    length: Array
    answers: Array
    skill_of_cue: Array


class TaskParams(NamedTuple):
    """`Structure` and the settings of the task."""

    hidden: Structure
    reveal: Array
    cue_held: Array
    dense_reward: Array


class StreamParams(NamedTuple):
    """`Structure`, with the rows of `answers` replaced by what the stream's others do, and the stream's settings."""

    hidden: Structure
    cue_held: Array
    tag: Array


class State(NamedTuple):
    """An episode under way.

    Attributes:
      t: `[]` int32, symbols answered.
      cue: `[]` int32.
      x: `[L]` int32, the symbols of the episode.
      u: `[L]` uniform numbers that decide what is revealed.
      right: `[]` whether every answer so far was right.
    """

    t: Array
    cue: Array
    x: Array
    u: Array
    right: Array


@dataclass(frozen=True)
class Cipher(Sized):
    """A world of hidden permutations of symbols, and of cues that call for one of them.

    Args:
      symbols: V ≥ 2.
      skills: K ≥ 1.
      length: L ≥ 1, answers per episode.
      coverage: κ in [0, 1], the fraction of the task's skills that the stream shows; strangers take the other places.
      tag: probability that a transcript opens with a tag that names its skill, instead of an uninformative cue.
      reveal: probability that the right answer is shown after the fact, in the next observation.
      cue_held: whether the cue stays in sight; otherwise it is seen with the first symbol only.
      dense_reward: pays 1 for every right answer; otherwise 1 at the end iff all were right.
      task: which task: each draws the map from cues to skills anew, over the same skills.
      max_symbols: padding of V; V itself when 0.
      max_skills: padding of K.
      max_length: padding of L.

    Raises:
      UserError: for a size below its least or beyond its padding, or a value out of range.

    Example:
      >>> world = Cipher(symbols=6, skills=4, length=3)
      >>> known = world.describe(world.defaults())
      >>> round(known["random_success"], 5), round(known["min_reward_bits_stream"], 3)
      (0.00463, 4.585)
    """

    symbols: int = 6
    skills: int = 4
    length: int = 4
    coverage: float = 1.0
    tag: float = 0.0
    reveal: float = 0.0
    cue_held: bool = False
    dense_reward: bool = False
    task: int = 0
    max_symbols: int = 0
    max_skills: int = 0
    max_length: int = 0

    name = "Cipher"
    sizes = ("symbols", "skills", "length")
    truncates = False
    reward_range = (0.0, 1.0)
    task_reads = tuple(
        f"world.{s}" for s in ("symbols", "skills", "length", "reveal", "cue_held", "dense_reward", "task")
    )
    stream_reads = tuple(f"world.{s}" for s in ("symbols", "skills", "length", "coverage", "cue_held", "tag"))
    stream_fields = ("symbol",)
    stream_acts = True

    @property
    def spec(self) -> Spec:
        return ("Cipher", self.max_symbols, self.max_skills, self.max_length)

    @property
    def settings(self) -> tuple[Setting, ...]:
        V, K, L = self.max_symbols, self.max_skills, self.max_length
        flag = {"low": 0, "high": 1, "integer": True}
        return (
            Setting("world.symbols", self.symbols, 2, V, "V, symbols", integer=True),
            Setting("world.skills", self.skills, 1, K, "K, skills and cues", integer=True),
            Setting("world.length", self.length, 1, L, "L, answers per episode", integer=True),
            Setting("world.coverage", self.coverage, 0, 1, "κ, fraction of the task's skills that the stream shows"),
            Setting("world.tag", self.tag, 0, 1, "probability that a transcript is tagged with its skill"),
            Setting("world.reveal", self.reveal, 0, 1, "probability that the right answer is shown after the fact"),
            Setting("world.cue_held", self.cue_held, doc="whether the cue stays in sight", **flag),
            Setting("world.dense_reward", self.dense_reward, doc="pay every right answer, not all", **flag),
            task_setting(self.task, "the map from cues to skills"),
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        V, K = self.max_symbols, self.max_skills
        return (Field("cue", K), Field("tag", K), Field("symbol", V), Field("action", V), Field("reveal", V))

    @property
    def num_actions(self) -> int:
        return self.max_symbols

    @property
    def horizon(self) -> int:
        return self.max_length

    @property
    def concept_sizes(self) -> tuple[int, ...]:
        """`[C]` number of values of each concept: the skill called for, the symbol in sight, and the right answer."""
        return self.max_skills, self.max_symbols, self.max_symbols

    # Hidden structure.

    def _sizes(self, settings: HParams) -> tuple[Array, Array, Array]:
        return settings["world.symbols"], settings["world.skills"], settings["world.length"]

    def _permutations(self, key: Array, symbols: Array) -> Array:
        keys = jax.random.split(key, self.max_skills)
        return jax.vmap(lambda k: permutation(k, symbols, self.max_symbols))(keys)

    def _hidden(self, key: Array, settings: HParams, task: Array | None = None) -> tuple[Structure, Array]:
        """Returns the structure, and the permutations `[K, V]` of skills that the task does not know.

        Without a task, which is the stream's, the map from cues is that of task 0; nobody there asks for it.
        """
        symbols, skills, length = self._sizes(settings)
        key_task, key_cue, key_other = jax.random.split(key, 3)
        if task is not None:
            key_cue = task_key(key_cue, task)
        answers = self._permutations(key_task, symbols)
        skill_of_cue = permutation(key_cue, skills, self.max_skills)
        return Structure(symbols, skills, length, answers, skill_of_cue), self._permutations(key_other, symbols)

    def init(self, key: Array, settings: HParams) -> TaskParams:
        hidden, _ = self._hidden(key, settings, settings["world.task"])
        return TaskParams(hidden, settings["world.reveal"], settings["world.cue_held"], settings["world.dense_reward"])

    def stream_init(self, key: Array, settings: HParams) -> StreamParams:
        hidden, strangers = self._hidden(key, settings)
        covered = jnp.round(settings["world.coverage"] * hidden.skills.astype(jnp.float32)).astype(jnp.int32)
        known = jnp.arange(self.max_skills) < covered
        shown = hidden._replace(answers=jnp.where(known[:, None], hidden.answers, strangers))
        return StreamParams(shown, settings["world.cue_held"], settings["world.tag"])

    # Episodes.

    def _observe(
        self, hidden: Structure, t: Array, x: Array, cue: Array, tag: Array, action: Array, reveal: Array
    ) -> Array:
        """Returns the observation `[D]` before answer `t`; an index of −1 shows nothing."""
        K, V = self.max_skills, self.max_symbols
        symbol = jnp.where(t < hidden.length, x[jnp.minimum(t, self.max_length - 1)], -1)
        codes = ((cue, K), (tag, K), (symbol, V), (action, V), (reveal, V))
        return jnp.concatenate([jax.nn.one_hot(index, size) for index, size in codes])

    def reset(self, key: Array, params: TaskParams, previous: State | None = None) -> tuple[Array, State]:
        del previous  # every episode is drawn afresh
        hidden, L = params.hidden, self.max_length
        u = jax.random.uniform(key, (1 + 2 * L,))
        state = State(
            t=jnp.zeros((), jnp.int32),
            cue=randint_below(u[0], hidden.skills),
            x=randint_below(u[1 : 1 + L], hidden.symbols),
            u=u[1 + L :],
            right=jnp.ones((), bool),
        )
        nothing = jnp.full((), -1, jnp.int32)
        return self._observe(hidden, state.t, state.x, state.cue, nothing, nothing, nothing), state

    def step(
        self, key: Array, state: State, action: Array, params: TaskParams
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        del key  # the episode's symbols were drawn at its reset
        hidden, t = params.hidden, state.t
        answer = hidden.answers[hidden.skill_of_cue[state.cue], state.x[t]]
        correct = action == answer
        state = state._replace(t=t + 1, right=state.right & correct)
        terminated = state.t >= hidden.length
        success = (terminated & state.right).astype(jnp.float32)
        per_step = params.dense_reward > 0
        outcome = jnp.where(per_step, 0.0, success)
        reward = jnp.where(per_step, correct.astype(jnp.float32), success)
        obs = self._observe(
            hidden,
            state.t,
            state.x,
            cue=jnp.where(params.cue_held > 0, state.cue, -1),
            tag=jnp.full((), -1, jnp.int32),
            action=action,
            reveal=jnp.where(state.u[t] < params.reveal, answer, -1),
        )
        info = {"outcome": outcome, "has_outcome": 1.0 - per_step.astype(jnp.float32), "success": success}
        return obs, state, reward, terminated, jnp.zeros((), bool), info

    def transcript(self, key: Array, params: StreamParams) -> Trajectory:
        hidden, L = params.hidden, self.max_length
        u = jax.random.uniform(key, (3 + L,))
        skill, cue = randint_below(u[0], hidden.skills), randint_below(u[1], hidden.skills)
        tagged = u[2] < params.tag
        x = randint_below(u[3:], hidden.symbols)
        y = hidden.answers[skill, x]
        time = jnp.arange(L + 1)
        shown = (time == 0) | (params.cue_held > 0)
        obs = jax.vmap(lambda *codes: self._observe(hidden, codes[0], x, *codes[1:]))(
            time,
            jnp.where(shown & ~tagged, cue, -1),
            jnp.where(shown & tagged, skill, -1),
            jnp.concatenate([jnp.full((1,), -1, jnp.int32), y]),
            jnp.full((L + 1,), -1, jnp.int32),
        )
        zeros = jnp.zeros((L,))
        return Trajectory(
            obs_tm1=obs[:-1],
            first_tm1=zeros.at[0].set(1.0),
            a_tm1=y,
            r_t=zeros,
            known_t=zeros,
            discount_t=(time[1:] < hidden.length).astype(jnp.float32),
            truncated_t=zeros,
            obs_t=obs[1:],
            mask_tm1=(time[:-1] < hidden.length).astype(jnp.float32),
            carry=(),
            extras={},
        )

    # What is known about the world.

    def concepts(self, state: State, params: TaskParams) -> Array:
        hidden = params.hidden
        skill = hidden.skill_of_cue[state.cue]
        symbol = state.x[jnp.minimum(state.t, self.max_length - 1)]
        concepts = jnp.stack([skill, symbol, hidden.answers[skill, symbol]])
        return jnp.where(state.t < hidden.length, concepts, -1)

    def legal(self, params: TaskParams | StreamParams) -> Array:
        return jnp.arange(self.max_symbols) < params.hidden.symbols

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        V, K, L = (int(settings[f"world.{size}"]) for size in ("symbols", "skills", "length"))
        per_step = bool(settings["world.dense_reward"])
        m = round(settings["world.coverage"] * K)
        held = bool(settings["world.cue_held"])
        floor = information.log2_factorial(V)
        # With the stream: which of its K skills are the task's, whose cues they are, and the skills it never showed.
        cues = information.log2_binomial(K, m) + sum(math.log2(K - i) for i in range(m))
        revealed = settings["world.reveal"] * math.log2(V)
        skill_and_symbols = math.log2(K) / L + math.log2(V)  # the answers follow from them
        return {
            "predictable_share": self.predictable_share(settings),
            "concepts": K,
            "optimal_return": float(L if per_step else 1),
            "random_success": float(V) ** -L,
            "min_reward_bits_scratch": K * floor,
            "min_reward_bits_stream": cues + (K - m) * floor,
            "observation_bits": math.log2(V) + math.log2(K) * (1.0 if held else 1.0 / L) + revealed,
            "stream_bits": 2 * math.log2(V) + math.log2(K) * (1.0 if held else 1.0 / L),
            "concept_bits": skill_and_symbols,
            "stream_concept_bits": skill_and_symbols,
            "action_bits": math.log2(V),
            "episode_steps": float(L),
            "paid_steps": float(L if per_step else 0),
        }

    def predictable_share(self, settings: Mapping[str, float]) -> float:
        r"""Returns the share of the variance of the stream's answers that skills, known by heart, and what came before
        foretell; symbols, which are independent, cannot be foretold at all.

        It is the expected one of all worlds, in closed form. Of the other skills each agrees with j pairs seen so far
        with probability :math:`q = (V-j)!/V!`, so that the one at work is told from n of them, with
        :math:`E\,1/n = (1 - (1-q)^K) / (Kq)`. A tag tells it at once.

        Args:
          settings: the world's, by name.
        """
        V, K, L = (int(settings[f"world.{size}"]) for size in ("symbols", "skills", "length"))
        seen, foretold = {0: 1.0}, 0.0  # probabilities of how many different symbols came before
        for _ in range(L):
            later: dict[int, float] = {}
            for j, chance in seen.items():
                q = math.factorial(V - j) / math.factorial(V)
                found = (1.0 - (1.0 - q) ** K) / (K * q)
                new = found + (1.0 - found) / (V - j) if j < V else 1.0
                foretold += chance * (j / V + (1.0 - j / V) * new) / L
                later[j] = later.get(j, 0.0) + chance * j / V
                if j < V:
                    later[j + 1] = later.get(j + 1, 0.0) + chance * (1.0 - j / V)
            seen = later
        untagged = (foretold - 1.0 / V) / (1.0 - 1.0 / V)
        tagged = float(settings["world.tag"])
        return tagged + (1.0 - tagged) * untagged

    def unpadded(self, settings: Mapping[str, float]) -> Cipher:
        sizes = {size: int(settings[f"world.{size}"]) for size in ("symbols", "skills", "length")}
        return Cipher(sizes["symbols"], sizes["skills"], sizes["length"])
