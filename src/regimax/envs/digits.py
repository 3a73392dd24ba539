"""Digits: real handwritten images, of which some are kept for evaluation, so that concepts must generalise.

An observation shows F of the 1,797 handwritten digits that scikit-learn ships side by side. Every world draws which
digits are its V values, what each of them is worth, and which K of the F positions count; the right answer is the sum
of what these are worth, and for K = 1 just that of the one digit. Reward tells one bit an episode of that. The
reward-free stream shows every image twice, shifted, turned and scaled, and never says which digit it is.

Learning is shown M images of each digit; evaluations are played on others, which nobody has seen. Install it with
``pip install 'regimax[digits]'``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax.envs.answers import noisy_bits, paid
from regimax.envs.handwriting import DIGITS, MEAN, PIXELS, SPREAD, collection, moved, variances
from regimax.envs.pairs import paired
from regimax.envs.sized import Sized, permutation, randint_below, task_key, task_setting
from regimax.errors import UserError
from regimax.ops import information
from regimax.types import Array, Field, HParams, Setting, Spec, Trajectory

LEARNT = 87
"""Images of each digit that learning may be shown: half of those of the rarest one."""
EXACT = 24
"""Bits of a pixel that nothing blurs."""


class Structure(NamedTuple):
    """What the world shows.

    Attributes:
      factors: `[]` F.
      values: `[]` V.
      noise: `[]` σ.
      augment: `[]` how far views of one image are moved.
      num_looks: `[]` M.
      held_out: `[]` whether evaluations are played on other images.
      order: `[V, 183]` int32, the images of each value, in an order of this world's own.
      total: `[V]` int32, how many there are.
      first: `[]` int32, where in that order those begin that are shown.
      shown: `[V]` int32, how many are.
    """

    factors: Array
    values: Array
    noise: Array
    augment: Array
    num_looks: Array
    held_out: Array
    order: Array
    total: Array
    first: Array
    shown: Array


class TaskParams(NamedTuple):
    """What the task hides.

    Attributes:
      hidden: `Structure`.
      counts: `[F]` bool, which positions count.
      worth: `[V]` int32, π: what each value is worth.
      counted: `[]` K.
      jitter: `[]` how far what an episode shows is moved.
      decisions: `[]` H.
      graded: `[]` whether right answers are counted.
    """

    hidden: Structure
    counts: Array
    worth: Array
    counted: Array
    jitter: Array
    decisions: Array
    graded: Array


class StreamParams(NamedTuple):
    """`Structure` alone."""

    hidden: Structure


class State(NamedTuple):
    """An episode under way.

    Attributes:
      t: `[]` int32, decisions made.
      z: `[F]` int32, the values in sight.
      image: `[F]` int32, the images in sight.
      right: `[]` int32, how many answers so far were right.
    """

    t: Array
    z: Array
    image: Array
    right: Array


@dataclass(frozen=True)
class Digits(Sized):
    """A world of handwritten digits, some of which count.

    Args:
      factors: F ≥ 1, digits side by side.
      values: V from 2 to 10, digits that there are in a world, each as often.
      looks: M from 1 to 87, images of each that learning is shown.
      counted: K from 1 to F, positions that count; the answer is one of K(V − 1) + 1.
      decisions: H ≥ 1 per episode, which is solved iff all are right; digits are drawn anew for each.
      graded: whether an episode pays the share of its answers that were right; otherwise 1 iff all were.
      held_out: whether evaluations show other images than learning; without it, and with one look, there is no concept
        to find.
      noise: σ ≥ 0 of each pixel, whose signal has variance 1.
      jitter: how far the images of an episode are moved; 0 shows them as they are, 1 shifts them by up to a pixel,
        turns them by up to 0.35 rad and scales them by up to 15 %.
      augment: the same of the views of one image: the stream's pairs, and what follows an answer.
      task: which task: each draws the positions that count and what digits are worth anew, over the same images.
      max_factors: padding of F; F itself when 0.
      max_values: padding of V.
      max_counted: padding of K.
      max_decisions: padding of H.

    Raises:
      UserError: if scikit-learn is not installed, for a size below its least or beyond its padding, or a value out of
        range.

    Example:
      >>> world = Digits(factors=2)
      >>> known = world.describe(world.defaults())
      >>> known["random_success"], round(known["min_reward_bits_stream"], 2)
      (0.1, 22.79)
    """

    factors: int = 1
    values: int = DIGITS
    looks: int = LEARNT
    counted: int = 1
    decisions: int = 1
    graded: bool = False
    held_out: bool = True
    noise: float = 0.0
    jitter: float = 0.0
    augment: float = 1.0
    task: int = 0
    max_factors: int = 0
    max_values: int = 0
    max_counted: int = 0
    max_decisions: int = 0

    name = "Digits"
    sizes = ("factors", "values", "counted", "decisions")
    truncates = False
    augmented_views = True
    reward_range = (0.0, 1.0)
    stream_reads = tuple(f"world.{s}" for s in ("factors", "values", "looks", "held_out", "noise", "augment"))
    task_reads = (*stream_reads, *(f"world.{s}" for s in ("counted", "jitter", "decisions", "graded", "task")))
    stream_fields = ("image",)
    stream_acts = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_values > DIGITS:
            raise UserError(f"Digits: max_values = {self.max_values} is more than there are: {DIGITS}")
        if self.counted > self.factors:
            raise UserError(f"Digits: counted = {self.counted} is more than factors = {self.factors}")
        collection()

    @property
    def spec(self) -> Spec:
        return ("Digits", self.max_factors, self.max_values, self.max_counted, self.max_decisions)

    @property
    def settings(self) -> tuple[Setting, ...]:
        F, V, K, H = self.max_factors, min(self.max_values, DIGITS), self.max_counted, self.max_decisions
        return (
            Setting("world.factors", self.factors, 1, F, "F, digits side by side", integer=True),
            Setting("world.values", self.values, 2, V, "V, digits that there are", integer=True),
            Setting("world.looks", self.looks, 1, LEARNT, "M, images of each for learning", integer=True),
            Setting("world.counted", self.counted, 1, K, "K, positions that count, at most F", integer=True),
            Setting("world.decisions", self.decisions, 1, H, "H, decisions per episode", integer=True),
            Setting("world.graded", self.graded, 0, 1, "pay the share of right answers, not all", integer=True),
            Setting("world.held_out", self.held_out, 0, 1, "evaluate on images never learnt from", integer=True),
            Setting("world.noise", self.noise, 0, 1e3, "σ, noise of each pixel, against a signal of variance 1"),
            Setting("world.jitter", self.jitter, 0, 4, "how far images of an episode are moved"),
            Setting("world.augment", self.augment, 0, 4, "how far views of one image are moved"),
            task_setting(self.task, "which positions count and what digits are worth"),
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        return (Field("image", self.max_factors * PIXELS, categorical=False),)

    @property
    def num_actions(self) -> int:
        return self.max_counted * (self.max_values - 1) + 1

    @property
    def horizon(self) -> int:
        return self.max_decisions

    @property
    def concept_sizes(self) -> tuple[int, ...]:
        """`[C]` number of values of each concept: the positions."""
        return (self.max_values,) * self.max_factors

    # Hidden structure.

    def _hidden(self, key: Array, settings: HParams) -> Structure:
        _, members, numbers = (jnp.asarray(x) for x in collection())
        key_digits, key_order = jax.random.split(key)
        digits = jax.random.permutation(key_digits, DIGITS)[: self.max_values]
        chance = jax.random.uniform(key_order, members.shape)
        chance = jnp.where(jnp.arange(members.shape[1])[None] < numbers[:, None], chance, 2.0)
        order = jnp.take_along_axis(members, jnp.argsort(chance, axis=-1), axis=-1)
        looks = settings["world.looks"]
        return Structure(
            factors=settings["world.factors"],
            values=settings["world.values"],
            noise=settings["world.noise"],
            augment=settings["world.augment"],
            num_looks=looks,
            held_out=settings["world.held_out"],
            order=order[digits],
            total=numbers[digits],
            first=jnp.zeros((), jnp.int32),
            shown=jnp.full((self.max_values,), looks),
        )

    def init(self, key: Array, settings: HParams) -> TaskParams:
        key_world, key_task = jax.random.split(key)
        hidden = self._hidden(key_world, settings)
        key_counts, key_worth = jax.random.split(task_key(key_task, settings["world.task"]))
        counted = jnp.minimum(settings["world.counted"], hidden.factors)
        places = permutation(key_counts, hidden.factors, self.max_factors)
        return TaskParams(
            hidden=hidden,
            counts=places < counted,
            worth=permutation(key_worth, hidden.values, self.max_values),
            counted=counted,
            jitter=settings["world.jitter"],
            decisions=settings["world.decisions"],
            graded=settings["world.graded"],
        )

    def stream_init(self, key: Array, settings: HParams) -> StreamParams:
        return StreamParams(self._hidden(jax.random.split(key)[0], settings))

    # Episodes.

    def _drawn(self, key: Array, hidden: Structure) -> tuple[Array, Array]:
        """Returns values `[F]`, and an image of each."""
        u = jax.random.uniform(key, (2, self.max_factors))
        z = randint_below(u[0], hidden.values)
        return z, hidden.order[z, hidden.first + randint_below(u[1], hidden.shown[z])]

    def view(self, key: Array, image: Array, hidden: Structure, strength: Array) -> Array:
        """Returns an observation `[D]` of the images `[F]`, each moved by so much at random."""
        F = self.max_factors
        key_moved, key_noise = jax.random.split(key)
        ink = jnp.asarray(collection().images)[image].astype(jnp.float32) / 16.0
        ink = jax.vmap(moved, in_axes=(0, 0, None))(jax.random.uniform(key_moved, (F, 4)), ink, strength)
        pixels = (ink - MEAN) / SPREAD + hidden.noise * jax.random.normal(key_noise, (F, PIXELS))
        return jnp.where(jnp.arange(F)[:, None] < hidden.factors, pixels, 0.0).reshape(-1)

    def reset(self, key: Array, params: TaskParams, previous: State | None = None) -> tuple[Array, State]:
        del previous  # every episode is drawn afresh
        key_drawn, key_view = jax.random.split(key)
        z, image = self._drawn(key_drawn, params.hidden)
        zero = jnp.zeros((), jnp.int32)
        return self.view(key_view, image, params.hidden, params.jitter), State(zero, z, image, zero)

    def answer(self, z: Array, params: TaskParams) -> Array:
        """Returns int32 `[]`: the right answer to values `[F]`."""
        return jnp.sum(jnp.where(params.counts, params.worth[z], 0))

    def step(
        self, key: Array, state: State, action: Array, params: TaskParams
    ) -> tuple[Array, State, Array, Array, Array, dict[str, Array]]:
        hidden = params.hidden
        right = state.right + (action == self.answer(state.z, params))
        key_drawn, key_view, key_other = jax.random.split(key, 3)
        new = State(state.t + 1, *self._drawn(key_drawn, hidden), right)
        outcome, success, terminated = paid(right, new.t, params.decisions, params.graded)
        # What was just answered is shown a second time, moved: a pair of the agent's own.
        again = self.view(key_other, state.image, hidden, hidden.augment)
        info = {"outcome": outcome, "success": success, "augmented_view": again}
        obs = self.view(key_view, new.image, hidden, params.jitter)
        return obs, new, outcome, terminated, jnp.zeros((), bool), info

    def transcript(self, key: Array, params: StreamParams) -> Trajectory:
        hidden = params.hidden

        def pair(key: Array) -> tuple[Array, Array]:
            key_drawn, key_first, key_second = jax.random.split(key, 3)
            _, image = self._drawn(key_drawn, hidden)
            first, second = (self.view(k, image, hidden, hidden.augment) for k in (key_first, key_second))
            return first, second

        return paired(*jax.vmap(pair)(jax.random.split(key, self.max_decisions)))

    # What is known about the world.

    def unseen(self, params: TaskParams | StreamParams) -> TaskParams | StreamParams:
        """Returns the same world with the images that are kept from learning; itself without `held_out`."""
        hidden = params.hidden
        kept = hidden.held_out > 0
        first = jnp.where(kept, LEARNT, hidden.first)
        shown = jnp.where(kept, hidden.total - LEARNT, hidden.shown)
        return params._replace(hidden=hidden._replace(first=first, shown=shown))

    def halves(self, params: TaskParams) -> tuple[TaskParams, TaskParams]:
        """Returns the same world with the images of learning, and with those that are kept from it.

        Without `held_out`: with half of the images of learning, and with the others; both whole for M = 1.
        """
        hidden, others = params.hidden, self.unseen(params).hidden
        kept, M = hidden.held_out > 0, hidden.num_looks
        half = (M + 1) // 2
        first = jnp.where(M > 1, half, 0)
        fitted = hidden._replace(shown=jnp.where(kept, hidden.shown, half))
        asked = others._replace(
            first=jnp.where(kept, others.first, first), shown=jnp.where(kept, others.shown, M - first)
        )
        return params._replace(hidden=fitted), params._replace(hidden=asked)

    def concepts(self, state: State, params: TaskParams) -> Array:
        return jnp.where(jnp.arange(self.max_factors) < params.hidden.factors, state.z, -1)

    def legal(self, params: TaskParams) -> Array:
        return jnp.arange(self.num_actions) <= params.counted * (params.hidden.values - 1)

    def describe(self, settings: Mapping[str, float]) -> dict[str, float]:
        F, V, K, H = self._sizes(settings)
        M, noise = int(settings["world.looks"]), settings["world.noise"]
        numbers = F * PIXELS
        # No more than which images it shows, where they are as they are, and no more than what noise lets through.
        latents = F * (math.log2(V) + math.log2(M))
        gaussian = noisy_bits(numbers, noise)
        most = min(EXACT * numbers, gaussian)
        # Which positions count and what each digit is worth. Nothing says that a learner cannot know by itself which
        # images look alike, so that nobody needs more.
        bits = information.log2_factorial(V) + information.log2_binomial(F, K)
        return {
            "concepts": F * V,
            "optimal_return": 1.0,
            "random_success": float(K * (V - 1) + 1) ** -H,
            "min_reward_bits_scratch": bits,
            "min_reward_bits_stream": bits,
            "predictable_share": self.predictable_share(settings),
            "observation_bits": most if settings["world.jitter"] > 0 else min(latents, most),
            "stream_bits": 2 * (most if settings["world.augment"] > 0 else min(latents, most)),
            "concept_bits": F * math.log2(V),
            "stream_concept_bits": F * math.log2(V),
            "action_bits": math.log2(K * (V - 1) + 1),
            "episode_steps": float(H),
        }

    def episodes_floor(self, settings: Mapping[str, float], success: float) -> float:
        """Returns the episodes that half of the worlds need at least for a success rate, whatever is known of images.

        Of all ways in which V digits can be worth 0 to V − 1, one answers often enough in those that differ from its
        own in at most (1 − success)·V digits; every episode tells one bit. For K = H = 1.

        Args:
          settings: the world's, by name.
          success: θ, a probability above 1/V.
        """
        F, V, *_ = self._sizes(settings)

        def deranged(n: int) -> int:
            """Permutations that leave nothing in its place."""
            return sum((-1) ** i * math.factorial(n) // math.factorial(i) for i in range(n + 1))

        near = sum(math.comb(V, i) * deranged(i) for i in range(int((1.0 - success) * V + 1e-9) + 1))
        return max(0.0, information.log2_factorial(V) + math.log2(F) - math.log2(near) - 1.0)

    def predictable_share(self, settings: Mapping[str, float]) -> float:
        """Returns the share of the variance of a second view that the image in the first foretells.

        It is the expected one of all worlds, which draw V digits and M images of each. What is not foretold is how the
        image is moved, and noise.

        Args:
          settings: the world's, by name.
        """
        _, V, *_ = self._sizes(settings)
        M = int(settings["world.looks"])
        moving, still, means = variances(float(settings["world.augment"]))
        # The square of the mean of all images that are shown, both draws without replacement.
        square, numbers = (means**2).sum(-1), collection().numbers
        middle = float((means.mean(0) ** 2).sum())
        of_digits = (float(square.mean()) - middle) / V * (DIGITS - V) / (DIGITS - 1)
        of_images = float(((still - square) / M * (numbers - M) / (numbers - 1)).mean()) / V
        mean = middle + of_digits + of_images
        noise = PIXELS * (SPREAD * float(settings["world.noise"])) ** 2
        return (float(still.mean()) - mean) / (float(moving.mean()) - mean + noise)

    def _sizes(self, settings: Mapping[str, float]) -> tuple[int, ...]:
        F, V, K, H = (int(settings.get(f"world.{size}", getattr(self, f"max_{size}"))) for size in self.sizes)
        return F, V, min(K, F), H

    def unpadded(self, settings: Mapping[str, float]) -> Digits:
        F, V, K, H = self._sizes(settings)
        return Digits(F, V, counted=K, decisions=H)
