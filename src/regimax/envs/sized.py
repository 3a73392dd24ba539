"""What worlds of several sizes share: padding, checked settings, and draws whose range is traced."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp

from regimax.types import Array, Setting


class Sized:
    """A world (a frozen dataclass) whose sizes are padded: field `x` to field `max_x`, which is `x` itself when 0."""

    name: ClassVar[str]
    sizes: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        for size in self.sizes:
            if not getattr(self, f"max_{size}"):
                object.__setattr__(self, f"max_{size}", getattr(self, size))
        for setting in self.settings:
            setting.check(setting.default, f"{self.name}: {setting.name.removeprefix('world.')}")

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
        """Returns the world's own settings by name."""
        return {setting.name: setting.default for setting in self.settings}


def permutation(key: Array, size: Array, max_size: int) -> Array:
    """Returns int32 `[max_size]`: a random permutation of 0 … size − 1, then the padding in order."""
    u = jax.random.uniform(key, (max_size,))
    return jnp.argsort(jnp.where(jnp.arange(max_size) < size, u, 2.0 + jnp.arange(max_size))).astype(jnp.int32)


def below(u: Array, size: Array) -> Array:
    """Returns int32 uniform on 0 … size − 1 from `u` uniform on [0, 1)."""
    return jnp.minimum((u * size).astype(jnp.int32), size - 1)
