"""Planner: a goal behind a web of preconditions, for models that know only a part of it.

There are F factors with V values. Action i moves factor i on by one, modulo V, but only while every parent of i holds
the value that it is required to hold; nothing starts at its required value. The goal is one factor at its required
value; it has k ancestors, counting itself. A hand-made model knows some of the factors and takes the others as
satisfied: what it plans works out exactly when it knows all k.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax.envs.behaviour import random_behaviour
from regimax.envs.sized import Sized, permutation, randint_below, task_setting
from regimax.errors import UserError
from regimax.ops.trees import select
from regimax.types import Array, Field, HParams, Setting, Spec, Trajectory


class Params(NamedTuple):
    """What the world hides.

    Attributes:
      factors: `[]` F.
      values: `[]` V.
      steps: `[]` actions per episode.
      parents: `[F, F]` bool, whether the second factor is a parent of the first.
      required: `[F]` int32, the one value that children wait for.
      order: `[F]` int32, factors with parents before children; the ancestors of task 0's goal come first.
      ancestors: `[F]` bool, whether a factor is an ancestor of the goal, or the goal.
      goal: `[]` int32.
    """

    factors: Array
    values: Array
    steps: Array
    parents: Array
    required: Array
    order: Array
    ancestors: Array
    goal: Array


class State(NamedTuple):
    """An episode under way.

    Attributes:
      t: `[]` int32, actions taken.
      z: `[F]` int32, the factors' values.
    """

    t: Array
    z: Array


@dataclass(frozen=True)
class Planner(Sized):
    """A world with a goal behind a web of preconditions, for models that know only a part of it.

    Args:
      factors: F ≥ 1.
      values: V ≥ 2.
      ancestors: k in 1 … F, factors that the goal depends on, counting itself.
      steps: actions per episode; twice the longest plan, 2 k (V − 1), when 0.
      density: probability of every edge that the k ancestors do not need, in [0, 1].
      task: which task. The goal of task 0 has k ancestors; each of the others draws a goal anew, in the same web, among
        the factors that have no more. The stream is of those who are after the goal of task 0.
      max_factors: padding of F, and of k; F itself when 0.
      max_values: padding of V.
      max_steps: padding of the steps.

    Raises:
      UserError: for a size below its least or beyond its padding, or a value out of range.

    Example:
      >>> Planner(factors=6, ancestors=3).known_enough(known=4)
      0.2
    """

    factors: int = 8
    values: int = 3
    ancestors: int = 3
    steps: int = 0
    density: float = 0.3
    task: int = 0
    max_factors: int = 0
    max_values: int = 0
    max_steps: int = 0

    name = "Planner"
    sizes = ("factors", "values", "steps")
    truncates = False
    reward_range = (0.0, 1.0)
    stream_reads = tuple(f"world.{s}" for s in ("factors", "values", "ancestors", "steps", "density"))
    task_reads = (*stream_reads, "world.task")
    stream_acts = False
    model_settings = (
        Setting("world.known", 1.0, 0, 1, "κ, fraction of the factors that a hand-made model knows, to the nearest"),
        Setting("world.known_ancestors", 0, 0, 1, "whether what the goal depends on is known first", integer=True),
        Setting("world.mistaken", 0.0, 0, 1, "probability that it waits for a wrong value of a factor that it knows"),
    )

    def __post_init__(self) -> None:
        if not self.steps:
            object.__setattr__(self, "steps", 2 * self.ancestors * (self.values - 1))
        super().__post_init__()
        if self.ancestors > self.factors:
            raise UserError(f"Planner: ancestors = {self.ancestors} is more than factors = {self.factors}")

    @property
    def spec(self) -> Spec:
        return ("Planner", self.max_factors, self.max_values, self.max_steps)

    @property
    def settings(self) -> tuple[Setting, ...]:
        F, V, T = self.max_factors, self.max_values, self.max_steps
        return (
            Setting("world.factors", self.factors, 1, F, "F, factors", integer=True),
            Setting("world.values", self.values, 2, V, "V, values of each factor", integer=True),
            Setting("world.ancestors", self.ancestors, 1, F, "k ≤ F, factors that the goal depends on", integer=True),
            Setting("world.steps", self.steps, 1, T, "actions per episode", integer=True),
            Setting("world.density", self.density, 0, 1, "probability of an edge that is not needed"),
            task_setting(self.task, "a goal"),
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(Field(f"factor_{i}", self.max_values) for i in range(self.max_factors))

    @property
    def stream_fields(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def num_actions(self) -> int:
        return self.max_factors

    @property
    def horizon(self) -> int:
        return self.max_steps

    @property
    def concept_sizes(self) -> tuple[int, ...]:
        """`[C]` number of values of each concept: the factors."""
        return (self.max_values,) * self.max_factors

    def init(self, key: Array, settings: HParams) -> Params:
        task, first = settings["world.task"], self.stream_init(key, settings)
        own = self._another_goal(jax.random.fold_in(key, task), first, settings["world.ancestors"])
        return select(task > 0, own, first)

    def _another_goal(self, key: Array, params: Params, most: Array) -> Params:
        """Draws one of the factors that have at most so many ancestors, each alike, as the goal."""
        F = self.max_factors

        def reach(_: int, found: Array) -> Array:
            return found | jnp.any(found[:, :, None] & params.parents[None], axis=1)

        ancestors = jax.lax.fori_loop(0, F, reach, jnp.eye(F, dtype=bool))  # `[F, F]`, those of each factor
        fits = (ancestors.sum(1) <= most) & (jnp.arange(F) < params.factors)
        goal = jnp.argmax(jnp.where(fits, jax.random.uniform(key, (F,)), -1.0)).astype(jnp.int32)
        return params._replace(goal=goal, ancestors=ancestors[goal])

    def stream_init(self, key: Array, settings: HParams) -> Params:
        F = self.max_factors
        factors, values, k = settings["world.factors"], settings["world.values"], settings["world.ancestors"]
        key_order, key_needed, key_more, key_required = jax.random.split(key, 4)
        order = permutation(key_order, factors, F)
        # By place in the order: every ancestor but the goal, which is at k − 1, has a child among those up to the goal.
        place = jnp.arange(F)
        child = place + 1 + randint_below(jax.random.uniform(key_needed, (F,)), jnp.maximum(k - 1 - place, 1))
        needed = (place[:, None] == child[None]) & (place < k - 1)[None]
        more = (jax.random.uniform(key_more, (F, F)) < settings["world.density"]) & (place[:, None] > place[None])
        edges = (needed | more) & (place < factors)[:, None] & (place < factors)[None]
        return Params(
            factors=factors,
            values=values,
            steps=settings["world.steps"],
            parents=jnp.zeros((F, F), bool).at[order[:, None], order[None]].set(edges),
            required=randint_below(jax.random.uniform(key_required, (F,)), values),
            order=order,
            ancestors=jnp.zeros((F,), bool).at[order].set(place < k),
            goal=order[k - 1],
        )

    def _observe(self, z: Array, params: Params) -> Array:
        shown = jnp.where(jnp.arange(self.max_factors) < params.factors, z, -1)
        return jax.nn.one_hot(shown, self.max_values).reshape(-1)

    def reset(self, key: Array, params: Params, previous: State | None = None) -> tuple[Array, State]:
        del previous
        away = 1 + randint_below(jax.random.uniform(key, (self.max_factors,)), params.values - 1)
        z = (params.required + away) % params.values
        return self._observe(z, params), State(jnp.zeros((), jnp.int32), z)

    def step(
        self, key: Array, state: State, action: Array, params: Params
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        del key  # nothing is left to chance
        allowed = jnp.all(~params.parents[action] | (state.z == params.required))
        z = state.z.at[action].add(allowed.astype(jnp.int32)) % params.values
        solved = z[params.goal] == params.required[params.goal]
        success = solved.astype(jnp.float32)
        terminated = solved | (state.t + 1 >= params.steps)
        info = {"outcome": success, "success": success}
        return self._observe(z, params), State(state.t + 1, z), success, terminated, jnp.zeros((), bool), info

    def transcript(self, key: Array, params: Params) -> Trajectory:
        """Returns one episode of random behaviour."""
        return random_behaviour(self, key, params)

    # What a hand-made model knows about it.

    def hand_made(self, key: Array, params: Params, settings: HParams) -> Params:
        """Returns the params by which a hand-made model moves.

        It knows ⌊κ F⌉ factors, drawn at random; with another κ from the same key, some more or some less. Of those that
        it knows, but not of the goal, it may be mistaken about the value that children wait for.

        Args:
          key: for which factors are known, and what is mistaken.
          params: the world.
          settings: `world.known` and the others of `model_settings`.
        """
        F = self.max_factors
        key_known, key_mistaken, key_value = jax.random.split(key, 3)
        u = jax.random.uniform(key_known, (F,))
        u = u - settings["world.known_ancestors"] * params.ancestors + 2.0 * (jnp.arange(F) >= params.factors)
        rank = jnp.sum(u[None] < u[:, None], axis=1)
        known = rank < jnp.round(settings["world.known"] * params.factors)
        mistaken = known & (jax.random.uniform(key_mistaken, (F,)) < settings["world.mistaken"])
        other = 1 + randint_below(jax.random.uniform(key_value, (F,)), params.values - 1)
        moved = (params.required + other) % params.values
        return self.modelled(
            params, known, jnp.where(mistaken & (jnp.arange(F) != params.goal), moved, params.required)
        )

    def modelled(self, params: Params, known: Array, required: Array) -> Params:
        """Returns the params of a model that takes what it does not know as satisfied.

        A known factor waits for its known parents only. One that is not known stays as it is seen when the episode
        opens, whatever is done; a goal that is not known is never reached.

        Args:
          params: the world.
          known: `[F]` bool.
          required: `[F]` int32, the values that the model's factors wait for; true ones where it is not known.
        """
        # What waits for itself never moves: no factor starts at its required value.
        itself = jnp.eye(self.max_factors, dtype=bool)
        return params._replace(
            parents=jnp.where(known[:, None], params.parents & known[None], itself), required=required
        )

    # What is known about the world.

    def optimum(self, state: State, params: Params) -> Array:
        """Returns `[]` int32, the fewest actions from the opening of an episode to the goal."""
        return jnp.sum(jnp.where(params.ancestors, (params.required - state.z) % params.values, 0))

    def plan(self, known: Array, state: State, params: Params) -> Array:
        """Returns the actions `[T]` that a hand-made model plans, without looking again.

        Args:
          known: `[F]` bool, the factors that the model knows, with their parents among them, their required values and
            their dynamics. It takes the others as satisfied, so it works through the goal's known ancestors only.
          state: where it begins.
          params: the world.
        """

        def reach(_: int, found: Array) -> Array:
            return found | (known & jnp.any(found[:, None] & params.parents, axis=0))

        goal = (jnp.arange(self.max_factors) == params.goal) & known
        wanted = jax.lax.fori_loop(0, self.max_factors, reach, goal)[params.order]
        moves = jnp.where(wanted, ((params.required - state.z) % params.values)[params.order], 0)
        turn = jnp.searchsorted(jnp.cumsum(moves), jnp.arange(self.horizon), side="right")
        return params.order[jnp.minimum(turn, self.max_factors - 1)]

    def known_enough(self, known: int, mistaken: float = 0.0) -> float:
        """Returns the probability that what a hand-made model plans works out.

        That is that `known` factors drawn at random hold all k that the goal depends on, and that it is right about
        k − 1 of them: what the goal itself must be is never mistaken.

        Args:
          known: factors that it knows.
          mistaken: probability that it waits for a wrong value of one.
        """
        F, k = self.factors, self.ancestors
        return (1.0 - mistaken) ** (k - 1) * math.comb(F - k, known - k) / math.comb(F, known) if known >= k else 0.0

    def concepts(self, state: State, params: Params) -> Array:
        return jnp.where(jnp.arange(self.max_factors) < params.factors, state.z, -1)

    def legal(self, params: Params) -> Array:
        return jnp.arange(self.max_factors) < params.factors

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        """A random policy's success and the bits that rewards must tell have no closed form: NaN."""
        F, V = int(settings["world.factors"]), int(settings["world.values"])
        bits = F * math.log2(V)
        return {
            "concepts": F * V,
            "optimal_return": 1.0,
            "random_success": math.nan,
            "min_reward_bits_scratch": math.nan,
            "min_reward_bits_stream": math.nan,
            "observation_bits": bits,
            "stream_bits": 2 * bits,
            "action_bits": math.log2(F),
            "episode_steps": float(settings["world.steps"]),
        }

    def unpadded(self, settings: Mapping[str, float]) -> Planner:
        F, V, k, T = (int(settings[f"world.{size}"]) for size in ("factors", "values", "ancestors", "steps"))
        return Planner(F, V, k, T)
