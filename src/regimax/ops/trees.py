"""Trees of arrays."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from regimax.shapes import check_shapes
from regimax.types import Array, PyTree


def select(condition: Array | bool, chosen: PyTree, other: PyTree) -> PyTree:
    """Returns the tree `chosen` where the scalar `condition` holds, else `other`.

    Args:
      condition: `[]` bool.
      chosen: a tree of arrays or numbers.
      other: a tree of the same structure.

    Example:
      >>> select(jnp.asarray(False), {"w": 1.0}, {"w": 2.0})["w"].item()
      2.0
    """
    check_shapes("select", condition=(condition, ""))
    condition = jnp.asarray(condition)

    def one(a: Any, b: Any) -> Array:
        if jnp.shape(a) == jnp.shape(b) and jnp.result_type(a) == jnp.result_type(b):
            return jax.lax.select(condition, jnp.asarray(a), jnp.asarray(b))  # one operation; `jnp.where` takes three
        return jnp.where(condition, a, b)

    return jax.tree.map(one, chosen, other)
