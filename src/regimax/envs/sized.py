"""What worlds of several sizes share: padding, checked settings, and draws whose range is traced."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from regimax.envs.base import default_settings
from regimax.errors import UserError
from regimax.types import INT32, Array, Setting, number


class Sized:
    """A world (a frozen dataclass) whose sizes are padded: field `x` to field `max_x`, which is `x` itself when 0."""

    name: ClassVar[str]
    sizes: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type] - worlds are dataclasses
            object.__setattr__(self, one.name, number(getattr(self, one.name)))
        unpadded = []
        for size in self.sizes:
            padding = getattr(self, f"max_{size}", 0)
            if not isinstance(padding, int) or padding < 0:
                raise UserError(f"{self.name}: max_{size} = {padding!r} is not a whole number from 0 on")
            if not padding:
                unpadded.append(size)
                object.__setattr__(self, f"max_{size}", getattr(self, size))
        for setting in self.settings:
            name = setting.name.removeprefix("world.")
            if name in unpadded and setting.high == setting.default:  # its padding, which follows it, is no bound
                setting = setting._replace(high=math.inf)
            setting.check(setting.default, f"{self.name}: {name}")

    @property
    def settings(self) -> tuple[Setting, ...]:
        raise NotImplementedError

    @property
    def horizon(self) -> int:
        raise NotImplementedError

    @property
    def stream_steps(self) -> int:
        """A transcript is a whole episode."""
        return self.horizon

    def defaults(self) -> dict[str, float]:
        """Returns the world's own settings by name, as plain numbers: what `describe` takes."""
        return {setting.name: setting.default for setting in self.settings}

    def default_settings(self, changes: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """Returns the same as traced scalars: what `init` and `stream_init` take, see `envs.default_settings`."""
        return default_settings(self, changes)


def task_setting(task: int, drawn: str) -> Setting:
    """Returns the setting that says which of many tasks over the same concepts a world asks for.

    It is read by the task alone, never by the stream, so that all tasks share what is predicted beforehand.

    Args:
      task: its default.
      drawn: what each task draws anew, in words.
    """
    return Setting(
        "world.task", task, 0, INT32, f"which task of the same concepts: each draws {drawn} anew", integer=True
    )


def task_key(key: Array, task: Array) -> Array:
    """Returns the key that a task is drawn from: `key` itself for task 0, another for each of the others."""
    return jnp.where(task > 0, jax.random.fold_in(key, task), key)


def permutation(key: Array, size: Array, max_size: int) -> Array:
    """Returns int32 `[max_size]`: a random permutation of 0 … size − 1, then the padding in order."""
    u = jax.random.uniform(key, (max_size,))
    return jnp.argsort(jnp.where(jnp.arange(max_size) < size, u, 2.0 + jnp.arange(max_size))).astype(jnp.int32)


def randint_below(u: Array, size: Array) -> Array:
    """Returns int32 uniform on 0 … size − 1 from `u` uniform on [0, 1)."""
    return jnp.minimum((u * size).astype(jnp.int32), size - 1)
