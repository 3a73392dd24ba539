"""Composed: values made of parts that others have too, so that what was never seen can be understood.

A value is a tuple of P parts, each one of Q choices: Q^P values out of PQ parts. What has looks are the parts: M for
each choice of each part, and an observation adds up one look of every part. Every choice is worth 0 to Q − 1, by a
hidden permutation for each part, and the right answer is what the value is worth, the sum of its parts. The reward-free
stream shows pairs of observations of the same value in other looks.

Some values are kept for evaluation: those whose parts, renumbered at random, add up to less than k modulo Q. These are
k/Q of all, and among them as among the others every choice of every part is as frequent as any other, and so is every
combination of all parts but one. So nothing is new in an unseen value but that its parts come together: a table of
values is of no use there, concepts are. With P = 1 a value is a part of its own, shares nothing, and none is kept back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax.envs.answers import noisy_bits, paid
from regimax.envs.pairs import paired
from regimax.envs.sized import Sized, permutation, randint_below, task_key, task_setting
from regimax.errors import UserError
from regimax.ops import information
from regimax.types import Array, Field, HParams, Setting, Spec, Trajectory


class Structure(NamedTuple):
    """What the world shows.

    Attributes:
      parts: `[]` P.
      choices: `[]` Q.
      noise: `[]` σ.
      looks: `[P, Q, M, D]`, N(0, 1/P): what each look of each choice of each part adds to an observation.
      first: `[]` int32, the first of its looks that a choice is shown in.
      num_looks: `[]` how many there are.
      ranks: `[P, Q]` int32, the renumbering that says which values are kept back.
      held_out: `[]` k, sums of ranks modulo Q that are kept back.
      lowest: `[]` int32, the least of the sums that are shown.
      sums: `[]` int32, how many are.
    """

    parts: Array
    choices: Array
    noise: Array
    looks: Array
    first: Array
    num_looks: Array
    ranks: Array
    held_out: Array
    lowest: Array
    sums: Array


class TaskParams(NamedTuple):
    """What the task hides.

    Attributes:
      hidden: `Structure`.
      worth: `[P, Q]` int32, π: what each choice of each part is worth.
      decisions: `[]` H.
      graded: `[]` whether right answers are counted.
    """

    hidden: Structure
    worth: Array
    decisions: Array
    graded: Array


class StreamParams(NamedTuple):
    """`Structure` alone."""

    hidden: Structure


class State(NamedTuple):
    """An episode under way.

    Attributes:
      t: `[]` int32, decisions made.
      z: `[P]` int32, the parts of the value in sight.
      right: `[]` int32, how many answers so far were right.
    """

    t: Array
    z: Array
    right: Array


@dataclass(frozen=True)
class Composed(Sized):
    """A world of values that are made of parts, some of which are seen in evaluations only.

    Args:
      parts: P ≥ 1, parts of a value; with 1 nothing is shared, and nothing kept back.
      choices: Q ≥ 2, choices of each part; the answer is one of P(Q − 1) + 1.
      looks: M ≥ 1, looks of each choice.
      held_out: k from 0 to Q − 1: k/Q of all values are seen in evaluations alone; with 0 these are like learning.
      decisions: H ≥ 1 per episode, which is solved iff all are right; values are drawn anew for each.
      graded: whether an episode pays the share of its answers that were right; otherwise 1 iff all were.
      noise: σ ≥ 0 of each number of an observation, whose signal has variance 1.
      task: which task: each draws what choices are worth anew, over the same looks.
      dimensions: D, numbers in an observation.
      max_parts: padding of P; P itself when 0.
      max_choices: padding of Q.
      max_looks: padding of M.
      max_decisions: padding of H.

    Raises:
      UserError: for a size below its least or beyond its padding, or a value out of range.

    Example:
      >>> world = Composed(parts=2, choices=4, looks=8)
      >>> known = world.describe(world.defaults())
      >>> known["concepts"], known["values"], known["values_held_out"]
      (8, 16, 4)
    """

    parts: int = 2
    choices: int = 4
    looks: int = 8
    held_out: int = 1
    decisions: int = 1
    graded: bool = False
    noise: float = 0.1
    task: int = 0
    dimensions: int = 64
    max_parts: int = 0
    max_choices: int = 0
    max_looks: int = 0
    max_decisions: int = 0

    name = "Composed"
    sizes = ("parts", "choices", "looks", "decisions")
    truncates = False
    augmented_views = True
    reward_range = (0.0, 1.0)
    stream_reads = tuple(f"world.{s}" for s in ("parts", "choices", "looks", "held_out", "noise"))
    task_reads = (*stream_reads, "world.decisions", "world.graded", "world.task")
    stream_fields = ("view",)
    stream_acts = False

    def __post_init__(self) -> None:
        super().__post_init__()
        Setting("dimensions", self.dimensions, 1, 2**20, "", integer=True).check(
            self.dimensions, "Composed: dimensions"
        )
        if self.held_out >= self.choices:
            raise UserError(
                f"Composed: held_out = {self.held_out} leaves nothing to learn from: it must be less than choices = "
                f"{self.choices}"
            )

    @property
    def spec(self) -> Spec:
        sizes = (self.max_parts, self.max_choices, self.max_looks, self.max_decisions)
        return ("Composed", *sizes, self.dimensions)

    @property
    def settings(self) -> tuple[Setting, ...]:
        P, Q, M, H = self.max_parts, self.max_choices, self.max_looks, self.max_decisions
        return (
            Setting("world.parts", self.parts, 1, P, "P, parts of a value", integer=True),
            Setting("world.choices", self.choices, 2, Q, "Q, choices of each part", integer=True),
            Setting("world.looks", self.looks, 1, M, "M, looks of each choice", integer=True),
            Setting("world.held_out", self.held_out, 0, Q - 1, "k, of Q values in evaluations alone", integer=True),
            Setting("world.decisions", self.decisions, 1, H, "H, decisions per episode", integer=True),
            Setting("world.graded", self.graded, 0, 1, "pay the share of right answers, not all", integer=True),
            Setting("world.noise", self.noise, 0, 1e3, "σ, noise of each number, against a signal of variance 1"),
            task_setting(self.task, "what choices are worth"),
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        return (Field("view", self.dimensions, categorical=False),)

    @property
    def num_actions(self) -> int:
        return self.max_parts * (self.max_choices - 1) + 1

    @property
    def horizon(self) -> int:
        return self.max_decisions

    @property
    def concept_sizes(self) -> tuple[int, ...]:
        """`[C]` number of values of each concept: the parts."""
        return (self.max_choices,) * self.max_parts

    # Hidden structure.

    def _permutations(self, key: Array, choices: Array) -> Array:
        """Returns int32 `[P, Q]`: a permutation for each part, the same in worlds with more of them."""
        keys = jax.random.split(key, self.max_parts)
        return jax.vmap(permutation, in_axes=(0, None, None))(keys, choices, self.max_choices)

    def _hidden(self, key: Array, settings: HParams) -> Structure:
        P, Q, M, D = self.max_parts, self.max_choices, self.max_looks, self.dimensions
        parts, choices = settings["world.parts"], settings["world.choices"]
        key_looks, key_ranks = jax.random.split(key)
        looks = jax.vmap(lambda k: jax.random.normal(k, (Q, M, D)))(jax.random.split(key_looks, P))
        present = (jnp.arange(P) < parts) / jnp.sqrt(parts.astype(jnp.float32))
        kept = jnp.where(parts > 1, jnp.minimum(settings["world.held_out"], choices - 1), 0)
        return Structure(
            parts=parts,
            choices=choices,
            noise=settings["world.noise"],
            looks=looks * present[:, None, None, None],
            first=jnp.zeros((), jnp.int32),
            num_looks=settings["world.looks"],
            ranks=self._permutations(key_ranks, choices),
            held_out=kept,
            lowest=kept,
            sums=choices - kept,
        )

    def init(self, key: Array, settings: HParams) -> TaskParams:
        key_world, key_task = jax.random.split(key)
        hidden = self._hidden(key_world, settings)
        worth = self._permutations(task_key(key_task, settings["world.task"]), hidden.choices)
        return TaskParams(hidden, worth, settings["world.decisions"], settings["world.graded"])

    def stream_init(self, key: Array, settings: HParams) -> StreamParams:
        return StreamParams(self._hidden(jax.random.split(key)[0], settings))

    # Episodes.

    def _value(self, key: Array, hidden: Structure) -> Array:
        """Returns the parts `[P]` of a value that is shown, each as likely.

        All parts but the first are drawn freely, and how the ranks add up; the first is what makes them do so.
        """
        P, Q = self.max_parts, hidden.choices
        u_sum, *u_parts = jax.random.uniform(key, (P,))
        free = jnp.array([0, *(randint_below(u, Q) for u in u_parts)], jnp.int32)
        there = (jnp.arange(P) > 0) & (jnp.arange(P) < hidden.parts)
        rest = jnp.sum(jnp.where(there, hidden.ranks[jnp.arange(P), free], 0))
        rank = (hidden.lowest + randint_below(u_sum, hidden.sums) - rest) % Q
        return free.at[0].set(jnp.argmax(hidden.ranks[0] == rank).astype(jnp.int32))

    def view(self, key: Array, z: Array, hidden: Structure) -> Array:
        """Returns an observation `[D]` of the parts `z`, in looks of its own."""
        key_look, key_noise = jax.random.split(key)
        look = hidden.first + randint_below(jax.random.uniform(key_look, (self.max_parts,)), hidden.num_looks)
        noise = hidden.noise * jax.random.normal(key_noise, (self.dimensions,))
        return hidden.looks[jnp.arange(self.max_parts), z, look].sum(0) + noise

    def reset(self, key: Array, params: TaskParams, previous: State | None = None) -> tuple[Array, State]:
        del previous  # every episode is drawn afresh
        key_value, key_view = jax.random.split(key)
        z, zero = self._value(key_value, params.hidden), jnp.zeros((), jnp.int32)
        return self.view(key_view, z, params.hidden), State(zero, z, zero)

    def answer(self, z: Array, params: TaskParams) -> Array:
        """Returns int32 `[]`: what a value `[P]` is worth."""
        worth = params.worth[jnp.arange(self.max_parts), z]
        return jnp.sum(jnp.where(jnp.arange(self.max_parts) < params.hidden.parts, worth, 0))

    def step(
        self, key: Array, state: State, action: Array, params: TaskParams
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        hidden = params.hidden
        right = state.right + (action == self.answer(state.z, params))
        key_value, key_view, key_other = jax.random.split(key, 3)
        new = State(state.t + 1, self._value(key_value, hidden), right)
        outcome, success, terminated = paid(right, new.t, params.decisions, params.graded)
        # What was just answered is shown a second time, in other looks: a pair of the agent's own.
        info = {"outcome": outcome, "success": success, "augmented_view": self.view(key_other, state.z, hidden)}
        return self.view(key_view, new.z, hidden), new, outcome, terminated, jnp.zeros((), bool), info

    def transcript(self, key: Array, params: StreamParams) -> Trajectory:
        hidden = params.hidden

        def pair(key: Array) -> tuple[Array, Array]:
            key_value, key_first, key_second = jax.random.split(key, 3)
            z = self._value(key_value, hidden)
            return self.view(key_first, z, hidden), self.view(key_second, z, hidden)

        return paired(*jax.vmap(pair)(jax.random.split(key, self.max_decisions)))

    # What is known about the world.

    def unseen(self, params: TaskParams | StreamParams) -> TaskParams | StreamParams:
        """Returns the same world with the values that are kept from learning; itself if none are."""
        hidden = params.hidden
        kept = hidden.held_out > 0
        lowest, sums = jnp.where(kept, 0, hidden.lowest), jnp.where(kept, hidden.held_out, hidden.sums)
        return params._replace(hidden=hidden._replace(lowest=lowest, sums=sums))

    def halves(self, params: TaskParams) -> tuple[TaskParams, TaskParams]:
        """Returns the same world with the values of learning, and with those that are kept from it.

        Half of the looks are in the one, and the others in the other; with M = 1 all are in both.
        """
        hidden, others, M = params.hidden, self.unseen(params).hidden, params.hidden.num_looks
        half = (M + 1) // 2
        first = jnp.where(M > 1, half, 0)
        fitted, asked = hidden._replace(num_looks=half), others._replace(first=first, num_looks=M - first)
        return params._replace(hidden=fitted), params._replace(hidden=asked)

    def concepts(self, state: State, params: TaskParams) -> Array:
        return jnp.where(jnp.arange(self.max_parts) < params.hidden.parts, state.z, -1)

    def legal(self, params: TaskParams) -> Array:
        return jnp.arange(self.num_actions) <= params.hidden.parts * (params.hidden.choices - 1)

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        P, Q, M, H = (int(settings[f"world.{size}"]) for size in self.sizes)
        noise = settings["world.noise"]
        kept = min(int(settings["world.held_out"]), Q - 1) if P > 1 else 0
        seen = (P - 1) * math.log2(Q) + math.log2(Q - kept)
        # No more than which value and looks it shows, and no more than what the noise lets through.
        latents = seen + P * math.log2(M)
        gaussian = noisy_bits(self.dimensions, noise)
        bits = min(latents, gaussian)
        return {
            "concepts": P * Q,
            "values": Q**P,
            "values_held_out": kept * Q ** (P - 1),
            "optimal_return": 1.0,
            "random_success": float(P * (Q - 1) + 1) ** -H,
            # What each look, or each choice, is worth: sums tell no less, since no two such tables have the same ones.
            "min_reward_bits_scratch": P * (information.log2_factorial(Q * M) - Q * information.log2_factorial(M)),
            "min_reward_bits_stream": P * information.log2_factorial(Q),
            "predictable_share": self.predictable_share(settings),
            "observation_bits": bits,
            "stream_bits": 2 * bits,
            "concept_bits": seen,
            "stream_concept_bits": seen,
            "action_bits": math.log2(P * (Q - 1) + 1),
            "episode_steps": float(H),
        }

    def predictable_share(self, settings: Mapping[str, float]) -> float:
        """Returns the share of the variance of a second view that the value in the first foretells.

        It is the expected one of all worlds, in closed form, and that of a single part: parts have looks of their own.
        A view varies by its looks about the mean of each choice's M, which itself has a variance of 1/M. Values that
        are kept back change nothing, since every choice is as frequent among the others.

        Args:
          settings: the world's, by name.
        """
        _, Q, M, _ = (int(settings[f"world.{size}"]) for size in self.sizes)
        return (1.0 - 1.0 / Q) / M / (1.0 - 1.0 / (Q * M) + float(settings["world.noise"]) ** 2)

    def unpadded(self, settings: Mapping[str, float]) -> Composed:
        P, Q, M, H = (int(settings.get(f"world.{size}", getattr(self, f"max_{size}"))) for size in self.sizes)
        return Composed(P, Q, M, held_out=0, decisions=H, dimensions=self.dimensions)
