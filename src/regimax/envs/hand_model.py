"""A hand-made model of a world, as a world: something to plan in, or to learn in, before the world itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from regimax import prng
from regimax.envs.base import HandMade, default_settings, keeps
from regimax.envs.passed_on import passes_on
from regimax.errors import UserError
from regimax.types import Array, HParams, Params, PyTree, Setting, Spec

_SAME = (
    "name",
    "fields",
    "num_actions",
    "action_range",
    "horizon",
    "truncates",
    "reward_range",
    "concept_sizes",
    "describe",
)
"""What the model leaves as it is; the reward-free stream is not among it."""


class HandModelParams(NamedTuple):
    """What the world hides, and what the model makes of it.

    Attributes:
      real: the world's params.
      model: the params by which the model moves.
    """

    real: PyTree
    model: PyTree


@passes_on(*_SAME)
@dataclass(frozen=True)
class HandModel:
    """The hand-made model of a world.

    It shows what the world shows and its episodes open as there; how they go on, and what they pay, is what those who
    made it knew. Its settings are those of the world and of the model: how much it knows is traced.

    Args:
      world: a world that a hand-made model is known of, see `HandMade`.

    Raises:
      UserError: for another world.

    Example:
      >>> from regimax.envs import Planner
      >>> [setting.name for setting in HandModel(Planner()).settings][-3:]
      ['world.known', 'world.known_ancestors', 'world.mistaken']
    """

    world: Any

    is_model = True

    def __post_init__(self) -> None:
        if not keeps(self.world, HandMade):
            raise UserError(
                f"the world {self.world.name} has no hand-made model: it does not say what one could know of it"
            )

    @property
    def spec(self) -> Spec:
        return ("HandModel", self.world.spec)

    @property
    def settings(self) -> tuple[Setting, ...]:
        return (*self.world.settings, *self.world.model_settings)

    def default_settings(self, changes: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """Returns what `init` takes: traced scalars by name, see `envs.default_settings`."""
        return default_settings(self, changes)

    @property
    def task_reads(self) -> tuple[str, ...]:
        return (*self.world.task_reads, *(setting.name for setting in self.world.model_settings))

    def init(self, key: Array, settings: HParams) -> HandModelParams:
        real = self.world.init(key, settings)
        return HandModelParams(real, self.world.hand_made(prng.named(key, "hand_model"), real, settings))

    def parts(self, key: Array) -> Params:
        """Nothing of it is learnt."""
        del key
        return {}

    def reset(self, key: Array, params: HandModelParams, previous: PyTree = None) -> tuple[Array, PyTree]:
        return self.world.reset(key, params.real, previous)

    def step(
        self, key: Array, state: PyTree, action: Array, params: HandModelParams
    ) -> tuple[Array, PyTree, Array, Array, Array, dict[str, Array]]:
        return self.world.step(key, state, action, params.model)

    def concepts(self, state: PyTree, params: HandModelParams) -> Array:
        return self.world.concepts(state, params.real)

    def legal(self, params: HandModelParams) -> Array:
        return self.world.legal(params.real)

    def unpadded(self, settings: Mapping[str, float]) -> HandModel:
        return HandModel(self.world.unpadded(settings))
