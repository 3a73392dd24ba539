"""Exemplar: few concepts behind many surface forms.

There are F factors with V values each, and every value can look in M ways. An observation adds up one look of every
factor; the right answer to it is π(z_j), where the factor j that counts and the permutation π are hidden. Nothing about
a look tells its value: reward has to find out for each of the VM looks of factor j, at one bit per episode. The
reward-free stream shows pairs of observations with the same values in other looks, which is all that it takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax.envs.answers import noisy_bits, paid
from regimax.envs.assignment import assignment_bits, episodes_floor
from regimax.envs.pairs import paired
from regimax.envs.sized import Sized, permutation, randint_below, task_key, task_setting
from regimax.ops import information
from regimax.types import Array, Field, HParams, Setting, Spec, Trajectory


class Structure(NamedTuple):
    """What the world hides.

    Attributes:
      factors: `[]` F.
      values: `[]` V.
      num_looks: `[]` M.
      noise: `[]` σ.
      looks: `[F, V, M, D]`, N(0, 1/F): what each form of each value of each factor adds to an observation.
      factor: `[]` int32, j.
      answers: `[V]` int32, π.
    """

    factors: Array
    values: Array
    num_looks: Array
    noise: Array
    looks: Array
    factor: Array
    answers: Array


class TaskParams(NamedTuple):
    """`Structure`, H, and whether right answers are counted."""

    hidden: Structure
    decisions: Array
    graded: Array


class StreamParams(NamedTuple):
    """`Structure`, and whether the factor that counts in task 0 is drawn again between the views of a pair."""

    hidden: Structure
    unpredictable: Array


class State(NamedTuple):
    """An episode under way.

    Attributes:
      t: `[]` int32, decisions made.
      z: `[F]` int32, the values in sight.
      right: `[]` int32, how many answers so far were right.
    """

    t: Array
    z: Array
    right: Array


@dataclass(frozen=True)
class Exemplar(Sized):
    """A world of values that each have many looks, one factor of which is asked for.

    Args:
      factors: F ≥ 1.
      values: V ≥ 2, the number of answers too.
      looks: M ≥ 1, looks of each value; with 1 there is no concept to find.
      decisions: H ≥ 1 per episode, which is solved iff all are right; values are drawn anew for each.
      graded: whether an episode pays the share of its answers that were right, one sum for all; otherwise 1 iff all
        were.
      noise: σ ≥ 0 of each number of an observation, whose signal has variance 1.
      unpredictable: whether the stream's pairs agree in all factors but the one that counts in task 0.
      task: which task: each draws the factor that counts and π anew, over the same looks.
      dimensions: D, numbers in an observation.
      max_factors: padding of F; F itself when 0.
      max_values: padding of V.
      max_looks: padding of M.
      max_decisions: padding of H.

    Raises:
      UserError: for a size below its least or beyond its padding, or a value out of range.

    Example:
      >>> known = Exemplar(factors=1, values=4, looks=32).describe(Exemplar(factors=1, values=4, looks=32).defaults())
      >>> round(known["min_reward_bits_scratch"], 2), round(known["min_reward_bits_stream"], 2)
      (245.51, 4.58)
    """

    factors: int = 4
    values: int = 4
    looks: int = 8
    decisions: int = 1
    graded: bool = False
    noise: float = 0.1
    unpredictable: bool = False
    task: int = 0
    dimensions: int = 64
    max_factors: int = 0
    max_values: int = 0
    max_looks: int = 0
    max_decisions: int = 0

    name = "Exemplar"
    sizes = ("factors", "values", "looks", "decisions")
    truncates = False
    augmented_views = True
    reward_range = (0.0, 1.0)
    task_reads = tuple(f"world.{s}" for s in ("factors", "values", "looks", "decisions", "graded", "noise", "task"))
    stream_reads = tuple(f"world.{s}" for s in ("factors", "values", "looks", "noise", "unpredictable"))
    stream_fields = ("view",)
    stream_acts = False

    def __post_init__(self) -> None:
        super().__post_init__()
        Setting("dimensions", self.dimensions, 1, 2**20, "", integer=True).check(
            self.dimensions, "Exemplar: dimensions"
        )

    @property
    def spec(self) -> Spec:
        sizes = (self.max_factors, self.max_values, self.max_looks, self.max_decisions)
        return ("Exemplar", *sizes, self.dimensions)

    @property
    def settings(self) -> tuple[Setting, ...]:
        F, V, M, H = self.max_factors, self.max_values, self.max_looks, self.max_decisions
        return (
            Setting("world.factors", self.factors, 1, F, "F, factors of an observation", integer=True),
            Setting("world.values", self.values, 2, V, "V, values of each factor, and answers", integer=True),
            Setting("world.looks", self.looks, 1, M, "M, looks of each value", integer=True),
            Setting("world.decisions", self.decisions, 1, H, "H, decisions per episode", integer=True),
            Setting("world.graded", self.graded, 0, 1, "pay the share of right answers, not all", integer=True),
            Setting("world.noise", self.noise, 0, 1e3, "σ, noise of each number, against a signal of variance 1"),
            Setting(
                "world.unpredictable",
                self.unpredictable,
                0,
                1,
                "draw the factor of task 0 anew in each view",
                integer=True,
            ),
            task_setting(self.task, "the factor that counts and its answers"),
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        return (Field("view", self.dimensions, categorical=False),)

    @property
    def num_actions(self) -> int:
        return self.max_values

    @property
    def horizon(self) -> int:
        return self.max_decisions

    @property
    def concept_sizes(self) -> tuple[int, ...]:
        """`[C]` number of values of each concept: the factors."""
        return (self.max_values,) * self.max_factors

    # Hidden structure.

    def _hidden(self, key: Array, settings: HParams, task: Array | None = None) -> Structure:
        """The structure as a task draws it; without one, which is the stream's, as task 0 does."""
        F, V, M, D = self.max_factors, self.max_values, self.max_looks, self.dimensions
        factors, values = settings["world.factors"], settings["world.values"]
        key_looks, key_factor, key_answers = jax.random.split(key, 3)
        if task is not None:
            key_factor, key_answers = task_key(key_factor, task), task_key(key_answers, task)
        # A factor at a time, so that a factor looks the same in worlds with more of them.
        looks = jax.vmap(lambda k: jax.random.normal(k, (V, M, D)))(jax.random.split(key_looks, F))
        present = (jnp.arange(F) < factors) / jnp.sqrt(factors.astype(jnp.float32))
        return Structure(
            factors=factors,
            values=values,
            num_looks=settings["world.looks"],
            noise=settings["world.noise"],
            looks=looks * present[:, None, None, None],
            factor=randint_below(jax.random.uniform(key_factor), factors),
            answers=permutation(key_answers, values, V),
        )

    def init(self, key: Array, settings: HParams) -> TaskParams:
        hidden = self._hidden(key, settings, settings["world.task"])
        return TaskParams(hidden, settings["world.decisions"], settings["world.graded"])

    def stream_init(self, key: Array, settings: HParams) -> StreamParams:
        return StreamParams(self._hidden(key, settings), settings["world.unpredictable"])

    # Episodes.

    def _values(self, key: Array, hidden: Structure) -> Array:
        return randint_below(jax.random.uniform(key, (self.max_factors,)), hidden.values)

    def view(self, key: Array, z: Array, hidden: Structure) -> Array:
        """Returns an observation `[D]` of the values `z`, in looks of its own."""
        key_form, key_noise = jax.random.split(key)
        form = randint_below(jax.random.uniform(key_form, (self.max_factors,)), hidden.num_looks)
        noise = hidden.noise * jax.random.normal(key_noise, (self.dimensions,))
        return hidden.looks[jnp.arange(self.max_factors), z, form].sum(0) + noise

    def reset(self, key: Array, params: TaskParams, previous: State | None = None) -> tuple[Array, State]:
        del previous  # every episode is drawn afresh
        key_values, key_view = jax.random.split(key)
        z = self._values(key_values, params.hidden)
        return self.view(key_view, z, params.hidden), State(jnp.zeros((), jnp.int32), z, jnp.zeros((), jnp.int32))

    def step(
        self, key: Array, state: State, action: Array, params: TaskParams
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        hidden = params.hidden
        right = state.right + (action == hidden.answers[state.z[hidden.factor]])
        key_values, key_view, key_other = jax.random.split(key, 3)
        new = State(state.t + 1, self._values(key_values, hidden), right)
        outcome, success, terminated = paid(right, new.t, params.decisions, params.graded)
        # What was just answered is shown a second time, in other looks: a pair of the agent's own.
        info = {"outcome": outcome, "success": success, "augmented_view": self.view(key_other, state.z, hidden)}
        return self.view(key_view, new.z, hidden), new, outcome, terminated, jnp.zeros((), bool), info

    def transcript(self, key: Array, params: StreamParams) -> Trajectory:
        hidden, steps = params.hidden, self.max_decisions

        def pair(key: Array) -> tuple[Array, Array]:
            key_z, key_other, key_first, key_second = jax.random.split(key, 4)
            z, other = self._values(key_z, hidden), self._values(key_other, hidden)
            redrawn = (jnp.arange(self.max_factors) == hidden.factor) & (params.unpredictable > 0)
            return self.view(key_first, z, hidden), self.view(key_second, jnp.where(redrawn, other, z), hidden)

        first, second = jax.vmap(pair)(jax.random.split(key, steps))
        return paired(first, second)

    # What is known about the world.

    def concepts(self, state: State, params: TaskParams) -> Array:
        return jnp.where(jnp.arange(self.max_factors) < params.hidden.factors, state.z, -1)

    def halves(self, params: TaskParams) -> tuple[TaskParams, TaskParams]:
        """Returns the same world with half of the looks of every value, and with the others; both whole for M = 1.

        A probe is fitted in the one and asked in the other.
        """
        hidden = params.hidden
        first = (hidden.num_looks + 1) // 2
        shift = jnp.where(hidden.num_looks > 1, first, 0)
        others = hidden.looks[:, :, (jnp.arange(self.max_looks) + shift) % self.max_looks]
        rest = hidden._replace(looks=others, num_looks=hidden.num_looks - shift)
        return params._replace(hidden=hidden._replace(num_looks=first)), params._replace(hidden=rest)

    def legal(self, params: TaskParams | StreamParams) -> Array:
        return jnp.arange(self.max_values) < params.hidden.values

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        F, V, M, H = (int(settings[f"world.{size}"]) for size in self.sizes)
        noise = settings["world.noise"]
        # No more than which values and looks it shows, and no more than what the noise lets through.
        latents = F * (math.log2(V) + math.log2(M))
        gaussian = noisy_bits(self.dimensions, noise)
        bits = min(latents, gaussian)
        return {
            "concepts": F * V,
            "optimal_return": 1.0,
            "random_success": float(V) ** -H,
            "min_reward_bits_scratch": assignment_bits(V, M),
            "min_reward_bits_stream": information.log2_factorial(V) + math.log2(F),
            "predictable_share": self.predictable_share(settings),
            "observation_bits": bits,
            "stream_bits": 2 * bits,
            "concept_bits": F * math.log2(V),
            # Both views of a pair show the same values, but for a factor that is drawn again.
            "stream_concept_bits": (F + bool(settings["world.unpredictable"])) * math.log2(V),
            "action_bits": math.log2(V),
            "episode_steps": float(H),
        }

    def episodes_floor(self, settings: Mapping[str, float], success: float) -> float:
        """Returns the episodes that half of the worlds need at least for a success rate, without the stream.

        For F = H = 1: every episode tells one bit of which looks belong to which answer.

        Args:
          settings: the world's, by name.
          success: θ, a probability.
        """
        return episodes_floor(int(settings["world.values"]), int(settings["world.looks"]), success)

    def predictable_share(self, settings: Mapping[str, float]) -> float:
        """Returns the share of the variance of a second view that the values in the first foretell.

        It is the expected one of all worlds, in closed form: a view varies by its looks about the mean of each value's
        M, which itself has a variance of 1/M. So it vanishes as the world gets rich.

        Args:
          settings: the world's, by name.
        """
        F, V, M, _ = (int(settings[f"world.{size}"]) for size in self.sizes)
        kept = (F - bool(settings["world.unpredictable"])) / F * (1.0 - 1.0 / V) / M
        return kept / (1.0 - 1.0 / (V * M) + float(settings["world.noise"]) ** 2)

    def unpadded(self, settings: Mapping[str, float]) -> Exemplar:
        F, V, M, H = (int(settings.get(f"world.{size}", getattr(self, f"max_{size}"))) for size in self.sizes)
        return Exemplar(F, V, M, H, dimensions=self.dimensions)
