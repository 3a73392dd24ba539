"""Corridor: a position that lasts and moves, seen in many looks, and a reward that comes late.

There are K positions on a ring. From one step to the next the position lasts with probability p, and then moves on by
one with probability m; otherwise it is drawn anew. An observation is one of the position's M looks. The right answer is
π(position); what was answered pays Δ steps later, while the position goes its own way. So what comes next can be told
from what is seen, the better the sooner, and what is paid now was earned elsewhere: prediction at a horizon and a model
of reward at a lag have different work to do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from regimax.envs.answers import noisy_bits
from regimax.envs.assignment import assignment_bits, episodes_floor
from regimax.envs.sized import Sized, permutation, randint_below, task_key, task_setting
from regimax.ops import information
from regimax.types import Array, Field, HParams, Setting, Spec, Trajectory

FARTHEST = 64
"""The farthest horizon of the stream, steps."""


class Structure(NamedTuple):
    """What the world hides.

    Attributes:
      positions: `[]` K.
      num_looks: `[]` M.
      persistence: `[]` p.
      moves: `[]` m.
      noise: `[]` σ.
      looks: `[K, M, D]`, N(0, 1), what each look of each position shows.
      answers: `[K]` int32, π.
    """

    positions: Array
    num_looks: Array
    persistence: Array
    moves: Array
    noise: Array
    looks: Array
    answers: Array


class TaskParams(NamedTuple):
    """`Structure`, H and Δ."""

    hidden: Structure
    decisions: Array
    lag: Array


class StreamParams(NamedTuple):
    """`Structure`, and how many steps lie between the observations of a pair."""

    hidden: Structure
    ahead: Array


class State(NamedTuple):
    """An episode under way.

    Attributes:
      t: `[]` int32, steps made.
      z: `[]` int32, the position.
      right: `[H]` bool, which of the decisions so far were right.
    """

    t: Array
    z: Array
    right: Array


@dataclass(frozen=True)
class Corridor(Sized):
    """A world of a position that lasts and moves, and of a reward that comes late.

    An episode has H + Δ steps. What is done at each of the first H counts, and pays 1/H Δ steps later if it is right;
    what is done afterwards does not. With H = 1 that is the outcome of the episode. Success is to be right H times.

    Args:
      positions: K ≥ 2, the number of answers too.
      looks: M ≥ 1 of each position; with 1 there is no concept to find.
      decisions: H ≥ 1 per episode.
      lag: Δ ≥ 0, steps from what is done to what it pays.
      persistence: p, probability that the position lasts from one step to the next; with 0 nothing can be predicted.
      moves: m, probability that a position that lasts moves on by one.
      noise: σ ≥ 0 of each number of an observation, whose signal has variance 1.
      ahead: steps from what the stream shows first to what it shows then, 1 … 64: the horizon of prediction.
      task: which task: each draws π anew, over the same positions and looks.
      dimensions: D, numbers in an observation.
      max_positions: padding of K; K itself when 0.
      max_looks: padding of M.
      max_decisions: padding of H.
      max_lag: padding of Δ.

    Raises:
      UserError: for a size below its least or beyond its padding, or a value out of range.

    Example:
      >>> world = Corridor(positions=4, looks=16, persistence=0.9)
      >>> [round(world.shared_bits(world.defaults(), steps), 2) for steps in (1, 4, 16, 64)]
      [1.5, 0.77, 0.07, 0.0]
    """

    positions: int = 4
    looks: int = 16
    decisions: int = 1
    lag: int = 4
    persistence: float = 0.9
    moves: float = 0.0
    noise: float = 0.1
    ahead: int = 1
    task: int = 0
    dimensions: int = 64
    max_positions: int = 0
    max_looks: int = 0
    max_decisions: int = 0
    max_lag: int = 0

    name = "Corridor"
    sizes = ("positions", "looks", "decisions", "lag")
    truncates = False
    reward_range = (0.0, 1.0)
    stream_reads = tuple(f"world.{s}" for s in ("positions", "looks", "persistence", "moves", "noise", "ahead"))
    task_reads = (*stream_reads[:-1], "world.decisions", "world.lag", "world.task")
    stream_fields = ("view",)
    stream_acts = False

    def __post_init__(self) -> None:
        super().__post_init__()
        Setting("dimensions", self.dimensions, 1, 2**20, "", integer=True).check(
            self.dimensions, "Corridor: dimensions"
        )

    @property
    def spec(self) -> Spec:
        return ("Corridor", self.max_positions, self.max_looks, self.max_decisions, self.max_lag, self.dimensions)

    @property
    def settings(self) -> tuple[Setting, ...]:
        K, M, H, lag = self.max_positions, self.max_looks, self.max_decisions, self.max_lag
        return (
            Setting("world.positions", self.positions, 2, K, "K, positions, and answers", integer=True),
            Setting("world.looks", self.looks, 1, M, "M, looks of each position", integer=True),
            Setting("world.decisions", self.decisions, 1, H, "H, decisions per episode", integer=True),
            Setting("world.lag", self.lag, 0, lag, "Δ, steps from what is done to what it pays", integer=True),
            Setting("world.persistence", self.persistence, 0, 1, "p, probability that the position lasts for a step"),
            Setting("world.moves", self.moves, 0, 1, "m, probability that a position that lasts moves on by one"),
            Setting("world.noise", self.noise, 0, 1e3, "σ, noise of each number, against a signal of variance 1"),
            Setting("world.ahead", self.ahead, 1, FARTHEST, "steps ahead that the stream's pairs lie", integer=True),
            task_setting(self.task, "the answers"),
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        return (Field("view", self.dimensions, categorical=False),)

    @property
    def num_actions(self) -> int:
        return self.max_positions

    @property
    def horizon(self) -> int:
        return self.max_decisions + self.max_lag

    @property
    def stream_steps(self) -> int:
        """A transcript is a pair."""
        return 1

    @property
    def concept_sizes(self) -> tuple[int, ...]:
        """`[C]` number of values of each concept: the position."""
        return (self.max_positions,)

    # Hidden structure.

    def _hidden(self, key: Array, settings: HParams, task: Array | None = None) -> Structure:
        """The structure as a task draws it; without one, which is the stream's, as task 0 does."""
        key_looks, key_answers = jax.random.split(key)
        if task is not None:
            key_answers = task_key(key_answers, task)
        positions = settings["world.positions"]
        return Structure(
            positions=positions,
            num_looks=settings["world.looks"],
            persistence=settings["world.persistence"],
            moves=settings["world.moves"],
            noise=settings["world.noise"],
            looks=jax.random.normal(key_looks, (self.max_positions, self.max_looks, self.dimensions)),
            answers=permutation(key_answers, positions, self.max_positions),
        )

    def init(self, key: Array, settings: HParams) -> TaskParams:
        hidden = self._hidden(key, settings, settings["world.task"])
        return TaskParams(hidden, settings["world.decisions"], settings["world.lag"])

    def stream_init(self, key: Array, settings: HParams) -> StreamParams:
        return StreamParams(self._hidden(key, settings), settings["world.ahead"])

    # Episodes.

    def _later(self, key: Array, z: Array, hidden: Structure, steps: Array, most: int) -> Array:
        """Returns the position so many steps later, at most `most`."""
        u = jax.random.uniform(key, (2 + most,))
        moved = jnp.sum((u[2:] < hidden.moves) & (jnp.arange(most) < steps))
        lasts = u[0] < hidden.persistence ** steps.astype(jnp.float32)
        return jnp.where(lasts, (z + moved) % hidden.positions, randint_below(u[1], hidden.positions))

    def view(self, key: Array, z: Array, hidden: Structure) -> Array:
        """Returns an observation `[D]` of the position `z`, in a look of its own."""
        key_look, key_noise = jax.random.split(key)
        look = randint_below(jax.random.uniform(key_look), hidden.num_looks)
        return hidden.looks[z, look] + hidden.noise * jax.random.normal(key_noise, (self.dimensions,))

    def reset(self, key: Array, params: TaskParams, previous: State | None = None) -> tuple[Array, State]:
        del previous  # every episode is drawn afresh
        key_place, key_view = jax.random.split(key)
        z = randint_below(jax.random.uniform(key_place), params.hidden.positions)
        state = State(jnp.zeros((), jnp.int32), z, jnp.zeros((self.max_decisions,), bool))
        return self.view(key_view, z, params.hidden), state

    def step(
        self, key: Array, state: State, action: Array, params: TaskParams
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        (hidden, H, lag), turn = params, jnp.arange(self.max_decisions)
        key_place, key_view = jax.random.split(key)
        right = state.right | ((turn == state.t) & (turn < H) & (action == hidden.answers[state.z]))
        paid = jnp.any(right & (turn == state.t - lag))
        new = State(state.t + 1, self._later(key_place, state.z, hidden, jnp.ones((), jnp.int32), 1), right)
        terminated = new.t >= H + lag
        reward = paid.astype(jnp.float32) / H
        info = {
            "outcome": jnp.where(H == 1, reward, 0.0),
            "has_outcome": (H == 1).astype(jnp.float32),
            "success": (terminated & (right.sum() == H)).astype(jnp.float32),
        }
        return self.view(key_view, new.z, hidden), new, reward, terminated, jnp.zeros((), bool), info

    def transcript(self, key: Array, params: StreamParams) -> Trajectory:
        """Returns two looks, so many steps apart, at a position that nobody has a hand in: one step."""
        key_place, key_later, key_first, key_second = jax.random.split(key, 4)
        z = randint_below(jax.random.uniform(key_place), params.hidden.positions)
        later = self._later(key_later, z, params.hidden, params.ahead, FARTHEST)
        one, zero = jnp.ones((1,)), jnp.zeros((1,))
        return Trajectory(
            obs_tm1=self.view(key_first, z, params.hidden)[None],
            first_tm1=one,
            a_tm1=jnp.zeros((1,), jnp.int32),
            r_t=zero,
            known_t=zero,
            discount_t=zero,
            truncated_t=zero,
            obs_t=self.view(key_second, later, params.hidden)[None],
            mask_tm1=one,
            carry=(),
            extras={},
        )

    # What is known about the world.

    def concepts(self, state: State, params: TaskParams) -> Array:
        del params
        return state.z[None]

    def halves(self, params: TaskParams) -> tuple[TaskParams, TaskParams]:
        """Returns the same world with half of the looks of every position, and with the others; both whole for M = 1.

        A probe is fitted in the one and asked in the other.
        """
        hidden = params.hidden
        first = (hidden.num_looks + 1) // 2
        shift = jnp.where(hidden.num_looks > 1, first, 0)
        others = hidden.looks[:, (jnp.arange(self.max_looks) + shift) % self.max_looks]
        rest = hidden._replace(looks=others, num_looks=hidden.num_looks - shift)
        return params._replace(hidden=hidden._replace(num_looks=first)), params._replace(hidden=rest)

    def legal(self, params: TaskParams | StreamParams) -> Array:
        return jnp.arange(self.max_positions) < params.hidden.positions

    def transitions(self, settings: Mapping[str, float], steps: int = 1) -> np.ndarray:
        """Returns `[K, K]`, the probabilities of positions so many steps later.

        Args:
          settings: the world's, by name.
          steps: how many.
        """
        K = int(settings["world.positions"])
        p, m = float(settings["world.persistence"]), float(settings["world.moves"])
        lasts = (1.0 - m) * np.eye(K) + m * np.roll(np.eye(K), 1, axis=1)
        return np.linalg.matrix_power(p * lasts + (1.0 - p) / K, steps)

    def shared_bits(self, settings: Mapping[str, float], steps: int) -> float:
        """Returns what positions so many steps apart tell about each other, bits.

        Args:
          settings: the world's, by name.
          steps: how many.
        """
        return math.log2(int(settings["world.positions"])) - self._uncertainty(settings, steps)

    def _uncertainty(self, settings: Mapping[str, float], steps: int) -> float:
        """The entropy of a position, given that so many steps before, bits."""
        chance = self.transitions(settings, steps)[0]
        return -sum(p * math.log2(p) for p in chance.tolist() if p > 0)

    def predictable_share(self, settings: Mapping[str, float]) -> float:
        """Returns the share of the variance of the stream's later observation that the earlier position foretells.

        It is the expected one of all worlds, in closed form. An observation varies by its look about the mean of its
        position's M looks, which itself has a variance of 1/M; of that as much is foretold as the eigenvalues of
        `transitions` leave.

        Args:
          settings: the world's, by name.
        """
        K, M = int(settings["world.positions"]), int(settings["world.looks"])
        # Transitions are the same from everywhere: their Fourier transform has the eigenvalues, the first for the mean.
        row = self.transitions(settings, int(settings["world.ahead"]))[0]
        kept = float(np.sum(np.abs(np.fft.fft(row)[1:]) ** 2)) / K
        return kept / M / (1.0 - 1.0 / (K * M) + float(settings["world.noise"]) ** 2)

    def episodes_floor(self, settings: Mapping[str, float], success: float) -> float:
        """Returns the episodes that half of the worlds need at least for a success rate, from reward alone; for H = 1.

        Args:
          settings: the world's, by name.
          success: θ, a probability.
        """
        return episodes_floor(int(settings["world.positions"]), int(settings["world.looks"]), success)

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        K, M, H, lag = (int(settings[f"world.{size}"]) for size in self.sizes)
        noise, steps = settings["world.noise"], H + lag
        gaussian = noisy_bits(self.dimensions, noise)
        bits = min(math.log2(K) + math.log2(M), gaussian)
        scratch, answers = assignment_bits(K, M), information.log2_factorial(K)
        return {
            "concepts": K,
            "optimal_return": 1.0,
            "random_success": float(K) ** -H,
            "min_reward_bits_scratch": scratch,
            # Where nothing lasts, nothing that passes by says which looks belong together.
            "min_reward_bits_stream": answers if settings["world.persistence"] > 0 else scratch,
            "predictable_share": self.predictable_share(settings),
            "observation_bits": bits,
            "stream_bits": 2 * bits,
            "concept_bits": (math.log2(K) + (steps - 1) * self._uncertainty(settings, 1)) / steps,
            "stream_concept_bits": math.log2(K) + self._uncertainty(settings, int(settings["world.ahead"])),
            "action_bits": math.log2(K),
            "episode_steps": float(steps),
            "paid_steps": float(H if H > 1 else 0),
        }

    def unpadded(self, settings: Mapping[str, float]) -> Corridor:
        K, M, H, lag = (int(settings.get(f"world.{size}", getattr(self, f"max_{size}"))) for size in self.sizes)
        return Corridor(K, M, H, lag, dimensions=self.dimensions)
