"""The oracle's view of a world: its concepts instead of its observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from regimax.envs.base import default_settings
from regimax.envs.passed_on import passes_on
from regimax.errors import UserError
from regimax.types import Array, Field, PyTree, Spec

_SAME = (
    "name",
    "settings",
    "task_reads",
    "num_actions",
    "action_range",
    "horizon",
    "truncates",
    "reward_range",
    "concept_sizes",
    "init",
    "concepts",
    "legal",
    "describe",
)
"""What the oracle's view leaves as it is; the reward-free stream is not among it."""


@passes_on(*_SAME)
@dataclass(frozen=True)
class Oracle:
    """A world whose observation is the one-hot code of each of its concepts.

    What reinforcement learning cannot do here, no representation will fix.

    Args:
      world: a world with `concept_sizes`.

    Example:
      >>> from regimax.envs import Cipher
      >>> Oracle(Cipher(symbols=6, skills=4)).fields[1]
      Field(name='concept_1', size=6, categorical=True)
    """

    world: Any

    def __post_init__(self) -> None:
        if not getattr(self.world, "concept_sizes", ()):
            raise UserError(f"the world {self.world.name} knows no concepts, so it has no oracle")

    def __getattr__(self, name: str) -> Any:
        if name == "unseen" and hasattr(self.world, name):  # which not every world has
            return self.world.unseen
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    @property
    def spec(self) -> Spec:
        return ("Oracle", self.world.spec)

    def default_settings(self, changes: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """Returns what `init` takes: traced scalars by name, see `envs.default_settings`."""
        return default_settings(self, changes)

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(Field(f"concept_{i}", size) for i, size in enumerate(self.world.concept_sizes))

    def _view(self, state: PyTree, params: PyTree) -> Array:
        concepts = self.world.concepts(state, params)
        codes = [jax.nn.one_hot(concepts[i], size) for i, size in enumerate(self.world.concept_sizes)]
        return jnp.concatenate(codes)

    def reset(self, key: Array, params: PyTree, previous: PyTree = None) -> tuple[Array, PyTree]:
        _, state = self.world.reset(key, params, previous)
        return self._view(state, params), state

    def step(
        self, key: Array, state: PyTree, action: Array, params: PyTree
    ) -> tuple[Array, PyTree, Array, Array, Array, dict[str, Array]]:
        _, state, *rest = self.world.step(key, state, action, params)
        return self._view(state, params), state, *rest

    def unpadded(self, settings: Mapping[str, float]) -> Oracle:
        return Oracle(self.world.unpadded(settings))
