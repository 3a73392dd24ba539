"""Lock: a long corridor where one wrong action ends all hope.

The rich-observation combination lock. At every depth there are two good states, a and b, in each of which one hidden
action leads on, to a or b of the next depth with probability 1/2 each; every other one leads to c, for good, which is
sweetened by 0.1 half of the time. The right action at the last depth pays 1. Observations mix state and depth; or
every state at every depth has many looks, and nothing about a look tells whose it is. Then what is seen, and how often,
depends on where one goes, and which looks belong together is worth knowing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from regimax import prng
from regimax.envs.behaviour import random_behaviour
from regimax.envs.sized import Sized, randint_below, task_key, task_setting
from regimax.errors import UserError
from regimax.types import Array, Field, HParams, Setting, Spec, Trajectory

A, B, C = 0, 1, 2
LURE = 0.1
NOISE = 0.1


class Params(NamedTuple):
    """What the world hides.

    Attributes:
      depth: `[]` H.
      actions: `[]` A.
      keys: `[H, 2]` int32, the action that leads on from a and from b at each depth.
      looks: `[H + 1, 3, M, D]`, N(0, 2/D), what each look of each state shows; `[0]` where state and depth are mixed.
    """

    depth: Array
    actions: Array
    keys: Array
    looks: Array


class State(NamedTuple):
    """An episode under way.

    Attributes:
      h: `[]` int32, depth; H once it is over.
      state: `[]` int32, 0 for a, 1 for b, 2 for c.
    """

    h: Array
    state: Array


@dataclass(frozen=True)
class Lock(Sized):
    """A world like a combination lock: a long corridor where one wrong action ends all hope.

    Args:
      depth: H in 2 … 64, actions per episode.
      actions: A ≥ 1; with one there is nothing to find.
      task: which task: each draws the combination anew. The stream, which shows no actions, is the same for all.
      looks: M ≥ 1 of each state at each depth, of the same norm; with 1 state and depth are mixed. With more, what was
        just answered is shown a second time, in another look.
      dimensions: D, numbers in an observation; the least power of 2 that states and depths fit into when 0.
      max_depth: padding of H; H itself when 0.
      max_actions: padding of A.

    Raises:
      UserError: for a size below its least or beyond its padding, or dimensions that are no power of 2 or too few.

    Reference:
      Misra et al., Kinematic state abstraction and provably efficient rich-observation reinforcement learning (2020),
      section 6; here without distractor states of its second kind.

    Example:
      >>> Lock(depth=4, actions=5).describe(Lock(depth=4, actions=5).defaults())["random_success"]
      0.0016
    """

    depth: int = 6
    actions: int = 4
    task: int = 0
    looks: int = 1
    dimensions: int = 0
    max_depth: int = 0
    max_actions: int = 0

    name = "Lock"
    sizes = ("depth", "actions")
    truncates = False
    reward_range = (0.0, 1.0)
    task_reads = ("world.depth", "world.actions", "world.task")
    stream_reads = ("world.depth", "world.actions")
    stream_fields = ("view",)
    stream_acts = False

    def __post_init__(self) -> None:
        super().__post_init__()
        Setting("looks", self.looks, 1, 2**20, "", integer=True).check(self.looks, "Lock: looks")
        size = self._size
        if self.dimensions and (self.dimensions < size or self.dimensions & (self.dimensions - 1)):
            raise UserError(f"Lock: dimensions = {self.dimensions} is no power of 2 of at least {size}")

    @property
    def augmented_views(self) -> bool:
        """Whether what was just answered is shown a second time."""
        return self.looks > 1

    @property
    def spec(self) -> Spec:
        return ("Lock", self.max_depth, self.max_actions, self.looks, len(self._mixing))

    @property
    def settings(self) -> tuple[Setting, ...]:
        return (
            Setting("world.depth", self.depth, 2, min(self.max_depth, 64), "H, actions per episode", integer=True),
            Setting("world.actions", self.actions, 1, self.max_actions, "A, actions", integer=True),
            task_setting(self.task, "the combination"),
        )

    @property
    def _size(self) -> int:
        """The least power of two that 3 states and H + 1 depths fit into."""
        return 2 ** math.ceil(math.log2(3 + self.max_depth + 1))

    @property
    def _mixing(self) -> np.ndarray:
        """`[D, D]`, orthonormal: a Hadamard matrix."""
        size = self.dimensions or self._size
        hadamard = np.ones((1, 1))
        while len(hadamard) < size:
            hadamard = np.kron([[1, 1], [1, -1]], hadamard)
        return (hadamard / math.sqrt(size)).astype(np.float32)

    @property
    def fields(self) -> tuple[Field, ...]:
        return (Field("view", len(self._mixing), categorical=False),)

    @property
    def num_actions(self) -> int:
        return self.max_actions

    @property
    def horizon(self) -> int:
        return self.max_depth

    @property
    def concept_sizes(self) -> tuple[int, ...]:
        """`[C]` number of values of each concept: state and depth."""
        return 3, self.max_depth

    def init(self, key: Array, settings: HParams) -> Params:
        return self._drawn(task_key(key, settings["world.task"]), key, settings)

    def stream_init(self, key: Array, settings: HParams) -> Params:
        """Draws task 0: whatever the combination, what random behaviour sees of it is as likely."""
        return self._drawn(key, key, settings)

    def _drawn(self, key: Array, key_looks: Array, settings: HParams) -> Params:
        depth, actions = settings["world.depth"], settings["world.actions"]
        keys = randint_below(jax.random.uniform(key, (self.max_depth, 2)), actions)
        looks = jnp.zeros((0,))
        if self.augmented_views:
            # A depth at a time, so that states look the same in deeper locks.
            of_depth = jax.random.split(prng.named(key_looks, "looks"), self.max_depth + 1)
            shape = (3, self.looks, len(self._mixing))
            looks = jax.vmap(lambda k: jax.random.normal(k, shape))(of_depth) * math.sqrt(2 / shape[-1])
        return Params(depth, actions, keys, looks)

    def _observe(self, key: Array, state: State, params: Params) -> Array:
        """Returns the observation `[D]`."""
        if self.augmented_views:
            key, key_look = jax.random.split(key)
            look = randint_below(jax.random.uniform(key_look), jnp.int32(self.looks))
            noise = jax.random.normal(key, (len(self._mixing),))
            return params.looks[state.h, state.state, look] + NOISE * noise
        noise = jax.random.normal(key, (len(self._mixing),))
        code = jax.nn.one_hot(state.state, noise.shape[0]) + jax.nn.one_hot(3 + state.h, noise.shape[0])
        return jnp.asarray(self._mixing) @ (code + NOISE * noise)

    def reset(self, key: Array, params: Params, previous: State | None = None) -> tuple[Array, State]:
        del previous
        key_state, key_noise = jax.random.split(key)
        state = State(jnp.zeros((), jnp.int32), randint_below(jax.random.uniform(key_state), jnp.int32(2)))
        return self._observe(key_noise, state, params), state

    def step(
        self, key: Array, state: State, action: Array, params: Params
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        key_draws, key_noise = jax.random.split(key)
        u = jax.random.uniform(key_draws, (2,))
        good = state.state != C
        on = good & (action == params.keys[state.h, jnp.minimum(state.state, B)])
        new = State(state.h + 1, jnp.where(on, randint_below(u[0], jnp.int32(2)), C))
        terminated = new.h >= params.depth
        success = (terminated & on).astype(jnp.float32)
        lure = (good & ~on & (u[1] < 0.5)).astype(jnp.float32) * LURE
        obs = self._observe(key_noise, new, params)
        info = {"outcome": success, "success": success}
        if self.augmented_views:
            info["augmented_view"] = self._observe(prng.named(key, "again"), state, params)
        return obs, new, success + lure, terminated, jnp.zeros((), bool), info

    def transcript(self, key: Array, params: Params) -> Trajectory:
        """Returns one episode of random behaviour, in which the deep states are all but never seen."""
        return random_behaviour(self, key, params)

    # What is known about the world.

    def concepts(self, state: State, params: Params) -> Array:
        return jnp.where(state.h < params.depth, jnp.stack([state.state, state.h]), -1)

    def legal(self, params: Params) -> Array:
        return jnp.arange(self.max_actions) < params.actions

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        H, actions = int(settings["world.depth"]), int(settings["world.actions"])
        latents = math.log2(3) + math.log2(H + 1) + math.log2(self.looks)
        # Who leaves the way does so for good: an episode goes through one of 2 + 4 + … + 2^H sequences of states.
        paths = 1 + math.log2(2**H - 1)
        # Random behaviour is still on its way at depth h with probability A^-h, and then goes to a, b or c.
        on = 1.0 / actions
        turn = on - sum(p * math.log2(p) for p in (on, 1.0 - on) if p > 0.0)
        stream = 1 + turn * sum(on**h for h in range(H))
        return {
            "predictable_share": self.predictable_share(settings),
            "concepts": 3 * H,
            "optimal_return": 1.0,
            "random_success": float(actions) ** -H,
            "min_reward_bits_scratch": 2 * H * math.log2(actions),
            # The stream names no action, so reward has all of them left to tell.
            "min_reward_bits_stream": 2 * H * math.log2(actions),
            "observation_bits": latents,
            "stream_bits": 2 * latents,
            "concept_bits": paths / H,
            "stream_concept_bits": stream / H,
            "action_bits": math.log2(actions),
            "episode_steps": float(H),
        }

    def predictable_share(self, settings: Mapping[str, float]) -> float:
        """Returns the share of the variance of what the stream shows next that state and depth before it foretell.

        Of one look, depth is certain; a good state is left with probability 1 − 1/A, and for a or b alike otherwise. Of
        M looks, it is that of a second look at the same, the expected one of all worlds: a look varies about the mean
        of the state's M, which itself has 1/M of its variance.

        Args:
          settings: the world's, by name.
        """
        H, actions = int(settings["world.depth"]), int(settings["world.actions"])
        good = [float(actions) ** -h for h in range(H + 1)]
        if self.augmented_views:
            # The chance to see the same state twice.
            there = sum((p / H) ** 2 / 2 + ((1.0 - p) / H) ** 2 for p in good[:-1])
            norm = 1.0 + len(self._mixing) * NOISE**2 / 2
            return (1.0 - there) / self.looks / (norm - there / self.looks)
        before, after = sum(good[:-1]) / H, sum(good[1:]) / H
        certain = 2 * (0.5 / actions) ** 2 + (1.0 - 1.0 / actions) ** 2  # chance to guess what follows a good state
        pooled = 2 * (after / 2) ** 2 + (1.0 - after) ** 2
        depth = 1.0 - 1.0 / H
        foretold = depth + before * certain + (1.0 - before) - pooled
        return foretold / (depth + 1.0 - pooled + len(self._mixing) * NOISE**2)

    def unpadded(self, settings: Mapping[str, float]) -> Lock:
        depth, actions = int(settings["world.depth"]), int(settings["world.actions"])
        return Lock(depth, actions, looks=self.looks, dimensions=self.dimensions)
