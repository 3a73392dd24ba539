"""Recall: pairs that stay and pairs that change, for memory in weights against memory in context.

A sequence first shows pairs of a key and a value, one at each step, then asks for the values of some keys. Stable pairs
belong to the world; dynamic ones are drawn anew for each sequence. Who keeps the stable pairs in weights need not be
shown them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax.envs.sized import Sized, randint_below
from regimax.types import Array, Field, HParams, Setting, Spec, Trajectory


class Params(NamedTuple):
    """What the world hides.

    Attributes:
      stable: `[]` N_s.
      dynamic: `[]` N_d.
      values: `[]` V.
      queries: `[]` Q.
      shown: `[]` int32, whether stable pairs are shown too.
      apart: `[]` int32, whether stable and dynamic pairs are asked for in turn.
      told: `[]` int32, whether the pairs that were asked for are shown after the questions.
      drift: `[]` ε.
      stable_keys: `[N_s, D]`, of unit norm.
      stable_values: `[N_s]` int32, in an episode that no other came before.
    """

    stable: Array
    dynamic: Array
    values: Array
    queries: Array
    shown: Array
    apart: Array
    told: Array
    drift: Array
    stable_keys: Array
    stable_values: Array


class State(NamedTuple):
    """A sequence under way; P = N_s + N_d pairs, the stable ones first.

    Attributes:
      t: `[]` int32, steps made.
      keys: `[P, D]`.
      pairs: `[P]` int32, the values.
      order: `[P]` int32, which pair is shown at each step.
      asked: `[Q]` int32, which pair each query asks for.
      right: `[]` whether every answer so far was right.
    """

    t: Array
    keys: Array
    pairs: Array
    order: Array
    asked: Array
    right: Array


@dataclass(frozen=True)
class Recall(Sized):
    """A world of pairs that are shown and asked for: some last, some are new in every sequence.

    Success is a sequence with every query right; the return is the share of right ones.

    Args:
      stable: N_s ≥ 0, pairs that belong to the world; 0 is the null.
      dynamic: N_d ≥ 1, pairs drawn anew for each sequence.
      values: V ≥ 2.
      queries: Q ≥ 1 per sequence, each for any pair alike.
      apart: whether they ask for a stable pair and a dynamic one in turn instead, where there are stable ones.
      shown: whether the stable pairs are shown with the dynamic ones.
      drift: ε in [0, 1], probability that a stable pair has a new value in the next sequence of a stream.
      dimensions: D, numbers in a key.
      max_stable: padding of N_s; N_s itself when 0.
      max_dynamic: padding of N_d.
      max_values: padding of V.
      max_queries: padding of Q.

    Raises:
      UserError: for a size below its least or beyond its padding, or a value out of range.

    Example:
      >>> Recall(stable=4, values=16).describe(Recall(stable=4, values=16).defaults())["min_reward_bits_scratch"]
      16.0
    """

    stable: int = 8
    dynamic: int = 8
    values: int = 16
    queries: int = 8
    shown: bool = True
    apart: bool = False
    drift: float = 0.0
    dimensions: int = 64
    max_stable: int = 0
    max_dynamic: int = 0
    max_values: int = 0
    max_queries: int = 0

    name = "Recall"
    sizes = ("stable", "dynamic", "values", "queries")
    truncates = False
    reward_range = (0.0, 1.0)
    task_reads = tuple(f"world.{s}" for s in ("stable", "dynamic", "values", "queries", "shown", "apart", "drift"))
    stream_reads = task_reads
    stream_fields = ()
    stream_acts = True

    def __post_init__(self) -> None:
        super().__post_init__()
        Setting("dimensions", self.dimensions, 1, 2**20, "", integer=True).check(self.dimensions, "Recall: dimensions")

    @property
    def spec(self) -> Spec:
        sizes = (self.max_stable, self.max_dynamic, self.max_values, self.max_queries)
        return ("Recall", *sizes, self.dimensions)

    @property
    def settings(self) -> tuple[Setting, ...]:
        N, M, V, Q = self.max_stable, self.max_dynamic, self.max_values, self.max_queries
        return (
            Setting("world.stable", self.stable, 0, N, "N_s, pairs that belong to the world", integer=True),
            Setting("world.dynamic", self.dynamic, 1, M, "N_d, pairs of a sequence", integer=True),
            Setting("world.values", self.values, 2, V, "V, values", integer=True),
            Setting("world.queries", self.queries, 1, Q, "Q, queries of a sequence", integer=True),
            Setting("world.shown", self.shown, 0, 1, "whether stable pairs are shown", integer=True),
            Setting(
                "world.apart", self.apart, 0, 1, "whether stable and dynamic pairs are asked in turn", integer=True
            ),
            Setting("world.drift", self.drift, 0, 1, "ε, probability that a stable value changes per sequence"),
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        return (Field("key", self.dimensions, categorical=False), Field("value", self.max_values), Field("query", 1))

    @property
    def num_actions(self) -> int:
        return self.max_values

    @property
    def horizon(self) -> int:
        return self.max_stable + self.max_dynamic + self.max_queries

    @property
    def concept_sizes(self) -> tuple[int, ...]:
        """`[C]` number of values of each concept: the value that is asked for."""
        return (self.max_values,)

    def _keys(self, key: Array, number: int) -> Array:
        """Returns `[number, D]`, of unit norm."""
        drawn = jax.random.normal(key, (number, self.dimensions))
        return drawn / jnp.linalg.norm(drawn, axis=-1, keepdims=True)

    def init(self, key: Array, settings: HParams) -> Params:
        return self._drawn(key, settings, self.max_stable)

    def _drawn(self, key: Array, settings: HParams, room: int) -> Params:
        """A world with room for so many stable pairs."""
        key_keys, key_values = jax.random.split(key)
        values = settings["world.values"]
        return Params(
            stable=settings["world.stable"],
            dynamic=settings["world.dynamic"],
            values=values,
            queries=settings["world.queries"],
            shown=settings["world.shown"],
            apart=settings["world.apart"],
            told=jnp.zeros((), jnp.int32),
            drift=settings["world.drift"],
            stable_keys=self._keys(key_keys, room),
            stable_values=randint_below(jax.random.uniform(key_values, (room,)), values),
        )

    stream_init = init

    def _there(self, params: Params) -> Array:
        """`[P]` bool, the pairs that exist."""
        stable = jnp.arange(len(params.stable_values)) < params.stable
        dynamic = jnp.arange(self.max_dynamic) < params.dynamic
        return jnp.concatenate([stable, dynamic])

    def _shown(self, params: Params) -> Array:
        """`[]` int32, pairs shown in a sequence."""
        return params.dynamic + params.shown * params.stable

    def _changed(self, key: Array, values: Array, drawn: Array, params: Params) -> Array:
        """Returns the stable values `[N_s]` of the next sequence: each is that of `drawn` with probability ε."""
        return jnp.where(jax.random.uniform(key, values.shape) < params.drift, drawn, values)

    def _asked(self, u: Array, params: Params) -> Array:
        """Returns int32 `[Q]`, which of the N_s + N_d pairs that exist each query asks for; u is uniform on [0, 1)."""
        in_turn = (params.apart > 0) & (params.stable > 0)
        odd = jnp.arange(len(u)) % 2 == 1
        turn = jnp.where(odd, params.stable + randint_below(u, params.dynamic), randint_below(u, params.stable))
        return jnp.where(in_turn, turn, randint_below(u, params.stable + params.dynamic))

    def reset(self, key: Array, params: Params, previous: State | None = None) -> tuple[Array, State]:
        key_keys, key_values, key_order, key_asked, key_drift = jax.random.split(key, 5)
        N = len(params.stable_values)
        P = N + self.max_dynamic
        drawn = randint_below(jax.random.uniform(key_values, (P,)), params.values)
        stable = params.stable_values
        if previous is not None:
            stable = self._changed(key_drift, previous.pairs[:N], drawn[:N], params)
        shown = self._there(params) & ((jnp.arange(P) >= N) | (params.shown > 0))
        u = jax.random.uniform(key_order, (P,))
        place = self._asked(jax.random.uniform(key_asked, (self.max_queries,)), params)
        state = State(
            t=jnp.zeros((), jnp.int32),
            keys=jnp.concatenate([params.stable_keys, self._keys(key_keys, self.max_dynamic)]),
            pairs=jnp.concatenate([stable, drawn[N:]]),
            order=jnp.argsort(jnp.where(shown, u, 2.0)).astype(jnp.int32),
            asked=jnp.where(place < params.stable, place, N + place - params.stable),
            right=jnp.ones((), bool),
        )
        return self._observe(state, params), state

    def _pair(self, state: State, params: Params) -> tuple[Array, Array, Array]:
        """Returns which pair is up, and whether it is shown or asked for."""
        n, Q = self._shown(params), params.queries
        opening, asked = state.t < n, (state.t >= n) & (state.t < n + Q)
        told = (params.told > 0) & (state.t >= n + Q) & (state.t < n + 2 * Q)
        pair = state.order[jnp.minimum(state.t, len(state.order) - 1)]
        query = state.asked[jnp.clip(state.t - n - jnp.where(told, Q, 0), 0, self.max_queries - 1)]
        return jnp.where(opening, pair, query), opening | told, asked

    def _observe(self, state: State, params: Params) -> Array:
        pair, shown, asked = self._pair(state, params)
        key = jnp.where(shown | asked, state.keys[pair], 0.0)
        value = jax.nn.one_hot(jnp.where(shown, state.pairs[pair], -1), self.max_values)
        return jnp.concatenate([key, value, asked[None].astype(jnp.float32)])

    def step(
        self, key: Array, state: State, action: Array, params: Params
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        del key  # all was drawn when the sequence opened
        pair, _, asked = self._pair(state, params)
        hit = action == state.pairs[pair]
        new = state._replace(t=state.t + 1, right=state.right & (hit | ~asked))
        terminated = new.t >= self._shown(params) + params.queries
        reward = (asked & hit).astype(jnp.float32) / params.queries
        info = {
            "outcome": jnp.zeros(()),
            "has_outcome": jnp.zeros(()),
            "success": (terminated & new.right).astype(jnp.float32),
        }
        return self._observe(new, params), new, reward, terminated, jnp.zeros((), bool), info

    def transcript(self, key: Array, params: Params) -> Trajectory:
        """Returns one sequence, answered by somebody who knows; only the answers count."""
        return self._sequence(key, params, self.max_stable + self.max_dynamic)

    # A lifetime: sequences of one world that changes.

    life_reads = tuple(name for name in task_reads if name != "world.shown")
    redraw_reads = ("world.dynamic", "world.values", "world.queries")

    def init_lifetime(self, key: Array, settings: HParams) -> Params:
        """Draws the world that a life begins in, the one of `init`."""
        return self.init(key, {**settings, "world.shown": jnp.ones((), jnp.int32)})

    def drift_step(self, key: Array, params: Params) -> Params:
        """Returns the world of the next sequence."""
        key_values, key_drift = jax.random.split(key)
        drawn = randint_below(jax.random.uniform(key_values, params.stable_values.shape), params.values)
        return params._replace(stable_values=self._changed(key_drift, params.stable_values, drawn, params))

    def fresh_world(self, key: Array, settings: HParams, load: int) -> Params:
        """Draws a world of 2 to `load` pairs, small ones as likely as large ones: their logarithm is uniform.

        Up to N_d of them are dynamic, the others stable, as far as there is room; all are shown and asked for alike.
        """
        key_load, key_world = jax.random.split(key)
        u = jax.random.uniform(key_load)
        pairs = jnp.minimum(jnp.exp(math.log(2) + u * math.log((load + 1) / 2)).astype(jnp.int32), load)
        room = min(self.max_stable, load - 1)
        dynamic = jnp.maximum(jnp.minimum(pairs, settings["world.dynamic"]), pairs - room)
        others = {"stable": pairs - dynamic, "dynamic": dynamic, "shown": 1, "apart": 0, "drift": 0.0}
        filled = {f"world.{name}": jnp.asarray(value) for name, value in others.items()}
        return self._drawn(key_world, {**settings, **filled}, room)

    def sequence(self, key: Array, params: Params, pairs: int, shown: Array, told: bool = False) -> Trajectory:
        """Returns a transcript, with stable pairs where they are `shown`, and at most `pairs` before the questions.

        `T` = pairs + Q, or pairs + 2Q where what was asked for is `told` afterwards.
        """
        known = {"shown": shown.astype(jnp.int32), "told": jnp.asarray(told, jnp.int32)}
        return self._sequence(key, params._replace(**known), pairs, told)

    def _sequence(self, key: Array, params: Params, pairs: int, told: bool = False) -> Trajectory:
        _, opening = self.reset(key, params)
        asks = 2 if told else 1
        times = jnp.arange(pairs + asks * self.max_queries + 1)
        at = jax.vmap(lambda t: opening._replace(t=t))(times)
        obs = jax.vmap(self._observe, in_axes=(0, None))(at, params)
        pair, shown, asked = jax.vmap(self._pair, in_axes=(0, None))(at, params)
        zeros = jnp.zeros((len(times) - 1,))
        running = times[1:] < self._shown(params) + asks * params.queries
        return Trajectory(
            obs_tm1=obs[:-1],
            first_tm1=zeros.at[0].set(1.0),
            a_tm1=jnp.where(asked, opening.pairs[pair], 0)[:-1],
            r_t=zeros,
            known_t=zeros,
            discount_t=running.astype(jnp.float32),
            truncated_t=zeros,
            obs_t=obs[1:],
            mask_tm1=asked[:-1].astype(jnp.float32),
            carry=(),
            extras={"stable": ((pair < len(params.stable_values)) & (shown | asked))[:-1].astype(jnp.float32)},
        )

    # What is known about the world.

    def concepts(self, state: State, params: Params) -> Array:
        pair, _, asked = self._pair(state, params)
        return jnp.where(asked, state.pairs[pair], -1)[None]

    def legal(self, params: Params) -> Array:
        return jnp.arange(self.max_values) < params.values

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        N, M, V, Q = (int(settings[f"world.{size}"]) for size in self.sizes)
        bits = math.log2(N + M) + math.log2(V)
        return {
            "concepts": N,
            "optimal_return": 1.0,
            "random_success": float(V) ** -Q,
            "min_reward_bits_scratch": N * math.log2(V),
            "min_reward_bits_stream": 0.0,
            "observation_bits": bits,
            "stream_bits": 2 * bits,
            "action_bits": math.log2(V),
            "episode_steps": float(M + Q + (N if settings["world.shown"] else 0)),
            "paid_steps": float(Q),
        }

    def unpadded(self, settings: Mapping[str, float]) -> Recall:
        N, M, V, Q = (int(settings.get(f"world.{size}", getattr(self, f"max_{size}"))) for size in self.sizes)
        return Recall(N, M, V, Q, dimensions=self.dimensions)
